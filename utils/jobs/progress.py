"""How far a job is, on one line: while it starts, is checked, processed, and its rows are written."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from utils.jobs.job import Job
from utils.jobs.watcher import JobWatcher
from utils.load_plan import items_text
from utils.watch.plain_json import one_line
from utils.watch.progress import rate_text
from utils.watch.samples import Sample, rate, seconds_left
from utils.watch.timeline import seconds_text


@dataclass(frozen=True)
class JobReading:
    """What one read of a job came to; ``since`` is when the waiting for it began, or when it started."""

    job: Job | None
    since: datetime
    done: int
    total: int
    items_per_second: float | None
    seconds_left: float | None

    @classmethod
    def of(cls, watcher: JobWatcher, begun: datetime) -> "JobReading":
        """Take from a watcher what is shown of it."""
        job, samples = watcher.job, watcher.samples
        left = seconds_left(samples)
        # The last items may be those that wait to be tried again: then the rate of the others says nothing.
        if left is not None and left < _quiet_seconds(samples):
            left = None
        total = (job.total if job else None) or 0
        return cls(job, job.started if job else begun, watcher.done, total, rate(samples), left)

    def text(self, now: datetime) -> str:
        """Say how far the job is: ``1,200/10,000 done, 410 items/s, 21.5 s left, 4.2 s elapsed``."""
        # The clock of AWS and this machine's may differ by a little.
        elapsed = seconds_text(max((now - self.since).total_seconds(), 0.0))
        if self.job is None:
            return f"waiting for the job to start, {elapsed}"
        return ", ".join([*self._parts(self.job), f"{elapsed} elapsed"])

    def _parts(self, job: Job) -> list[str]:
        if job.error:
            return ["failed, ending"]
        if job.status == "FINISHING":
            written = [f"{job.written:,}/{self.total:,} written"] if job.written else []
            return ["writing the rows", *written]
        trouble = [f"Split failed: {one_line(job.split_failure[0])}"] if job.split_failure else []
        if job.total is None:
            checked = [f"{items_text(job.checked)} so far"] if job.checked else []
            return ["checking the list", *checked, *trouble]
        rate = [] if self.items_per_second is None else [f"{rate_text(self.items_per_second)} items/s"]
        left = [] if self.seconds_left is None else [f"{seconds_text(self.seconds_left)} left"]
        sent = [f"{job.sent:,} sent", *trouble] if job.sent < job.total else []
        return [f"{self.done:,}/{self.total:,} done", *rate, *left, *sent]


def _quiet_seconds(samples: Sequence[Sample]) -> float:
    """Tell for how long nothing was done."""
    last = first = samples[-1]
    for sample in reversed(samples):
        if sample.done < last.done:
            break
        first = sample
    return last.seconds - first.seconds
