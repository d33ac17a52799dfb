"""Which executions can be redriven, and why others cannot."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

REDRIVABLE_PERIOD = timedelta(days=14)
"""How long after its end an execution can be redriven (Step Functions guide)."""

MAX_REDRIVABLE_EVENTS = 24_999
"""Events of a history to which those of a redrive can still be added (Step Functions guide)."""


def redrive_fields(record: Mapping[str, Any]) -> dict[str, Any]:
    """What DescribeExecution says of an execution's redrives.

    Parameters
    ----------
    record
        Of an execution, or of a Map Run's child; one whose ``express`` is
        true can only be started again by its Map Run.
    """
    fields: dict[str, Any] = {"redriveCount": record.get("redriveCount", 0)}
    if "redriveDate" in record:
        fields["redriveDate"] = record["redriveDate"]
    reason = find_obstacle(record)
    if reason is not None:
        return {**fields, "redriveStatus": "NOT_REDRIVABLE", "redriveStatusReason": reason}
    return {**fields, "redriveStatus": "REDRIVABLE_BY_MAP_RUN" if record.get("express") else "REDRIVABLE"}


def find_obstacle(record: Mapping[str, Any]) -> str | None:
    """Why an execution cannot be redriven, or None."""
    if record["status"] in {"PENDING", "PENDING_REDRIVE", "RUNNING", "SUCCEEDED"}:
        return f"Execution is {record['status']} and cannot be redriven"
    if len(record["events"]) >= MAX_REDRIVABLE_EVENTS:
        return "Execution history event limit exceeded"
    if datetime.fromisoformat(record["stopDate"]) < datetime.now(UTC) - REDRIVABLE_PERIOD:
        return "Execution redrivable period exceeded"
    return None
