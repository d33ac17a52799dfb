"""Looks after the jobs that are open: ends those past their deadline, and goes on with those left alone."""

import logging
from collections.abc import Callable

# Lambda puts this folder, and not the project, on the path.
from job_record import Job  # type: ignore[import-not-found]
from jobs import Jobs  # type: ignore[import-not-found]

LEFT_ALONE_SECONDS = 120
"""Without a lease for longer, nobody is going to work on a job: Lambda's own repetitions come sooner."""

logger = logging.getLogger(__name__)


def look_after_jobs(jobs: Jobs, continue_job: Callable[[str, str], None], now: float) -> int:
    """Finish overdue jobs, and say again what is due where nobody works on it.

    Parameters
    ----------
    continue_job
        Called with a job and ``"split"`` or ``"finish"``.
    now
        Seconds since 1970.

    Returns
    -------
    int
        Jobs past their deadline.
    """
    past_deadline = 0
    for job in jobs.open_jobs():
        is_overdue, is_left_alone = job.deadline < now, job.lease_until < now - LEFT_ALONE_SECONDS
        past_deadline += is_overdue
        if is_overdue and (is_left_alone or job.status == "RUNNING"):
            logger.warning("Job %s is past its deadline, and ends with what is there", job.name)
            if jobs.begin_finish(job.name, incomplete=True):
                continue_job(job.name, "finish")
        elif is_left_alone and (phase := _due_phase(job)):
            logger.warning("Job %s was left alone, and goes on with: %s", job.name, phase)
            continue_job(job.name, phase)
    return past_deadline


def _due_phase(job: Job) -> str | None:
    """Say what somebody should work on; None if the job waits for its items."""
    if job.status == "FINISHING":
        return "finish"
    return None if job.checkpoint["phase"] == "sent" and job.total else "split"
