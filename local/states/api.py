"""The Step Functions API: what replaces MiniStack's answers that start and stop executions."""

import asyncio
import json
import math
import re
from collections.abc import Awaitable
from typing import Any

from ministack.core.responses import error_response_json, get_account_id, get_region, json_response
from ministack.services import stepfunctions

from local.states import loop
from local.states.attempts import MAX_PAYLOAD_BYTES
from local.states.clock import now
from local.states.definition import find_problem
from local.states.distributed import api as map_run_api
from local.states.executions import Execution, count
from local.states.paths import utf8_bytes
from local.states.redrive import find_obstacle, redrive_fields

_NAME = re.compile(r"[^\s<>{}\[\]?*\"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f]{1,80}")
_running: dict[str, Execution] = {}
_redrivable: dict[str, Execution] = {}
_redrives: set[asyncio.Task[None]] = set()
_handle_in_ministack = stepfunctions.handle_request
_describe_in_ministack = stepfunctions._describe_execution
_describe_state_machine_in_ministack = stepfunctions._describe_state_machine_for_execution
_create_in_ministack = stepfunctions._create_state_machine
_update_in_ministack = stepfunctions._update_state_machine
_start_in_ministack = stepfunctions._start_execution
_stop_in_ministack = stepfunctions._stop_execution
_reset_ministack = stepfunctions.reset


def create_state_machine(data: dict[str, Any]) -> Any:
    """Answer CreateStateMachine: refuse a definition that cannot be run."""
    return _refuse_definition(data.get("definition")) or _create_in_ministack(data)


def update_state_machine(data: dict[str, Any]) -> Any:
    """Answer UpdateStateMachine: refuse a definition that cannot be run."""
    refusal = _refuse_definition(data["definition"]) if "definition" in data else None
    return refusal or _update_in_ministack(data)


def _refuse_definition(text: str | None) -> Any:
    problem = find_problem(text)
    if problem is None:
        return None
    return error_response_json("InvalidDefinition", f"Invalid State Machine Definition: '{problem}'", 400)


def run_execution(execution_arn: str) -> None:
    """Run an execution that MiniStack has recorded; a synchronous one has ended on return."""
    record = stepfunctions._executions.get(execution_arn)
    if record is None:
        return
    end = loop.submit(_run(record, stepfunctions._state_machines[record["stateMachineArn"]]))
    if record.get("sync"):
        end.result()


async def _run(record: dict[str, Any], state_machine: dict[str, Any]) -> None:
    if record["status"] != "RUNNING":
        return  # stopped before it ran
    count("ExecutionsStarted", record)
    execution = Execution(record, state_machine)
    await _watch(execution, execution.run())


async def _watch(execution: Execution, run: Awaitable[None]) -> None:
    """Know an execution while it runs, and after that if it can be redriven."""
    arn = execution.record["executionArn"]
    _redrivable.pop(arn, None)
    _running[arn] = execution
    try:
        await run
    finally:
        del _running[arn]
        if execution.record["status"] != "SUCCEEDED":
            _redrivable[arn] = execution


async def handle_request(
    method: str, path: str, headers: dict[str, str], body: bytes, query_params: dict[str, Any]
) -> Any:
    """Answer a request to Step Functions: RedriveExecution, which MiniStack does not have, or what it has."""
    if not headers.get("x-amz-target", "").endswith(".RedriveExecution"):
        return await _handle_in_ministack(method, path, headers, body, query_params)
    answer = loop.submit(redrive_execution(json.loads(body or b"{}")))
    return stepfunctions._finalize_response(await asyncio.wrap_future(answer))


async def redrive_execution(data: dict[str, Any]) -> Any:
    """Answer RedriveExecution: run an unsuccessful execution on from where it stopped."""
    arn = data.get("executionArn", "")
    running = _running.get(arn)
    if running is not None and running.record["status"] != "RUNNING":
        await running.settle()
    record = stepfunctions._executions.get(arn)
    if record is None:
        return error_response_json("ExecutionDoesNotExist", f"Execution Does Not Exist: '{arn}'", 400)
    obstacle = find_obstacle(record)
    state_machine = stepfunctions._state_machines.get(record["stateMachineArn"], {})
    if obstacle is None and state_machine.get("type") == "EXPRESS":
        obstacle = "Execution is of an EXPRESS state machine and cannot be redriven"
    if obstacle is None and arn not in _redrivable:
        obstacle = "Execution was not run by this process and cannot be redriven"
    if obstacle is not None:
        return error_response_json("ExecutionNotRedrivable", obstacle, 400)
    record |= {"status": "RUNNING", "stopDate": None, "redriveDate": now()}
    record["redriveCount"] = record.get("redriveCount", 0) + 1
    record.pop("error", None), record.pop("cause", None)
    execution = _redrivable[arn]
    _redrives.add(redrive := asyncio.create_task(_watch(execution, execution.redrive())))
    redrive.add_done_callback(_redrives.discard)
    return json_response({"redriveDate": record["redriveDate"]})


