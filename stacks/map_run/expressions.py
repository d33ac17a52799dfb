"""The JSONata expressions of a workflow with a Distributed Map.

Each is an expression without its ``{% %}``. JSONata makes a list of one item that it *builds* into the item
itself, and an empty one into nothing; so each list that is built stands in ``[ ]``. No expression here can
fail. The tests evaluate each with one item, none, and what is null or missing.
"""

import json

from stacks.config_maps import MapConfig
from stacks.expressions import literal, set_message

EXPRESS_BATCH_SECONDS = 270
"""For the items of a batch: of the 5 minutes of an Express execution, the rest is for what follows them."""
EXPRESS_TASKS_SECONDS = 285
"""After which no task of an Express child still waits for the function."""

OUTCOMES_BYTES = 248 * 1024
RESERVE_BYTES = 200
"""As in lambdas/process_item/batch.py: for the outcomes of a batch, and kept for an item that is not done."""
MAX_LOST_MESSAGE_CHARACTERS = 100
"""So that the outcome of an item whose function ended fits into its reserve. Lambda writes it, in ASCII."""

_ELAPSED_SECONDS = "($millis() - $toMillis($states.context.Execution.StartTime)) / 1000"

KEY_IS_USABLE = (
    '$type($states.input) = "object" and $count($keys($states.input)[$ != "key"]) = 0 and '
    '($not($exists($states.input.key)) or $type($states.input.key) = "string" and $states.input.key != "")'
)
MAP_OUTPUT = (
    '{"bucket": $states.input.ResultWriterDetails.Bucket, "key": $states.input.ResultWriterDetails.Key}'
)

# What has been done so far, as the state after it needs it: of the first call for a batch there is nothing
# yet, and its items are all of those that the child got.
ADD_OUTCOMES = (
    '{"outcomes": [$append($states.input.outcomes, $states.result.Payload.outcomes)], '
    '"pending": $states.result.Payload.pending, "bytesLeft": $states.result.Payload.bytesLeft}'
)
ISOLATE_PENDING = (
    '{"outcomes": [$states.input.outcomes], '
    '"pending": $exists($states.input.pending) ? $states.input.pending '
    ': [$states.input.Items.{"index": index, "attempts": 0}], '
    f'"bytesLeft": $exists($states.input.bytesLeft) ? $states.input.bytesLeft : {OUTCOMES_BYTES}}}'
)
BATCH_IS_DONE = "$count($states.input.pending) = 0"

ONE_PENDING_ITEM = "[$states.context.Map.Item.Value]"
SHARE_OF_BYTES = "$floor($states.input.bytesLeft / $count($states.input.pending))"
LOST_ITEM = (
    '{"item": $states.input.pending[0], "bytesLeft": $states.input.bytesLeft, '
    '"retries": $states.context.State.RetryCount, "error": $states.errorOutput}'
)
LOST_OUTCOME = (
    f"({set_message('$states.input.error.Cause', max_characters=MAX_LOST_MESSAGE_CHARACTERS)}; "
    '{"outcomes": [{"index": $states.input.item.index, "status": "failed", '
    '"error": {"name": $states.input.error.Error, "message": $message}, '
    '"attempts": $states.input.item.attempts + $states.input.retries + 1}], '
    f'"pending": [], "bytesLeft": $states.input.bytesLeft - {RESERVE_BYTES}}})'
)
MERGE_ITEMS = (
    '{"outcomes": [$append($states.input.outcomes, $states.result.outcomes)], '
    '"pending": [$states.result.pending], "bytesLeft": $sum($states.result.bytesLeft)}'
)


def list_key(config: MapConfig) -> str:
    """Return the expression for the key of the list: the input's, or else the configured one."""
    return f"$exists($states.input.key) ? $states.input.key : {literal(config.key)}"


def batch_payload(config: MapConfig) -> str:
    """Return the expression for what the batch handler gets."""
    seconds = EXPRESS_BATCH_SECONDS if config.childType == "EXPRESS" else None
    return (
        '{"batch": $states.context.Execution.Input, '
        '"pending": $exists($states.input.pending) ? $states.input.pending : null, '
        '"bytesLeft": $exists($states.input.bytesLeft) ? $states.input.bytesLeft : null, '
        f'"maxAttempts": {config.maxAttempts}, '
        f'"startedAt": $states.context.Execution.StartTime, "maxSeconds": {json.dumps(seconds)}}}'
    )


def task_timeout_seconds(longest: int) -> str:
    """Return the expression for how long a task of an Express child waits for the function.

    Parameters
    ----------
    longest
        Seconds that it waits when there is time enough.
    """
    return f"$max([1, $min([{longest}, $floor({EXPRESS_TASKS_SECONDS} - {_ELAPSED_SECONDS})])])"


def wait_seconds(config: MapConfig) -> str:
    """Return the expression for the pause before items are tried again.

    Whole seconds, with full jitter: at random from 0 to 1, 2, 4, 8, 16 or 30, as the item that was tried most
    often has failed once, twice and so on. Items that only had no time yet do not wait.
    """
    left = f", $max([0, $floor({EXPRESS_BATCH_SECONDS} - {_ELAPSED_SECONDS})])"
    limit = left if config.childType == "EXPRESS" else ""
    return (
        "($attempts := $max($states.input.pending.attempts); "
        f"$longest := $attempts = 0 ? 0 : $min([30, $power(2, $attempts - 1){limit}]); "
        "$floor($random() * ($longest + 1)))"
    )


def tolerance_is_exceeded(config: MapConfig) -> str:
    """Return the expression for whether more items failed than are tolerated."""
    return " or ".join(condition for condition, _ in _limits(config))


def tolerance_cause(config: MapConfig) -> str:
    """Return the expression for the sentence that says how many items failed, beyond which limit."""
    *others, (_, last) = _limits(config)
    limit = "".join(f"{condition} ? {literal(words)} : " for condition, words in others) + literal(last)
    return (
        f'$states.input.failed & " of " & $states.input.items & " items failed, " & ({limit}) & '
        '"; see s3://" & $states.input.results.bucket & "/" & $states.input.results.summary'
    )


def _limits(config: MapConfig) -> list[tuple[str, str]]:
    """Return each configured limit: the condition that it is exceeded, and words for it."""
    limits = []
    if config.toleratedFailureCount:
        count = config.toleratedFailureCount
        words = f"more than the tolerated {count} (toleratedFailureCount)"
        limits.append((f"$states.input.failed > {count}", words))
    if config.toleratedFailurePercentage:
        percentage = f"{config.toleratedFailurePercentage:.15g}"
        # Rounded, as 33.3 % of 1,000 items is a little less than 333 to a computer.
        tolerated = f"$round({percentage} * $states.input.items, 6)"
        words = f"more than the tolerated {percentage}% (toleratedFailurePercentage)"
        limits.append((f"$states.input.failed * 100 > {tolerated}", words))
    return limits or [("$states.input.failed > 0", "and none is tolerated")]
