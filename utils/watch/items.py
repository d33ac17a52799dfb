"""One item of a Map as the events of its iteration tell it."""

import re
from collections.abc import Mapping
from dataclasses import astuple, dataclass, field
from datetime import datetime
from typing import Any, Literal

from utils.watch import order_texts
from utils.watch.plain_json import error_text, item_text, json_text, parse

CHILD_ARN = re.compile(r'"ExecutionArn": ?"([^"]+)"')
"""In what Step Functions answers to a task that starts an execution, or is asked by one that looks one up."""

Event = Mapping[str, Any]
ItemStatus = Literal["running", "succeeded", "failed", "aborted"]


@dataclass(frozen=True)
class Counts:
    """How far items are; ``done`` are the ended ones however they ended, ``total`` has those to come."""

    total: int = 0
    done: int = 0
    running: int = 0
    succeeded: int = 0
    failed: int = 0
    aborted: int = 0

    @property
    def pending(self) -> int:
        """The items not started."""
        return self.total - self.done - self.running

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(*(one + another for one, another in zip(astuple(self), astuple(other), strict=True)))


@dataclass
class ItemRow:
    """One item on its way through the Map.

    Attributes
    ----------
    waits
        Spans in which the item was held: Wait states, and the backoff before
        a retry.
    child_arn
        Of the execution that the item was, if it was one.
    attempts
        How often the most retried task of the item was scheduled; 0 without a task.
    """

    map_name: str
    index: int
    started: datetime
    ended: datetime | None = None
    status: ItemStatus = "running"
    input: str | None = None
    output: str | None = None
    error: str | None = None
    cause: str | None = None
    child_arn: str | None = None
    attempts: int = 0
    waits: list[tuple[datetime, datetime]] = field(default_factory=list)
    _entered: bool = False
    _tries: int = 0
    _held_since: datetime | None = None

    @property
    def item_text(self) -> str:
        """The item as one line: of an order how many of which product, of anything else JSON."""
        return order_texts.item_text(self.input) or item_text(self.input)

    @property
    def outcome_text(self) -> str:
        """The result, or the error and its message, as one line."""
        if self.status == "succeeded":
            return order_texts.result_text(self.output) or json_text(self.output)
        return error_text(self.error, self.cause) if self.status == "failed" else ""

    def record(self, event: Event) -> None:
        """Take in an event from inside the iteration."""
        kind, moment, details = event["type"], event["timestamp"], details_of(event)
        if kind.endswith("StateEntered"):
            if not self._entered:
                self._entered, self.input = True, details.get("input")
            self._tries = 0
            self._held_since = moment if kind == "WaitStateEntered" else None
        elif kind.endswith("StateExited"):
            self.output = details.get("output")
            if kind == "WaitStateExited":
                self._release(moment)
            self._held_since = None
        elif kind == "TaskSubmitted":
            self._find_child(details.get("output"))
        elif kind in {"TaskScheduled", "LambdaFunctionScheduled", "ActivityScheduled"}:
            self._release(moment)
            self._tries += 1
            self.attempts = max(self.attempts, self._tries)
            self._find_child(details.get("parameters"))
        elif kind.endswith(("Failed", "TimedOut")) and details:
            self.error, self.cause = details.get("error"), details.get("cause")
            self._held_since = moment

    def close(self, status: ItemStatus, moment: datetime) -> None:
        """End the item; an iteration whose output is a recorded failure has failed."""
        self.status, self.ended = status, moment
        if status == "aborted":
            self._release(moment)
        if status != "succeeded":
            return
        self.error = self.cause = None
        match parse(self.output) if '"failed"' in (self.output or "") else None:
            case {"status": "failed", "index": _, "error": {"name": name, "message": message}}:
                self.status, self.error, self.cause = "failed", str(name), str(message)

    def _find_child(self, text: str | None) -> None:
        """Note the execution that a task starts, or looks up."""
        if found := CHILD_ARN.search(text or ""):
            self.child_arn = found[1]

    def _release(self, moment: datetime) -> None:
        if self._held_since is not None:
            self.waits.append((self._held_since, moment))
        self._held_since = None


def details_of(event: Event) -> Mapping[str, Any]:
    """Get the one ``…EventDetails`` of an event; empty when it has none."""
    return next((value for key, value in event.items() if key.endswith("EventDetails")), {})
