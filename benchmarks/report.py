"""Figures as a table, in the terminal and in README.md."""

import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version

from rich.table import Table

from benchmarks.errors import BenchmarkError
from benchmarks.figures import Figure, Result

BEGIN = "<!-- figures: written by `python -m benchmarks --write` -->"
END = "<!-- end of figures -->"
COLUMNS = ("Benchmark", "Workload", "Engine", "Median", "Min to max", "Target", "Met")


def machine_line(rounds: int) -> str:
    """Say where and when, and under which load; to be called when all is measured."""
    gigabytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return (
        f"Medians of {rounds}, {datetime.now(UTC):%Y-%m-%d}: {os.cpu_count()} cores ({platform.machine()}), "
        f"{gigabytes:.0f} GB of memory, {platform.system()}, Python {platform.python_version()}, "
        f"MiniStack {version('ministack')}, moto {version('moto')}; "
        f"load average of the last 15 minutes {os.getloadavg()[2]:.1f}, the benchmarks' own included."
    )


def rows(results: Mapping[str, Result]) -> list[tuple[str, ...]]:
    """Lay out one row a figure, in the order of COLUMNS."""
    return [_row(name, figure) for name, result in results.items() for figure in result.figures]


def terminal_table(results: Mapping[str, Result]) -> Table:
    """Lay out the figures for the terminal."""
    table = Table(*COLUMNS, title="Benchmarks")
    for row in rows(results):
        met = row[-1]
        table.add_row(*row, style={"yes": "green", "no": "bold red"}.get(met, ""))
    return table


def markdown(results: Mapping[str, Result], machine: str) -> str:
    """Lay out the same as Markdown, with the machine above it and the notes beneath."""
    lines = [machine, "", _markdown_row(COLUMNS), _markdown_row(["---"] * len(COLUMNS))]
    lines += [_markdown_row(row) for row in rows(results)]
    for result in results.values():
        for note in result.notes:
            lines += ["", note]
    return "\n".join(lines)


def replace_figures(readme: str, figures: str) -> str:
    """Put the figures between the marks of a README.

    Raises
    ------
    BenchmarkError
        A mark is missing, or stands twice.
    """
    if (readme.count(BEGIN), readme.count(END)) != (1, 1) or readme.index(BEGIN) > readme.index(END):
        raise BenchmarkError(
            f"benchmarks/README.md must have the lines `{BEGIN}` and `{END}` once each, in this order."
        )
    before, rest = readme.split(BEGIN)
    after = rest.split(END)[1]
    return f"{before}{BEGIN}\n{figures}\n{END}{after}"


def number_text(value: float) -> str:
    """Write a number with three digits that count, below a thousand."""
    if 0 < value < 0.9995:
        return f"{value:.3f}"
    decimals = 2 if 0 < value < 9.995 else 1 if 0 < value < 99.95 else 0
    return f"{value:,.{decimals}f}"


def _row(name: str, figure: Figure) -> tuple[str, ...]:
    return (
        name,
        figure.workload,
        figure.engine,
        f"{number_text(figure.median)} {figure.unit}",
        f"{number_text(min(figure.values))} to {number_text(max(figure.values))}",
        ""
        if figure.limit is None
        else f"{'≥' if figure.more_is_better else '≤'} {number_text(figure.limit)}",
        {None: "", True: "yes", False: "no"}[figure.met],
    )


def _markdown_row(cells: list[str] | tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"
