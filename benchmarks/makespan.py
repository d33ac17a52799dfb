"""Benchmark ``makespan``: how far a Map of waits and sleeps is from the least time that it can take."""

import math

from benchmarks.emulators import both
from benchmarks.figures import Case, Report, Result, measure_rounds
from benchmarks.workloads import InlineMap, create_warm_map, sleeping

ITEMS = 100
CONCURRENCY = 10
WAIT_SECONDS = 1
WORK_SECONDS = 0.1
IDEAL_SECONDS = math.ceil(ITEMS / CONCURRENCY) * (WAIT_SECONDS + WORK_SECONDS)
LIMIT = 1.05


def measure(rounds: int, report: Report) -> Result:
    """Measure both emulators."""
    with both() as emulators:
        report("warming up")
        handler = sleeping(WORK_SECONDS)
        ours, stock = (
            create_warm_map(emulator, handler, CONCURRENCY, WAIT_SECONDS) for emulator in emulators
        )
        return Result(measure_rounds([_case(ours, LIMIT), _case(stock, None)], rounds, report))


def _case(run: InlineMap, limit: float | None) -> Case:
    workload = f"{ITEMS} items, concurrency {CONCURRENCY}, wait {WAIT_SECONDS} s, handler {WORK_SECONDS} s"
    return Case(workload, run.engine, "times ideal", lambda: run.seconds(range(ITEMS)) / IDEAL_SECONDS, limit)
