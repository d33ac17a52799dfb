"""What invokes functions, where MiniStack leaves out what AWS does.

An event of S3 tells the object's version. A function that fails at an event of EventBridge gets it again, and
the event is kept where the function says when it has failed for good. The records of a DynamoDB stream wait
for each other as long as the batching window of the event source says.
"""

import json
import time
from contextvars import ContextVar
from typing import Any

from ministack.services import dynamodb, eventbridge, lambda_svc, s3

_fire_in_ministack = s3._fire_s3_event
_dispatch_in_ministack = eventbridge._dispatch_event
_poll_in_ministack = lambda_svc._poll_dynamodb_streams

_version: ContextVar[str | None] = ContextVar("version", default=None)
_window_ends: dict[tuple[str, str, str], float] = {}
"""By account, region and event source mapping: when its batching window ends."""


def fire_s3_event(*event: Any, version_id: str | None = None, **more: Any) -> None:
    """Deliver an event of S3, with the object's version for EventBridge to tell."""
    token = _version.set(version_id)
    try:
        _fire_in_ministack(*event, version_id=version_id, **more)
    finally:
        _version.reset(token)


def dispatch_event(event: dict[str, Any], view: Any = None) -> None:
    """Send an event to the targets of the rules that match it."""
    version = _version.get()
    if version is not None and event["Source"] == "aws.s3":
        detail = json.loads(event["Detail"])
        detail["object"]["version-id"] = version
        event = {**event, "Detail": json.dumps(detail)}
    _dispatch_in_ministack(event, view)


def invoke_for_event(arn: str, payload: str) -> None:
    """Invoke a function that is a rule's target, again if it fails, and keep the event if that does not help.

    AWS waits one minute before the second attempt and two before the third; ``local.lifecycle`` says so.
    """
    function, config, _ = lambda_svc._get_func_record_for_ref(arn)
    if function and config:
        record = lambda_svc._execution_record_for_config(function, config)
        lambda_svc.invoke_async_with_retry(record, json.loads(payload))


def poll_streams() -> bool:
    """Poll the streams whose batching windows have ended, or which have a full batch."""
    for account, region, mapping in lambda_svc._iter_all_esms():
        window_seconds = mapping.get("MaximumBatchingWindowInSeconds", 0)
        if window_seconds and ":dynamodb:" in mapping["EventSourceArn"]:
            _wait_for_window((account, region, mapping["UUID"]), mapping, window_seconds)
    polled: bool = _poll_in_ministack()
    return polled


def _wait_for_window(key: tuple[str, str, str], mapping: dict[str, Any], window_seconds: float) -> None:
    """Keep MiniStack from polling for a mapping while its window is open: the first record opens it."""
    account, region, _ = key
    paused = lambda_svc._esm_backoff_until._data
    table = mapping["EventSourceArn"].split("/")[1]
    size = mapping.get("BatchSize", 100)
    position = lambda_svc._dynamodb_stream_positions._data.get(key, 0)
    waiting = dynamodb.stream_records_since(table, position, size, account_id=account, region=region)
    now = time.time()
    if len(waiting) in {0, size}:
        end = _window_ends.pop(key, None)
        if paused.get(key) == end:
            paused.pop(key, None)
    elif (end := _window_ends.setdefault(key, now + window_seconds)) > now:
        paused[key] = max(paused.get(key, 0), end)
    else:
        del _window_ends[key]
