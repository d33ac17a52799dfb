"""Lambda handler for dead letters: fails the items that no worker was done with.

The event is that of an SQS event source on the dead-letter queue. The answer lists the messages to deliver
again. Environment: ``RESULTS_TABLE``.
"""

import logging
import os
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3

# Lambda puts this folder, and not the project, on the path.
from dead_letters import LetterInvalidError, record_letter  # type: ignore[import-not-found]

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

logger = logging.getLogger(__name__)
logger.setLevel(logging.INFO)


def handle_dead_letters(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Fail the items of each message; one that fails is delivered again, and costs the others nothing."""
    failures = []
    for record in event["Records"]:
        message_id, body = record["messageId"], record["body"]
        receipts = int(record["attributes"]["ApproximateReceiveCount"])
        try:
            result = record_letter(_dynamodb(), os.environ["RESULTS_TABLE"], body, receipts)
            logger.warning("Message %s: %s", message_id, result)
        except LetterInvalidError as invalid:
            # Its body is logged, as it is kept nowhere else.
            logger.error("Message %s belongs to no job: %s: %.1000s", message_id, invalid, body)
        except Exception as error:
            logger.error("Message %s stays in the queue: %s: %s", message_id, type(error).__name__, error)
            failures.append({"itemIdentifier": message_id})
    return {"batchItemFailures": failures}


@cache
def _dynamodb() -> "DynamoDBClient":
    return boto3.client("dynamodb")
