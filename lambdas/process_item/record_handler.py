"""Lambda handler for messages of the queue: hands each item to ``process`` and answers its task token.

The event is that of an SQS event source; a message's body is ``{"token": "…", "execution": "name",
"index": 0, "item": …, "encoding": "json" | "dynamodb"}``. The answer lists the messages to deliver again.
Environment: ``HEARTBEAT_SECONDS``, of the task; ``MAX_PER_SECOND`` and ``PACE_TABLE``, if there is a pace.
"""

import logging
import os
from datetime import UTC, datetime
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import boto3
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from botocore.config import Config

# Lambda puts this folder, and not the project, on the path.
from invocation import set_invocation  # type: ignore[import-not-found]
from pace import Pace  # type: ignore[import-not-found]
from process import process  # type: ignore[import-not-found]
from record import Message, process_record, read_message  # type: ignore[import-not-found]
from task_token import Heartbeats, Task, TaskClosedError  # type: ignore[import-not-found]
from time_limit import usable_seconds  # type: ignore[import-not-found]

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
    from types_boto3_sqs import SQSClient
    from types_boto3_stepfunctions import SFNClient

BEATS_PER_TIMEOUT = 3
"""Heartbeats in the time after which Step Functions gives a task up: two may be lost."""

LONGEST_RETURN_SECONDS = 900
"""Until a message that goes back is received again, where heartbeats are hours apart."""

# Asked again soon, and slower the more is refused: the answers of many workers share one quota.
ANSWER_RETRIES = Config(retries={"mode": "adaptive", "total_max_attempts": 8})
# A heartbeat is not repeated, the next one is. The end of an item waits for one that is under way.
ONE_TRY = Config(connect_timeout=2, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 1})

logger = logging.getLogger(__name__)
logger.setLevel(logging.INFO)
# At level DEBUG it logs whole requests, and those of answers have the token.
logging.getLogger("botocore").setLevel(logging.WARNING)

_processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)


def handle_records(event: dict[str, Any], context: Any) -> Any:
    """Process the messages of one event, and return which of them failed."""
    return process_partial_response(
        event=event, record_handler=handle_record, processor=_processor, context=context
    )


def handle_record(record: "SQSRecord", lambda_context: Any) -> None:
    """Process one message; what it raises makes the message be delivered again."""
    started = datetime.now(UTC)

    def process_item(index: int, item: Any) -> Any:
        nonlocal started
        set_invocation(message.execution, index)
        started = datetime.now(UTC)
        return process(item)

    beat_seconds = float(os.environ["HEARTBEAT_SECONDS"]) / BEATS_PER_TIMEOUT
    try:
        message = read_message(record.body)
        outcome = process_record(
            message,
            int(record.attributes.approximate_receive_count),
            process=process_item,
            pace=_pace(),
            task=Task(_step_functions(ANSWER_RETRIES), message.token),
            heartbeats=Heartbeats(Task(_step_functions(ONE_TRY), message.token).beat, beat_seconds),
            seconds_left=partial(usable_seconds, lambda_context),
        )
    except TaskClosedError as closed:
        logger.warning("Message %s dropped: nobody waits for its answer (%s)", record.message_id, closed)
    except Exception as error:
        logger.warning(
            "Message %s goes back to the queue: %s: %s", record.message_id, type(error).__name__, error
        )
        _deliver_again(record, min(beat_seconds, LONGEST_RETURN_SECONDS))
        raise
    else:
        logger.info(_log_line(message, outcome, started))


def _log_line(message: Message, outcome: dict[str, Any], started: datetime) -> dict[str, Any]:
    return {
        "execution": message.execution,
        "index": message.index,
        "status": outcome["status"],
        "attempts": outcome["attempts"],
        "startedAt": started.isoformat(),
        "endedAt": datetime.now(UTC).isoformat(),
    }


def _deliver_again(record: "SQSRecord", seconds: float) -> None:
    """Let a message be received again soon: after the queue's own timeout its task is given up."""
    try:
        queue_url = _sqs().get_queue_url(QueueName=record.event_source_arn.rpartition(":")[2])["QueueUrl"]
        _sqs().change_message_visibility(
            QueueUrl=queue_url, ReceiptHandle=record.receipt_handle, VisibilityTimeout=max(int(seconds), 1)
        )
    except Exception as error:  # it comes later, then
        logger.warning("Message %s comes only after the queue's timeout: %s", record.message_id, error)


@cache
def _pace() -> Pace | None:
    if "MAX_PER_SECOND" not in os.environ:
        return None
    client = boto3.client("dynamodb")
    return Pace(client, os.environ["PACE_TABLE"], float(os.environ["MAX_PER_SECOND"]))


@cache
def _step_functions(config: Config) -> "SFNClient":
    return boto3.client("stepfunctions", config=config)


@cache
def _sqs() -> "SQSClient":
    return boto3.client("sqs")
