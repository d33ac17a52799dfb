"""What an ended job looks like: items done over time, its summary, a last line."""

from collections.abc import Sequence
from datetime import UTC

from rich.console import Console
from rich.text import Text

from utils.jobs.job import Job, JobSummary
from utils.load_plan import items_text
from utils.watch.labelled import labelled_lines
from utils.watch.map_run_render import (
    error_figures,
    items_done_chart,
    shows_growth,
    time_figures,
)
from utils.watch.plain_json import error_text, one_line
from utils.watch.render import print_whole
from utils.watch.samples import Sample
from utils.watch.timeline import seconds_text


def head_line(job: Job) -> Text:
    """Name a job, its list, and when it started: ``--latest`` may find another one than is expected."""
    started = f"{job.started.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    return Text(f"Job {job.name} of {one_line(f's3://{job.bucket}/{job.key}')}, started {started}")


def print_outcome(console: Console, job: Job, samples: Sequence[Sample]) -> None:
    """Print what is known of an ended job."""
    parts = [items_done_chart(samples, console.width)] if shows_growth(samples) else []
    if job.summary:
        parts.append(_summary_table(job, job.summary))
    for part in parts:
        print_whole(console, part)
        console.print()
    print_whole(console, last_line(job))


def _summary_table(job: Job, summary: JobSummary) -> Text:
    """Lay out a summary as a line a figure."""
    lines = [
        ("Items", f"{summary.items:,}"),
        ("Succeeded", f"{summary.succeeded:,}"),
        ("Failed", f"{summary.failed:,}"),
        *error_figures(summary.errors),
        *([("Missing", f"{summary.missing:,}")] if summary.missing else []),
        ("Attempts", f"{summary.attempts:,}"),
    ]
    if job.ended:
        lines += time_figures(summary.succeeded + summary.failed, job.started, job.ended)
    first, *others = summary.rows or ("",)
    more = f" and {len(others):,} more" if others else ""
    place = f"s3://{summary.bucket}/"
    lines += [("Rows", one_line(f"{place}{first}{more}"))] if first else []
    lines += [("Summary", one_line(f"{place}{summary.summary}"))]
    return labelled_lines(lines)


def last_line(job: Job) -> Text:
    """Sum an ended job up: status, duration, how many items, and why it is not DONE."""
    done = job.status == "DONE"
    seconds = (job.ended - job.started).total_seconds() if job.ended else 0.0
    text = f" {'in' if done else 'after'} {seconds_text(seconds)}"
    if job.status == "INCOMPLETE":
        text += ", its deadline"
    if summary := job.summary:
        others = {"failed": summary.failed, "missing": summary.missing}
        parts = [f"{summary.succeeded:,} of {items_text(summary.items)} succeeded"]
        parts += [f"{count:,} {status}" for status, count in others.items() if count]
        text += f" ({', '.join(parts)})"
    if job.error:
        text += f": {error_text(*job.error)}"
    elif not done and (failure := job.split_failure) and job.sent < (job.total or 0):
        text += f": {job.sent:,} were sent, because Split failed, see its log: {error_text(*failure)}"
    return Text.assemble((job.status, "bold green" if done else "bold red"), text)
