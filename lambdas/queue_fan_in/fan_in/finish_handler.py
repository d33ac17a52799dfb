"""Lambda handler that finishes a job, or goes on with that.

The event is EventBridge's "Job Continues" with ``{"job": "…", "phase": "finish"}``. Environment:
``JOBS_TABLE``, ``RESULTS_TABLE``, ``RESULTS_BUCKET``.
"""

import logging
import os
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

# Lambda puts this folder, and not the project, on the path.
from events import announce_end, continue_job  # type: ignore[import-not-found]
from finish import Output, finish_job  # type: ignore[import-not-found]
from jobs import Jobs  # type: ignore[import-not-found]
from list_reader import open_list  # type: ignore[import-not-found]
from positions import PARTITIONS  # type: ignore[import-not-found]
from time_left import watch_time  # type: ignore[import-not-found]

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_events import EventBridgeClient
    from types_boto3_s3 import S3Client

# The partitions are read at once.
READ_CONFIG = Config(max_pool_connections=PARTITIONS, retries={"mode": "standard", "total_max_attempts": 8})

logger = logging.getLogger(__name__)
logger.setLevel(logging.INFO)


def finish(event: dict[str, Any], context: Any) -> None:
    """Write as much of a job's output as there is time for, and end the job with the last of it."""
    finish_job(
        Jobs(_jobs_table()),
        event["detail"]["job"],
        open_source=partial(open_list, _s3()),
        output=Output(_dynamodb(), os.environ["RESULTS_TABLE"], _s3(), os.environ["RESULTS_BUCKET"]),
        continue_job=partial(continue_job, _events()),
        announce_end=partial(announce_end, _events()),
        has_time=watch_time(context),
    )


@cache
def _jobs_table() -> Any:
    return boto3.resource("dynamodb").Table(os.environ["JOBS_TABLE"])


@cache
def _dynamodb() -> "DynamoDBClient":
    return boto3.client("dynamodb", config=READ_CONFIG)


@cache
def _s3() -> "S3Client":
    return boto3.client("s3")


@cache
def _events() -> "EventBridgeClient":
    return boto3.client("events")
