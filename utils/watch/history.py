"""An execution's history as one row an item: events in, rows and counts out, no AWS call.

The items are those of the outermost Map states; what a Map does inside an
iteration of another belongs to that iteration's row.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from utils.watch.items import Event, ItemRow, ItemStatus, details_of

EXECUTION_ENDS = {
    "ExecutionSucceeded": "SUCCEEDED",
    "ExecutionFailed": "FAILED",
    "ExecutionAborted": "ABORTED",
    "ExecutionTimedOut": "TIMED_OUT",
}
ITERATION_ENDS: dict[str, ItemStatus] = {
    "MapIterationSucceeded": "succeeded",
    "MapIterationFailed": "failed",
    "MapIterationAborted": "aborted",
}


@dataclass(frozen=True)
class Counts:
    """How far the items are; ``done`` are the ended ones however they ended, ``total`` has those to come."""

    total: int
    done: int
    running: int
    succeeded: int
    failed: int
    aborted: int


class History:
    """What the events so far say about an execution and its items.

    Attributes
    ----------
    started, ended
        None until the event is there.
    status
        As DescribeExecution names it.
    output, error, cause
        Of the execution, once it has ended.
    """

    def __init__(self) -> None:
        self.started: datetime | None = None
        self.fan_out_started: datetime | None = None
        self.ended: datetime | None = None
        self.status = "RUNNING"
        self.output: str | None = None
        self.error: str | None = None
        self.cause: str | None = None
        self._rows: dict[tuple[str, int], ItemRow] = {}
        self._lengths: dict[str, int] = {}
        self._row_of_event: dict[int, ItemRow] = {}
        self._map_of_event: dict[int, str] = {}

    @property
    def rows(self) -> list[ItemRow]:
        """The items, Map by Map in the order of their start, by index."""
        order = {name: place for place, name in enumerate(self._lengths)}
        return sorted(self._rows.values(), key=lambda row: (order.get(row.map_name, len(order)), row.index))

    def counts(self) -> Counts:
        """Count the items by status."""
        statuses = [row.status for row in self._rows.values()]
        running = statuses.count("running")
        return Counts(
            total=max(sum(self._lengths.values()), len(statuses)),
            done=len(statuses) - running,
            running=running,
            succeeded=statuses.count("succeeded"),
            failed=statuses.count("failed"),
            aborted=statuses.count("aborted"),
        )

    def add(self, events: Iterable[Event]) -> None:
        """Take in further events, in the order of their ids, each once."""
        for event in events:
            self._add(event)

    def _add(self, event: Event) -> None:
        kind, details = event["type"], details_of(event)
        row = self._row_of_event.get(event.get("previousEventId", 0))
        if row is not None and row.ended is not None:
            row = None
        if kind in EXECUTION_ENDS:
            self._end(event, details)
        elif kind in {"ExecutionStarted", "ExecutionRedriven"}:
            self.started = self.started or event["timestamp"]
            self.status, self.ended = "RUNNING", None
            self.output = self.error = self.cause = None
        elif kind in ITERATION_ENDS and self._is_open(details):
            self._rows[details["name"], details["index"]].close(ITERATION_ENDS[kind], event["timestamp"])
        elif kind == "MapIterationStarted" and (row is None or details["name"] in self._lengths):
            row = ItemRow(details["name"], details["index"], event["timestamp"])
            self._rows[row.map_name, row.index] = row
        elif row is not None:
            row.record(event)
        elif kind == "MapStateEntered":
            self._map_of_event[event["id"]] = details["name"]
        elif kind == "MapStateStarted":
            self.fan_out_started = self.fan_out_started or event["timestamp"]
            map_name = self._map_of_event.get(event.get("previousEventId", 0), "")
            self._lengths[map_name] = details.get("length", 0)
        if row is not None:
            self._row_of_event[event["id"]] = row

    def _is_open(self, details: Mapping[str, Any]) -> bool:
        row = self._rows.get((details["name"], details["index"]))
        return row is not None and row.ended is None

    def _end(self, event: Event, details: Mapping[str, Any]) -> None:
        self.status, self.ended = EXECUTION_ENDS[event["type"]], event["timestamp"]
        self.output, self.error, self.cause = (details.get(key) for key in ("output", "error", "cause"))
        for row in self._rows.values():
            if row.ended is None:
                row.close("aborted", event["timestamp"])
            elif row.status == "failed" and row.error is None and row.cause is None:
                # A Fail state, or an expression that cannot be evaluated, leaves its error only here.
                row.error, row.cause = self.error, self.cause
