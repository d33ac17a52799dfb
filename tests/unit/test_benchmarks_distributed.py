"""The parts of the Distributed Map's benchmarks that measure nothing: arithmetic, and what they refuse."""

import json
import subprocess
import sys

import pytest
from forecast_templates import templates

from benchmarks import distributed, paper, scale
from benchmarks.deployment import MEASURE_COMMAND, check_rows, parse_command_run
from benchmarks.distributed import Round
from benchmarks.errors import BenchmarkError
from benchmarks.figures import Result
from benchmarks.report import rows
from benchmarks.scale import Run
from stacks.config import Config
from utils.forecast.modes import read_modes

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


def test_paper_has_both_readings_of_standard_children_and_each_bound():
    mode = next(mode for mode in modes() if mode.name == "STANDARD batches")
    # When its figures are made
    found = {figure.workload.partition(": ")[2]: figure.median for figure in paper.figures(mode)}
    # Then the readings differ by the one state of each of the ten thousand children
    assert found["transitions, start_plus_states"] - found["transitions, start_only"] == 10_000
    assert found["price, start_plus_states"] == pytest.approx(0.71, rel=0.01)
    assert found["least time"] == found["least time by dispatch"] == pytest.approx(109.99)
    assert found["least time by concurrency"] == pytest.approx(100)


def modes():
    return read_modes(templates(), Config())
