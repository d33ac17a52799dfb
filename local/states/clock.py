"""The time, as the context object and the records of executions hold it."""

from datetime import UTC, datetime


def now() -> str:
    """The current time in UTC, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
