"""Benchmark ``distributed``: the distributedMap workflow over a list of 100,000 items, from list to summary.

Each round starts a new local AWS, on which the app is deployed with a process
that returns at once, and has cold workers. The list is loaded and its rows are
written with the project's commands, and compared with the list. Memory is that
of the emulator and all its workers when the execution has ended. A second local
AWS runs the same with the process that is shipped. It needs Linux.
"""

from dataclasses import dataclass

from benchmarks.deployment import Deployment, deploy
from benchmarks.emulators import LOCAL_AWS, Emulator, local_aws
from benchmarks.errors import BenchmarkError
from benchmarks.executions import Execution, execute
from benchmarks.figures import Figure, Report, Result
from benchmarks.process_memory import list_group, read_memory, read_peak_bytes, require_linux

ITEMS = 100_000
CONCURRENCY = 10
BATCH = 100
ITEMS_PER_SECOND = 5000.0
LIMIT_GB = 1.0
SETTINGS = {"maxConcurrency": CONCURRENCY, "maxItemsPerBatch": BATCH}
WORKLOAD = f"{ITEMS:,} items, batches of {BATCH}, concurrency {CONCURRENCY}: {{}}"


@dataclass(frozen=True)
class Round:
    """What one round took: seconds, and memory after the execution."""

    load_seconds: float
    execution_seconds: float
    results_seconds: float
    pss_bytes: int
    peak_bytes: int
    """The sum of the most that each process had (RSS), at least what all of them had at any time."""
    shipped_seconds: float
    """Of an execution with the process that is shipped, which logs each item."""


def measure(rounds: int, report: Report) -> Result:
    """Measure the local AWS."""
    require_linux("distributed")
    measured = []
    for number in range(1, rounds + 1):
        report(f"round {number} of {rounds}: {LOCAL_AWS}, {WORKLOAD.format('list to summary')}")
        measured.append(_measure_once())
    return Result(figures(measured))


def figures(measured: list[Round]) -> list[Figure]:
    """Make figures of rounds."""
    rates = tuple(ITEMS / each.execution_seconds for each in measured)
    shipped = tuple(ITEMS / each.shipped_seconds for each in measured)
    pss = tuple(each.pss_bytes / 1e9 for each in measured)
    peaks = tuple(each.peak_bytes / 1e9 for each in measured)
    loads = tuple(each.load_seconds for each in measured)
    results = tuple(each.results_seconds for each in measured)
    summary = WORKLOAD.format("list to summary")
    logging = f"{summary}, shipped process, which logs each item"
    return [
        Figure(summary, LOCAL_AWS, "items/s", rates, ITEMS_PER_SECOND, more_is_better=True),
        Figure(logging, LOCAL_AWS, "items/s", shipped, ITEMS_PER_SECOND, more_is_better=True),
        Figure(WORKLOAD.format("PSS"), LOCAL_AWS, "GB", pss, LIMIT_GB),
        Figure(WORKLOAD.format("sum of peak RSS"), LOCAL_AWS, "GB", peaks, LIMIT_GB),
        Figure(WORKLOAD.format("load-s3.py"), LOCAL_AWS, "s", loads),
        Figure(WORKLOAD.format("results.py"), LOCAL_AWS, "s", results),
    ]


def _measure_once() -> Round:
    with local_aws() as ours, deploy(ours, SETTINGS) as deployment:
        load = deployment.load(ITEMS)
        ending = _execute(ours, deployment)
        processes = list_group(ours.pid)
        pss_bytes = sum(read_memory(pid)["Pss"] for pid in processes)
        peak_bytes = sum(read_peak_bytes(pid) for pid in processes)
        results = deployment.results(ending.arn, ITEMS)
    with local_aws() as ours, deploy(ours, SETTINGS, process=None) as deployment:
        deployment.load(ITEMS)
        shipped = _execute(ours, deployment)
    return Round(load.seconds, ending.seconds, results.seconds, pss_bytes, peak_bytes, shipped.seconds)


def _execute(emulator: Emulator, deployment: Deployment) -> Execution:
    """Run an execution over the list, without anything that watches it."""
    arn = deployment.outputs["StateMachineArn"]
    what = f"an execution over {ITEMS:,} items"
    execution = execute(emulator.name, emulator.states_client, arn, "{}", what)
    if execution.status != "SUCCEEDED" or execution.output["succeeded"] != ITEMS:
        raise BenchmarkError(f"{emulator.name}: {what} ended {execution.ending}: {execution.output}")
    return execution
