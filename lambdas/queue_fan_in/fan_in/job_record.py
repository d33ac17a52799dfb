"""What the record of a job says, as Python has it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

KEEP_RESULTS_SECONDS = 86_400 * 7
"""How long results stay after the job's deadline."""


@dataclass(frozen=True)
class Job:
    """A job as its record has it; the names are those of the attributes, in Python's spelling.

    Attributes
    ----------
    deadline, lease_until
        Seconds since 1970.
    total
        Items of the whole list; None until it is checked.
    checkpoint
        Where splitting goes on: ``phase`` "check", "send" or "sent", and a reader's checkpoint.
    finish
        Where finishing goes on; empty before its first rows are written.
    split_failure
        Name and message of what the last try to split the list failed with, if one did.
    """

    name: str
    bucket: str
    key: str
    version_id: str
    format: str
    status: str
    started_at: str
    deadline: int
    lease_until: int
    total: int | None
    sent: int
    checkpoint: dict[str, Any]
    finish: dict[str, Any]
    incomplete: bool
    error: dict[str, str] | None
    split_failure: dict[str, str] | None

    @property
    def results_expire_at(self) -> int:
        """When the results table drops the job's results, in seconds since 1970."""
        return self.deadline + KEEP_RESULTS_SECONDS


def format_time(seconds: float) -> str:
    """Write a time in ISO 8601, in UTC, to the millisecond."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def read_record(item: dict[str, Any]) -> Job:
    """Read a job from its record."""
    record = _plain(item)
    return Job(
        name=record["job"],
        bucket=record["bucket"],
        key=record["key"],
        version_id=record["versionId"],
        format=record["format"],
        status=record["status"],
        started_at=record["startedAt"],
        deadline=record["deadline"],
        lease_until=record.get("leaseUntil", 0),
        total=record.get("total"),
        sent=record["sent"],
        checkpoint=record["checkpoint"],
        finish=record.get("finish", {}),
        incomplete=record["incomplete"],
        error=record.get("error"),
        split_failure=record.get("splitFailure"),
    )


def _plain(value: Any) -> Any:
    """Make the numbers of a record whole: they all are."""
    if isinstance(value, Decimal):
        return int(value)
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    return [_plain(part) for part in value] if isinstance(value, list) else value
