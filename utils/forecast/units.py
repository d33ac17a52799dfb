"""How work falls into units: how many there are on each route, and what one of them goes through."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from utils.forecast.mode import Mode, Route
from utils.forecast.work import Work
from utils.limits import LIST_FILE_BYTES_LIMIT, longest_list

LONGEST_PAUSE_SECONDS = 30
"""Before items are tried again (stacks/map_run/expressions.py, stacks/retries.py)."""

SUMMARY_ITEMS_PER_SECOND = 130_000
"""That the function reads which sums up results. An assumption: half of what it did on a processor."""
PART_BYTES = 8 * 1024**2
"""Of an object that is written or read in parts, one request each. An assumption."""
ENTRY_BYTES = 20
"""What an item has around it in a batch or a message, index and comma included."""


@dataclass(frozen=True)
class Units:
    """All units of a route that have the same number of items."""

    route: Route
    count: int
    items: int
    """Of one unit."""


def split_units(mode: Mode, work: Work) -> Iterator[Units]:
    """Give the full units of each route, and the last one where it is not full."""
    marked = marked_items(mode, work)
    for route, items in ((mode.direct, work.items - marked), (mode.queue, marked)):
        if route is not None:
            unit_items = items_of_unit(route, work)
            full, rest = divmod(items, unit_items)
            if full:
                yield Units(route, full, unit_items)
            if rest:
                yield Units(route, 1, rest)


def items_of_unit(route: Route, work: Work) -> int:
    """Count the average items of a full unit: as many as it may have, or as many as it has room for."""
    if math.isinf(route.unit_bytes):
        return route.unit_items
    return max(1, min(route.unit_items, int(route.unit_bytes // (work.item_bytes + ENTRY_BYTES))))


def marked_items(mode: Mode, work: Work) -> int:
    """Count the items that go through the queue; 0 in a mode without one."""
    return round(work.items * work.throttled_share) if mode.queue else 0


def split_executions(mode: Mode, work: Work) -> list[tuple[int, int]]:
    """Split the list into what one execution takes.

    There are several where the history of one, its file or the time of its summary is too short for the list.

    Returns
    -------
    list of tuple
        How many executions, and how many items each of them has: full ones, and the last where it is not.
    """
    most = work.items
    if mode.kind == "INLINE":
        most = longest_list(fixed=mode.events, each=mode.direct.events)
    elif mode.kind != "MESSAGES":
        files = math.ceil(work.list_bytes / LIST_FILE_BYTES_LIMIT)
        most = math.ceil(work.items / max(files, math.ceil(work.items / summary_items(mode))))
    full, rest = divmod(work.items, most)
    return [(count, items) for count, items in ((full, most), (1, rest)) if count and items]


def summary_items(mode: Mode) -> float:
    """Give how many items' results the summary of an execution can read in its time; infinite without one."""
    return mode.summary.timeout_seconds * SUMMARY_ITEMS_PER_SECOND if mode.summary else math.inf


def count_executions(mode: Mode, work: Work) -> int:
    """Count the executions that the list takes; none in the workflow without a state machine."""
    return 0 if mode.kind == "MESSAGES" else sum(count for count, _ in split_executions(mode, work))


def work_seconds(units: Units, work: Work) -> float:
    """Average time that the function works for a unit, all attempts together."""
    return units.items * work.attempts(units.route.attempts) * work.seconds


def count_repeats(units: Units, work: Work) -> float:
    """Average number of times that a unit goes on with items that failed."""
    return work.repeats(units.route.attempts, units.items)


def count_calls(units: Units, work: Work) -> float:
    """Average number of calls of the function for a unit."""
    return 1 + count_further_calls(units, work) + count_repeats(units, work)


def count_further_calls(units: Units, work: Work) -> int:
    """Count the calls after the first that a unit needs as one has not the time for all its items."""
    if not work.seconds:
        return 0
    items_of_call = max(1, math.ceil(units.route.function.call_seconds / work.seconds))
    return -(-units.items // items_of_call) - 1


def pause_seconds(units: Units, work: Work) -> float:
    """Average time that a unit pauses before failed items are tried again: half of the longest."""
    pause = 0.0
    for attempt in range(1, units.route.attempts):
        repeats = 1 - (1 - work.failure_rate**attempt) ** units.items
        pause += repeats * min(2 ** (attempt - 1), LONGEST_PAUSE_SECONDS) / 2
    return pause
