"""What a million items cost in queueFanIn, from what a job was counted to ask for, and in distributedMap.

``python -m benchmarks.fan_in_costs`` counts a job on the local AWS, and writes fan_in_counts.json and the
tables on the workflow's page; a test fails when they are not current.

Prices are those of us-east-1 in 2026, without a free tier. Logs, alarms and storage come on top of all.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from benchmarks.emulators import ROOT
from benchmarks.errors import BenchmarkError
from benchmarks.fan_in_counts import COUNTS, count_job
from benchmarks.figures import Figure, Report, Result
from benchmarks.plan import (
    DOLLARS_PER_GB_SECOND,
    DOLLARS_PER_INVOCATION,
    ITEMS,
    Plan,
    read_plan,
    synthesize,
)
from benchmarks.process_memory import require_linux

PAGE = ROOT / "docs" / "workflows" / "queue_fan_in.md"
BEGIN, END = "<!-- costs -->\n", "<!-- end -->"

DOLLARS_PER_WRITE = 0.625e-6
DOLLARS_PER_READ = 0.125e-6
DOLLARS_PER_SQS_REQUEST = 0.40e-6
DOLLARS_PER_PUT = 5e-6
DOLLARS_PER_GET = 0.40e-6
DOLLARS_PER_EVENT = 1e-6

ARCHITECTURE = "arm64"
PROCESSOR_MB = 1769
"""Memory with which a function has one processor."""
REQUEST_SECONDS = 0.01
"""What a function waits for a request, which it does here for an emulator: DynamoDB and SQS take less."""
ASKED_BY = {
    "sqs:SendMessageBatch": "split",
    "dynamodb:BatchExecuteStatement": "worker",
    "dynamodb:UpdateItem": "count",
    "dynamodb:DeleteItem": "count",
    "dynamodb:Query": "finish",
}
"""Which function makes most of the requests of an action."""
SQS_REQUEST_BYTES = 64 * 1024
READ_BYTES = 4 * 1024
STREAM_SHARDS = 4
"""Of a new table that is paid on demand: it takes 4,000 writes a second, 1,000 in a partition. The local
stream has one. Each has its own calls, for blocks of its own."""

LIMIT_DOLLARS = 0.9
SECONDS = (0.1, 0.25, 0.5, 1.0, 2.0)
"""What an item may take, for the second table."""


@dataclass(frozen=True)
class Costs:
    """Dollars for ITEMS."""

    results: float
    counting: float
    queue: float
    reading: float
    process: float
    worker: float
    other_functions: float

    @property
    def total(self) -> float:
        """All of them."""
        return math.fsum(vars(self).values())


def measure(_rounds: int, report: Report) -> Result:
    """Count a job; it is not repeated, because it asks for the same each time."""
    require_linux("costs")
    report("a job whose requests are counted")
    counts = count_job()
    costs = read_costs(counts)
    text = f"1,000,000 items, {counts['workers']} workers, results of 1 KB: {{}}"
    figures = [
        Figure(text.format(name.replace("_", " ")), "AWS, counted locally", "dollars", (dollars,))
        for name, dollars in vars(costs).items()
    ]
    total = Figure(text.format("price"), "AWS, counted locally", "dollars", (costs.total,), LIMIT_DOLLARS)
    return Result([*figures, total], (f"`costs` counts a job of {counts['items']:,} items, once.",))


def read_costs(counts: Mapping[str, Any]) -> Costs:
    """Price what was counted, as if ITEMS were in several jobs of that length."""
    functions, requests, results = counts["functions"], counts["requests"], counts["results"]
    sends = requests["sqs:SendMessageBatch"]
    worker = functions["worker"]
    # Lambda receives a batch with one request, and deletes it with another.
    send_units = sends["requests"] * math.ceil(sends["bytes"] / sends["requests"] / SQS_REQUEST_BYTES)
    receive_units = worker["invocations"] * math.ceil(
        sends["bytes"] / worker["invocations"] / SQS_REQUEST_BYTES
    )
    read_units = results["itemBytes"] * counts["items"] / READ_BYTES / 2
    read_units += _requests(requests, "dynamodb:Query")  # what each page is rounded up
    objects = (
        _requests(requests, "s3:PutObject") * DOLLARS_PER_PUT
        + _requests(requests, "s3:GetObjectVersion") * DOLLARS_PER_GET
    )
    reading = read_units * DOLLARS_PER_READ + objects
    reading += _requests(requests, "events:PutEvents") * DOLLARS_PER_EVENT
    others = STREAM_SHARDS * _own_dollars(counts, "count")
    others += _own_dollars(counts, "split") + _own_dollars(counts, "finish")
    scale = ITEMS / counts["items"]
    return Costs(
        results=results["writes"] * DOLLARS_PER_WRITE * scale,
        counting=counts["jobWrites"] * DOLLARS_PER_WRITE * scale,
        queue=(send_units + receive_units + worker["invocations"]) * DOLLARS_PER_SQS_REQUEST * scale,
        reading=reading * scale,
        process=counts["items"] * counts["workSeconds"] * _second_dollars(worker) * scale,
        worker=_own_dollars(counts, "worker") * scale,
        other_functions=others * scale,
    )


def _requests(requests: Mapping[str, Mapping[str, int]], action: str) -> int:
    return requests.get(action, {"requests": 0})["requests"]


def _own_dollars(counts: Mapping[str, Any], name: str) -> float:
    """Price of a function without `process`: its calls, its work, and what it waits for requests."""
    use: Mapping[str, Any] = counts["functions"][name]
    waits = sum(_requests(counts["requests"], action) for action, who in ASKED_BY.items() if who == name)
    seconds = use["processorSeconds"] * max(1.0, PROCESSOR_MB / use["memoryMb"]) + waits * REQUEST_SECONDS
    dollars: float = use["invocations"] * DOLLARS_PER_INVOCATION + seconds * _second_dollars(use)
    return dollars


def _second_dollars(use: Mapping[str, int]) -> float:
    return use["memoryMb"] / 1024 * DOLLARS_PER_GB_SECOND[ARCHITECTURE]


def render(page: str, counts: Mapping[str, Any], plans: Mapping[str, Plan]) -> str:
    """Put the tables between the marks of a page.

    Raises
    ------
    BenchmarkError
        A mark is missing.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise BenchmarkError(f"{PAGE.name} must have the lines `{BEGIN.strip()}` and `{END}`, in this order.")
    costs = read_costs(counts)
    tables = f"{_costs_table(counts, costs, plans)}\n\n{_seconds_table(costs, plans)}"
    return f"{before}{begin}{tables}\n{end}{after}"


