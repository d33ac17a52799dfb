"""Benchmark ``memory``: what the local AWS takes with the shipped item processor in forty workers.

Each round starts a new local AWS, and runs a Map of items as DynamoDB types
them at concurrency 40, all from cold. The workers, which have then loaded
boto3, are measured as soon as the execution has ended. It needs Linux.
"""

import os
from pathlib import Path

from benchmarks.emulators import LOCAL_AWS, ROOT, local_aws
from benchmarks.errors import BenchmarkError
from benchmarks.figures import Figure, Report, Result
from benchmarks.workloads import create_function, create_map, invoke

ITEMS = 400
CONCURRENCY = 40
LIMIT_GB = 1.2
ITEM_PROCESSOR = ROOT / "lambdas" / "process_item"


def measure(rounds: int, report: Report) -> Result:
    """Measure the local AWS: the share of shared pages that is each process's (PSS), and all it has (RSS)."""
    if not Path("/proc/self/smaps_rollup").exists():
        raise BenchmarkError(
            "The benchmark memory reads /proc, which this system does not have: it needs Linux."
        )
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
        return [read_memory(pid) for pid in _group(ours.pid)]


def read_memory(pid: int) -> dict[str, int]:
    """Read a process's memory.

    Returns
    -------
    dict
        Bytes by the names of proc(5), such as Rss and Pss.
    """
    text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    fields = (line.split() for line in text.splitlines()[1:])
    return {name.removesuffix(":"): int(kilobytes) * 1024 for name, kilobytes, _unit in fields}


def _group(group_id: int) -> list[int]:
    pids = (int(folder.name) for folder in Path("/proc").glob("[0-9]*"))
    return [pid for pid in pids if _group_of(pid) == group_id]


def _group_of(pid: int) -> int | None:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return None
