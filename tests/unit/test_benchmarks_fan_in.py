"""The parts of the queue fan-in's benchmarks that measure nothing: arithmetic, prices, the page's tables."""

import json
import os
import zlib

import pytest
from forecast_templates import templates

from benchmarks import fan_in, fan_in_costs, fan_in_counts
from benchmarks.errors import BenchmarkError
from benchmarks.fan_in import Run
from benchmarks.fan_in_costs import PAGE, current_page, read_costs, render
from benchmarks.fan_in_counts import count_results, write_units
from benchmarks.process_memory import read_processor_seconds
from stacks.config import Config
from utils.forecast.mode import Mode
from utils.forecast.modes import read_modes

INDEXES = [
    {"KeySchema": [{"AttributeName": "kind"}, {"AttributeName": "startedAt"}]},
    {"KeySchema": [{"AttributeName": "open"}, {"AttributeName": "deadline"}]},
]
JOB = {
    "job": {"S": "list-0123456789ab"},
    "kind": {"S": "job"},
    "startedAt": {"S": "2026-11-21T12:00:00.000Z"},
    "deadline": {"N": "1800000000"},
}


def block_of(positions: int) -> dict[str, object]:
    """The record of a block with so many numbers of four bytes."""
    return {"job": {"S": "a/0-0"}, "positions": {"NS": [str(10_001 + number) for number in range(positions)]}}


def run_of(items: int, seconds: float) -> Run:
    names = (*fan_in.FUNCTIONS.values(), fan_in.EMULATOR)
    return Run(items, seconds, dict.fromkeys(names, 50_000_000 + items))


def test_cost_is_compared_of_items_and_of_further_items():
    # Given two rounds: 1 s in any case and 1 ms an item, and in the second round 2 ms above 10,000 items
    runs = [run_of(1_000, 2), run_of(10_000, 11), run_of(100_000, 101)]
    runs += [run_of(1_000, 2), run_of(10_000, 11), run_of(100_000, 191)]

    found = {(figure.workload, figure.unit): figure for figure in fan_in.figures(runs)}

    assert found["100,000 items: drop to DONE", "s"].values == (101, 191)
    assert found["1,000 items: drop to DONE", "items/s"].values == (500, 500)
    growth = found["cost of an item: 100,000 over 1,000 items", "ratio"]
    assert (growth.values, growth.met) == ((0.505, 0.955), True)
    further = found["a further item above 10,000 over one below", "ratio"]
    assert (further.values, further.met) == ((1.0, 2.0), False)
    assert found["memory of worker: 1,000 items", "MB"].values == (50.001, 50.001)


@pytest.mark.parametrize(
    ("change", "units"),
    [
        # a new job is in one index, or in both of them while it is open
        ({"NewImage": JOB}, 3),
        ({"NewImage": JOB | {"open": {"S": "yes"}}}, 3),
        ({"OldImage": JOB | {"open": {"S": "yes"}}, "NewImage": JOB}, 2),
        ({"OldImage": JOB, "NewImage": JOB | {"sent": {"N": "1000"}}}, 1),
        # five hundred numbers make two kilobytes, before or after
        ({"NewImage": block_of(250)}, 1),
        ({"NewImage": block_of(500)}, 2),
        ({"OldImage": block_of(500)}, 2),
    ],
)
def test_write_is_charged_by_its_larger_image_and_the_indexes_it_changes(change, units):
    assert write_units(change, INDEXES) == units


