"""Process the items of a batch one after the other, so that none costs the others anything but time.

Whatever an item raises is that item's failed attempt. With attempts left it stays pending, as does an item
that there was no time to start; every other item has a final outcome.
"""

import logging
import time
import traceback
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

# Lambda puts this folder, and not the project, on the path.
from outcomes import (  # type: ignore[import-not-found]
    Failure,
    Outcomes,
    describe_error,
    read_text,
)
from time_limit import TimeLimit  # type: ignore[import-not-found]

NO_TIME_LEFT = Failure(
    "BatchTimedOut", "no time left in its batch: lower maxItemsPerBatch, or set childType to STANDARD"
)

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class PendingItem:
    """An item without a final outcome, how often it was tried, and how it failed in this call if it did."""

    index: int
    item: Any
    attempts: int
    failure: Failure | None = None


class Limits(NamedTuple):
    """How often an item is tried, and how long this call and all calls for the batch may still take."""

    max_attempts: int
    call_seconds: float
    batch_seconds: float | None


def process_batch(
    pending: list[PendingItem],
    process: Callable[[int, Any], Any],
    *,
    limits: Limits,
    bytes_left: int,
    clock: Callable[[], float] = time.monotonic,
) -> tuple[Outcomes, list[PendingItem]]:
    """Process pending items, in this order, as long as there is time.

    The item that runs when time is over is interrupted. None is started in the second half of the call's
    time, so that each has at least half of it. If the batch's time ends within this call, all of that is used
    instead, and what has no outcome then has failed.

    Parameters
    ----------
    pending
        The items to process.
    process
        Called with an item's index and the item.
    bytes_left
        For the outcomes of these items.
    clock
        Seconds from any start.

    Returns
    -------
    tuple
        The final outcomes, and the items for another call: those not started, then those that failed.
    """
    outcomes = Outcomes(bytes_left, len(pending))
    seconds, seconds_to_start, is_last_call = limits.call_seconds, limits.call_seconds / 2, False
    if limits.batch_seconds is not None and limits.batch_seconds <= limits.call_seconds:
        seconds, seconds_to_start, is_last_call = limits.batch_seconds, limits.batch_seconds, True
    started = clock()
    waiting = deque(pending)
    failed = []
    with TimeLimit(seconds, clock) as limit:
        while waiting and clock() - started < seconds_to_start:
            item = waiting.popleft()
            _attempt(item, process, limit, outcomes)
            if item.failure and item.attempts < limits.max_attempts:
                failed.append(item)
            elif item.failure:
                outcomes.add_failure(item.index, item.failure, item.attempts)
    left = [*waiting, *failed]
    if is_last_call and clock() - started >= seconds:
        for item in left:
            outcomes.add_failure(item.index, item.failure or NO_TIME_LEFT, item.attempts)
        left = []
    return outcomes, left


def _attempt(
    item: PendingItem, process: Callable[[int, Any], Any], limit: TimeLimit, outcomes: Outcomes
) -> None:
    """Process an item: add its result, or note how it failed."""
    item.attempts += 1
    try:
        result = limit.run(process, item.index, item.item)
    except BaseException as error:  # SystemExit too: it would end the function
        item.failure = describe_error(error)
        # As a text: Lambda's own handler for logs would raise for an exception that UTF-8 cannot write.
        cause = read_text(_format_traceback, error)
        logger.warning("Item %d failed in attempt %d: %s", item.index, item.attempts, cause)
    else:
        item.failure = outcomes.add_result(item.index, result, item.attempts)


def _format_traceback(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))
