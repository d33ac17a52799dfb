"""The results of a job in the order of its list, one for each position.

Each partition of the results table is read in pages, the next one while the last is used. A position that a
page leaves out is looked for in the pages' own threads, so that many of them cost little time.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager

# Lambda puts this folder, and not the project, on the path.
from positions import PARTITIONS  # type: ignore[import-not-found]
from results import Result  # type: ignore[import-not-found]

GAP_POSITIONS = 1000
"""Looked for at once beyond the last result of a partition."""

ReadPage = Callable[[int, int], list[Result]]
"""Reads results of a partition from a position on, in their order; none if there are no more."""

FindAbsent = Callable[[list[int]], list[Result]]
"""Finds, or makes, the results of positions that no page has."""


@contextmanager
def ordered_results(
    read_page: ReadPage, find_absent: FindAbsent, first: int, total: int
) -> Iterator[Iterator[Result]]:
    """Open the results of the positions from the first on, up to the total.

    What `find_absent` raises is raised where the result is due. Memory is that of two pages a partition.
    """
    with ThreadPoolExecutor(PARTITIONS) as pool:
        partitions = []
        for position in range(first, min(first + PARTITIONS, total)):
            pages = PartitionPages(read_page, find_absent, position, total)
            partitions.append(_read_ahead(pages, pool))
        yield _take_turns(partitions, first, total)


class PartitionPages:
    """Reads the results of a partition without a gap, from a position of it on."""

    def __init__(self, read_page: ReadPage, find_absent: FindAbsent, first: int, total: int) -> None:
        self._read_page = read_page
        self._find_absent = find_absent
        self._next = first
        self._total = total

    def next_page(self) -> list[Result]:
        """Read on; nothing at the end."""
        if self._next >= self._total:
            return []
        first = self._next
        page = self._read_page(first % PARTITIONS, first)
        end = page[-1].position + 1 if page else first + GAP_POSITIONS * PARTITIONS
        there = {result.position for result in page}
        positions = range(first, min(end, self._total), PARTITIONS)
        absent = [position for position in positions if position not in there]
        if absent:
            page = sorted([*page, *self._find_absent(absent)])
        self._next = positions[-1] + PARTITIONS
        return page


def _read_ahead(pages: PartitionPages, pool: Executor) -> Iterator[Result]:
    ahead = pool.submit(pages.next_page)
    while page := ahead.result():
        ahead = pool.submit(pages.next_page)
        yield from page


def _take_turns(partitions: list[Iterator[Result]], first: int, total: int) -> Iterator[Result]:
    for position in range(first, total):
        yield next(partitions[(position - first) % PARTITIONS])