def test_results_are_charged_by_started_kilobytes():
    # Given a result that compresses to next to nothing, and one that does not
    short, long = b'"' + b"x" * 3_000 + b'"', json.dumps(list(range(1_000))).encode()
    results = [
        {"part": {"S": "a/0"}, "position": {"N": "0"}, "result": {"B": zlib.compress(text)}}
        for text in (short, long)
    ]

    counted = count_results(results)

    assert counted["jsonBytes"] == round((len(short) + len(long)) / 2)
    assert counted["writes"] == 1 + -(-(len(zlib.compress(long)) + 26) // 1024)


def test_counted_process_returns_a_kilobyte_that_is_no_single_word(monkeypatch):
    # Given the process that is deployed
    slept: list[float] = []
    names: dict[str, object] = {}
    exec(fan_in_counts.PROCESS, names)
    monkeypatch.setattr("time.sleep", slept.append)

    texts = [json.dumps(names["process"]({"id": number}), separators=(",", ":")) for number in range(200)]

    assert slept == [0.1] * 200
    assert 1_000 <= sum(map(len, texts)) / 200 <= 1_100
    assert len(set(texts)) == 200
    # compressed, it is about half: as JSON of words and numbers is
    assert 0.4 < sum(len(zlib.compress(text.encode())) for text in texts) / sum(map(len, texts)) < 0.6


def counts_of(**changes: object) -> dict[str, object]:
    """Counts of a thousand items, in ten requests and as many calls, that took no time beside the items."""
    nothing = {"memoryMb": 1769, "invocations": 0, "processorSeconds": 0.0}
    counts = {
        "items": 1_000,
        "workers": 30,
        "workSeconds": 0.1,
        "requests": {
            "sqs:SendMessageBatch": {"requests": 10, "bytes": 10_000},
            "dynamodb:Query": {"requests": 0, "bytes": 0},
            "s3:PutObject": {"requests": 0, "bytes": 0},
            "s3:GetObjectVersion": {"requests": 0, "bytes": 0},
            "events:PutEvents": {"requests": 0, "bytes": 0},
        },
        "functions": {
            "worker": {**nothing, "memoryMb": 128, "invocations": 10},
            "count": {**nothing, "memoryMb": 256},
            "split": nothing,
            "finish": nothing,
        },
        "results": {"writes": 1_000, "jsonBytes": 1_024, "itemBytes": 0},
        "jobWrites": 0,
    }
    return {**counts, **changes}


def test_prices_are_those_of_a_million_items():
    costs = read_costs(counts_of(jobWrites=40))

    assert costs.results == pytest.approx(0.625)
    assert costs.counting == pytest.approx(0.025)
    # 10,000 sends, as many receives and deletes, of less than 64 KB each
    assert costs.queue == pytest.approx(0.012)
    # 100,000 s of an eighth of a GB on arm64, and 10,000 calls
    assert costs.process == pytest.approx(0.1666675)
    assert costs.worker == pytest.approx(0.002)
    # Ten requests of 10 ms of the split function, for each thousand items
    assert costs.other_functions == pytest.approx(0.0000133334 * 1769 / 1024 * 100)
    assert costs.total == pytest.approx(0.8306675 + costs.other_functions)


def test_larger_messages_take_more_requests():
    requests = counts_of()["requests"]
    requests["sqs:SendMessageBatch"] = {"requests": 10, "bytes": 10 * 65_537}

    assert read_costs(counts_of(requests=requests)).queue == pytest.approx(0.020)


def test_share_of_a_processor_makes_a_function_take_longer():
    # Given 1 s on a processor: of a worker with an eighth of a GB, and of a finish with all of one
    before, counts = read_costs(counts_of()), counts_of()
    counts["functions"]["worker"]["processorSeconds"] = 1.0
    counts["functions"]["finish"] = {"memoryMb": 1769, "invocations": 0, "processorSeconds": 1.0}

    costs = read_costs(counts)

    a_second = 0.0000133334 * 1_000 * 1769 / 1024
    assert costs.worker - before.worker == pytest.approx(a_second)
    assert costs.other_functions - before.other_functions == pytest.approx(a_second)


def test_requests_are_waited_for_and_each_shard_of_the_stream_has_calls():
    # Given a hundred requests, of 10 ms, of the worker and of the count function
    before, counts = read_costs(counts_of()), counts_of()
    for action in ("dynamodb:BatchExecuteStatement", "dynamodb:UpdateItem"):
        counts["requests"][action] = {"requests": 100, "bytes": 0}

    costs = read_costs(counts)

    assert costs.worker - before.worker == pytest.approx(0.0000133334 * 1_000 / 8)
    assert costs.other_functions - before.other_functions == pytest.approx(0.0000133334 * 1_000 / 4 * 4)


def modes() -> dict[str, Mode]:
    """Batches of a hundred, in children of one state, for a function of 128 MB on x86_64."""
    found = read_modes(templates(), Config())
    return {mode.kind: mode for mode in found if mode.name.endswith("batches")}


def test_tables_replace_what_is_between_the_marks():
    page = render("before\n<!-- costs -->\nold\n<!-- end -->\nafter\n", counts_of(), modes())

    assert page.startswith("before\n<!-- costs -->\n| a million items |")
    assert page.endswith("\n<!-- end -->\nafter\n")
    assert "old" not in page
    assert "| the time of `process` | $0.17 | $0.21 | $0.21 |" in page
    assert "| together | $0.81 | $0.58 | $0.71 |" in page
    # The time of an EXPRESS child is charged; a STANDARD one has further states where a call has not the time
    assert "| 0.1 s | $0.64 | $0.37 | $0.50 |" in page
    assert "| 2 s | $0.64 | $2.34 | $0.50 |" in page


@pytest.mark.parametrize("page", ["no mark", "<!-- costs -->\nno end", "<!-- end -->\n<!-- costs -->\n"])
def test_page_without_its_marks_is_refused(page):
    with pytest.raises(BenchmarkError, match=r"^queue_fan_in\.md must have the lines"):
        render(page, counts_of(), modes())


def test_page_has_the_costs_that_were_counted():
    assert PAGE.read_text(encoding="utf-8") == current_page(), "run: python -m benchmarks.fan_in_costs"


def test_counted_job_costs_at_most_what_is_aimed_at():
    costs = read_costs(json.loads(fan_in_counts.COUNTS.read_text(encoding="utf-8")))

    assert costs.total <= fan_in_costs.LIMIT_DOLLARS


def test_processor_seconds_grow_with_work():
    before = read_processor_seconds(os.getpid())
    while read_processor_seconds(os.getpid()) == before:
        sum(range(10_000))
    assert 0 < read_processor_seconds(os.getpid()) - before < 1
