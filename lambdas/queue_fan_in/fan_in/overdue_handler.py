"""Lambda handler that looks after the open jobs; a schedule calls it every minute.

The event does not matter. Environment: ``JOBS_TABLE``. It logs ``{"jobsPastDeadline": n}``.
"""

import logging
import os
import time
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import boto3

# Lambda puts this folder, and not the project, on the path.
from events import continue_job  # type: ignore[import-not-found]
from jobs import Jobs  # type: ignore[import-not-found]
from overdue import look_after_jobs  # type: ignore[import-not-found]

if TYPE_CHECKING:
    from types_boto3_events import EventBridgeClient

logger = logging.getLogger(__name__)
logger.setLevel(logging.INFO)


def end_overdue(_event: dict[str, Any], _context: object) -> None:
    """End the jobs past their deadline, and log how many there are, for the metric filter."""
    past_deadline = look_after_jobs(Jobs(_jobs_table()), partial(continue_job, _events()), time.time())
    logger.info({"jobsPastDeadline": past_deadline})


@cache
def _jobs_table() -> Any:
    return boto3.resource("dynamodb").Table(os.environ["JOBS_TABLE"])


@cache
def _events() -> "EventBridgeClient":
    return boto3.client("events")
