"""Watching a job: its record, and of the blocks that are not done how far they are."""

import time
from collections.abc import Callable, Iterator

from utils.aws import aws_errors
from utils.jobs.blocks import block_sizes
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
        self._sizes: dict[str, int] = {}
        self._started: dict[str, int] = {}
        self._turn: list[str] = []
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
        job = self._table.find(self._name)
        blocks = []
        if job and job.total and not job.has_ended:
            self._sizes = self._sizes or block_sizes(job.total)
            blocks = self._next_blocks(job)
            self._started |= self._table.count_done(self._name, blocks)
            whole = sum(self._sizes[block] for block in job.blocks_done)
            part = sum(n for block, n in self._started.items() if block not in job.blocks_done)
            # A block that was done since the job was read is not counted by its items any more.
            self.done = max(self.done, whole + part)
            self.samples.append(Sample(self._clock(), self.done, job.total))
        self.job = job or self.job
        return len(blocks)

    def _next_blocks(self, job: Job) -> list[str]:
        """Choose the blocks to read: those that are not done, in turns if they are many."""
        if not self._turn:
            self._turn = list(self._sizes)
        open_blocks = [block for block in self._turn if block not in job.blocks_done]
        chosen, self._turn = open_blocks[:MAX_KEYS], open_blocks[MAX_KEYS:]
        return chosen
