"""Progress of a running execution: a live bar on a terminal, a few plain lines elsewhere."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task
from rich.table import Column
from rich.text import Text

from utils.watch.history import Counts, History
from utils.watch.timeline import seconds_text

LONGEST_SILENCE_SECONDS = 60
"""Where there is no terminal, a line is printed at least this often, so that a log shows that it goes on."""

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Get the time now, with its zone."""
    return datetime.now(UTC)


def expected_end(history: History, now: datetime) -> datetime | None:
    """Estimate when the last item is done, if the others take as long as those that are, as many at once.

    Returns
    -------
    datetime or None
        None while no item is done.
    """
    rows = history.rows
    done = [_seconds(row.started, row.ended) for row in rows if row.ended is not None]
    running = [_seconds(row.started, now) for row in rows if row.ended is None]
    if not done:
        return None
    to_do = (history.counts().total - len(done)) * sum(done) / len(done) - sum(running)
    return now + timedelta(seconds=to_do / max(len(running), 1))


def progress_text(history: History, counts: Counts, end: datetime | None, now: datetime) -> str:
    """Say how far an execution is: ``1/3 done, 1 running, 0 failed, 4.1 s elapsed, 6.2 s left``."""
    elapsed = f"{seconds_text(_seconds(history.started, now))} elapsed"
    if not counts.total:
        return elapsed
    done = f"{counts.done:,}/{counts.total:,} done, {counts.running:,} running, {counts.failed:,} failed"
    left = _seconds(now, end) if counts.done < counts.total else 0
    return f"{done}, {elapsed}" + (f", {seconds_text(left)} left" if left else "")


def _seconds(since: datetime | None, until: datetime | None) -> float:
    # The service's clock and this machine's may differ by a little.
    return max((until - since).total_seconds(), 0.0) if since and until else 0.0


class View(AbstractContextManager["View"], Protocol):
    """What is told of each read of the history."""

    def update(self, history: History) -> None:
        """Show how far the execution is."""


class _ProgressTextColumn(ProgressColumn):
    """The counts of the last read beside a clock that runs on between reads."""

    max_refresh = 0.2

    def __init__(self, view: "LiveView") -> None:
        super().__init__(Column(no_wrap=True))
        self._view = view

    def render(self, task: Task) -> Text:  # noqa: ARG002 - rich calls it so
        return Text(self._view.text())


class LiveView(View):
    """A bar that is redrawn in place and gone when the execution has ended."""

    def __init__(self, console: Console, clock: Clock = utc_now) -> None:
        self._clock = clock
        self._history = History()
        self._counts = self._history.counts()
        self._end: datetime | None = None
        columns = (
            SpinnerColumn(style="dim"),
            BarColumn(12, complete_style="green", pulse_style="cyan"),
            _ProgressTextColumn(self),
        )
        self._progress = Progress(*columns, console=console, transient=True)
        self._task = self._progress.add_task("", total=None)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def update(self, history: History) -> None:
        """Take over the counts and the estimate; the redrawing thread reads only these."""
        self._history, self._counts = history, history.counts()
        self._end = expected_end(history, self._clock())
        self._progress.update(self._task, completed=self._counts.done, total=self._counts.total or None)

    def text(self) -> str:
        """Describe the state beside the bar."""
        return progress_text(self._history, self._counts, self._end, self._clock())


class PlainView(View):
    """A line when the items start, at each further tenth of them, and once a minute."""

    def __init__(self, console: Console, clock: Clock = utc_now) -> None:
        self._console = console
        self._clock = clock
        self._tenths = -1
        self._printed = clock()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def update(self, history: History) -> None:
        """Print a line if it says something new, or nothing was said for a minute."""
        counts, now = history.counts(), self._clock()
        tenths = 10 * counts.done // counts.total if counts.total else -1
        if tenths <= self._tenths and (now - self._printed).total_seconds() < LONGEST_SILENCE_SECONDS:
            return
        self._tenths, self._printed = tenths, now
        text = progress_text(history, counts, expected_end(history, now), now)
        self._console.print(Text(text), soft_wrap=True)


def open_view(console: Console) -> View:
    """Choose the view that suits where the output goes."""
    return LiveView(console) if console.is_terminal else PlainView(console)
