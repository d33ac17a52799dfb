"""A bar for long work, on a terminal only, and gone when the work has ended."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Literal, TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

Thing = TypeVar("Thing")

STEP = 1000
"""Things between two redraws: a bar must not cost more than the work."""


@contextmanager
def show_progress(
    doing: str, total: int, *, unit: Literal["bytes", "items"]
) -> Iterator[Callable[[int], object]]:
    """Draw a bar on stderr; what is yielded takes the number of bytes or items that were done."""
    console = Console(stderr=True)
    amount = DownloadColumn() if unit == "bytes" else MofNCompleteColumn()
    columns = (TextColumn("{task.description}"), BarColumn(), amount, TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(doing, total=total)
        yield lambda amount: progress.advance(task, amount)


def with_progress(things: Iterable[Thing], doing: str, total: int) -> Iterator[Thing]:
    """Pass things on, with a bar."""
    with show_progress(doing, total, unit="items") as advance:
        for number, thing in enumerate(things, 1):
            yield thing
            if number % STEP == 0:
                advance(STEP)
