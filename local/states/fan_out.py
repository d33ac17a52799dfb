"""Map and Parallel: lines of control side by side, aborted together when one of them fails."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any

from local.states.branch import Branch
from local.states.dataflow import Flow, JsonataFlow, show
from local.states.errors import PathError, StatesError

MAX_INLINE_CONCURRENCY = 40
"""Iterations of an inline Map that AWS runs at once (Step Functions quotas)."""

FAILED_EVENTS = {"Map": "MapStateFailed", "Parallel": "ParallelStateFailed"}
_ABORTED_EVENTS = {name: f"{name}StateAborted" for name in ("Task", "Wait", "Map", "Parallel")}

Run = Callable[[Branch, Mapping[str, Any], Any], Awaitable[Any]]


class Lines:
    """Lines of control that run side by side on behalf of one state."""

    def __init__(self, owner: Branch) -> None:
        self._owner = owner
        self._tasks: list[asyncio.Task[None]] = []
        self._running: dict[int, tuple[Branch, dict[str, Any] | None]] = {}

    def enter(self, index: int, branch: Branch, iteration: dict[str, Any] | None = None) -> None:
        """Note that a line runs; ``iteration`` has the event details of a Map's item."""
        self._running[index] = (branch, iteration)

    def leave(self, index: int) -> None:
        """Note that a line has ended well."""
        del self._running[index]

    def fail(self, failed_index: int) -> None:
        """End all lines because one has failed: record it and stop the others where they stand."""
        branch, _ = self._running[failed_index]
        self._owner.last_event_id = branch.last_event_id
        self._record_end(failed_index, "Failed")
        for index in sorted(self._running):
            self._record_end(index, "Aborted")
        current = asyncio.current_task()
        for task in self._tasks:
            if task is not current:
                task.cancel()

    def _record_end(self, index: int, outcome: str) -> None:
        branch, iteration = self._running.pop(index)
        branch.last_event_id = self._owner.last_event_id
        if iteration is not None:
            branch.record_aside(f"MapIteration{outcome}", iteration)
        if branch.state_type in _ABORTED_EVENTS:
            branch.record_aside(_ABORTED_EVENTS[branch.state_type])

    async def run(self, coroutines: list[Coroutine[Any, Any, None]]) -> None:
        """Run coroutines to their end, or to the first failure.

        Raises
        ------
        StatesError, PathError
            What failed first.
        """
        self._tasks = [asyncio.ensure_future(coroutine) for coroutine in coroutines]
        try:
            if self._tasks:
                await asyncio.wait(self._tasks, return_when=asyncio.FIRST_EXCEPTION)
            for task in self._tasks:
                if task.done() and not task.cancelled():
                    task.result()
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)


async def run_map(branch: Branch, name: str, state: Mapping[str, Any], flow: Flow, run: Run) -> list[Any]:
    """Run the item processor of an inline Map over its items; in a redrive, over those that have no output.

    Returns
    -------
    list
        One output an item, in the order of the items.
    """
    items = _items(state, flow)
    concurrency = _concurrency(flow)
    resumed = bool(branch.progress.lines)
    if not resumed:
        branch.record("MapStateStarted", {"length": len(items)})
    ended_event_id = started_event_id = branch.last_event_id
    processor = state.get("ItemProcessor") or state["Iterator"]
    selector = state.get("ItemSelector", state.get("Parameters"))
    results, to_do = _split(branch, len(items))
    pending = iter(to_do)
    lines = Lines(branch)

    async def work() -> None:
        nonlocal ended_event_id
        last_event_id = started_event_id
        for index in pending:
            iteration = {"name": name, "index": index}
            child = branch.fork(index, Map={"Item": {"Index": index, "Value": items[index]}})
            child.last_event_id = last_event_id
            child.record("MapIterationStarted", iteration)
            lines.enter(index, child, iteration)
            await asyncio.sleep(0)
            try:
                selected = items[index] if selector is None else flow.item(selector, child.context)
                results[index] = await run(child, processor, selected)
            except (StatesError, PathError):
                lines.fail(index)
                raise
            lines.leave(index)
            ended_event_id = child.record_aside("MapIterationSucceeded", iteration)
            last_event_id = child.last_event_id

    await lines.run([work() for _ in range(min(concurrency, len(to_do)))])
    branch.last_event_id = ended_event_id
    branch.record_aside("MapStateSucceeded")
    return results


async def run_parallel(branch: Branch, state: Mapping[str, Any], flow: Flow, run: Run) -> list[Any]:
    """Run the branches of a Parallel state; in a redrive, those that have no output.

    Returns
    -------
    list
        One output a branch, in the order of the definition.
    """
    data = flow.arguments()
    if not branch.progress.lines:
        branch.record("ParallelStateStarted")
    ended_event_id = branch.last_event_id
    results, to_do = _split(branch, len(state["Branches"]))
    lines = Lines(branch)

    async def work(index: int) -> None:
        nonlocal ended_event_id
        child = branch.fork(index)
        lines.enter(index, child)
        try:
            results[index] = await run(child, state["Branches"][index], data)
        except (StatesError, PathError):
            lines.fail(index)
            raise
        lines.leave(index)
        ended_event_id = child.last_event_id

    await lines.run([work(index) for index in to_do])
    branch.last_event_id = ended_event_id
    branch.record_aside("ParallelStateSucceeded")
    return results


def _split(branch: Branch, length: int) -> tuple[list[Any], list[int]]:
    """The outputs that the lines have given before a redrive, and the indices of those still to run."""
    lines = branch.progress.lines
    ended = {index: line.output for index, line in lines.items() if line.ended}
    return [ended.get(index) for index in range(length)], [n for n in range(length) if n not in ended]


def items_of(flow: Flow) -> Any:
    """The items that a Map takes from the state's input."""
    if isinstance(flow, JsonataFlow):
        return flow.field("Items", "array", flow.read())
    return flow.select("ItemsPath")


def _items(state: Mapping[str, Any], flow: Flow) -> list[Any]:
    items = items_of(flow)
    if not isinstance(items, list):
        raise PathError(f'Reference path "{state.get("ItemsPath", "$")}" must point to array.')
    return items


def _concurrency(flow: Flow) -> int:
    return min(max_concurrency(flow) or MAX_INLINE_CONCURRENCY, MAX_INLINE_CONCURRENCY)


def max_concurrency(flow: Flow) -> int:
    """A Map's MaxConcurrency; 0 means as many as there may be."""
    concurrency = flow.field("MaxConcurrency", "number", 0)
    if not isinstance(concurrency, int) or concurrency < 0:
        raise PathError(f"MaxConcurrency must be a whole number from 0 but was: {show(concurrency)}")
    return concurrency
