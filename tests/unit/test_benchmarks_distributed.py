"""The parts of the Distributed Map's benchmarks that measure nothing: arithmetic, and what they refuse."""

import json
import subprocess
import sys

import pytest

from benchmarks import distributed, paper, scale
from benchmarks.deployment import MEASURE_COMMAND, check_rows, parse_command_run
from benchmarks.distributed import Round
from benchmarks.errors import BenchmarkError
from benchmarks.figures import Result
from benchmarks.paper import Plan, count_states, read_plan
from benchmarks.report import rows
from benchmarks.scale import Run

MEGABYTE = 1_000_000


def result_row(index: int, **changes: object) -> dict[str, object]:
    name = f"item {index}"
    row = {
        "index": index,
        "item": {"id": index, "name": name},
        "status": "succeeded",
        "result": {"id": index, "length": len(name)},
        "attempts": 1,
    }
    return {**row, **changes}


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ([result_row(0)], "has 1 rows for 2 items"),
        ([result_row(0), result_row(1), result_row(2)], "has 3 rows for 2 items"),
        ([], "has 0 rows for 2 items"),
        ([result_row(1), result_row(0)], "row 1 is not the result of item 0"),
        ([result_row(0), result_row(1, status="failed")], "row 2 is not the result of item 1"),
        ([result_row(0), result_row(1, attempts=2)], "row 2 is not the result of item 1"),
    ],
)
def test_wrong_rows_are_no_figure(written, message, tmp_path):
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in written), encoding="utf-8")

    with pytest.raises(BenchmarkError, match=rf"^rows\.jsonl: {message}"):
        check_rows(file, 2)


def test_right_rows_pass(tmp_path):
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(json.dumps(result_row(index)) + "\n" for index in range(11)), encoding="utf-8")

    check_rows(file, 11)