def describe_state_machine_for_execution(data: dict[str, Any]) -> Any:
    """Answer DescribeStateMachineForExecution: with the definition that the execution runs."""
    record = stepfunctions._executions.get(data.get("executionArn"))
    if record is None or "definition" not in record:
        return _describe_state_machine_in_ministack(data)
    name, _, label = record["stateMachineArn"].rpartition(":")[2].partition("/")
    arn = record["stateMachineArn"].partition("/")[0]
    state_machine = stepfunctions._state_machines.get(arn, {})
    answer = {
        "stateMachineArn": record["stateMachineArn"],
        "name": name,
        "definition": record["definition"],
        "roleArn": record["roleArn"],
        "updateDate": state_machine.get("creationDate", record["startDate"]),
    }
    if label:
        answer |= {"name": f"{name}/{label}", "label": label, "mapRunArn": record["mapRunArn"]}
    return json_response(answer)


def describe_execution(data: dict[str, Any]) -> Any:
    """Answer DescribeExecution: what MiniStack says, and what there is to say of redrives."""
    status, headers, body = _describe_in_ministack(data)
    if status != 200:
        return status, headers, body
    record = stepfunctions._executions[data["executionArn"]]
    return json_response({**json.loads(body), **redrive_fields(record)})


def start_execution(data: dict[str, Any]) -> Any:
    """Answer StartExecution: check the request as AWS does, then let MiniStack record it."""
    refusal = _find_refusal(data)
    if refusal is not None:
        return error_response_json(*refusal, 400)
    same = _same_execution(data)
    if same is None:
        return _start_in_ministack(data)
    if same["status"] == "RUNNING" and same["input"] == data.get("input", "{}"):
        return json_response({"executionArn": same["executionArn"], "startDate": same["startDate"]})
    message = f"Execution Already Exists: '{same['executionArn']}'"
    return error_response_json("ExecutionAlreadyExists", message, 400)


def _find_refusal(data: dict[str, Any]) -> tuple[str, str] | None:
    """The code and the message with which AWS refuses a request to start, or None."""
    name, state_machine_arn = data.get("name"), data.get("stateMachineArn", "")
    if name is not None and not _NAME.fullmatch(name):
        return "InvalidName", f"Invalid Name: '{name}'"
    problem = _find_problem(data.get("input", "{}"))
    if problem is not None:
        return "InvalidExecutionInput", f"Invalid State Machine Execution Input: '{problem}'"
    if stepfunctions._resolve_state_machine_arn(state_machine_arn) is None:
        return "StateMachineDoesNotExist", f"State Machine Does Not Exist: '{state_machine_arn}'"
    return None


def _find_problem(text: str) -> str | None:
    """What is wrong with an input, or None."""
    if utf8_bytes(text) > MAX_PAYLOAD_BYTES:
        return f"The length of the input exceeds {MAX_PAYLOAD_BYTES} bytes"
    try:
        json.loads(text, parse_constant=_refuse, parse_float=_finite)
    except ValueError as error:
        return str(error)
    except RecursionError:
        return "The input is nested too deeply"
    return None


def _refuse(token: str) -> float:
    raise ValueError(f"Non-standard token '{token}'")


def _finite(digits: str) -> float:
    number = float(digits)
    return number if math.isfinite(number) else _refuse(digits)


def _same_execution(data: dict[str, Any]) -> dict[str, Any] | None:
    """The execution that has the name already, if there is one."""
    machine_name = data["stateMachineArn"].rpartition(":stateMachine:")[2]
    arn = f"arn:aws:states:{get_region()}:{get_account_id()}:execution:{machine_name}:{data.get('name')}"
    record: dict[str, Any] | None = stepfunctions._executions.get(arn)
    return record


def stop_execution(data: dict[str, Any]) -> Any:
    """Answer StopExecution."""
    execution_arn = data.get("executionArn", "")

    def stop() -> Any:
        execution = _running.get(execution_arn) or _begin_to_stop(execution_arn)
        if execution is not None:
            execution.stop(data.get("error"), data.get("cause"))
        return _stop_in_ministack(data)

    return loop.call(stop)


def _begin_to_stop(execution_arn: str) -> Execution | None:
    """Begin an execution that MiniStack has recorded, and that does not run yet."""
    record = stepfunctions._executions.get(execution_arn)
    if record is None or record["status"] != "RUNNING" or execution_arn in _redrivable:
        return None
    count("ExecutionsStarted", record)
    execution = Execution(record, stepfunctions._state_machines[record["stateMachineArn"]])
    execution.begin()
    _redrivable[execution_arn] = execution
    return execution


def reset() -> None:
    """Forget all executions, and stop those that run."""

    def stop_all() -> None:
        for execution in list(_running.values()):
            execution.stop(None, None)

    loop.call(stop_all)
    _redrivable.clear()
    map_run_api.reset()
    _reset_ministack()