def _costs_table(counts: Mapping[str, Any], costs: Costs, plans: Mapping[str, Plan]) -> str:
    express, standard = (plans[child_type] for child_type in ("EXPRESS", "STANDARD"))
    columns = [[plan.function_dollars, plan.dollars("start_plus_states")] for plan in (express, standard)]
    steps = [total - function for function, total in columns]
    lines = [
        ("a million items", "`queueFanIn`", "`distributedMap`, EXPRESS", "`distributedMap`, STANDARD"),
        ("---",) * 4,
        ("the time of `process`", costs.process, *(function for function, _ in columns)),
        ("Step Functions", "", *steps),
        ("writes of the results", costs.results, "", ""),
        ("writes of the jobs table, most of them to count", costs.counting, "", ""),
        ("what the workers do beside `process`", costs.worker, "", ""),
        ("requests to the queue", costs.queue, "", ""),
        ("reads of the results, S3, events", costs.reading, "", ""),
        ("Split, Count, Finish", costs.other_functions, "", ""),
        ("together", costs.total, *(total for _, total in columns)),
    ]
    results = counts["results"]
    said = (
        f"An item takes {counts['workSeconds']:g} s here, its result has {results['jsonBytes']:,} bytes as "
        f"JSON and {results['itemBytes']:,} in the table. {counts['workers']} workers were at work."
    )
    return "\n".join([*map(_row, lines), "", said])


def _seconds_table(costs: Costs, plans: Mapping[str, Plan]) -> str:
    """Lay out what each way costs beside the time of `process`, by how long an item takes."""
    lines: list[tuple[Any, ...]] = [
        ("beside `process`, if an item takes", "`queueFanIn`", *plans),
        ("---",) * (2 + len(plans)),
    ]
    for seconds in SECONDS:
        timed = [replace(plan, work_seconds=seconds) for plan in plans.values()]
        others = (plan.dollars("start_plus_states") - plan.function_dollars for plan in timed)
        lines.append((f"{seconds:g} s", costs.total - costs.process, *others))
    return "\n".join(map(_row, lines))


def _row(cells: tuple[Any, ...]) -> str:
    # Half a cent is rounded up, whatever a float makes of it.
    texts = (f"${cell + 1e-9:.2f}" if isinstance(cell, float) else cell for cell in cells)
    return f"| {' | '.join(texts)} |"


def current_page() -> str:
    """Return what the page should say, from the counts that are kept."""
    plans = {name: read_plan(synthesize(name)) for name in ("EXPRESS", "STANDARD")}
    counts = json.loads(COUNTS.read_text(encoding="utf-8"))
    return render(PAGE.read_text(encoding="utf-8"), counts, plans)


if __name__ == "__main__":
    COUNTS.write_text(json.dumps(count_job(), indent=2) + "\n", encoding="utf-8")
    PAGE.write_text(current_page(), encoding="utf-8")
    print(f"{COUNTS} and {PAGE} are current")
