"""A Map Run: children started as there is room for them, counted, aborted together, redriven."""

import asyncio
import contextlib
from collections import deque
from typing import Any

from local.states import loop
from local.states.clock import now
from local.states.distributed.child_inputs import Source
from local.states.distributed.children import Child, Family
from local.states.distributed.counters import ENDS, Counters
from local.states.distributed.input_queue import InputQueue
from local.states.distributed.result_writer import Results
from local.states.distributed.settings import Tolerance
from local.states.errors import PathError, StatesError
from local.states.redrive import find_obstacle

MAX_CONCURRENCY = 10_000
"""Children that AWS runs at once (Step Functions quotas)."""


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
        self._counters = Counters()
        self._inputs = InputQueue(source, self._counters.count_children)
        self._again: deque[Child] = deque()
        self._running: dict[int, tuple[Child, asyncio.Task[None]]] = {}
        self._unsuccessful: dict[int, Child] = {}
        self._wake = asyncio.Event()
        self._stopped: asyncio.Task[None] | None = None
        record.update(status="RUNNING", startDate=now())
        record.update(itemCounts=self._counters.items, executionCounts=self._counters.children)

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
            if not self._inputs.is_open:
                await self._open()
            await self._dispatch()
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
        self._inputs.forget()
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
        self._counters.items["failuresNotRedrivable"] = sum(child.items for child in lost)
        self._counters.children["failuresNotRedrivable"] = len(lost)
        again = self._unsuccessful.keys() - {child.number for child in lost}
        self._again.extend(self._unsuccessful.pop(number) for number in sorted(again))
        for child in self._again:
            self._counters.move(child.items, ENDS[child.record["status"]], "pending")
            self._counters.move(child.items, None, "pendingRedrive")
            child.await_redrive()
        return await self.run()

    def update(self, **limits: float) -> None:
        """Change the limits of the running Map Run."""
        self.record.update(limits)
        self._wake.set()

    @property
    def can_go_on(self) -> bool:
        """Whether there are children, or inputs for them, to go on with after a failure."""
        return self._inputs.is_usable

    async def _open(self) -> None:
        if self.results.has_bucket:
            await loop.call_blocking(self.results.check_bucket, self.record["mapRunArn"])
        self._counters.count_items(await self._inputs.open())

    async def _dispatch(self) -> None:
        while True:
            self._check_tolerance()
            child = None
            while len(self._running) < (self.record["maxConcurrency"] or MAX_CONCURRENCY):
                self._check_tolerance()
                child = await self._next()
                if child is None:
                    break
                self._start(child)
            if child is None and not self._running:
                self._check_tolerance()
                return
            await self._wake.wait()
            self._wake.clear()

    async def _next(self) -> Child | None:
        if self._again:
            child = self._again.popleft()
            self._counters.move(child.items, "pendingRedrive", None)
            return child
        child_input = await self._inputs.next()
        return None if child_input is None else self.family.make(child_input)

    def _start(self, child: Child) -> None:
        self._counters.move(child.items, "pending", "running")
        self._running[child.number] = (child, asyncio.create_task(self._run_child(child)))

    async def _run_child(self, child: Child) -> None:
        await child.run()
        del self._running[child.number]
        self._counters.move(child.items, "running", ENDS[child.record["status"]])
        if child.record["status"] == "SUCCEEDED":
            self.results.add(child.number, child.record)
            child.forget()
        else:
            self._unsuccessful[child.number] = child
        self._wake.set()

    def _check_tolerance(self) -> None:
        tolerance = Tolerance(self.record["toleratedFailureCount"], self.record["toleratedFailurePercentage"])
        if tolerance.is_exceeded(self._counters.failed_items, self._counters.items["total"]):
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
            self._counters.move(child.items, "pending", ENDS[child.record["status"]])
            self._unsuccessful[child.number] = child
        self._again.clear()
        # What cannot be read or written now has been reported already, or is reported by a redrive.
        with contextlib.suppress(StatesError, PathError):
            await self._inputs.make_all()
        with contextlib.suppress(StatesError):
            if self.results.has_bucket:
                await self._gather()
        self._close(status)

    async def _gather(self) -> Any:
        failed = {number: self._unsuccessful[number].record for number in sorted(self._unsuccessful)}
        self._counters.count_results()
        if not self.results.has_bucket:
            return self.results.output(failed)
        pending = [self.family.describe_pending(each) for each in self._inputs.waiting]
        arn = self.record["mapRunArn"]
        return await loop.call_blocking(self.results.write, arn, list(failed.values()), pending)

    def _close(self, status: str) -> None:
        self._counters.close()
        self.record |= {"status": status, "stopDate": now()}
