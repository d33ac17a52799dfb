"""Task states: events, timeouts and heartbeats around a call to a function, a service or a worker."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple, NoReturn

from ministack.core.responses import get_region

from local.states import callbacks, functions, loop, nested, services
from local.states.branch import Branch, included
from local.states.dataflow import Flow
from local.states.errors import DATA_LIMIT_EXCEEDED, TIMEOUT, StatesError
from local.states.paths import compact, utf8_bytes

MAX_RESULT_BYTES = 256 * 1024
"""Result of a task, in UTF-8 bytes of JSON (Step Functions quotas)."""

SIMULTANEOUS_SECONDS = 0.01
"""Failures this close together are all recorded, as on AWS, before one of them fails its Map."""

CALLBACK = ".waitForTaskToken"


class Events(NamedTuple):
    """How one kind of task names its events, and what it puts into each of them."""

    prefix: str
    subject: Mapping[str, Any]
    label: str

    def record(self, branch: Branch, happening: str, **details: Any) -> None:
        """Add an event such as TaskSucceeded to the history."""
        known = {key: value for key, value in {**self.subject, **details}.items() if value is not None}
        branch.record(f"{self.prefix}{happening}", known or None)


async def run(branch: Branch, state: Mapping[str, Any], flow: Flow) -> Any:
    """Run the work of a Task state.

    Returns
    -------
    Any
        The result of the function, the service or the worker.

    Raises
    ------
    StatesError
        The task failed, or took longer than its timeout or its heartbeat.
    """
    resource: str = state["Resource"]
    callback = _open_callback(branch, resource)
    try:
        arguments = flow.arguments()
        limits = {
            "timeoutInSeconds": flow.field("TimeoutSeconds", "number"),
            "heartbeatInSeconds": flow.field("HeartbeatSeconds", "number"),
        }
        if ":function:" in resource:
            return await _run_function(branch, resource, arguments, limits)
        if ":activity:" in resource:
            return await _run_activity(branch, resource, arguments, limits)
        return await _run_service(branch, resource, arguments, limits, callback)
    finally:
        if callback is not None:
            callback.close()
        branch.context.pop("Task", None)


def _open_callback(branch: Branch, resource: str) -> callbacks.Callback | None:
    if not resource.endswith(CALLBACK):
        return None
    callback = callbacks.Callback()
    branch.context["Task"] = {"Token": callback.token}
    return callback


async def _run_function(branch: Branch, arn: str, arguments: Any, limits: Mapping[str, Any]) -> Any:
    events = Events("LambdaFunction", {}, arn)
    events.record(
        branch,
        "Scheduled",
        **included("input", arguments),
        resource=arn,
        timeoutInSeconds=limits["timeoutInSeconds"],
    )
    return await _watch(
        branch, events, limits, lambda: loop.call_blocking(functions.invoke_by_arn, arn, arguments)
    )


async def _run_activity(branch: Branch, arn: str, arguments: Any, limits: Mapping[str, Any]) -> Any:
    events = Events("Activity", {}, arn)
    callback = callbacks.Callback()
    callbacks.schedule_activity(arn, callback, compact(arguments))
    events.record(branch, "Scheduled", **included("input", arguments), resource=arn, **limits)

    async def work() -> Any:
        events.record(branch, "Started", workerName=await callback.started)
        return await callback.answer(limits["heartbeatInSeconds"])

    try:
        return await _end(branch, events, limits, work)
    finally:
        callback.close()


async def _run_service(
    branch: Branch,
    resource: str,
    arguments: Any,
    limits: Mapping[str, Any],
    callback: callbacks.Callback | None,
) -> Any:
    service, _, action = resource.removeprefix("arn:aws:states:::").rpartition(":")
    if action == "2":
        service, _, action = service.rpartition(":")
        action += ":2"
    events = Events("Task", {"resource": action, "resourceType": service}, service)
    branch.record(
        "TaskScheduled",
        {
            "resourceType": service,
            "resource": action,
            "region": get_region(),
            "parameters": compact(arguments),
            **{key: value for key, value in limits.items() if value is not None},
        },
    )

    async def work() -> Any:
        if action.startswith("startExecution.sync"):
            return await nested.run(arguments, action, lambda output: _submitted(branch, events, output))
        output = await services.call(resource.removesuffix(CALLBACK), arguments)
        if callback is None:
            return output
        _submitted(branch, events, output)
        return await callback.answer(limits["heartbeatInSeconds"])

    return await _watch(branch, events, limits, work)


def _submitted(branch: Branch, events: Events, output: Any) -> None:
    events.record(branch, "Submitted", **included("output", output))


async def _watch(
    branch: Branch, events: Events, limits: Mapping[str, Any], work: Callable[[], Awaitable[Any]]
) -> Any:
    await asyncio.sleep(0)
    if events.prefix == "Task":
        events.record(branch, "Started")
    else:
        branch.record(f"{events.prefix}Started")
    return await _end(branch, events, limits, work)


async def _end(
    branch: Branch, events: Events, limits: Mapping[str, Any], work: Callable[[], Awaitable[Any]]
) -> Any:
    try:
        async with asyncio.timeout(limits["timeoutInSeconds"]):
            result = await work()
        text = _checked(events, result)
    except TimeoutError:
        return await _fail(branch, events, StatesError(TIMEOUT))
    except StatesError as error:
        return await _fail(branch, events, error)
    events.record(branch, "Succeeded", output=text, outputDetails={"truncated": False})
    return result


async def _fail(branch: Branch, events: Events, error: StatesError) -> NoReturn:
    happening = "TimedOut" if error.name == TIMEOUT else "Failed"
    events.record(branch, happening, error=error.name, cause=error.cause)
    await asyncio.sleep(SIMULTANEOUS_SECONDS)
    raise error


def _checked(events: Events, result: Any) -> str:
    """A result as events hold it, unless it is too large to be handed on."""
    text = compact(result)
    if utf8_bytes(text) > MAX_RESULT_BYTES:
        raise StatesError(
            DATA_LIMIT_EXCEEDED,
            f"The state/task '{events.label}' returned a result with a size exceeding the maximum number "
            "of bytes service limit.",
        )
    return text
