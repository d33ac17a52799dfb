"""The limits that work breaks in a mode, each as the loaders say it, and what in config.json mends it."""

import math
from collections.abc import Iterator

from stacks.config_section import MAX_SECONDS
from utils import limits
from utils.aws_figures import quota
from utils.forecast.broken import Break
from utils.forecast.makespan import Makespan
from utils.forecast.mode import Mode
from utils.forecast.queue_breaks import find_message_breaks, find_queue_breaks
from utils.forecast.units import count_executions, items_of_unit, summary_items
from utils.forecast.work import Work
from utils.list_batches import BATCH_BYTES, ENTRY_BYTES

TYPED_ITEM_BYTES = len('{"S":""},')
"""What DynamoDB's types add to an item, at least."""
OUTCOME_BYTES = len('{"index":,"status":"succeeded","result":,"attempts":1},')
OUTCOMES_BYTES = 248 * 1024
EXPRESS_BATCH_SECONDS = 270
"""As in stacks/map_run/expressions.py: room for the outcomes of a batch, and the time for one."""


def find_breaks(mode: Mode, work: Work, makespan: Makespan) -> list[Break]:
    """Find all limits that work breaks in a mode, those of the list first."""
    found = [*_token(mode, work), *_marks(mode, work)]
    if mode.kind == "INLINE":
        found += _inline(mode, work)
    elif mode.messages:
        found += find_message_breaks(mode, work, makespan)
    else:
        found += [*_map_run(mode, work), *_batches(mode, work), *_tolerance(mode, work)]
        found += find_queue_breaks(mode, work)
    found += _item_time(mode, work)
    what = f"{work.items:,} item{'s' * (work.items != 1)}"
    if says := limits.timeout_sentence(what, makespan.seconds, mode.timeout_seconds):
        # Twice the time, in whole minutes: an estimate is no promise.
        timeout = math.ceil(makespan.seconds / 30) * 60
        found.append(Break(says, {"timeoutDurationSeconds": timeout} if timeout <= MAX_SECONDS else None))
    return found


def _token(mode: Mode, work: Work) -> Iterator[Break]:
    if work.needs_token and mode.queue is None:
        yield Break("an item cannot wait for a task token: only STANDARD children of throttledMap do")


def _marks(mode: Mode, work: Work) -> Iterator[Break]:
    marked = round(work.items * work.throttled_share)
    if marked and mode.queue is None and not work.needs_token:
        yield Break(
            f"{marked:,} of {work.items:,} items are for a queue, and only throttledMap has one for them"
        )


def _inline(mode: Mode, work: Work) -> Iterator[Break]:
    events = limits.history_events(work.items, fixed=mode.events, each=mode.direct.events)
    if says := limits.history_sentence(work.items, events):
        yield Break(f"{says}: it takes {count_executions(mode, work):,} executions")
    if says := limits.table_item_sentence(round(work.list_bytes)):
        yield Break(says)
    if says := limits.payload_sentence(round(work.list_bytes + work.items * TYPED_ITEM_BYTES)):
        yield Break(says)
    results = round(work.items * (work.result_bytes + 1))
    if results > limits.PAYLOAD_BYTES_LIMIT:
        yield Break(
            f"the results make {results:,} bytes, and Step Functions passes at most "
            f"{limits.PAYLOAD_BYTES_LIMIT:,} between states"
        )
    if mode.asked_at_once > mode.at_once:
        yield Break(
            f"maxConcurrency is {mode.asked_at_once:,}, and an inline Map runs at most {mode.at_once} "
            "at once",
            {"maxConcurrency": mode.at_once},
            ends=False,
        )
    failed = work.items * work.failed_share(mode.direct.attempts)
    if failed >= 1 and mode.fails_on_failure:
        yield Break(
            f"about {failed:,.0f} of {work.items:,} items fail, and the first of them ends the execution "
            "(onItemFailure is fail)",
            {"onItemFailure": "continue"},
        )


def _map_run(mode: Mode, work: Work) -> Iterator[Break]:
    route = mode.direct
    if work.list_bytes > limits.LIST_FILE_BYTES_LIMIT:
        yield Break(
            f"the list has {work.list_bytes:,.0f} bytes, and Step Functions reads at most "
            f"{limits.LIST_FILE_BYTES_LIMIT:,}: it takes {count_executions(mode, work):,} executions"
        )
    if work.items > summary_items(mode):
        yield Break(
            f"the summary of {work.items:,} items takes more time than its function has, which is enough for "
            f"about {summary_items(mode):,.0f}: it takes {count_executions(mode, work):,} executions"
        )
    most, source = route.unit_bytes, f"{mode.workflow}.maxInputBytesPerBatch"
    if math.isinf(most):
        most = limits.PAYLOAD_BYTES_LIMIT - limits.BYTES_BESIDE_ITEM
        source = f"{limits.PAYLOAD_BYTES_LIMIT:,} of Step Functions"
    entry = BATCH_BYTES + ENTRY_BYTES + len(str(work.items)) + math.ceil(work.largest)
    if says := limits.taken_input_sentence("the largest item", entry, int(most), source):
        yield Break(says)
    functions = quota("functionsAtOnce")
    if mode.at_once > functions:
        yield Break(
            f"{mode.at_once:,} at once, and an account runs {functions:,} functions, unless its quota was "
            "raised",
            {"maxConcurrency": functions},
            ends=False,
        )


def _batches(mode: Mode, work: Work) -> Iterator[Break]:
    route = mode.direct
    unit_items = items_of_unit(route, work)
    outcome = work.result_bytes + OUTCOME_BYTES + len(str(work.items))
    if unit_items * outcome > OUTCOMES_BYTES:
        fitting = int(OUTCOMES_BYTES // outcome)
        yield Break(
            f"the outcomes of a batch of {unit_items:,} make {unit_items * outcome:,.0f} bytes, and a child "
            f"gives at most {OUTCOMES_BYTES:,}",
            {"maxItemsPerBatch": fitting} if fitting and unit_items > 1 else None,
        )
    seconds = unit_items * work.seconds * work.attempts(route.attempts)
    if mode.kind == "EXPRESS" and seconds > EXPRESS_BATCH_SECONDS:
        # Four fifths of the time: not all items take what they take on average.
        fitting = int(0.8 * EXPRESS_BATCH_SECONDS * unit_items // seconds)
        yield Break(
            f"a batch of {unit_items:,} takes {seconds:,.0f} s, and an EXPRESS child has "
            f"{EXPRESS_BATCH_SECONDS}",
            {"maxItemsPerBatch": fitting} if fitting else None,
        )


def _tolerance(mode: Mode, work: Work) -> Iterator[Break]:
    failed = work.items * work.failed_share(mode.direct.attempts)
    count, percentage = mode.tolerated
    tolerated = [count] * bool(count) + [work.items * percentage / 100] * bool(percentage)
    most = min(tolerated, default=0)
    if failed >= 1 and failed > most:
        share = min(math.ceil(200 * failed / work.items), 100)
        yield Break(
            f"about {failed:,.0f} of {work.items:,} items fail, and an execution tolerates {most:,.0f}",
            {"toleratedFailurePercentage": share, "toleratedFailureCount": 0},
        )


def _item_time(mode: Mode, work: Work) -> Iterator[Break]:
    routes = [route for route in (mode.direct, mode.queue) if route]
    if work.throttled_share == 1 and mode.queue:
        routes = [mode.queue]
    timeout = min(route.function.timeout_seconds for route in routes)
    if work.seconds >= timeout:
        yield Break(
            f"an item takes {work.seconds:,.0f} s, and a call of the function ends after {timeout:,.0f} s"
        )
