"""Lambda handler for messages of a job: processes their items, and records what each ends with.

The event is that of an SQS event source; a message's body is ``{"job": "…", "expiresAt": 0, "attempts": 0,
"items": [[position, item], …]}``. The answer lists the messages to deliver again. Environment: ``QUEUE_URL``,
``RESULTS_TABLE``, ``MAX_RECEIVE_COUNT``.
"""

import logging
import os
import time
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response

# Lambda puts this folder, and not the project, on the path.
from item_run import run_in_child, run_in_place  # type: ignore[import-not-found]
from job_results import ResultsTable  # type: ignore[import-not-found]
from job_worker import Worker  # type: ignore[import-not-found]
from time_limit import usable_seconds  # type: ignore[import-not-found]

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_sqs import SQSClient

logger = logging.getLogger(__name__)
logger.setLevel(logging.INFO)

_processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)


def handle_messages(event: dict[str, Any], context: Any) -> Any:
    """Process the messages of one event, and return which of them failed."""
    worker = _create_worker(context)

    def handle_record(record: "SQSRecord") -> None:
        try:
            worker.work(record.message_id, record.body, int(record.attributes.approximate_receive_count))
        except Exception as error:
            name = type(error).__name__
            logger.warning("Message %s goes back to the queue: %s: %s", record.message_id, name, error)
            raise

    # What was received before comes first: it runs in child processes, and so cannot end this call.
    records = sorted(event["Records"], key=_receipts, reverse=True)
    answer: Any = process_partial_response(
        event={"Records": records}, record_handler=handle_record, processor=_processor, context=context
    )
    answer["batchItemFailures"] += [{"itemIdentifier": name} for name in worker.send_back()]
    return answer


def _create_worker(context: Any) -> Worker:
    """Create the worker of one call; no item is started in the second half of the call's time."""
    started = time.monotonic()
    seconds: float = usable_seconds(context)

    def seconds_left() -> float:
        return seconds - (time.monotonic() - started)

    return Worker(
        ResultsTable(_dynamodb(), os.environ["RESULTS_TABLE"], lambda: seconds_left() > 0),
        _send,
        run=lambda *item: run_in_place(*item, seconds_left()),
        run_safely=lambda *item: run_in_child(*item, seconds_left()),
        max_attempts=int(os.environ["MAX_RECEIVE_COUNT"]),
        has_time=lambda: seconds_left() > seconds / 2,
    )


def _send(body: str, delay_seconds: int) -> None:
    _sqs().send_message(QueueUrl=os.environ["QUEUE_URL"], MessageBody=body, DelaySeconds=delay_seconds)


def _receipts(record: dict[str, Any]) -> int:
    return int(record["attributes"]["ApproximateReceiveCount"])


@cache
def _dynamodb() -> "DynamoDBClient":
    return boto3.client("dynamodb")


@cache
def _sqs() -> "SQSClient":
    return boto3.client("sqs")
