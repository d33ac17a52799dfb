"""Benchmark ``memory``: what the local AWS takes with the shipped item processor in forty workers.

Each round starts a new local AWS, and runs a Map of items as DynamoDB types
them at concurrency 40, all from cold. Each worker is kept at its first item
until all the others have started. They have then loaded boto3, and are measured
as soon as the execution has ended. It needs Linux.
"""

from benchmarks.emulators import LOCAL_AWS, ROOT, local_aws
from benchmarks.errors import BenchmarkError
from benchmarks.figures import Figure, Report, Result
from benchmarks.process_memory import list_group, read_memory, require_linux
from benchmarks.workloads import WARM_UP_SECONDS, create_function, create_map, invoke

ITEMS = 400
CONCURRENCY = 40
LIMIT_GB = 1.2
ITEM_PROCESSOR = ROOT / "lambdas" / "process_item"
KEPT = f"""

import time

_process, _keep_seconds = process, {WARM_UP_SECONDS}

def process(item):
    global _keep_seconds
    time.sleep(_keep_seconds)
    _keep_seconds = 0
    return _process(item)
"""
"""Added to process.py: keeps each worker at its first item until all the others have started."""


def measure(rounds: int, report: Report) -> Result:
    """Measure the local AWS: the share of shared pages that is each process's (PSS), and all it has (RSS)."""
    require_linux("memory")
    pss, rss, processes = [], [], []
    for number in range(1, rounds + 1):
        report(f"round {number} of {rounds}: {LOCAL_AWS}, {ITEMS} items, concurrency {CONCURRENCY}")
        measured = _measure_once()
        processes.append(len(measured))
        pss.append(sum(row["Pss"] for row in measured) / 1e9)
        rss.append(sum(row["Rss"] for row in measured) / 1e9)
    workload = f"item processor, boto3 loaded, concurrency {CONCURRENCY}: {{}}"
    return Result(
        [
            Figure(workload.format("PSS"), LOCAL_AWS, "GB", tuple(pss), LIMIT_GB),
            Figure(workload.format("RSS"), LOCAL_AWS, "GB", tuple(rss)),
        ],
        (f"Memory is that of the emulator and its Lambda workers: {min(processes)} processes at least.",),
    )


def _measure_once() -> list[dict[str, int]]:
    files = {file.name: file.read_text(encoding="utf-8") for file in ITEM_PROCESSOR.glob("*.py")}
    files["process.py"] += KEPT
    with local_aws() as ours:
        function = create_function(ours.lambda_client, files, "item_handler.handle_item", "JSON")
        items = [
            {"item": {"S": f"item {index}"}, "index": index, "execution": "benchmark", "encoding": "dynamodb"}
            for index in range(ITEMS)
        ]
        run = create_map(ours.name, ours.states_client, CONCURRENCY, invoke(function))
        ending = run.execute(items)
        if ending.status != "SUCCEEDED":
            raise BenchmarkError(f"{ours.name}: the item processor failed: {ending.error} {ending.cause}")
        measured = [read_memory(pid) for pid in list_group(ours.pid)]
    if len(measured) <= CONCURRENCY:
        raise BenchmarkError(f"{ours.name}: only {len(measured)} processes for {CONCURRENCY} items at once")
    return measured
