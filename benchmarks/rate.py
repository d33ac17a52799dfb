"""Benchmark ``map``: what an item of an inline Map takes, at three concurrencies, with warm workers."""

from dataclasses import replace

from benchmarks.emulators import Emulator, both
from benchmarks.figures import Case, Figure, Report, Result, measure_rounds
from benchmarks.workloads import PRINTING, SILENT, create_warm_map

ITEMS = 1000
LIMIT_AT_1_MS = 12.0
STOCK_ITEMS_AT_1 = 200
"""Stock MiniStack would take a minute for 1,000. Fewer favour it: its cost an item grows."""
HANDLERS = {"silent": SILENT, "printing": PRINTING}


def measure(rounds: int, report: Report) -> Result:
    """Measure both emulators; at 10 and 40 the target is stock MiniStack's figure with a printing handler."""
    with both() as (ours, stock):
        report("warming up")
        cases = [
            _case(ours, "silent", 1, ITEMS, LIMIT_AT_1_MS),
            _case(stock, "silent", 1, STOCK_ITEMS_AT_1),
        ]
        for concurrency in (10, 40):
            cases += [
                _case(ours, "silent", concurrency),
                _case(stock, "silent", concurrency),
                _case(stock, "printing", concurrency),
            ]
        figures = measure_rounds(cases, rounds, report)
    return Result([*figures[:2], *_with_target(*figures[2:5]), *_with_target(*figures[5:8])])


def _case(
    emulator: Emulator, handler: str, concurrency: int, items: int = ITEMS, limit: float | None = None
) -> Case:
    workload = f"{handler} handler, {items:,} items, concurrency {concurrency}"
    warm = create_warm_map(emulator, HANDLERS[handler], concurrency)
    return Case(workload, emulator.name, "ms/item", lambda: warm.ms_per_item(items), limit)


def _with_target(ours: Figure, silent: Figure, printing: Figure) -> list[Figure]:
    return [replace(ours, limit=printing.median), silent, printing]
