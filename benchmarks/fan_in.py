"""Benchmark ``queue``: time and memory of the queueFanIn workflow over 1,000 to 100,000 items.

Each size has a new local AWS, on which the app is deployed with a process that
returns at once. A list of its own starts the workers first. Time is that from
just before the drop of the list to the job's own ``endedAt``. The rows are read
with the project's command and compared with the list. It needs Linux.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from benchmarks.deployment import Deployment, deploy, make_item
from benchmarks.emulators import LOCAL_AWS, Emulator, local_aws
from benchmarks.errors import BenchmarkError
from benchmarks.figures import Figure, Report, Result, marginal_growth, ratio
from benchmarks.process_memory import read_function_peaks, read_peak_bytes, require_linux
from utils.jobs.job import job_id

WORKFLOW = "queueFanIn"
SIZES = (1_000, 10_000, 100_000)
WARMING_ITEMS = 1_000
COST_LIMIT = 1.3
FUNCTIONS = {"Split": "split", "Worker": "worker", "Count": "count", "Finish": "finish"}
"""Ids of the stack's functions, which their names hold, and words for them."""
EMULATOR = "emulator, which keeps queue, tables and S3 in memory"
ENDED = {"DONE", "INCOMPLETE", "FAILED"}
POLL_SECONDS = 0.5
JOB_SECONDS = 1800.0
WATCHING_ACTION = "dynamodb:TransactGetItems"
"""With what a job is watched: its functions do not use it, so that their requests can be told apart."""


@dataclass(frozen=True)
class Run:
    """What one list took."""

    items: int
    seconds: float
    """From the drop to the end of the job."""
    peak_bytes: dict[str, int]
    """The most memory (RSS) of a worker of each function, and of the emulator."""


@dataclass(frozen=True)
class EndedJob:
    """A job that is DONE."""

    name: str
    seconds: float
    """From the drop."""


def measure(rounds: int, report: Report) -> Result:
    """Measure the local AWS."""
    require_linux("queue")
    runs = []
    for number in range(1, rounds + 1):
        for items in SIZES:
            report(f"round {number} of {rounds}: {LOCAL_AWS}, a job of {items:,} items")
            runs.append(_measure_once(items))
    return Result(figures(runs), (f"`queue` ran {rounds} time{'s' * (rounds > 1)}: it takes minutes.",))


def figures(runs: Sequence[Run]) -> list[Figure]:
    """Make figures of the runs of all sizes, in rounds."""
    few, middle, many = SIZES
    seconds = [
        Figure(f"{items:,} items: drop to DONE", LOCAL_AWS, "s", _seconds(items, runs)) for items in SIZES
    ]
    rates = [
        Figure(each.workload, LOCAL_AWS, "items/s", tuple(items / value for value in each.values))
        for items, each in zip(SIZES, seconds, strict=True)
    ]
    costs = [
        Figure(each.workload, LOCAL_AWS, "ms/item", tuple(value * 1000 / items for value in each.values))
        for items, each in zip(SIZES, seconds, strict=True)
    ]
    growth = ratio(costs[-1], costs[0], f"cost of an item: {many:,} over {few:,} items", COST_LIMIT)
    sizes = [[(items, value) for value in _seconds(items, runs)] for items in SIZES]
    further = tuple(marginal_growth(*each) for each in zip(*sizes, strict=True))
    text = f"a further item above {middle:,} over one below"
    peaks = [_peak(name, items, runs) for name in (*FUNCTIONS.values(), EMULATOR) for items in SIZES]
    return [*seconds, *rates, *costs, growth, Figure(text, LOCAL_AWS, "ratio", further, COST_LIMIT), *peaks]


def _seconds(items: int, runs: Sequence[Run]) -> tuple[float, ...]:
    return tuple(run.seconds for run in runs if run.items == items)


def _peak(name: str, items: int, runs: Sequence[Run]) -> Figure:
    peaks = tuple(run.peak_bytes[name] / 1e6 for run in runs if run.items == items)
    return Figure(f"memory of {name}: {items:,} items", LOCAL_AWS, "MB", peaks)


def _measure_once(items: int) -> Run:
    with local_aws() as ours, deploy(ours, {}, workflow=WORKFLOW) as deployment:
        run_job(ours, deployment, [make_item(index) for index in range(WARMING_ITEMS)], "warming")
        job = run_job(ours, deployment, [make_item(index) for index in range(items)], "list")
        peaks = read_function_peaks(ours.pid, FUNCTIONS)
        deployment.results(job.name, items)
        return Run(items, job.seconds, {**peaks, EMULATOR: read_peak_bytes(ours.pid)})


def run_job(emulator: Emulator, deployment: Deployment, items: Sequence[Any], name: str) -> EndedJob:
    """Drop a list and wait for the end of its job.

    Parameters
    ----------
    name
        Of the list, without a suffix.

    Raises
    ------
    BenchmarkError
        It is not DONE with all items succeeded, or not after JOB_SECONDS.
    """
    body = "".join(json.dumps(item) + "\n" for item in items).encode()
    bucket, key = deployment.outputs["ListsBucketName"], f"lists/{name}.jsonl"
    dropped = time.time()
    version = emulator.client("s3").put_object(Bucket=bucket, Key=key, Body=body)["VersionId"]
    job = job_id(key, version)
    record = _wait(emulator, deployment, job, dropped)
    if record["status"]["S"] != "DONE" or int(record["summary"]["M"]["succeeded"]["N"]) != len(items):
        raise BenchmarkError(
            f"{emulator.name}: a job of {len(items):,} items ended {record['status']['S']}: "
            f"{record.get('error', record.get('summary'))}"
        )
    return EndedJob(job, datetime.fromisoformat(record["endedAt"]["S"]).timestamp() - dropped)


def _wait(emulator: Emulator, deployment: Deployment, job: str, dropped: float) -> dict[str, Any]:
    dynamodb, table = emulator.client("dynamodb"), deployment.outputs["JobsTableName"]
    while time.time() < dropped + JOB_SECONDS:
        time.sleep(POLL_SECONDS)
        get = {"Get": {"TableName": table, "Key": {"job": {"S": job}}}}
        (answer,) = dynamodb.transact_get_items(TransactItems=[get])["Responses"]
        record: dict[str, Any] = answer.get("Item", {})
        if record.get("status", {}).get("S") in ENDED:
            return record
    raise BenchmarkError(f"{emulator.name}: a job still runs after {JOB_SECONDS:.0f} s")
