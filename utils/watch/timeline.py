"""A timeline in characters: a bar an item on one scale, waiting and working told apart."""

from collections.abc import Sequence
from datetime import datetime

from rich.cells import set_cell_size
from rich.text import Text

from utils.watch.items import ItemRow, ItemStatus

WAIT, WORK = "─", "━"
WAIT_STYLE = "dim"
STATUS_STYLES: dict[ItemStatus, str] = {
    "succeeded": "green",
    "failed": "red",
    "aborted": "yellow",
    "running": "cyan",
}
TICK_STEPS_SECONDS = [
    *(factor * power for power in (0.001, 0.01, 0.1, 1.0) for factor in (1, 2, 5)),
    *(10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400),
]
MIN_TICK_CELLS = 12


def seconds_text(seconds: float) -> str:
    """Write a duration in the units a reader would: ``0.35 s``, ``2.1 s``, ``3 min 05 s``, ``2 h 04 min``."""
    if 0.0005 <= seconds < 0.9995:
        return f"{seconds:.2f} s" if seconds >= 0.0095 else f"{seconds:.3f} s"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min"


class Scale:
    """Maps moments to the cells of a line.

    Parameters
    ----------
    rows
        At least one.
    until
        End of what still runs.
    cells
        Width of the line.
    """

    def __init__(self, rows: Sequence[ItemRow], until: datetime, cells: int) -> None:
        self.zero = min(row.started for row in rows)
        self.until = until
        self.cells = cells
        last = max(row.ended or until for row in rows)
        self.span_seconds = max((last - self.zero).total_seconds(), 0.001)

    def cell(self, moment: datetime) -> int:
        """Cell in which a moment falls; the end of the scale is one past the last cell."""
        return round((moment - self.zero).total_seconds() / self.span_seconds * self.cells)

    def bar(self, row: ItemRow) -> Text:
        """Draw an item's bar, at least one cell long; work after a wait has at least one cell, too."""
        start = min(self.cell(row.started), self.cells - 1)
        end_moment = row.ended or self.until
        end = min(max(self.cell(end_moment), start + 1), self.cells)
        bar = Text(" " * start + WORK * (end - start))
        bar.stylize(STATUS_STYLES[row.status], start, end)
        for held, released in row.waits:
            first = max(self.cell(held), start)
            stop = end if released >= end_moment else min(self.cell(released), end - 1)
            if stop > first:
                bar = Text.assemble(bar[:first], (WAIT * (stop - first), WAIT_STYLE), bar[stop:])
        return bar

    def axis(self) -> Text:
        """Draw the tick labels, the first at the start of the first item."""
        return axis(self.span_seconds, self.cells)


def axis(span_seconds: float, cells: int) -> Text:
    """Draw the tick labels of a line of cells that is a span of time long, from 0 s on."""
    step = next(
        (step for step in TICK_STEPS_SECONDS if step / span_seconds * cells >= MIN_TICK_CELLS), span_seconds
    )
    line = ""
    for tick in range(int(span_seconds / step) + 1):
        label = f"╵{_tick_text(tick * step)}"
        position = round(tick * step / span_seconds * cells)
        if position + len(label) <= cells:
            line = set_cell_size(line, position) + label
    return Text(line, WAIT_STYLE)


def _tick_text(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.3f}".rstrip("0").rstrip(".") + " s"
    if seconds < 3600:
        return f"{seconds / 60:.1f}".removesuffix(".0") + " min"
    return f"{seconds / 3600:.1f}".removesuffix(".0") + " h"
