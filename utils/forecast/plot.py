"""Draws cost and time of all modes over the number of items, as SVG; the same figures give the same file."""

import io
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from utils.command import CommandError
from utils.forecast.forecast import Row, Terms, forecast
from utils.forecast.mode import Mode
from utils.forecast.recommend import cure
from utils.forecast.whole_file import replace_file
from utils.forecast.work import Work

FEWEST, MOST = 10, 10**9
POINTS_PER_DECADE = 4
COLORS = {
    ("fanOut", "INLINE"): "#000000",
    ("distributedMap", "EXPRESS"): "#0072B2",
    ("distributedMap", "STANDARD"): "#009E73",
    ("throttledMap", "STANDARD"): "#D55E00",
    ("queueFanIn", "MESSAGES"): "#CC79A7",
}
"""By workflow and kind, told apart by people who see few colours (Okabe and Ito)."""
SECONDS = (
    (1, "1 s"),
    (60, "1 min"),
    (3600, "1 h"),
    (86_400, "1 d"),
    (2_592_000, "30 d"),
    (31_536_000, "1 y"),
)
SETTINGS: dict[Any, Any] = {
    "svg.hashsalt": "estimate",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9,
}

Measure = Callable[[Row], float]


@dataclass(frozen=True)
class Change:
    """A number of items from which on another mode is best."""

    items: int
    name: str


def write_plot(path: Path, modes: Sequence[Mode], work: Work, terms: Terms) -> None:
    """Draw two panels, dollars and time, with the points where the best mode changes marked.

    A line is dotted where no setting lets one run of the mode take so many items.

    Raises
    ------
    CommandError
        The file cannot be written.
    """
    steps = round(math.log10(MOST / FEWEST)) * POINTS_PER_DECADE
    counts = [round(FEWEST * 10 ** (step / POINTS_PER_DECADE)) for step in range(steps + 1)]
    tables = {items: forecast(modes, replace(work, items=items), terms) for items in counts}
    with matplotlib.rc_context(SETTINGS):
        figure = Figure(figsize=(9, 9), layout="constrained")
        cost, time = figure.subplots(2, 1, sharex=True)
        for axes, measure, title in ((cost, _dollars, "US dollars"), (time, _seconds, "time")):
            _draw_lines(axes, tables, work, terms, measure)
            changes = find_changes(modes, work, terms, measure, counts)
            _mark_changes(axes, changes, "cheapest" if measure is _dollars else "fastest")
            axes.set(xscale="log", yscale="log", ylabel=title, xlim=(FEWEST, MOST))
            axes.grid(visible=True, which="major", color="#dddddd", linewidth=0.6)
        time.set_xlabel("items")
        time.set_yticks([seconds for seconds, _ in SECONDS], labels=[name for _, name in SECONDS])
        time.minorticks_off()
        figure.legend(*cost.get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
        drawn = io.StringIO()
        figure.savefig(drawn, format="svg", metadata={"Date": None, "Creator": None})
    try:
        replace_file(path, drawn.getvalue())
    except OSError as error:
        raise CommandError(f"{path}: cannot be written: {error.strerror}") from error


def _dollars(row: Row) -> float:
    return row.dollars.total


def _seconds(row: Row) -> float:
    return row.makespan.seconds


def _usable(row: Row, work: Work, terms: Terms) -> Row | None:
    """Return the row with the settings that it needs; None where none let the mode take the work."""
    cured = cure(row, work, terms)
    return cured and cured[0]


def _draw_lines(axes: Axes, tables: dict[int, list[Row]], work: Work, terms: Terms, measure: Measure) -> None:
    for rows in zip(*tables.values(), strict=True):
        mode = rows[0].mode
        color, dashes = COLORS[mode.workflow, mode.kind], "--" if mode.name.endswith(" items") else "-"
        usable = [
            _usable(row, replace(work, items=items), terms) for items, row in zip(tables, rows, strict=True)
        ]
        values = [measure(row) for row in rows]
        taken = [measure(row) if row else math.nan for row in usable]
        axes.plot(list(tables), values, ":", color=color, linewidth=0.9)
        axes.plot(list(tables), taken, dashes, color=color, linewidth=1.6, label=mode.title)


def find_changes(
    modes: Sequence[Mode], work: Work, terms: Terms, measure: Measure, counts: Sequence[int]
) -> list[Change]:
    """Find where another mode becomes the best, to within a thousandth or an item.

    Returns
    -------
    list of Change
        The first is the best mode of the fewest items.
    """

    def best(items: int, among: Sequence[Mode] = modes) -> str:
        sized = replace(work, items=items)
        rows = [_usable(row, sized, terms) for row in forecast(among, sized, terms)]
        usable = [row for row in rows if row is not None]
        return min(usable, key=measure).mode.title if usable else ""

    changes = [Change(counts[0], best(counts[0]))]
    for before, after in pairwise(counts):
        old, new = changes[-1].name, best(after)
        if new == old:
            continue
        low, high = before, after
        rivals = [mode for mode in modes if mode.title in {old, new}]
        while high - low > max(1, high // 1000):
            middle = round(math.sqrt(low * high))
            low, high = (middle, high) if best(middle, rivals) == old else (low, middle)
        changes.append(Change(high, new))
    return changes


def _mark_changes(axes: Axes, changes: Sequence[Change], what: str) -> None:
    """Draw a line at each change, and at its foot the mode that is best from there on."""
    for change in changes:
        first = change is changes[0]
        if not first:
            axes.axvline(change.items, color="#888888", linestyle=":", linewidth=1)
        start = "" if first else f"from {change.items:,} items "
        axes.annotate(
            start + (f"{what}: {change.name}" if change.name else "none in one run"),
            (change.items, 0),
            xycoords=("data", "axes fraction"),
            xytext=(9, 5),
            textcoords="offset points",
            rotation=90,
            fontsize=7,
            ha="center",
            va="bottom",
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1, "alpha": 0.85},
        )
