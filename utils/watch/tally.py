"""What an execution's own events say of what AWS charges: state transitions, and calls of functions."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from utils.attribute_values import item_bytes
from utils.aws_figures import READ_UNIT_BYTES
from utils.watch.items import Event, details_of
from utils.watch.plain_json import parse

ENDS = ("Succeeded", "Failed", "TimedOut")


@dataclass
class Calls:
    """Of one function: how many, and how long they took all together."""

    count: int = 0
    seconds: float = 0.0


@dataclass
class Tally:
    """Counts as the events come.

    Attributes
    ----------
    transitions
        States entered, and tasks tried again, which are charged alike.
    events
        All of them, each of which the execution's log has at level ALL.
    read_units
        Of items of tables that tasks have read, each consistently.
    calls
        By the name of the function, as the state machine gives it; "" where that is not known.
    """

    transitions: int = 0
    events: int = 0
    read_units: int = 0
    calls: dict[str, Calls] = field(default_factory=dict)
    _entered: set[int] = field(default_factory=set)
    _scheduled: dict[int, str] = field(default_factory=dict)
    _started: dict[int, tuple[str, datetime]] = field(default_factory=dict)

    def add(self, event: Event) -> None:
        """Take in the next event."""
        kind, previous = event["type"], event.get("previousEventId", 0)
        self.events += 1
        if kind == "TaskSucceeded":
            self.read_units += _read_units(details_of(event))
        if kind.endswith("StateEntered"):
            self.transitions += 1
            self._entered.add(event["id"])
        elif kind == "TaskScheduled":
            self.transitions += previous not in self._entered
            self._entered.discard(previous)
            name = _function_name(event)
            if name is not None:
                self._scheduled[event["id"]] = name
        elif kind == "TaskStarted" and previous in self._scheduled:
            self._started[event["id"]] = (self._scheduled.pop(previous), event["timestamp"])
        elif kind.startswith("Task") and kind.endswith(ENDS) and previous in self._started:
            name, started = self._started.pop(previous)
            calls = self.calls.setdefault(name, Calls())
            calls.count += 1
            calls.seconds += (event["timestamp"] - started).total_seconds()


def _function_name(event: Event) -> str | None:
    """Name the function of a task that invokes one, "" if that is not known; None of other tasks."""
    details = details_of(event)
    if details.get("resourceType", "lambda") != "lambda":
        return None
    match parse(details.get("parameters")):
        case {"FunctionName": str(name)}:
            return name
    return ""


def _read_units(details: Mapping[str, Any]) -> int:
    """Count the units of a task that has read an item; 0 of every other."""
    if (details.get("resourceType"), details.get("resource")) != ("dynamodb", "getItem"):
        return 0
    answer = parse(details.get("output"))
    item = answer.get("Item", {}) if isinstance(answer, dict) else {}
    return max(1, math.ceil(item_bytes(item) / READ_UNIT_BYTES))
