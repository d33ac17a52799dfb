"""A Map Run: children started as there is room for them, counted, aborted together, redriven."""

import asyncio
import contextlib
import itertools
from collections import deque
from collections.abc import Iterator
from typing import Any

from local.states import loop
from local.states.clock import now
from local.states.distributed.child_inputs import ChildInput, Source
from local.states.distributed.children import Child, Family
from local.states.distributed.result_writer import Results
from local.states.distributed.settings import Tolerance
from local.states.errors import PathError, StatesError
from local.states.redrive import find_obstacle

MAX_CONCURRENCY = 10_000
"""Children that AWS runs at once (Step Functions quotas)."""

LOOK_AHEAD = 32
"""Inputs that are made at a time, so that making them does not stop at every child."""

_COUNTERS = (
    "pending",
    "running",
    "succeeded",
    "failed",
    "timedOut",
    "aborted",
    "total",
    "resultsWritten",
    "failuresNotRedrivable",
    "pendingRedrive",
)
_ENDS = {"SUCCEEDED": "succeeded", "FAILED": "failed", "TIMED_OUT": "timedOut", "ABORTED": "aborted"}


Made = tuple[list[ChildInput], Exception | None]
"""Inputs, and what kept the next one from being made."""


class MapRun:
    """The children of a Distributed Map from the first to the last.

    Parameters
    ----------
    record
        What DescribeMapRun says; the limits in it hold, and may change while the run goes on.
    source
        The items, and what the children are given of them.
    """

    def __init__(
        self,
        record: dict[str, Any],
        family: Family,
        source: Source,
        results: Results,
    ) -> None:
        self.record = record
        self.family = family
        self.results = results
        self._source = source
        self._inputs: Iterator[ChildInput] | None = None
        self._ahead: deque[ChildInput] = deque()
        self._again: deque[Child] = deque()
        self._running: dict[int, tuple[Child, asyncio.Task[None]]] = {}
        self._unsuccessful: dict[int, Child] = {}
        self._wake = asyncio.Event()
        self._reading: asyncio.Future[Made] | None = None
        self._broken: Exception | None = None
        self._stopped: asyncio.Task[None] | None = None
        self._items = dict.fromkeys(_COUNTERS, 0)
        self._children = dict.fromkeys(_COUNTERS, 0)
        record.update(
            itemCounts=self._items, executionCounts=self._children, status="RUNNING", startDate=now()
        )

    async def run(self) -> Any:
        """Run all children.

        Returns
        -------
        dict or list
            Where the results have been written, or the results themselves.

        Raises
        ------
        StatesError, PathError
            More items failed than are tolerated, or the items cannot be made into inputs.
        """
        try:
            inputs = self._inputs or await self._open()
            await self._dispatch(inputs)
            result = await self._gather()
        except asyncio.CancelledError:
            # The execution has ended; the Map Run outlives it, as on AWS, until its results are written.
            self._stopped = asyncio.create_task(self._stop("ABORTED"))
            raise
        except Exception:
            self._stopped = asyncio.create_task(self._stop("FAILED"))
            await asyncio.shield(self._stopped)
            raise
        self._close("SUCCEEDED")
        # It is not redriven; what it would go on with is as large as the list.
        self._inputs = None
        self.results.forget()
        return result

    async def redrive(self) -> Any:
        """Run the children that did not succeed, and those that were not started; returns what `run` does."""
        self.record |= {"redriveCount": self.record["redriveCount"] + 1, "redriveDate": now()}
        if self._stopped is not None:
            await asyncio.shield(self._stopped)
            self._stopped = None
        self.record["status"] = "RUNNING"
        self.record.pop("stopDate")
        lost = [child for child in self._unsuccessful.values() if find_obstacle(child.record) is not None]
        for counts, number in (
            (self._items, sum(child.items for child in lost)),
            (self._children, len(lost)),
        ):
            counts["failuresNotRedrivable"] = number
        again = self._unsuccessful.keys() - {child.number for child in lost}
        self._again.extend(self._unsuccessful.pop(number) for number in sorted(again))
        for child in self._again:
            self._count(child, _ENDS[child.record["status"]], "pending")
            self._count(child, None, "pendingRedrive")
            child.await_redrive()
        return await self.run()

    def update(self, **limits: float) -> None:
        """Change the limits of the running Map Run."""
        self.record.update(limits)
        self._wake.set()

    @property
    def can_go_on(self) -> bool:
        """Whether there are children, or inputs for them, to go on with after a failure."""
        return self._inputs is not None and self._broken is None

    async def _open(self) -> Iterator[ChildInput]:
        """Read the items once to the end, so that no child starts on a list that cannot be read."""
        if self.results.has_bucket:
            await loop.call_blocking(self.results.check_bucket, self.record["mapRunArn"])
        total = await loop.call_blocking(self._source.count)
        self._items |= {"total": total, "pending": total}
        self._inputs = self._source.inputs()
        return self._inputs

    async def _dispatch(self, inputs: Iterator[ChildInput]) -> None:
        while True:
            self._check_tolerance()
            child = None
            while len(self._running) < (self.record["maxConcurrency"] or MAX_CONCURRENCY):
                self._check_tolerance()
                child = await self._next(inputs)
                if child is None:
                    break
                self._start(child)
            if child is None and not self._running:
                self._check_tolerance()
                return
            await self._wake.wait()
            self._wake.clear()

    async def _next(self, inputs: Iterator[ChildInput]) -> Child | None:
        if self._again:
            child = self._again.popleft()
            self._count(child, "pendingRedrive", None)
            return child
        if not self._ahead:
            await self._look_ahead(itertools.islice(inputs, LOOK_AHEAD))
        return self.family.make(self._ahead.popleft()) if self._ahead else None

    async def _look_ahead(self, some: Iterator[ChildInput]) -> None:
        """Make inputs in a thread, which goes on with them if this line of control is cancelled."""
        if self._broken is not None:
            raise self._broken
        self._reading = asyncio.ensure_future(loop.call_blocking(_make, some))
        await self._take_in(self._reading)

    async def _take_in(self, reading: "asyncio.Future[Made]") -> None:
        inputs, error = await asyncio.shield(reading)
        self._reading = None
        self._ahead.extend(inputs)
        self._children["total"] += len(inputs)
        self._children["pending"] += len(inputs)
        if error is not None:
            self._broken = error
            raise error

    def _start(self, child: Child) -> None:
        self._count(child, "pending", "running")
        self._running[child.number] = (child, asyncio.create_task(self._run_child(child)))

    async def _run_child(self, child: Child) -> None:
        await child.run()
        del self._running[child.number]
        self._count(child, "running", _ENDS[child.record["status"]])
        if child.record["status"] == "SUCCEEDED":
            self.results.add(child.number, child.record)
            child.forget()
        else:
            self._unsuccessful[child.number] = child
        self._wake.set()

    def _count(self, child: Child, before: str | None, after: str | None) -> None:
        for counts, number in ((self._items, child.items), (self._children, 1)):
            if before is not None:
                counts[before] -= number
            if after is not None:
                counts[after] += number

    def _check_tolerance(self) -> None:
        tolerance = Tolerance(self.record["toleratedFailureCount"], self.record["toleratedFailurePercentage"])
        failed = self._items["failed"] + self._items["timedOut"]
        if tolerance.is_exceeded(failed, self._items["total"]):
            raise StatesError(
                "States.ExceedToleratedFailureThreshold",
                "The specified tolerated failure threshold was exceeded",
            )

    async def _stop(self, status: str) -> None:
        """Abort what runs, and write what there is."""
        await asyncio.sleep(0)  # a child that was started just now begins, and can be stopped
        for child, _ in self._running.values():
            child.stop()
        await asyncio.gather(*(task for _, task in self._running.values()))
        for child in self._again:
            child.miss_redrive()
            self._count(child, "pending", _ENDS[child.record["status"]])
            self._unsuccessful[child.number] = child
        self._again.clear()
        # What cannot be read or written now has been reported already, or is reported by a redrive.
        with contextlib.suppress(StatesError, PathError):
            if self._reading is not None:
                await self._take_in(self._reading)
            if self._inputs is not None:
                await self._look_ahead(self._inputs)
        with contextlib.suppress(StatesError):
            if self.results.has_bucket:
                await self._gather()
        self._close(status)

    async def _gather(self) -> Any:
        failed = {number: self._unsuccessful[number].record for number in sorted(self._unsuccessful)}
        self._items["resultsWritten"] = self._items["total"] - self._items["pending"]
        self._children["resultsWritten"] = self._children["total"] - self._children["pending"]
        if not self.results.has_bucket:
            return self.results.output(failed)
        pending = [self.family.describe_pending(each) for each in self._ahead]
        arn = self.record["mapRunArn"]
        return await loop.call_blocking(self.results.write, arn, list(failed.values()), pending)

    def _close(self, status: str) -> None:
        self.record |= {"status": status, "stopDate": now()}
        for counts in (self._items, self._children):
            counts["pendingRedrive"] = 0


def _make(inputs: Iterator[ChildInput]) -> Made:
    """Make inputs; those before one that cannot be made are kept."""
    made: list[ChildInput] = []
    try:
        made.extend(inputs)
    except (StatesError, PathError) as error:
        return made, error
    return made, None
