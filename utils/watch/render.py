"""What an execution looks like: a table of its items, a timeline, a last line."""

from collections.abc import Sequence
from datetime import datetime

from rich import box
from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from utils.watch.history import History
from utils.watch.items import Counts, ItemRow
from utils.watch.map_run_render import map_run_parts
from utils.watch.order_render import order_parts
from utils.watch.plain_json import error_text, json_text
from utils.watch.timeline import STATUS_STYLES, WAIT, WAIT_STYLE, WORK, Scale, seconds_text

TIMELINE_ROWS = 40
"""Bars drawn at most: what fits a screen. Of more items the first and the last are drawn."""

MIN_WIDTH_CELLS = 40
USUAL_WIDTH_CELLS = 80
"""Cells of a line where the terminal, or COLUMNS, says less than a row can be shown in."""

MIN_TEXT_CELLS = 10
MAX_OUTPUT_CELLS = 2_000
"""Of the output of an execution whose items have no rows."""

COLUMN_GAP = 2


def open_console() -> Console:
    """Open standard output, with a width that a table fits in."""
    console = Console(highlight=False)
    if console.width < MIN_WIDTH_CELLS:
        console.width = USUAL_WIDTH_CELLS
    return console


def print_outcome(console: Console, history: History, now: datetime, *, max_rows: int | None = None) -> None:
    """Print table, timeline and last line of an execution.

    Parameters
    ----------
    now
        End of what still runs.
    max_rows
        Rows of the table; None shows every item.
    """
    rows = history.rows
    if rows:
        console.print(items_table(rows, max_rows or len(rows), console.width))
        console.print()
        console.print(timeline(rows, now, console.width))
        console.print()
    for part in [*map_run_parts(history, now, console.width), *order_parts(history.order)]:
        print_whole(console, part)
        console.print()
    print_whole(console, last_line(history))


def print_whole(console: Console, part: RenderableType) -> None:
    """Print lines that only a screen or a picture may break, so that what they name can be copied."""
    console.print(part, soft_wrap=not (console.is_terminal or console.record), highlight=False)


def first_and_last(rows: Sequence[ItemRow], limit: int) -> list[ItemRow]:
    """Choose the rows to show where not all fit: the first half and the last half."""
    if len(rows) <= limit:
        return list(rows)
    return [*rows[: limit - limit // 2], *rows[-(limit // 2) :]]


def items_table(all_rows: Sequence[ItemRow], max_rows: int, width: int) -> Table:
    """Lay out one row an item.

    Parameters
    ----------
    all_rows
        At least one.
    max_rows
        Of more, those in the middle are left out.
    width
        Cells of the console; item and result are cut to fit.
    """
    rows = first_and_last(all_rows, max_rows)
    heads, lines = _narrow_columns(rows, min(row.started for row in all_rows))
    taken = sum(max(cell_len(line[column]) for line in [heads, *lines]) for column in range(len(heads)))
    free = width - taken - COLUMN_GAP * (len(heads) + 1)
    items = ["Item", *(row.item_text for row in rows)]
    outcomes = ["Result or error", *(row.outcome_text for row in rows)]
    items, outcomes = _fit(items, outcomes, free)
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, COLUMN_GAP - 1, 0, 0))
    table.add_column(heads[0], justify="right", style="dim")
    table.add_column(items[0], no_wrap=True)
    for head in heads[1:-1]:
        table.add_column(head, justify="right")
    table.add_column(heads[-1])
    table.add_column(outcomes[0], no_wrap=True)
    whole = zip(rows, lines, items[1:], outcomes[1:], strict=True)
    for place, (row, line, item, outcome) in enumerate(whole):
        if len(rows) < len(all_rows) and place == len(rows) - len(rows) // 2:
            table.add_row("…", Text(not_shown(len(all_rows) - len(rows)), "dim"))
        style = STATUS_STYLES[row.status]
        reason = Text(outcome, style if row.status == "failed" else "")
        table.add_row(Text(line[0]), Text(item), *line[1:-1], Text(line[-1], style), reason)
    return table


def _narrow_columns(rows: Sequence[ItemRow], zero: datetime) -> tuple[list[str], list[list[str]]]:
    """Write the columns that are never cut: their heads, and a line a row."""
    with_attempts = any(row.attempts > 1 for row in rows)
    heads = ["#", "Start", "Duration", *(["Attempts"] if with_attempts else []), "Status"]
    lines = [
        [
            label,
            seconds_text((row.started - zero).total_seconds()),
            seconds_text((row.ended - row.started).total_seconds()) if row.ended else "",
            *([str(row.attempts)] if with_attempts else []),
            row.status,
        ]
        for label, row in zip(_labels(rows), rows, strict=True)
    ]
    return heads, lines


