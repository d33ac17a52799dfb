"""An execution's history as one row an item: events in, rows and counts out, no AWS call.

The items are those of the outermost Map states; what a Map does inside an
iteration of another belongs to that iteration's row. Of a Distributed Map the
history has only its Map Runs: their items are counted, by what a reader tells
`MapRuns`, and have no rows.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from utils.watch.items import Counts, Event, ItemRow, ItemStatus, details_of
from utils.watch.map_runs import MapRuns
from utils.watch.orders import OrderProgress
from utils.watch.summary import Summary, read_summary
from utils.watch.tally import Tally

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
    map_runs
        Those that the outermost states started.
    order
        What the execution says of an order, if it is of one.
    summary
        What a state made of the last Map Run's results; None until it has,
        and for a workflow that makes none.
    tally
        What of it AWS charges.
    """

    def __init__(self) -> None:
        self.started: datetime | None = None
        self.fan_out_started: datetime | None = None
        self.ended: datetime | None = None
        self.status = "RUNNING"
        self.output: str | None = None
        self.error: str | None = None
        self.cause: str | None = None
        self.map_runs = MapRuns()
        self.order = OrderProgress()
        self.summary: Summary | None = None
        self.tally = Tally()
        self._rows: dict[tuple[str, int], ItemRow] = {}
        self._lengths: dict[str, int] = {}
        self._row_of_event: dict[int, ItemRow] = {}
        self._map_of_event: dict[int, str] = {}
        self._map_run_of_event: dict[int, str] = {}

    @property
    def rows(self) -> list[ItemRow]:
        """The items, Map by Map in the order of their start, by index."""
        order = {name: place for place, name in enumerate(self._lengths)}
        return sorted(self._rows.values(), key=lambda row: (order.get(row.map_name, len(order)), row.index))

    def counts(self) -> Counts:
        """Count the items by status, those of Map Runs as last described."""
        return self._counts_of_rows() + self.map_runs.counts()

    def final_counts(self) -> Counts:
        """Count the items of an ended execution.

        A batch that succeeded may hold items that failed: a summary knows them, the Map Run does not. A state
        that was tried again, or redriven, may have had several Map Runs; the summary is of the last.
        """
        if self.summary and self.map_runs and not self.counts_batches:
            return self._counts_of_rows() + self.summary.counts
        return self.counts()

    @property
    def counts_batches(self) -> bool:
        """Whether items are counted as succeeded with their batch, as no summary says how each came out."""
        states = {run.state_name for run in self.map_runs}
        return bool(states) and not (self.summary and len(states) == 1)

    def _counts_of_rows(self) -> Counts:
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
            self.tally.add(event)
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
            self.order.redrive()
            self.order.begin(details.get("input"))
        elif kind in ITERATION_ENDS and self._is_open(details):
            self._rows[details["name"], details["index"]].close(ITERATION_ENDS[kind], event["timestamp"])
        elif kind == "MapIterationStarted" and (row is None or details["name"] in self._lengths):
            row = ItemRow(details["name"], details["index"], event["timestamp"])
            self._rows[row.map_name, row.index] = row
        elif row is not None:
            row.record(event)
        else:
            self._add_outside(event, details)
            self.order.add(event, details)
        if row is not None:
            self._row_of_event[event["id"]] = row

    def _add_outside(self, event: Event, details: Mapping[str, Any]) -> None:
        """Take in an event of the outermost states."""
        kind = event["type"]
        if kind == "MapStateEntered":
            self._map_of_event[event["id"]] = details["name"]
        elif kind == "MapStateStarted":
            self.fan_out_started = self.fan_out_started or event["timestamp"]
            map_name = self._map_of_event.get(event.get("previousEventId", 0), "")
            self._map_of_event[event["id"]] = map_name
            self._lengths[map_name] = details.get("length", 0)
        elif kind.startswith("MapRun"):
            self._add_map_run(event, details)
        elif kind.endswith("StateExited"):
            self.summary = read_summary(details.get("output")) or self.summary

    def _add_map_run(self, event: Event, details: Mapping[str, Any]) -> None:
        previous = event.get("previousEventId", 0)
        if event["type"] in {"MapRunStarted", "MapRunRedriven"}:
            # A redrive can begin a new Map Run without entering the state again.
            before = next((run.state_name for run in reversed(list(self.map_runs))), "")
            arn, name = details["mapRunArn"], self._map_of_event.get(previous) or before
            self.map_runs.open(arn, name, self._lengths.pop(name, 0), event["timestamp"])
            self._map_run_of_event[event["id"]] = arn
            self.summary = None
        elif arn := self._map_run_of_event.get(previous, ""):
            self.map_runs.close(arn, event["timestamp"])

    def _is_open(self, details: Mapping[str, Any]) -> bool:
        row = self._rows.get((details["name"], details["index"]))
        return row is not None and row.ended is None

    def _end(self, event: Event, details: Mapping[str, Any]) -> None:
        self.status, self.ended = EXECUTION_ENDS[event["type"]], event["timestamp"]
        self.output, self.error, self.cause = (details.get(key) for key in ("output", "error", "cause"))
        self.map_runs.close_all(event["timestamp"])
        self.order.go_on()
        for row in self._rows.values():
            if row.ended is None:
                row.close("aborted", event["timestamp"])
            elif row.status == "failed" and row.error is None and row.cause is None:
                # A Fail state, or an expression that cannot be evaluated, leaves its error only here.
                row.error, row.cause = self.error, self.cause
