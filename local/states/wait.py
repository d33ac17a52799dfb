"""Wait states, and every other pause of an execution; none of them holds a thread."""

import asyncio
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ministack.services import stepfunctions

from local.states.dataflow import Flow, JsonataFlow, JsonPathFlow, show
from local.states.errors import PathError
from local.states.expressions import UnusableValueError

_TIMESTAMP = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})")


async def sleep(seconds: float) -> None:
    """Pause for as long as MiniStack's wait scale makes of these seconds."""
    await asyncio.sleep(seconds * stepfunctions._SFN_WAIT_SCALE)


async def wait(flow: Flow, state: Mapping[str, Any]) -> None:
    """Wait for the state's Seconds or until its Timestamp, given as values, paths or expressions.

    Raises
    ------
    PathError, UnusableValueError
        The path or the expression does not give seconds or a timestamp.
    """
    if "Seconds" in state or "SecondsPath" in state:
        await sleep(_seconds(flow, state))
        return
    timestamp = parse_timestamp(flow.field("Timestamp", "string"))
    if timestamp is None:
        raise _bad_timestamp(flow, state)
    await sleep(max(0.0, (timestamp - datetime.now(UTC)).total_seconds()))


def _seconds(flow: Flow, state: Mapping[str, Any]) -> float:
    if isinstance(flow, JsonPathFlow) and "SecondsPath" in state and not flow.has(state["SecondsPath"]):
        path = state["SecondsPath"]
        raise PathError(f"The SecondsPath parameter does not reference an input value: {path}")
    seconds: float = flow.field("Seconds", "number")
    if seconds < 0 or seconds != int(seconds):
        raise _refused(flow, "Seconds", f"Seconds must be a whole number from 0 but was: {show(seconds)}")
    return seconds


def parse_timestamp(value: Any) -> datetime | None:
    """An ISO 8601 timestamp as the States Language writes it, or None for anything else."""
    if not isinstance(value, str) or not _TIMESTAMP.fullmatch(value):
        return None
    try:
        return datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", value))
    except ValueError:
        return None


def _refused(flow: Flow, field: str, cause: str) -> Exception:
    return UnusableValueError(cause, field) if isinstance(flow, JsonataFlow) else PathError(cause)


def _bad_timestamp(flow: Flow, state: Mapping[str, Any]) -> Exception:
    value = flow.field("Timestamp", "string")
    if isinstance(flow, JsonataFlow):
        cause = "The Timestamp field cannot be parsed as an ISO-8601 extended offset date-time format string:"
        return _refused(flow, "Timestamp", f"{cause} {value}")
    return _refused(
        flow,
        "Timestamp",
        "The TimestampPath parameter does not reference a valid ISO-8601 extended offset date-time format "
        f"string: {state.get('TimestampPath')} == {value}",
    )
