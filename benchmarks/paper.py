"""Benchmark ``paper``: what a million items cost on AWS, and the least time they take, by the definitions.

Nothing is run: the figures are those of utils/estimate.py with the default configuration, at the prices of
us-east-1. Step Functions and the functions are priced; logs, traces and S3 come on top.
"""

from benchmarks.figures import Figure, Report, Result
from utils.forecast.cost import price_usage
from utils.forecast.engine import engine_of
from utils.forecast.makespan import bounds
from utils.forecast.mode import Mode
from utils.forecast.page import default_modes
from utils.forecast.usage import Charge, count_usage
from utils.forecast.work import Work

WORK = Work(1_000_000, seconds=0.1)
ENGINE = "AWS, on paper"


def measure(_rounds: int, report: Report) -> Result:
    """Work out the children of either type in batches; there is nothing to repeat."""
    report("reading the definitions")
    batches = [mode for mode in default_modes() if mode.workflow == "distributedMap" and is_in_batches(mode)]
    note = f"`paper` is not measured: {WORK.items:,} items of {WORK.seconds} s, default configuration."
    return Result([figure for mode in batches for figure in figures(mode)], (note,))


def is_in_batches(mode: Mode) -> bool:
    """Whether a child takes several items."""
    return mode.direct.unit_items > 1


def figures(mode: Mode) -> list[Figure]:
    """Give transitions and price by each reading that differs, and each bound of the time."""
    readings: list[Charge] = ["start_plus_states", "start_only"]
    workload = f"{WORK.items:,} items, {mode.kind}, batches of {mode.direct.unit_items}: {{}}"
    found = []
    for reading in readings[: 2 if mode.kind == "STANDARD" else 1]:
        text = workload.format("{}, " + reading if mode.kind == "STANDARD" else "{}")
        usage = count_usage(mode, WORK, reading)
        dollars = price_usage(usage)
        price = dollars.stepFunctions + dollars.lambda_
        found += [
            Figure(text.format("transitions"), ENGINE, "transitions", (usage.transitions,)),
            Figure(text.format("price"), ENGINE, "dollars", (price,)),
        ]
    least = bounds(mode, WORK, engine_of())
    found += [
        Figure(workload.format(f"least time by {name}"), ENGINE, "s", (seconds,))
        for name, seconds in least.items()
    ]
    return [*found, Figure(workload.format("least time"), ENGINE, "s", (max(least.values()),))]
