"""Benchmark ``throttled``: the queue of the throttledMap workflow, beside what its limits allow.

All items are marked. The process sleeps for a known time, and returns when it
began and ended, by its own clock. So the ideal of the queue is
``workerMaxConcurrency`` ÷ that time. A second local AWS has ``maxPerSecond``,
which then is the lower limit. Both run a short list first, which starts the
workers.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.deployment import Deployment, deploy
from benchmarks.emulators import LOCAL_AWS, Emulator, local_aws
from benchmarks.errors import BenchmarkError
from benchmarks.executions import execute
from benchmarks.figures import Figure, Report, Result

WORKFLOW = "throttledMap"
CONCURRENCY = 4
WORK_SECONDS = 0.5
"""An item has two calls to Step Functions beside its work, which shorter work would chiefly show."""
ITEMS = 200
IDEAL_PER_SECOND = CONCURRENCY / WORK_SECONDS
LIMIT_OF_IDEAL = 0.9

MAX_PER_SECOND = 5
PACED_ITEMS = 60
CLOCK_SKEW_STARTS = 1
"""How many more starts a second may have because clocks differ."""

WARMING_ITEMS = 4 * CONCURRENCY
SLEEPING_PROCESS = f"""\
import time


def process(item):
    started = time.time()
    time.sleep({WORK_SECONDS})
    return {{"started": started, "ended": time.time()}}
"""


@dataclass(frozen=True)
class Work:
    """When the process had an item: seconds since 1970."""

    started: float
    ended: float


@dataclass(frozen=True)
class Round:
    """What one round saw."""

    works: Sequence[Work]
    execution_seconds: float
    paced: Sequence[Work]


def measure(rounds: int, report: Report) -> Result:
    """Measure the local AWS."""
    measured = []
    for number in range(1, rounds + 1):
        report(f"round {number} of {rounds}: {LOCAL_AWS}, as fast as the workers are")
        works, seconds = _measure_once({"workerMaxConcurrency": CONCURRENCY}, ITEMS)
        report(f"round {number} of {rounds}: {LOCAL_AWS}, {MAX_PER_SECOND} a second")
        settings = {"workerMaxConcurrency": CONCURRENCY, "maxPerSecond": MAX_PER_SECOND}
        paced, _ = _measure_once(settings, PACED_ITEMS)
        measured.append(Round(works, seconds, paced))
    return Result(figures(measured))


def figures(measured: list[Round]) -> list[Figure]:
    """Make figures of rounds."""
    of_ideal = tuple(throughput(each.works) / IDEAL_PER_SECOND for each in measured)
    whole = tuple(len(each.works) / each.execution_seconds / IDEAL_PER_SECOND for each in measured)
    beside = tuple((CONCURRENCY / throughput(each.works) - WORK_SECONDS) * 1e3 for each in measured)
    fullest = tuple(float(fullest_second(each.paced)) for each in measured)
    paces = tuple(start_rate(each.paced) for each in measured)
    queued = f"{ITEMS} queued items, concurrency {CONCURRENCY}, {WORK_SECONDS} s each"
    paced = f"{PACED_ITEMS} queued items, {MAX_PER_SECOND} a second"
    most, least = float(MAX_PER_SECOND + CLOCK_SKEW_STARTS), LIMIT_OF_IDEAL * MAX_PER_SECOND
    first_to_last = f"{queued}: first start to last end"
    return [
        Figure(first_to_last, LOCAL_AWS, "of ideal", of_ideal, LIMIT_OF_IDEAL, more_is_better=True),
        Figure(f"{queued}: execution", LOCAL_AWS, "of ideal", whole),
        Figure(f"{queued}: beside its work", LOCAL_AWS, "ms/item", beside),
        Figure(f"{paced}: in the fullest second", LOCAL_AWS, "starts", fullest, most),
        Figure(f"{paced}: first to last start", LOCAL_AWS, "starts/s", paces, least, more_is_better=True),
    ]


def throughput(works: Sequence[Work]) -> float:
    """Return the items per second from the first start to the last end."""
    return len(works) / (max(work.ended for work in works) - min(work.started for work in works))


def start_rate(works: Sequence[Work]) -> float:
    """Return the starts per second from the first to the last, of which the first is none."""
    starts = [work.started for work in works]
    return (len(starts) - 1) / (max(starts) - min(starts))


def fullest_second(works: Sequence[Work]) -> int:
    """Return the most starts that any second has, wherever it begins; its end is not in it."""
    starts = sorted(work.started for work in works)
    return max(bisect_left(starts, start + 1) - number for number, start in enumerate(starts))


def read_works(rows: Sequence[Mapping[str, Any]], items: int) -> list[Work]:
    """Read from an execution's rows when the process had the items.

    Raises
    ------
    BenchmarkError
        An item is missing or failed, needed more than one attempt, or was not in the queue.
    """
    for index, row in enumerate(rows):
        found = (row["index"], row["status"], row.get("attempts"), row.get("route"))
        if found != (index, "succeeded", 1, "queue"):
            raise BenchmarkError(
                f"row {index + 1} is not that of item {index}, queued and done in one attempt: {row}"
            )
    if len(rows) != items:
        raise BenchmarkError(f"there are {len(rows)} rows for {items} items")
    return [Work(**row["result"]) for row in rows]


def _measure_once(settings: Mapping[str, Any], items: int) -> tuple[list[Work], float]:
    with local_aws() as ours, deploy(ours, settings, SLEEPING_PROCESS, WORKFLOW) as deployment:
        _execute(ours, deployment, WARMING_ITEMS)
        return _execute(ours, deployment, items)


def _execute(emulator: Emulator, deployment: Deployment, items: int) -> tuple[list[Work], float]:
    """Run an execution over a list; return when its items were worked on, and its seconds."""
    deployment.load(items, throttled=True)
    what = f"an execution over {items} items"
    arn = deployment.outputs["StateMachineArn"]
    execution = execute(emulator.name, emulator.states_client, arn, "{}", what)
    if execution.status != "SUCCEEDED":
        raise BenchmarkError(f"{emulator.name}: {what} ended {execution.ending}")
    return read_works(deployment.rows(execution.arn), items), execution.seconds
