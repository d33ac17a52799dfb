"""Benchmark ``scale``: time and memory of load, run and results over 10,000 to 1,000,000 items.

Each size has a new local AWS, on which the app is deployed with a process that
returns at once. The commands are those of a user, each a process of its own,
and the rows that they write are compared with the list. It needs Linux.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.deployment import deploy
from benchmarks.emulators import LOCAL_AWS, local_aws
from benchmarks.figures import Figure, Report, Result, marginal_growth, ratio
from benchmarks.process_memory import read_function_peaks, read_peak_bytes, require_linux

SIZES = (10_000, 100_000, 1_000_000)
CONCURRENCY = 10
BATCH = 100
COST_LIMIT = 1.3
COMMAND_LIMIT_MB = 200.0
"""Sorting takes chunks of 32 MB and an upload up to ten parts of 8 MB; the smaller lists do not fill them."""
FUNCTION_LIMIT = 1.2
FUNCTIONS = {"ItemProcessor": "item processor", "SummariseResults": "summary"}
"""Ids of the stack's functions, which their names hold, and words for them."""
COMMANDS = ("load-s3.py", "run.py", "results.py")
EMULATOR = "emulator, which keeps S3 in memory"


@dataclass(frozen=True)
class Run:
    """What one list took."""

    items: int
    seconds: float
    """Of the three commands, from the start of each process to its end."""
    execution_seconds: float
    """Of the second command."""
    peak_bytes: dict[str, int]
    """The most memory (RSS) of each command, each function and the emulator."""


def measure(rounds: int, report: Report) -> Result:
    """Measure the local AWS."""
    require_linux("scale")
    runs = []
    for number in range(1, rounds + 1):
        for items in SIZES:
            report(f"round {number} of {rounds}: {LOCAL_AWS}, load, run and results of {items:,} items")
            runs.append(_measure_once(items))
    return Result(figures(runs), (f"`scale` ran {rounds} time{'s' * (rounds > 1)}: it takes minutes.",))


def figures(runs: Sequence[Run]) -> list[Figure]:
    """Make figures of the runs of all sizes, in rounds."""
    few, _, many = SIZES
    figures = []
    for part in ("load, run and results", "run alone"):
        costs = [_costs(part, items, runs) for items in SIZES]
        figures += [*costs, ratio(costs[-1], costs[0], f"{part}: {many:,} over {few:,} items", COST_LIMIT)]
    figures.append(_marginal_growth(runs))
    for name in COMMANDS:
        figures += [_peak(name, items, runs, COMMAND_LIMIT_MB if items == many else None) for items in SIZES]
    for name in FUNCTIONS.values():
        peaks = [_peak(name, items, runs) for items in SIZES]
        growth = ratio(peaks[-1], peaks[0], f"memory of {name}: {many:,} over {few:,} items", FUNCTION_LIMIT)
        figures += [*peaks, growth]
    return [*figures, *(_peak(EMULATOR, items, runs) for items in SIZES)]


def _costs(part: str, items: int, runs: Sequence[Run]) -> Figure:
    of_size = [run for run in runs if run.items == items]
    seconds = [run.execution_seconds if part == "run alone" else run.seconds for run in of_size]
    return Figure(f"{part}: {items:,} items", LOCAL_AWS, "ms/item", tuple(s * 1000 / items for s in seconds))


def _marginal_growth(runs: Sequence[Run]) -> Figure:
    """What each further item costs, which leaves out what every run costs once."""
    rounds = zip(*[iter((run.items, run.seconds) for run in runs)] * len(SIZES), strict=True)
    ratios = [marginal_growth(*sizes) for sizes in rounds]
    text = f"a further item above {SIZES[1]:,} over one below"
    return Figure(f"load, run and results: {text}", LOCAL_AWS, "ratio", tuple(ratios), COST_LIMIT)


def _peak(name: str, items: int, runs: Sequence[Run], limit: float | None = None) -> Figure:
    peaks = tuple(run.peak_bytes[name] / 1e6 for run in runs if run.items == items)
    return Figure(f"memory of {name}: {items:,} items", LOCAL_AWS, "MB", peaks, limit)


def _measure_once(items: int) -> Run:
    settings = {"maxConcurrency": CONCURRENCY, "maxItemsPerBatch": BATCH}
    with local_aws() as ours, deploy(ours, settings) as deployment:
        load = deployment.load(items)
        run, execution_arn = deployment.run()
        results = deployment.results(execution_arn, items)
        described = ours.states_client.describe_execution(executionArn=execution_arn)
        commands = (load, run, results)
        return Run(
            items,
            sum(command.seconds for command in commands),
            (described["stopDate"] - described["startDate"]).total_seconds(),
            {
                **dict(zip(COMMANDS, (command.peak_bytes for command in commands), strict=True)),
                **read_function_peaks(ours.pid, FUNCTIONS),
                EMULATOR: read_peak_bytes(ours.pid),
            },
        )
