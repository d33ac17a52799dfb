"""The parts of the benchmarks that measure nothing: rounds, medians, ratios, the table, what they refuse."""

import sys
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from benchmarks import __main__ as command_line
from benchmarks.__main__ import BENCHMARKS, main
from benchmarks.errors import BenchmarkError
from benchmarks.figures import Case, Figure, Result, measure_rounds, ratio
from benchmarks.report import BEGIN, END, markdown, number_text, replace_figures
from benchmarks.workloads import States, create_map


def figure(*values: float, limit: float | None = None) -> Figure:
    return Figure("10 items", "local AWS", "ms/item", values, limit)


@pytest.mark.parametrize(
    ("values", "limit", "median", "met"),
    [
        ((3.0, 1.0, 2.0), None, 2.0, None),
        ((9.0, 1.0, 2.0), 2.0, 2.0, True),
        ((1.0, 2.5, 9.0), 2.4, 2.5, False),
        ((1.0, 2.0), 1.5, 1.5, True),
    ],
)
def test_median_decides_on_target(
    values: tuple[float, ...], limit: float | None, median: float, met: bool | None
) -> None:
    measured = figure(*values, limit=limit)

    assert (measured.median, measured.met) == (median, met)


def test_rounds_take_the_cases_in_turn() -> None:
    # Given two cases that say when they are measured
    order: list[str] = []

    def case(name: str, limit: float | None = None) -> Case:
        def measure() -> float:
            order.append(name)
            return float(len(order))

        return Case(name, "engine", "s", measure, limit)

    # When
    figures = measure_rounds([case("a", 4.0), case("b")], 3, lambda _line: None)

    # Then
    assert order == ["a", "b", "a", "b", "a", "b"]
    assert figures == [
        Figure("a", "engine", "s", (1.0, 3.0, 5.0), 4.0),
        Figure("b", "engine", "s", (2.0, 4.0, 6.0)),
    ]


def test_ratio_is_taken_within_each_round() -> None:
    # Given a second round under twice the load, which reaches both figures
    few, many = figure(2.0, 4.0, 2.0), figure(3.0, 6.0, 3.0)

    result = ratio(many, few, "many over few", 1.3)

    assert result == Figure("many over few", "local AWS", "ratio", (1.5, 1.5, 1.5), 1.3)
    assert result.met is False


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.4567, "0.457"), (1, "1.00"), (12.345, "12.3"), (99.96, "100"), (5432.1, "5,432")],
)
def test_numbers_have_three_digits_that_count(value: float, text: str) -> None:
    assert number_text(value) == text


def test_markdown_has_machine_rows_and_notes() -> None:
    results = {
        "map": Result([figure(1.0, 3.0, 2.0, limit=1.5), figure(4.0)]),
        "growth": Result([figure(0.5, limit=1.5)], ("A note.",)),
    }

    assert markdown(results, "2 cores.").splitlines() == [
        "2 cores.",
        "",
        "| Benchmark | Workload | Engine | Median | Min to max | Target | Met |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        "| map | 10 items | local AWS | 2.00 ms/item | 1.00 to 3.00 | ≤ 1.50 | no |",
        "| map | 10 items | local AWS | 4.00 ms/item | 4.00 to 4.00 |  |  |",
        "| growth | 10 items | local AWS | 0.500 ms/item | 0.500 to 0.500 | ≤ 1.50 | yes |",
        "",
        "A note.",
    ]


def test_figures_replace_what_is_between_the_marks() -> None:
    readme = f"# Title\n\n{BEGIN}\nold\n{END}\n\nThe rest.\n"

    once = replace_figures(readme, "new")

    assert once == f"# Title\n\n{BEGIN}\nnew\n{END}\n\nThe rest.\n"
    assert replace_figures(once, "new") == once


@pytest.mark.parametrize("readme", ["", BEGIN, END, f"{END}\n{BEGIN}", f"{BEGIN}{END}{BEGIN}{END}"])
def test_readme_without_marks_is_refused(readme: str) -> None:
    with pytest.raises(BenchmarkError, match=r"benchmarks/README\.md must have the lines .* once each"):
        replace_figures(readme, "new")


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"Type": "Fail", "Error": "Broken", "Cause": "no luck"}, "ended FAILED Broken no luck"),
        ({"Type": "Pass", "Result": 7, "End": True}, "the results of 2 items are not the items"),
    ],
)
@mock_aws(config={"stepfunctions": {"execute_state_machine": True}})
def test_wrong_outcome_is_no_figure(state: States, message: str) -> None:
    client = boto3.client("stepfunctions", region_name="us-east-1")
    broken = create_map("moto", client, 1, {"Work": state})

    with pytest.raises(BenchmarkError, match=f"^moto: .*{message}$"):
        broken.ms_per_item(2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["nothing"],
            "'nothing' is not a benchmark: map, growth, makespan, memory, commands, distributed, scale",
        ),
        (["--rounds", "0"], "'0' is not a number of rounds: 1 or more"),
        (["--rounds", "1.5"], "'1.5' is not a number of rounds: 1 or more"),
        (["map", "--write"], "--write takes the figures of all benchmarks: leave out the names"),
    ],
)
def test_wrong_usage(
    arguments: list[str],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "argv", ["benchmarks", *arguments])

    with pytest.raises(SystemExit) as stopped:
        main()

    assert stopped.value.code == 2
    assert message in capsys.readouterr().err


def test_every_benchmark_runs_and_the_figures_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # Given benchmarks that find something at once
    readme = tmp_path / "README.md"
    readme.write_text(f"{BEGIN}\n{END}\n", encoding="utf-8")
    monkeypatch.setattr(command_line, "README", readme)
    monkeypatch.setattr(sys, "argv", ["benchmarks", "--rounds", "2", "--write"])
    for name in BENCHMARKS:
        monkeypatch.setitem(
            BENCHMARKS,
            name,
            lambda rounds, report: report("measuring") or Result([figure(float(rounds), limit=1.0)]),
        )

    # When
    code = main()

    # Then a target that is missed is a figure too
    assert code == 0
    rows = [line for line in readme.read_text(encoding="utf-8").splitlines() if "local AWS" in line]
    assert rows == [
        f"| {name} | 10 items | local AWS | 2.00 ms/item | 2.00 to 2.00 | ≤ 1.00 | no |"
        for name in BENCHMARKS
    ]
    assert "memory: measuring" in capsys.readouterr().err
