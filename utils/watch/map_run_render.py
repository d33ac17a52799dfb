"""What the Map Runs of an execution look like: the summary, a table, items done over time."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from utils.watch.history import History
from utils.watch.labelled import labelled_lines
from utils.watch.map_runs import MapRuns
from utils.watch.plain_json import one_line
from utils.watch.progress import rate_text
from utils.watch.samples import Sample
from utils.watch.summary import Summary
from utils.watch.timeline import axis, seconds_text

MAX_ERROR_NAMES = 10
"""Names of errors listed; the rarest of more are added up."""

CHART_LINES = 8
MIN_CHART_SAMPLES = 3
"""Fewer say nothing of how the items grew: of a Map Run that had ended before, there is one."""

MIN_CHART_CELLS = 10
EIGHTHS = " ▁▂▃▄▅▆▇█"
STATUS_STYLES = {"SUCCEEDED": "green", "FAILED": "red", "ABORTED": "yellow", "RUNNING": "cyan"}


def map_run_parts(history: History, now: datetime, width: int) -> list[RenderableType]:
    """Lay out what is known of an execution's Map Runs; empty when it has none.

    Parameters
    ----------
    now
        End of what still runs.
    width
        Cells of the console.
    """
    runs, summary = history.map_runs, history.summary
    parts: list[RenderableType] = []
    if len(runs) > 1 or (runs and not summary):
        parts.append(map_runs_table(runs, now))
    if shows_growth(runs.samples):
        parts.append(items_done_chart(runs.samples, width))
    if runs and summary:
        parts.append(summary_table(summary))
    return parts


def summary_table(summary: Summary) -> Text:
    """Lay out a summary as a line a figure."""
    lines = [
        ("Items", f"{summary.items:,}"),
        ("Succeeded", f"{summary.succeeded:,}"),
        ("Failed", f"{summary.failed:,}"),
        *error_figures(summary.errors),
        *((f"Route {one_line(name)}", f"{count:,}") for name, count in summary.routes.items()),
        # As the loader calls them: with two routes, a child has one item.
        ("Children" if summary.routes else "Batches", f"{summary.batches:,}"),
        ("Attempts", f"{summary.attempts:,}"),
    ]
    if summary.started and summary.ended:
        lines += time_figures(summary.items, summary.started, summary.ended)
    lines += [("Results", one_line(summary.results)), ("Summary", one_line(summary.summary))]
    return labelled_lines(lines)


def error_figures(errors: Mapping[str, int]) -> list[tuple[str, str]]:
    """Count failed items by the name of their error, the most frequent first."""
    ranked = sorted(errors.items(), key=lambda entry: (-entry[1], entry[0]))
    shown = [(f"  {one_line(name)}", f"{count:,}") for name, count in ranked[:MAX_ERROR_NAMES]]
    if rest := ranked[MAX_ERROR_NAMES:]:
        shown.append((f"  {len(rest):,} other names", f"{sum(count for _, count in rest):,}"))
    return shown


def time_figures(items: int, started: datetime, ended: datetime) -> list[tuple[str, str]]:
    """Say how long items took, how many a second, and when that was."""
    seconds = (ended - started).total_seconds()
    rate = f", {rate_text(items / seconds)} items/s" if seconds and items else ""
    span = f"{_time_text(started)} to {_time_text(ended)}"
    return [("Time", f"{seconds_text(seconds)}{rate}"), ("From, to", span)]


def _time_text(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def map_runs_table(runs: MapRuns, now: datetime) -> Table:
    """Lay out a row a Map Run; it counts an item as its batch, so that not all it processed succeeded."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("Map Run")
    for head in ("Items", "Processed", "Failed", "Aborted", "Duration"):
        table.add_column(head, justify="right", no_wrap=True)
    table.add_column("Status", no_wrap=True)
    for run in runs:
        counts = run.counts
        figures = (counts.total, counts.succeeded, counts.failed, counts.aborted)
        seconds = max(((run.ended or now) - run.started).total_seconds(), 0)
        status = Text(run.status, STATUS_STYLES.get(run.status, ""))
        table.add_row(
            Text(one_line(run.state_name)), *(f"{n:,}" for n in figures), seconds_text(seconds), status
        )
    return table


def shows_growth(samples: Sequence[Sample]) -> bool:
    """Whether there is a growth to draw."""
    return len(samples) >= MIN_CHART_SAMPLES and samples[0].done < samples[-1].done


def items_done_chart(samples: Sequence[Sample], width: int) -> Text:
    """Draw how many items were done at each time while they were watched.

    Parameters
    ----------
    samples
        In the order of their time, at least two.
    width
        Cells of the console.
    """
    top = f"{samples[-1].total:,}"
    cells = max(width - len(top) - 2, MIN_CHART_CELLS)
    zero, span = samples[0].seconds, max(samples[-1].seconds - samples[0].seconds, 0.001)
    heights = []
    place = 0
    for cell in range(cells):
        until = zero + span * (cell + 1) / cells
        while place + 1 < len(samples) and samples[place + 1].seconds <= until + 1e-6:
            place += 1
        heights.append(round(samples[place].done / max(samples[-1].total, 1) * CHART_LINES * 8))
    lines = [Text("Items done", "dim")]
    for line in reversed(range(CHART_LINES)):
        label = top if line == CHART_LINES - 1 else "0" if line == 0 else ""
        bars = "".join(EIGHTHS[min(max(height - 8 * line, 0), 8)] for height in heights)
        lines.append(Text.assemble((label.rjust(len(top)), "dim"), "  ", (bars, "green")))
    return Text("\n").join([*lines, Text(" " * (len(top) + 2)) + axis(span, cells)])
