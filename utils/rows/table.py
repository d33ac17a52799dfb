"""The rows as a table on the terminal: the first and the last, and those that failed between them."""

from collections import deque
from collections.abc import Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from utils.attribute_values import abbreviate
from utils.rows.row import Row
from utils.watch.plain_json import error_text, json_text
from utils.watch.render import COLUMN_GAP, open_console
from utils.watch.timeline import STATUS_STYLES

FIRST_ROWS = 20
LAST_ROWS = 20
FAILED_ROWS = 20

HEADS = ("#", "Item", "Attempts", "Route", "Status", "Result or error")
ROUTE = HEADS.index("Route")

STYLES = {"pending": STATUS_STYLES["aborted"], "missing": STATUS_STYLES["failed"]} | {
    str(key): style for key, style in STATUS_STYLES.items()
}


class RowTable:
    """Keeps the rows that are shown, and prints them."""

    def __init__(self) -> None:
        self._first: list[tuple[int, Row]] = []
        self._failed: list[tuple[int, Row]] = []
        self._last: deque[tuple[int, Row]] = deque(maxlen=LAST_ROWS)
        self._count = 0

    def write(self, row: Row) -> None:
        """Take in a row."""
        placed = (self._count, row)
        self._count += 1
        if len(self._first) < FIRST_ROWS:
            self._first.append(placed)
            return
        self._last.append(placed)
        if row.status in {"failed", "missing"} and len(self._failed) < FAILED_ROWS:
            self._failed.append(placed)

    def print(self) -> None:
        """Print what was taken in; nothing without a row."""
        if not self._count:
            return
        console = open_console()
        chosen = {**dict(self._first), **dict(self._failed), **dict(self._last)}
        lines = [[Text(head) for head in HEADS]]
        expected = 0
        for place, row in sorted(chosen.items()):
            if place > expected:
                lines.append([Text("…"), Text(f"{place - expected:,} more", "dim"), *[Text()] * 4])
            lines.append(_cells(row, console.width))
            expected = place + 1
        if not any(row.route for row in chosen.values()):
            for line in lines:
                del line[ROUTE]
        table = _empty_table(lines, console.width)
        for line in lines[1:]:
            table.add_row(*line)
        console.print(table)


def _cells(row: Row, width: int) -> list[Text]:
    style = STYLES[row.status]
    outcome = json_text(row.outcome) if row.status == "succeeded" else error_text(*row.error())
    return [
        Text(str(row.index)),
        Text(abbreviate(json_text(row.item), width)),
        Text("" if row.attempts is None else str(row.attempts)),
        Text(row.route or ""),
        Text(row.status, style),
        Text(abbreviate(outcome, width), style if row.status == "failed" else ""),
    ]


def _empty_table(lines: Sequence[Sequence[Text]], width: int) -> Table:
    """Lay the columns out so that only item and outcome are cut; the items give way first, to two fifths."""
    widths = [max(cell.cell_len for cell in column) for column in zip(*lines, strict=True)]
    free = width - (sum(widths) - widths[1] - widths[-1]) - COLUMN_GAP * len(widths)
    widths[1] = min(widths[1], max(free - widths[-1], 2 * free // 5))
    widths[-1] = min(widths[-1], free - widths[1])
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, COLUMN_GAP - 1, 0, 0))
    for column, head in enumerate(lines[0]):
        table.add_column(
            head,
            justify="right" if column in {0, 2} else "left",
            style="dim" if column == 0 else "",
            width=widths[column],
            no_wrap=True,
            overflow="ellipsis",
        )
    return table
