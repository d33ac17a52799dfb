"""The events that the functions send: a phase of a job goes on, a job has ended."""

import json
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from types_boto3_events import EventBridgeClient

SOURCE = "queue-fan-in"
CONTINUES = "Job Continues"
ENDED = "Job Ended"


class EventRefusedError(Exception):
    """EventBridge did not take the event."""


def continue_job(events: "EventBridgeClient", job: str, phase: Literal["split", "finish"]) -> None:
    """Start the next invocation of a phase."""
    _send(events, CONTINUES, {"job": job, "phase": phase})


def announce_end(events: "EventBridgeClient", detail: dict[str, Any]) -> None:
    """Announce that a job has ended.

    Parameters
    ----------
    detail
        ``job``, and its summary.
    """
    _send(events, ENDED, detail)


def _send(events: "EventBridgeClient", detail_type: str, detail: dict[str, Any]) -> None:
    """Send an event to the default bus.

    Raises
    ------
    EventRefusedError
        PutEvents answers without an error even when it refuses an event.
    """
    entry = {"Source": SOURCE, "DetailType": detail_type, "Detail": json.dumps(detail, ensure_ascii=False)}
    answer = events.put_events(Entries=[entry])  # type: ignore[list-item]
    if answer["FailedEntryCount"]:
        refused = answer["Entries"][0]
        reason = f"{refused.get('ErrorCode')}: {refused.get('ErrorMessage')}"
        raise EventRefusedError(f'event "{detail_type}" of job {detail["job"]} was refused: {reason}')
