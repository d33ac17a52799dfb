"""Progress of a running execution: a live bar on a terminal, a few plain lines elsewhere."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import NamedTuple, Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task
from rich.table import Column
from rich.text import Text

from utils.watch.history import History
from utils.watch.items import Counts
from utils.watch.timeline import seconds_text

LONGEST_SILENCE_SECONDS = 60
"""Where there is no terminal, a line is printed at least this often, so that a log shows that it goes on."""

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Get the time now, with its zone."""
    return datetime.now(UTC)


def expected_end(history: History, now: datetime) -> datetime | None:
    """Estimate when the last item is done.

    Items with rows take as long as those that are done, as many at once;
    those of Map Runs go on at their present rate.

    Returns
    -------
    datetime or None
        None while nothing is known to estimate it from.
    """
    if history.map_runs.unsettled:
        seconds_left = history.map_runs.seconds_left()
        return None if seconds_left is None else now + timedelta(seconds=seconds_left)
    rows = history.rows
    done = [_seconds(row.started, row.ended) for row in rows if row.ended is not None]
    running = [_seconds(row.started, now) for row in rows if row.ended is None]
    if not done:
        return None
    to_come = history.counts().pending + len(running)
    to_do = to_come * sum(done) / len(done) - sum(running)
    return now + timedelta(seconds=to_do / max(len(running), 1))


class Shown(Protocol):
    """What one read came to, to be shown until the next one."""

    @property
    def done(self) -> int:
        """Items that are done."""

    @property
    def total(self) -> int:
        """Items that there are; 0 while that is not known."""

    def text(self, now: datetime) -> str:
        """Say on one line how far it is."""


class Reading(NamedTuple):
    """What one read of the history came to."""

    started: datetime | None
    counts: Counts
    end: datetime | None
    with_map_runs: bool
    items_per_second: float | None
    waits_for_approval: bool

    @classmethod
    def of(cls, history: History, now: datetime) -> "Reading":
        """Take from a history what is shown of it."""
        runs = history.map_runs
        waits = history.order.waiting is not None
        counts, end = history.counts(), expected_end(history, now)
        return cls(history.started, counts, end, bool(runs), runs.rate(), waits)

    @property
    def done(self) -> int:
        """Items that have ended."""
        return self.counts.done

    @property
    def total(self) -> int:
        """Items that there are."""
        return self.counts.total

    def text(self, now: datetime) -> str:
        """Say how far the execution is."""
        return progress_text(self, now)


def progress_text(reading: Reading, now: datetime) -> str:
    """Say how far an execution is: ``1/3 done, 1 running, 0 failed, 4.1 s elapsed, 6.2 s left``.

    Of Map Runs, whose figures are long, what matters comes first: a narrow terminal cuts the rest.
    """
    counts = reading.counts
    elapsed = f"{seconds_text(_seconds(reading.started, now))} elapsed"
    if not counts.total:
        return f"waits for approval, {elapsed}" if reading.waits_for_approval else elapsed
    seconds_left = _seconds(now, reading.end) if counts.done < counts.total else 0
    left = [f"{seconds_text(seconds_left)} left"] if seconds_left else []
    done, running = f"{counts.done:,}/{counts.total:,} done", f"{counts.running:,} running"
    if not reading.with_map_runs:
        return ", ".join([done, running, f"{counts.failed:,} failed", elapsed, *left])
    done = f"{counts.done - counts.aborted:,}/{counts.total:,} done"
    # A Map Run counts items whose whole batch failed. No such item does not mean that none has failed.
    failed = [f"{counts.failed:,} failed"] if counts.failed else []
    aborted = [f"{counts.aborted:,} aborted"] if counts.aborted else []
    rate = [] if reading.items_per_second is None else [f"{rate_text(reading.items_per_second)} items/s"]
    return ", ".join([done, *failed, *aborted, *rate, *left, running, f"{counts.pending:,} pending", elapsed])


def rate_text(per_second: float) -> str:
    """Write a rate with the digits that mean something: ``5,210``, ``4.2``, ``0.03``."""
    if per_second >= 10 or not per_second:
        return f"{per_second:,.0f}"
    return f"{per_second:.1f}" if per_second >= 1 else f"{per_second:.2g}"


def _seconds(since: datetime | None, until: datetime | None) -> float:
    # The service's clock and this machine's may differ by a little.
    return max((until - since).total_seconds(), 0.0) if since and until else 0.0


class View(AbstractContextManager["View"], Protocol):
    """What is told of each read."""

    clock: Clock

    def show(self, reading: Shown) -> None:
        """Show how far the items are."""

    def update(self, history: History) -> None:
        """Show how far an execution is."""
        self.show(Reading.of(history, self.clock()))


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
        self.clock = clock
        self._reading: Shown = Reading.of(History(), clock())
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

    def show(self, reading: Shown) -> None:
        """Take over what is shown; the redrawing thread reads nothing else."""
        self._reading = reading
        self._progress.update(self._task, completed=reading.done, total=reading.total or None)

    def text(self) -> str:
        """Describe the state beside the bar."""
        return self._reading.text(self.clock())


class PlainView(View):
    """A line when the items start, at each further tenth of them, and once a minute."""

    def __init__(self, console: Console, clock: Clock = utc_now) -> None:
        self._console = console
        self.clock = clock
        self._tenths = -1
        self._printed = clock()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def show(self, reading: Shown) -> None:
        """Print a line if it says something new, or nothing was said for a minute."""
        now = self.clock()
        tenths = 10 * reading.done // reading.total if reading.total else -1
        if tenths <= self._tenths and (now - self._printed).total_seconds() < LONGEST_SILENCE_SECONDS:
            return
        self._tenths, self._printed = tenths, now
        self._console.print(Text(reading.text(now)), soft_wrap=True)


def open_view(console: Console) -> View:
    """Choose the view that suits where the output goes."""
    return LiveView(console) if console.is_terminal else PlainView(console)
