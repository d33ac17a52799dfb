"""The JSONata expressions of a child of the throttled Map, which has one item.

Each is an expression without its ``{% %}``. As in stacks/map_run/expressions.py a list that is built stands
in ``[ ]``, and no expression can fail.
"""

from stacks.expressions import literal

MAX_MESSAGE_CHARACTERS = 1000
"""How much of an error's message is kept, as of an item that is processed in a batch."""

_ATTEMPTS_BEFORE = "$states.context.State.RetryCount"

MESSAGE = {
    "token": "$states.context.Task.Token",
    "execution": "$states.input.BatchInput.execution",
    "index": "$states.input.Items[0].index",
    "item": "$states.input.Items[0].item",
    "encoding": "$states.input.BatchInput.encoding",
}
"""The body of a message, as lambdas/process_item/record.py reads it."""

# The worker counts how often it received this message; each retry sent another one.
QUEUE_OUTCOME = (
    f"($attempts := {_ATTEMPTS_BEFORE} + $states.result.attempts; "
    '{"outcomes": [$merge([$states.result, {"attempts": $attempts}])], "route": "queue"})'
)


def _caught(error: str) -> str:
    """Return the expression for what a state that records a failure gets."""
    return f'{{"index": $states.input.Items[0].index, "error": {error}, "attempts": {_ATTEMPTS_BEFORE} + 1}}'


CAUGHT_ERROR = _caught("$states.errorOutput")
FAILED_OUTCOME = (
    '{"outcomes": [{"index": $states.input.index, "status": "failed", '
    '"error": {"name": $states.input.error.Error & "", '
    f'"message": $substring($states.input.error.Cause & "", 0, {MAX_MESSAGE_CHARACTERS})}}, '
    '"attempts": $states.input.attempts}], "route": "queue"}'
)


def caught_timeout(name: str, message: str) -> str:
    """Return the expression for a timeout: both have one name in ``$states.errorOutput``, and no cause."""
    return _caught(f'{{"Error": {literal(name)}, "Cause": {literal(message)}}}')


def is_throttled(field: str) -> str:
    """Return the expression for whether the item has a field that marks it for the queue.

    The field is true, or the text "true" in any case: all values of CSV are texts.
    """
    name = literal(field)
    return (
        "($item := $states.input.Items[0].item; "
        '$isTyped := $states.input.BatchInput.encoding = "dynamodb"; '
        '$fields := $type($item) = "object" ? ($isTyped ? $item.M : $item) : {}; '
        f"$value := $lookup($fields, {name}); "
        '$mark := $isTyped and $type($value) = "object" '
        "? ($exists($value.BOOL) ? $value.BOOL : $value.S) : $value; "
        '$lowercase($string($mark)) = "true")'
    )
