"""The history of an execution, and its copy in the state machine's log group."""

import asyncio
import json
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from ministack.services import cloudwatch_logs

MAX_EVENTS = 25_000
"""Events that the history of one execution holds (Step Functions quotas)."""

_LEVELS: dict[str, Callable[[str], bool]] = {
    "ALL": lambda _: True,
    "ERROR": lambda event_type: event_type.endswith(("Failed", "TimedOut", "Aborted", "FailStateEntered")),
    "FATAL": lambda event_type: event_type in {"ExecutionFailed", "ExecutionTimedOut", "ExecutionAborted"},
    "OFF": lambda _: False,
}
_DATA_FIELDS = {"input", "inputDetails", "output", "outputDetails", "parameters"}


class HistoryFullError(Exception):
    """The execution reached MAX_EVENTS; nothing in the definition can catch it."""


class History:
    """Appends events to an execution's record, where MiniStack's GetExecutionHistory reads them.

    Those of an EXPRESS child execution, which has no history, go to its log alone.
    """

    def __init__(self, record: dict[str, Any], state_machine: dict[str, Any], *, kept: bool) -> None:
        self._events: list[dict[str, Any]] = record["events"]
        self._kept = kept
        self._log = _ExecutionLog(record, state_machine)
        self._events.clear()
        self.count = 0
        self._closed = False

    def close(self) -> None:
        """Take no more events: the execution has ended."""
        self._closed = True

    def reopen(self) -> None:
        """Take events again: the execution is redriven."""
        self._closed = False

    def add(self, event_type: str, previous_event_id: int, details: dict[str, Any] | None = None) -> int:
        """Append one event.

        Returns
        -------
        int
            The event's id, counted from 1.

        Raises
        ------
        HistoryFullError
            Only the event that ends the execution still fits.
        asyncio.CancelledError
            The execution has ended while the caller was still at work for it.
        """
        if self._closed:
            raise asyncio.CancelledError
        if self.count >= MAX_EVENTS - 1 and self._kept and not event_type.startswith("Execution"):
            raise HistoryFullError
        self.count += 1
        event = {
            "timestamp": time.time(),
            "type": event_type,
            "id": self.count,
            "previousEventId": previous_event_id,
        }
        if details is not None:
            event[_details_key(event_type)] = details
        if self._kept:
            self._events.append(event)
        self._log.write(event, details or {})
        return self.count


def _details_key(event_type: str) -> str:
    for suffix in ("StateEntered", "StateExited"):
        if event_type.endswith(suffix):
            return f"{suffix[0].lower()}{suffix[1:]}EventDetails"
    return f"{event_type[0].lower()}{event_type[1:]}EventDetails"


class _ExecutionLog:
    """One log stream an execution, as the logging configuration of its state machine says."""

    def __init__(self, record: dict[str, Any], state_machine: dict[str, Any]) -> None:
        configuration = state_machine["loggingConfiguration"]
        self._record = record
        self._wanted = _LEVELS[configuration.get("level", "OFF")]
        self._with_data = configuration.get("includeExecutionData", False)
        self._groups = [
            destination["cloudWatchLogsLogGroup"]["logGroupArn"].split(":log-group:")[1].removesuffix(":*")
            for destination in configuration.get("destinations", [])
        ]
        started = datetime.now(UTC)
        self._stream = f"states/{state_machine['name']}/{started:%Y-%m-%d-%H-%M}/{uuid.uuid4().hex[:8]}"

    def write(self, event: dict[str, Any], details: dict[str, Any]) -> None:
        if not self._groups or not self._wanted(event["type"]):
            return
        milliseconds = int(event["timestamp"] * 1000)
        if not self._with_data:
            details = {key: value for key, value in details.items() if key not in _DATA_FIELDS}
        message = {
            "id": str(event["id"]),
            "type": event["type"],
            "details": details,
            "previous_event_id": str(event["previousEventId"]),
            "event_timestamp": str(milliseconds),
            "execution_arn": self._record["executionArn"],
            "redrive_count": str(self._record.get("redriveCount", 0)),
        }
        entry = {
            "timestamp": milliseconds,
            "message": json.dumps(message, separators=(",", ":"), ensure_ascii=False),
            "ingestionTime": milliseconds,
        }
        for group in self._groups:
            stream = self._open_stream(group)
            if stream is not None:
                cloudwatch_logs._append_log_events(stream, [entry])

    def _open_stream(self, group: str) -> dict[str, Any] | None:
        record = cloudwatch_logs._log_groups.get(group)
        if record is None:
            return None
        if self._stream not in record["streams"]:
            cloudwatch_logs._create_log_stream({"logGroupName": group, "logStreamName": self._stream})
        stream: dict[str, Any] = record["streams"][self._stream]
        return stream
