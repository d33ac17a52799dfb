"""Lambda handler for dead letters: fails the items that no worker was done with, and keeps their messages.

The event is that of an SQS event source on the dead-letter queue. The answer lists the messages to deliver
again. Environment: ``RESULTS_BUCKET``.
"""

import logging
import os
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

# Lambda puts this folder, and not the project, on the path.
from dead_letters import answer_task, keep_letter  # type: ignore[import-not-found]

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client
    from types_boto3_stepfunctions import SFNClient

logger = logging.getLogger(__name__)
logger.setLevel(logging.INFO)
# At level DEBUG it logs whole requests, and those of answers have the token.
logging.getLogger("botocore").setLevel(logging.WARNING)


def handle_dead_letters(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Keep and answer each message; one that fails is delivered again, and costs the others nothing."""
    failures = []
    for record in event["Records"]:
        try:
            reason = keep_letter(_s3(), os.environ["RESULTS_BUCKET"], record)
            result = answer_task(_step_functions(), record["body"], reason)
            logger.warning("Message %s: %s: %s", record["messageId"], result, reason)
        except Exception as error:
            name = type(error).__name__
            logger.error("Message %s stays in the queue: %s: %s", record["messageId"], name, error)
            failures.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failures}


@cache
def _s3() -> "S3Client":
    return boto3.client("s3")


@cache
def _step_functions() -> "SFNClient":
    # The answers of many dead letters share one quota.
    return boto3.client("stepfunctions", config=Config(retries={"mode": "adaptive", "total_max_attempts": 8}))
