"""Lambda handler that splits a list which was dropped into the bucket, or goes on with one.

The event is EventBridge's: S3's "Object Created", or "Job Continues" with ``{"job": "…", "phase": "split"}``.
Environment: ``JOBS_TABLE``, ``QUEUE_URL``, ``DEADLINE_SECONDS``, ``MAX_ITEMS_PER_MESSAGE``.
"""

import logging
import os
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

# Lambda puts this folder, and not the project, on the path.
from events import continue_job  # type: ignore[import-not-found]
from jobs import Jobs  # type: ignore[import-not-found]
from list_reader import open_list  # type: ignore[import-not-found]
from messages import SEND_THREADS, MessageSender  # type: ignore[import-not-found]
from split import record_job, split_list  # type: ignore[import-not-found]
from time_left import watch_time  # type: ignore[import-not-found]

if TYPE_CHECKING:
    from types_boto3_events import EventBridgeClient
    from types_boto3_s3 import S3Client
    from types_boto3_sqs import SQSClient

# Sends of many threads share one quota.
SEND_CONFIG = Config(max_pool_connections=SEND_THREADS, retries={"mode": "standard", "total_max_attempts": 8})

logger = logging.getLogger(__name__)
logger.setLevel(logging.INFO)


def split(event: dict[str, Any], context: Any) -> None:
    """Record the job of a new list, and split as much of it as there is time for."""
    jobs = Jobs(_jobs_table())
    detail = event["detail"]
    if "job" in detail:
        name = detail["job"]
    elif (source := detail["object"])["key"].endswith("/"):
        logger.info("%s is a folder, as a console makes one, and no list", source["key"])
        return
    else:
        name = record_job(
            jobs,
            detail["bucket"]["name"],
            source["key"],
            source["version-id"],
            float(os.environ["DEADLINE_SECONDS"]),
        )
    split_list(
        jobs,
        name,
        open_source=partial(open_list, _s3()),
        sender=MessageSender(_sqs(), os.environ["QUEUE_URL"]),
        max_items=int(os.environ["MAX_ITEMS_PER_MESSAGE"]),
        continue_job=partial(continue_job, _events()),
        has_time=watch_time(context),
    )


@cache
def _jobs_table() -> Any:
    return boto3.resource("dynamodb").Table(os.environ["JOBS_TABLE"])


@cache
def _s3() -> "S3Client":
    return boto3.client("s3")


@cache
def _sqs() -> "SQSClient":
    return boto3.client("sqs", config=SEND_CONFIG)


@cache
def _events() -> "EventBridgeClient":
    return boto3.client("events")
