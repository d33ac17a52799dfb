"""The results of a job in the order of its list, one for each position.

Each partition of the results table is read in pages, the next one while the last is used. A position that a
page leaves out is looked for in the pages' own threads, so that many of them cost little time.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice, takewhile

# Lambda puts this folder, and not the project, on the path.
from positions import PARTITIONS, partition_of, positions_in  # type: ignore[import-not-found]
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
        for partition in range(PARTITIONS):
            pages = PartitionPages(read_page, find_absent, partition, first, total)
            partitions.append(_read_ahead(pages, pool))
        yield _take_turns(partitions, first, total)


class PartitionPages:
    """Reads the results of a partition without a gap, from a position of it on."""

    def __init__(
        self, read_page: ReadPage, find_absent: FindAbsent, partition: int, first: int, total: int
    ) -> None:
        self._read_page = read_page
        self._find_absent = find_absent
        self._partition = partition
        self._next = next(positions_in(partition, first, total), total)
        self._total = total

    def next_page(self) -> list[Result]:
        """Read on; nothing at the end."""
        if self._next >= self._total:
            return []
        page = self._read_page(self._partition, self._next)
        ahead = positions_in(self._partition, self._next, self._total)
        positions = list(
            takewhile(lambda position: position <= page[-1].position, ahead)
            if page
            else islice(ahead, GAP_POSITIONS)
        )
        there = {result.position for result in page}
        absent = [position for position in positions if position not in there]
        if absent:
            page = sorted([*page, *self._find_absent(absent)])
        self._next = next(positions_in(self._partition, positions[-1] + 1, self._total), self._total)
        return page


def _read_ahead(pages: PartitionPages, pool: Executor) -> Iterator[Result]:
    ahead = pool.submit(pages.next_page)
    while page := ahead.result():
        ahead = pool.submit(pages.next_page)
        yield from page


def _take_turns(partitions: list[Iterator[Result]], first: int, total: int) -> Iterator[Result]:
    for position in range(first, total):
        yield next(partitions[partition_of(position)])
