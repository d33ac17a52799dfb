"""Keep what a dead letter says, and answer the task that waits for its item."""

import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client
    from types_boto3_stepfunctions import SFNClient

ERROR = "ItemUndeliverable"
PREFIX = "undeliverable"
MAX_TOKEN_CHARACTERS = 2048
"""Of a task token (SendTaskFailure in the Step Functions API reference)."""
TOKEN = re.compile(r'"token"\s*:\s*"([^"\\]*)"')
CLOSED = {"TaskTimedOut", "TaskDoesNotExist", "InvalidToken"}
"""What Step Functions says of a token that nobody waits for the answer to."""


def keep_letter(s3: "S3Client", bucket: str, record: dict[str, Any]) -> str:
    """Write a message and why it is here to ``undeliverable/<message id>.json``, without its token.

    Returns
    -------
    str
        The reason, with where the message is.
    """
    key = f"{PREFIX}/{record['messageId']}.json"
    reason = f"{_history(record['attributes'])}; its message is s3://{bucket}/{key}"
    _, content = _open(record["body"])
    letter = {
        "messageId": record["messageId"],
        "reason": reason,
        "body": content,
        "attributes": record["attributes"],
        "messageAttributes": record["messageAttributes"],
    }
    # Escaped, since half of a surrogate pair is no character of UTF-8.
    s3.put_object(
        Bucket=bucket, Key=key, Body=json.dumps(letter, indent=2).encode(), ContentType="application/json"
    )
    return reason


def answer_task(step_functions: "SFNClient", body: str, reason: str) -> str:
    """Fail the task whose token is in a message's body.

    Returns
    -------
    str
        What became of that, for the log.
    """
    token, _ = _open(body)
    if not isinstance(token, str) or not 0 < len(token) <= MAX_TOKEN_CHARACTERS:
        return "it has no token, so nobody waits for its answer"
    try:
        step_functions.send_task_failure(taskToken=token, error=ERROR, cause=reason)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code not in CLOSED:
            raise
        return f"nobody waits for its answer ({code})"
    return f"its item failed with {ERROR}"


def _history(attributes: dict[str, str]) -> str:
    """Say how often the queue gave a message out; the dead-letter queue's own receipt counts, too."""
    first, sent = (
        _time(attributes.get(name)) for name in ("ApproximateFirstReceiveTimestamp", "SentTimestamp")
    )
    return (
        f"received {attributes['ApproximateReceiveCount']} times and never done with, sent {sent}, "
        f"first received {first}, given up before {datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    )


def _time(milliseconds: str | None) -> str:
    if milliseconds is None:
        return "at a time that is not known"
    return f"{datetime.fromtimestamp(int(milliseconds) / 1000, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _open(body: str) -> tuple[Any, Any]:
    """Return a body's token, and what else its JSON says; or its text if that cannot be read."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        # Nested too deeply, it is the state machine's all the same.
        token = TOKEN.search(body)
        return token and token[1], TOKEN.sub('"token":null', body)
    token = content.pop("token", None) if isinstance(content, dict) else None
    return token, content
