"""Nested workflows: ``startExecution``, and ``startExecution.sync``, which waits for what it starts."""

import asyncio
import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from ministack.core.responses import new_uuid
from ministack.services import stepfunctions

from local.states import loop, responses
from local.states.errors import StatesError
from local.states.paths import compact

_ends: dict[str, "asyncio.Event"] = {}
"""Of executions that are waited for, by ARN. Several tasks may have started the same one: the same name and
input is the same execution while it runs."""


def announce_end(execution_arn: str) -> None:
    """Wake the tasks that wait for this execution."""
    ended = _ends.pop(execution_arn, None)
    if ended is not None:
        ended.set()


async def start(arguments: dict[str, Any]) -> dict[str, Any]:
    """Start an execution.

    Raises
    ------
    StatesError
        The execution cannot be started.
    """
    response = await loop.call_blocking(_start, arguments)
    result = {"ExecutionArn": response["executionArn"], "StartDate": _milliseconds(response["startDate"])}
    return responses.described(result, responses.JSON_HEADERS, response)


async def run(arguments: dict[str, Any], action: str, on_started: Callable[[Any], None]) -> dict[str, Any]:
    """Start an execution and wait for its end; it is stopped when the caller is.

    Parameters
    ----------
    action
        ``startExecution.sync`` hands on the output as text, ``startExecution.sync:2`` as JSON.
    on_started
        Called with the response of StartExecution.

    Raises
    ------
    StatesError
        The execution cannot be started or did not succeed.
    """
    started = await start(arguments)
    on_started(started)
    record = stepfunctions._executions[started["ExecutionArn"]]
    try:
        if record["status"] == "RUNNING":
            await _ends.setdefault(record["executionArn"], asyncio.Event()).wait()
    except asyncio.CancelledError:
        loop.spawn(stepfunctions._stop_execution, {"executionArn": record["executionArn"]})
        raise
    result = _description(record, output_as_json=action.endswith(":2"))
    if record["status"] != "SUCCEEDED":
        raise StatesError("States.TaskFailed", compact(result))
    return result


def _start(arguments: dict[str, Any]) -> dict[str, Any]:
    nested_input = arguments.get("Input", {})
    request = {
        "stateMachineArn": arguments.get("StateMachineArn", ""),
        "input": nested_input if isinstance(nested_input, str) else compact(nested_input),
    }
    if "Name" in arguments:
        request["name"] = arguments["Name"]
    status, _, body = stepfunctions._start_execution(request)
    response: dict[str, Any] = json.loads(body)
    if status >= 400:
        code = response["__type"]
        raise StatesError(
            f"StepFunctions.{code}Exception",
            f"{response['message']} (Service: AWSStepFunctions; Status Code: {status}; Error Code: {code}; "
            f"Request ID: {new_uuid()}; Proxy: null)",
        )
    return response


def _description(record: dict[str, Any], *, output_as_json: bool) -> dict[str, Any]:
    output = record["output"]
    description = {
        "ExecutionArn": record["executionArn"],
        "Input": json.loads(record["input"]) if output_as_json else record["input"],
        "InputDetails": {"Included": True},
        "Name": record["name"],
        "Output": json.loads(output) if output_as_json and output is not None else output,
        "OutputDetails": {"Included": True},
        "StartDate": _milliseconds(record["startDate"]),
        "StateMachineArn": record["stateMachineArn"],
        "Status": record["status"],
        "StopDate": _milliseconds(record["stopDate"]),
        "Error": record.get("error"),
        "Cause": record.get("cause"),
    }
    return {key: value for key, value in description.items() if value is not None}


def _milliseconds(timestamp: str) -> int:
    return int(datetime.fromisoformat(timestamp).timestamp() * 1000)
