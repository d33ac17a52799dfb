"""What a million items cost in queueFanIn, from what a job was counted to ask for, and in distributedMap.

``python -m benchmarks.fan_in_costs`` counts a job on the local AWS, and writes fan_in_counts.json and the
tables on the workflow's page; a test fails when they are not current.

Prices, and all that is said of distributedMap, are those of utils/estimate.py, for us-east-1, without a free
tier. Logs, alarms, storage and a job's few events come on top of all.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.emulators import ROOT
from benchmarks.errors import BenchmarkError
from benchmarks.fan_in_counts import COUNTS, count_job
from benchmarks.figures import Figure, Report, Result
from benchmarks.process_memory import require_linux
from utils.aws_figures import READ_UNIT_BYTES, REQUEST_BYTES
from utils.forecast.cost import Dollars, price_usage
from utils.forecast.message_usage import slowness
from utils.forecast.mode import Function, Messages, Mode
from utils.forecast.packing import Overheads
from utils.forecast.page import default_modes
from utils.forecast.usage import Usage, count_usage
from utils.forecast.work import Work

PAGE = ROOT / "docs" / "workflows" / "queue_fan_in.md"
BEGIN, END = "<!-- costs -->\n", "<!-- end -->"

ITEMS = 1_000_000
ARCHITECTURE = "arm64"
ASKED_BY = {
    "sqs:SendMessageBatch": "split",
    "dynamodb:BatchExecuteStatement": "worker",
    "dynamodb:UpdateItem": "count",
    "dynamodb:Query": "finish",
}
"""Which function makes most of the requests of an action."""

LIMIT_DOLLARS = 0.9
SECONDS = (0.1, 0.25, 0.5, 1.0, 2.0)
"""What an item may take, for the second table."""

Modes = Mapping[str, Mode]
"""Those of distributedMap in batches, by the type of their children."""


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
    sends, calls = requests["sqs:SendMessageBatch"], functions["worker"]["invocations"]
    # Lambda receives a batch with one request, and deletes it with another.
    queue_requests = _charged(sends["requests"], sends["bytes"]) + _charged(calls, sends["bytes"]) + calls
    read_units = results["itemBytes"] * counts["items"] / READ_UNIT_BYTES / 2
    read_units += _requests(requests, "dynamodb:Query")  # what each page is rounded up
    reading = price_usage(
        Usage(
            read_units=read_units,
            puts=_requests(requests, "s3:PutObject"),
            gets=_requests(requests, "s3:GetObjectVersion"),
        )
    )
    # The local stream has one shard.
    others = Messages.shards * _own_dollars(counts, "count")
    others += _own_dollars(counts, "split") + _own_dollars(counts, "finish")
    scale = ITEMS / counts["items"]
    return Costs(
        results=price_usage(Usage(write_units=results["writes"])).dynamodb * scale,
        counting=price_usage(Usage(write_units=counts["jobWrites"])).dynamodb * scale,
        queue=price_usage(Usage(queue_requests=queue_requests)).sqs * scale,
        reading=(reading.dynamodb + reading.s3) * scale,
        process=_function_dollars(functions["worker"], 0, counts["items"] * counts["workSeconds"]) * scale,
        worker=_own_dollars(counts, "worker") * scale,
        other_functions=others * scale,
    )


def _charged(requests: int, size: int) -> int:
    """Count the requests to the queue that are charged for so many with so many bytes together."""
    return requests * math.ceil(size / requests / REQUEST_BYTES)


def _requests(requests: Mapping[str, Mapping[str, int]], action: str) -> int:
    return requests.get(action, {"requests": 0})["requests"]


def _own_dollars(counts: Mapping[str, Any], name: str) -> float:
    """Price of a function without `process`: its calls, its work, and what it waits for requests."""
    use: Mapping[str, Any] = counts["functions"][name]
    waits = sum(_requests(counts["requests"], action) for action, who in ASKED_BY.items() if who == name)
    # It waits here for an emulator: DynamoDB and SQS take less.
    seconds = use["processorSeconds"] * slowness(_function(use)) + waits * Overheads().request
    return _function_dollars(use, use["invocations"], seconds)


def _function_dollars(use: Mapping[str, int], calls: int, seconds: float) -> float:
    usage = Usage()
    usage.invoke(_function(use), calls, seconds)
    return price_usage(usage).lambda_


def _function(use: Mapping[str, int]) -> Function:
    return Function(use["memoryMb"], ARCHITECTURE, math.inf, math.inf)


def render(page: str, counts: Mapping[str, Any], modes: Modes) -> str:
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
    tables = f"{_costs_table(counts, costs, modes)}\n\n{_seconds_table(costs, modes)}"
    return f"{before}{begin}{tables}\n{end}{after}"


def _costs_table(counts: Mapping[str, Any], costs: Costs, modes: Modes) -> str:
    priced = [_map_dollars(modes[child_type]) for child_type in ("EXPRESS", "STANDARD")]
    lines = [
        ("a million items", "`queueFanIn`", "`distributedMap`, EXPRESS", "`distributedMap`, STANDARD"),
        ("---",) * 4,
        ("the time of `process`", costs.process, *(dollars.lambda_ for dollars in priced)),
        ("Step Functions", "", *(dollars.stepFunctions for dollars in priced)),
        ("writes of the results", costs.results, "", ""),
        ("writes of the jobs table, most of them to count", costs.counting, "", ""),
        ("what the workers do beside `process`", costs.worker, "", ""),
        ("requests to the queue", costs.queue, "", ""),
        ("reads of the results, S3", costs.reading, "", ""),
        ("Split, Count, Finish", costs.other_functions, "", ""),
        ("together", costs.total, *(dollars.lambda_ + dollars.stepFunctions for dollars in priced)),
    ]
    results = counts["results"]
    said = (
        f"An item takes {counts['workSeconds']:g} s here, its result has {results['jsonBytes']:,} bytes as "
        f"JSON and {results['itemBytes']:,} in the table. {counts['workers']} workers were at work."
    )
    return "\n".join([*map(_row, lines), "", said])


def _map_dollars(mode: Mode, seconds: float = SECONDS[0]) -> Dollars:
    """Price ITEMS in a Distributed Map."""
    return price_usage(count_usage(mode, Work(ITEMS, seconds=seconds)))


def _seconds_table(costs: Costs, modes: Modes) -> str:
    """Lay out what each way costs beside the time of `process`, by how long an item takes."""
    lines: list[tuple[Any, ...]] = [
        ("beside `process`, if an item takes", "`queueFanIn`", *modes),
        ("---",) * (2 + len(modes)),
    ]
    for seconds in SECONDS:
        others = (_map_dollars(mode, seconds).stepFunctions for mode in modes.values())
        lines.append((f"{seconds:g} s", costs.total - costs.process, *others))
    return "\n".join(map(_row, lines))


def _row(cells: tuple[Any, ...]) -> str:
    # Half a cent is rounded up, whatever a float makes of it.
    texts = (f"${cell + 1e-9:.2f}" if isinstance(cell, float) else cell for cell in cells)
    return f"| {' | '.join(texts)} |"


def current_page() -> str:
    """Return what the page should say, from the counts that are kept."""
    modes = {str(mode.kind): mode for mode in default_modes() if mode.name.endswith("batches")}
    counts = json.loads(COUNTS.read_text(encoding="utf-8"))
    return render(PAGE.read_text(encoding="utf-8"), counts, modes)


if __name__ == "__main__":
    COUNTS.write_text(json.dumps(count_job(), indent=2) + "\n", encoding="utf-8")
    PAGE.write_text(current_page(), encoding="utf-8")
    print(f"{COUNTS} and {PAGE} are current")