def timeline(rows: Sequence[ItemRow], now: datetime, width: int) -> Text:
    """Draw a bar an item, the scale below them, and what the strokes mean."""
    shown = first_and_last(rows, TIMELINE_ROWS)
    labels = _labels(shown)
    margin = max(cell_len(label) for label in labels)
    scale = Scale(rows, now, max(width - margin - COLUMN_GAP, MIN_TEXT_CELLS))
    indent = " " * (margin + COLUMN_GAP)
    lines = []
    for place, (label, row) in enumerate(zip(labels, shown, strict=True)):
        if len(shown) < len(rows) and place == len(shown) - len(shown) // 2:
            lines.append(Text(indent + not_shown(len(rows) - len(shown)), "dim"))
        lines.append(Text.assemble((label.rjust(margin), "dim"), " " * COLUMN_GAP, scale.bar(row)))
    lines.append(Text.assemble(indent, scale.axis()))
    strokes = [Text(f"{WAIT * 2} wait", WAIT_STYLE)] if any(row.waits for row in rows) else []
    for status, style in STATUS_STYLES.items():
        if any(row.status == status for row in rows):
            strokes.append(Text(f"{WORK * 2} work, {status}", style))
    return Text("\n").join([*lines, Text(indent) + Text("   ").join(strokes)])


def not_shown(count: int) -> str:
    """Say how many items were left out."""
    return f"… {count:,} more items are not shown …"


def last_line(history: History) -> Text:
    """Sum an ended execution up: status, duration, how many items, and why it did not succeed."""
    seconds = (history.ended - history.started).total_seconds() if history.ended and history.started else 0
    succeeded = history.status == "SUCCEEDED"
    text = f" {'in' if succeeded else 'after'} {seconds_text(seconds)}"
    reason = error_text(history.error, history.cause)
    if history.status == "TIMED_OUT":
        text, reason = f"{text}, the timeout of the execution", ""
    counts = history.final_counts()
    if counts.total or history.summary:
        text += f" ({counts_text(counts, 'processed' if history.counts_batches else 'succeeded')})"
    shown_above = history.rows or history.summary or history.order.outcome or history.order.batch
    if succeeded and not shown_above:
        output = json_text(history.output)
        # A Map Run without a ResultWriter returns all its results.
        shown = _cut(output, MAX_OUTPUT_CELLS) if history.map_runs else output
        reason = f"output {shown}" if output else ""
    style = "bold green" if succeeded else "bold red"
    return Text.assemble((history.status, style), text, f": {reason}" if reason else "")


def counts_text(counts: Counts, well: str) -> str:
    """Say how many items came out how: ``2 of 4 items succeeded, 1 failed, 1 not started``.

    Parameters
    ----------
    well
        What is said of those that came out well.
    """
    others = {
        "failed": counts.failed,
        "aborted": counts.aborted,
        "still running": counts.running,
        "not started": counts.pending,
    }
    first = f"{counts.succeeded:,} of {counts.total:,} item{'s' * (counts.total != 1)} {well}"
    return ", ".join([first, *(f"{count:,} {status}" for status, count in others.items() if count)])


def _labels(rows: Sequence[ItemRow]) -> list[str]:
    """Name rows by their index, and by their Map where there are several."""
    if len({row.map_name for row in rows}) == 1:
        return [str(row.index) for row in rows]
    return [f"{row.map_name[:20]} {row.index}" for row in rows]


def _fit(items: Sequence[str], outcomes: Sequence[str], cells: int) -> tuple[list[str], list[str]]:
    """Cut two columns so that together they fit; the items give way first, down to two fifths."""
    widest_item = max(map(cell_len, items))
    widest_outcome = max(map(cell_len, outcomes))
    item_cells = min(widest_item, max(cells - widest_outcome, 2 * cells // 5, MIN_TEXT_CELLS))
    outcome_cells = max(cells - item_cells, MIN_TEXT_CELLS)
    return [_cut(text, item_cells) for text in items], [_cut(text, outcome_cells) for text in outcomes]


def _cut(text: str, cells: int) -> str:
    shortened = Text(text)
    shortened.truncate(cells, overflow="ellipsis")
    return shortened.plain
