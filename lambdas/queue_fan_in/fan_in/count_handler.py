"""Lambda handler for the stream of the results table: counts results, and starts the finish of a job.

The event is that of a DynamoDB stream's event source, of inserted records with their keys. What it raises
makes the whole batch be delivered again. Environment: ``JOBS_TABLE``.
"""

import logging
import os
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3

# Lambda puts this folder, and not the project, on the path.
from count import Blocks, count_records  # type: ignore[import-not-found]
from events import continue_job  # type: ignore[import-not-found]
from jobs import Jobs  # type: ignore[import-not-found]

if TYPE_CHECKING:
    from types_boto3_dynamodb.service_resource import Table
    from types_boto3_events import EventBridgeClient

logger = logging.getLogger(__name__)
logger.setLevel(logging.INFO)


def count(event: dict[str, Any], _context: object) -> None:
    """Count the records of one event."""
    counted = count_records(event["Records"], _jobs(), _blocks(), _finish)
    logger.info({"records": len(event["Records"]), "counted": counted})


def _finish(job: str) -> None:
    continue_job(_events(), job, "finish")
    logger.info("Job %s has all of its results: its finish is due", job)


@cache
def _blocks() -> Blocks:
    return Blocks(_jobs_table(), _jobs())


@cache
def _jobs() -> Jobs:
    return Jobs(_jobs_table())


@cache
def _jobs_table() -> "Table":
    return boto3.resource("dynamodb").Table(os.environ["JOBS_TABLE"])


@cache
def _events() -> "EventBridgeClient":
    return boto3.client("events")