def run_measured(code):
    command = [sys.executable, str(MEASURE_COMMAND), sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_memory_of_a_command_is_its_own():
    # Given this process, which is larger than a command that does nothing
    held = b"x" * 100 * MEGABYTE

    # When
    small = run_measured("print('said')")
    large = run_measured(f"print(len(b'x' * {len(held)}))")

    # Then
    assert parse_command_run(small.stdout).printed == "said"
    assert parse_command_run(small.stdout).peak_bytes < 50 * MEGABYTE
    assert 100 * MEGABYTE < parse_command_run(large.stdout).peak_bytes < 150 * MEGABYTE


def test_failed_command_has_the_last_word():
    failed = run_measured("print('why'); raise SystemExit(3)")

    assert (failed.returncode, failed.stdout) == (3, "why\n")


def test_rate_is_met_from_its_target_upwards():
    # Given rounds of 100,000 items in 10 s, 20 s and 25 s
    measured = [
        Round(1.5, 10.0, 3.0, 300 * MEGABYTE, 400 * MEGABYTE, 25.0),
        Round(1.5, 20.0, 3.0, 300 * MEGABYTE, 1200 * MEGABYTE, 25.0),
        Round(1.5, 25.0, 3.0, 300 * MEGABYTE, 1400 * MEGABYTE, 25.0),
    ]

    found = rows({"distributed": Result(distributed.figures(measured))})

    assert [row[3:] for row in found] == [
        ("5,000 items/s", "4,000 to 10,000", "≥ 5,000", "yes"),
        ("4,000 items/s", "4,000 to 4,000", "≥ 5,000", "no"),
        ("0.300 GB", "0.300 to 0.300", "≤ 1.00", "yes"),
        ("1.20 GB", "0.400 to 1.40", "≤ 1.00", "no"),
        ("1.50 s", "1.50 to 1.50", "", ""),
        ("3.00 s", "3.00 to 3.00", "", ""),
    ]


def run_of(items: int, seconds: float, megabytes: float) -> Run:
    names = (*scale.COMMANDS, *scale.FUNCTIONS.values(), scale.EMULATOR)
    return Run(items, seconds, seconds / 2, dict.fromkeys(names, int(megabytes * MEGABYTE)))


def test_growth_is_taken_of_items_and_of_further_items():
    # Given commands that take 9 s in any case, and then 0.1 ms an item, or 0.2 ms above 100,000 items
    runs = [run_of(10_000, 10, 50), run_of(100_000, 19, 55), run_of(1_000_000, 199, 70)]

    found = {figure.workload: figure for figure in scale.figures(runs)}

    costs = [found[f"load, run and results: {items} items"] for items in ("10,000", "100,000", "1,000,000")]
    assert [cost.values for cost in costs] == [(1.0,), (0.19,), (0.199,)]
    growth = found["load, run and results: 1,000,000 over 10,000 items"]
    assert (growth.values, growth.met) == ((0.199,), True)
    further = found["load, run and results: a further item above 100,000 over one below"]
    assert (further.median, further.met) == (pytest.approx(2.0), False)


def test_memory_has_its_limits():
    runs = [run_of(10_000, 1, 150), run_of(100_000, 10, 170), run_of(1_000_000, 100, 201)]

    targets = {figure.workload: figure.met for figure in scale.figures(runs) if figure.limit is not None}

    assert {workload: met for workload, met in targets.items() if workload.startswith("memory")} == {
        "memory of load-s3.py: 1,000,000 items": False,
        "memory of run.py: 1,000,000 items": False,
        "memory of results.py: 1,000,000 items": False,
        "memory of item processor: 1,000,000 over 10,000 items": False,
        "memory of summary: 1,000,000 over 10,000 items": False,
    }


def plan(child_type: str, batch: int, **changes: object) -> Plan:
    """One state in a child and x86 in the function: the plain workload."""
    fields = {
        "at_once": 1000,
        "parent_states": 0,
        "child_states": 1,
        "memory_gb": 0.125,
        "architecture": "x86_64",
    }
    return Plan(child_type, batch, **{**fields, **changes})


@pytest.mark.parametrize(
    ("child_type", "batch", "reading", "dollars"),
    [
        ("EXPRESS", 1, "start_plus_states", 26.62),
        ("EXPRESS", 100, "start_plus_states", 0.58),
        ("EXPRESS", 100, "start_only", 0.58),
        ("STANDARD", 1, "start_plus_states", 50.41),
        ("STANDARD", 1, "start_only", 25.41),
        ("STANDARD", 100, "start_plus_states", 0.71),
        ("STANDARD", 100, "start_only", 0.46),
    ],
)
def test_price_of_a_million_items(child_type, batch, reading, dollars):
    assert round(plan(child_type, batch).dollars(reading), 2) == dollars


def test_work_that_fills_its_rounding_is_rounded_up():
    # Given a batch of exactly 0.3 s, which binary fractions make a little more
    express = plan("EXPRESS", 3, memory_gb=0.0)

    each = express.dollars("start_only") / express.children

    request, transition, invocation = 1e-6, 25e-6, 0.2e-6
    assert each == pytest.approx(request + transition + invocation + 0.4 / 16 * 0.00001667, rel=1e-9)


@pytest.mark.parametrize(
    ("child_type", "reading", "transitions"),
    [
        ("EXPRESS", "start_plus_states", 10_005),
        ("STANDARD", "start_plus_states", 40_005),
        ("STANDARD", "start_only", 10_005),
    ],
)
def test_transitions_of_both_readings(child_type, reading, transitions):
    assert plan(child_type, 100, parent_states=5, child_states=3).transitions(reading) == transitions


@pytest.mark.parametrize(
    ("child_type", "at_once", "bounds"),
    [
        ("EXPRESS", 1000, (19.999, 100.0, 10.0)),
        ("EXPRESS", 999, (19.999, 110.0, 10.0)),
        ("STANDARD", 1000, (109.99, 100.0, 10.0)),
    ],
)
def test_time_has_three_bounds(child_type, at_once, bounds):
    found = plan(child_type, 100, at_once=at_once).least_seconds()

    assert tuple(found.values()) == pytest.approx(bounds)


@pytest.mark.parametrize(
    ("states", "count"),
    [
        ({"A": {"Type": "Succeed"}}, 1),
        ({"A": {"Type": "Pass", "Next": "B"}, "B": {"Type": "Task", "End": True}}, 2),
        (
            {
                "A": {"Type": "Choice", "Choices": [{"Next": "Failed"}], "Default": "Done"},
                "Failed": {"Type": "Fail"},
                "Done": {"Type": "Succeed"},
            },
            2,
        ),
        (
            {
                "A": {"Type": "Task", "Next": "B", "Catch": [{"Next": "Done"}]},
                "B": {"Type": "Choice", "Choices": [{"Next": "Done"}], "Default": "Wait"},
                "Wait": {"Type": "Wait", "Next": "A"},
                "Done": {"Type": "Succeed"},
            },
            3,
        ),
    ],
)
def test_states_are_those_of_the_shortest_way_to_a_success(states, count):
    assert count_states({"StartAt": "A", "States": states}) == count


def test_plan_is_that_of_the_stack():
    template = paper.synthesize("STANDARD")

    found = read_plan(template)

    assert found == Plan("STANDARD", 100, 1000, 5, 3, 0.125, "arm64")
