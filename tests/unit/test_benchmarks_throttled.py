"""The parts of the throttled Map's benchmark that measure nothing: arithmetic, and what it refuses."""

import json

import pytest

from benchmarks import throttled
from benchmarks.deployment import Deployment
from benchmarks.errors import BenchmarkError
from benchmarks.figures import Result
from benchmarks.report import rows
from benchmarks.throttled import Round, Work, fullest_second, read_works, start_rate, throughput


def works_at(*starts: float) -> list[Work]:
    return [Work(start, start + 0.5) for start in starts]


def queued_row(index: int, **changes: object) -> dict[str, object]:
    row = {
        "index": index,
        "item": {"id": index},
        "status": "succeeded",
        "result": {"started": 10.0 + index, "ended": 10.5 + index},
        "attempts": 1,
        "route": "queue",
    }
    return {**row, **changes}


@pytest.mark.parametrize(
    ("works", "items_per_second"),
    [
        ([Work(100.0, 100.5)], 2.0),
        ([Work(100.0, 100.5), Work(100.0, 100.5)], 4.0),
        # the list's order is neither that of the starts nor that of the ends
        ([Work(101.0, 101.5), Work(100.0, 102.0), Work(100.5, 101.0)], 1.5),
    ],
)
def test_throughput_is_that_from_the_first_start_to_the_last_end(works, items_per_second):
    assert throughput(works) == items_per_second


@pytest.mark.parametrize(
    ("starts", "most"),
    [
        ([0.0], 1),
        ([0.0, 0.25, 0.5, 0.75, 1.0, 1.25], 4),
        ([0.0, 1.0, 2.0], 1),
        # no second that begins on the whole has more than three
        ([0.0, 0.75, 0.8, 1.0, 1.25, 1.7, 3.0], 5),
        ([1.25, 0.0, 1.7, 0.8, 3.0, 0.75, 1.0], 5),
    ],
)
def test_fullest_second_may_begin_at_any_start(starts, most):
    assert fullest_second(works_at(*starts)) == most


@pytest.mark.parametrize(
    ("starts", "per_second"), [([0.0, 0.2, 0.4, 0.6, 0.8, 1.0], 5.0), ([4.0, 0.0, 1.0], 0.5)]
)
def test_first_start_is_no_interval(starts, per_second):
    assert start_rate(works_at(*starts)) == per_second


def test_figures_are_met_from_nine_tenths_and_up_to_one_more():
    # Given rounds of 200 items whose ideal is 25 s, and of starts 0.25 s and then 0.125 s apart
    def finished_in(seconds: float) -> list[Work]:
        return [Work(0.0, 0.5)] * 199 + [Work(seconds - 0.5, seconds)]

    slow = works_at(*(0.25 * number for number in range(60)))
    fast = works_at(*(0.125 * number for number in range(60)))

    met = rows({"throttled": Result(throttled.figures([Round(finished_in(26.0), 27.0, fast)]))})
    missed = rows({"throttled": Result(throttled.figures([Round(finished_in(28.0), 31.25, slow)]))})

    assert [(row[3], *row[5:]) for row in met] == [
        ("0.962 of ideal", "≥ 0.900", "yes"),
        ("0.926 of ideal", "", ""),
        ("20.0 ms/item", "", ""),
        ("8.00 starts", "≤ 6.00", "no"),
        ("8.00 starts/s", "≥ 4.50", "yes"),
    ]
    assert [(row[3], *row[5:]) for row in missed] == [
        ("0.893 of ideal", "≥ 0.900", "no"),
        ("0.800 of ideal", "", ""),
        ("60.0 ms/item", "", ""),
        ("4.00 starts", "≤ 6.00", "yes"),
        ("4.00 starts/s", "≥ 4.50", "no"),
    ]


def test_times_are_those_that_the_items_returned():
    assert read_works([queued_row(0), queued_row(1)], 2) == [Work(10.0, 10.5), Work(11.0, 11.5)]


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ([], "there are 0 rows for 2 items"),
        ([queued_row(0)], "there are 1 rows for 2 items"),
        ([queued_row(number) for number in range(3)], "there are 3 rows for 2 items"),
        ([queued_row(1), queued_row(0)], "row 1 is not that of item 0"),
        ([queued_row(0), queued_row(1, status="failed")], "row 2 is not that of item 1"),
        ([queued_row(0), queued_row(1, attempts=2)], "row 2 is not that of item 1"),
        ([queued_row(0), queued_row(1, route="direct")], "row 2 is not that of item 1"),
        ([{"index": 0, "item": {"id": 0}, "status": "pending"}], "row 1 is not that of item 0"),
    ],
)
def test_rows_that_were_not_all_queued_once_are_no_figure(found, message):
    with pytest.raises(BenchmarkError, match=f"^{message}"):
        read_works(found, 2)


def test_process_returns_when_it_began_and_ended(monkeypatch):
    # Given the process that is deployed, and a clock that only its sleep moves on
    slept = []
    names: dict[str, object] = {}
    exec(throttled.SLEEPING_PROCESS, names)
    monkeypatch.setattr("time.sleep", slept.append)
    monkeypatch.setattr("time.time", lambda: 10.0 + sum(slept))

    # When
    work = Work(**names["process"]({"id": 0}))

    # Then
    assert work == Work(10.0, 10.0 + throttled.WORK_SECONDS)


@pytest.mark.parametrize(
    ("workflow", "stack"), [("distributedMap", "DistributedMapStack"), ("throttledMap", "ThrottledMapStack")]
)
def test_outputs_are_those_of_the_workflow(workflow, stack, tmp_path):
    stacks = {"OtherStack": {"StateMachineArn": "other"}, stack: {"StateMachineArn": "this"}}
    (tmp_path / "outputs.json").write_text(json.dumps(stacks), encoding="utf-8")

    assert Deployment(tmp_path, {}, workflow).outputs == {"StateMachineArn": "this"}
