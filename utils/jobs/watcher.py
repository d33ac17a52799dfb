"""Watching a job: its record, and of the blocks that are not done how far they are."""

import time
from collections.abc import Callable, Iterator

from utils.aws import aws_errors
from utils.jobs.blocks import Block, BlockCounts
from utils.jobs.job import Job
from utils.jobs.table import MAX_KEYS, JobsTable
from utils.watch.patience import READ_ERRORS, Patience
from utils.watch.samples import Sample

PAUSE_SECONDS_PER_BLOCK = 0.02
"""Least time between two reads, times the blocks of a read: watching must not cost what the job does."""


class JobWatcher:
    """Follows a job to its end.

    Parameters
    ----------
    sleep, clock
        In seconds.

    Attributes
    ----------
    job
        As it was last read; None before it has started.
    done
        Items that are done.
    samples
        How far the items were at each read.
    """

    def __init__(
        self,
        table: JobsTable,
        name: str,
        *,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._table = table
        self._name = name
        self._sleep = sleep
        self._clock = clock
        self._counts: BlockCounts | None = None
        self._last: dict[int, Block] = {}
        self.job: Job | None = None
        self.done = 0
        self.samples: list[Sample] = []

    def watch(self, start_seconds: float) -> Iterator[None]:
        """Read a job until it has ended; yields after each read.

        Parameters
        ----------
        start_seconds
            How long a job that there is none of may take to start; then `job` stays None.

        Raises
        ------
        CommandError
            The job cannot be read.
        """
        patience, begun = Patience(), self._clock()
        with aws_errors(f"reading job {self._name}"):
            while not (self.job and self.job.has_ended):
                before, blocks = (self.job, self.done), 0
                try:
                    blocks = self._read()
                except READ_ERRORS as error:
                    if not patience.lasts(error, known=self.job is not None):
                        raise
                else:
                    starting = self.job is None
                    patience.after_read(anything_new=starting or before != (self.job, self.done))
                yield
                if self.job is None and self._clock() - begun >= start_seconds:
                    return
                if not (self.job and self.job.has_ended):
                    self._sleep(max(patience.pause_seconds, PAUSE_SECONDS_PER_BLOCK * blocks))

    def _read(self) -> int:
        """Read the job, and some of its blocks; returns how many."""
        job, blocks = self._table.find(self._name), 0
        if job and job.total and not job.has_ended:
            self._counts = self._counts or BlockCounts(job.total)
            blocks = self._read_blocks(self._counts)
            # A read that lags behind the table does not undo anything.
            self.done = max(self.done, self._counts.count_done(self._counts.top))
            self.samples.append(Sample(self._clock(), self.done, job.total))
        self.job = job or self.job
        return blocks

    def _read_blocks(self, counts: BlockCounts) -> int:
        """Read blocks that are not complete, from that of the whole list down; returns how many."""
        read, blocks = 0, [counts.top]
        while blocks:
            chosen = self._take_turn(blocks)
            counts.note(self._table.read_blocks(self._name, chosen))
            read += len(chosen)
            blocks = [below for block in blocks for below in counts.open_blocks(block)]
        return read

    def _take_turn(self, blocks: list[Block]) -> list[Block]:
        """Choose the blocks of a level to read: in turns, if they are many."""
        level = blocks[0].level
        after = [block for block in blocks if block > self._last.get(level, (level, -1))]
        chosen = (after or blocks)[:MAX_KEYS]
        self._last[level] = chosen[-1]
        return chosen
