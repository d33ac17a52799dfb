"""Executions: start, run to an end, time out, stop."""

import asyncio
import json
import logging
import re
from collections import ChainMap
from typing import Any

from ministack.core.responses import error_response_json, get_account_id, get_region, json_response
from ministack.services import cloudwatch, stepfunctions

from local.states import loop, machine, nested
from local.states.branch import Branch, included
from local.states.errors import RUNTIME, PathError, StatesError
from local.states.history import MAX_EVENTS, History, HistoryFullError

logger = logging.getLogger("states")

_NAME = re.compile(r"[^\s<>{}\[\]?*\"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f]{1,80}")
_METRICS = {
    "SUCCEEDED": "ExecutionsSucceeded",
    "FAILED": "ExecutionsFailed",
    "TIMED_OUT": "ExecutionsTimedOut",
    "ABORTED": "ExecutionsAborted",
}
_END_EVENTS = {
    "SUCCEEDED": "ExecutionSucceeded",
    "FAILED": "ExecutionFailed",
    "TIMED_OUT": "ExecutionTimedOut",
    "ABORTED": "ExecutionAborted",
}
_running: dict[str, "Execution"] = {}
_start_in_ministack = stepfunctions._start_execution
_stop_in_ministack = stepfunctions._stop_execution
_reset_ministack = stepfunctions.reset


class Execution:
    """One execution while it runs."""

    def __init__(self, record: dict[str, Any], state_machine: dict[str, Any]) -> None:
        self._record = record
        self._definition = json.loads(state_machine["definition"])
        self._state_machine = state_machine
        self._history = History(record, state_machine)
        self._branch = Branch(
            self._history,
            _context(record, state_machine),
            ChainMap(),
            self._definition.get("QueryLanguage", "JSONPath"),
        )
        self._task: asyncio.Task[Any] | None = None

    async def run(self) -> None:
        """Run from the first state to an end, whatever it is."""
        self._history.add(
            "ExecutionStarted",
            0,
            {
                "input": self._record["input"],
                "inputDetails": {"truncated": False},
                "roleArn": self._state_machine["roleArn"],
            },
        )
        self._task = asyncio.ensure_future(self._run_states())
        await asyncio.wait([self._task])

    async def _run_states(self) -> None:
        text = self._record["input"]
        timeout = asyncio.timeout(self._definition.get("TimeoutSeconds"))
        try:
            async with timeout:
                output = await machine.run(self._branch, self._definition, json.loads(text), text)
            self.end("SUCCEEDED", output=included("output", output)["output"])
        except TimeoutError:
            self.end("TIMED_OUT")
        except HistoryFullError:
            cause = f"The execution reached the maximum number of history events ({MAX_EVENTS})."
            self.end("FAILED", error=RUNTIME, cause=cause)
        except StatesError as error:
            self.end("FAILED", error=error.name, cause=error.cause)
        except PathError as error:
            self.end("FAILED", error=RUNTIME, cause=str(error))
        except Exception as error:
            logger.exception("execution %s", self._record["executionArn"])
            self.end("FAILED", error=RUNTIME, cause=f"The local AWS failed: {error!r}")

    def stop(self, error: str | None, cause: str | None) -> None:
        """End it as StopExecution does."""
        self.end("ABORTED", error=error, cause=cause)
        if self._task is not None:
            self._task.cancel()

    def end(self, status: str, **outcome: str | None) -> None:
        """Record how it ended; a second end changes nothing."""
        if self._record["status"] != "RUNNING":
            return
        known = {key: value for key, value in outcome.items() if value is not None}
        details = {**known, "outputDetails": {"truncated": False}} if "output" in known else known
        previous_event_id = 0 if status == "ABORTED" else self._branch.last_event_id
        self._history.add(_END_EVENTS[status], previous_event_id, details)
        self._history.close()
        self._record.update(known, status=status, stopDate=machine.now())
        _count(_METRICS[status], self._record)
        stepfunctions._emit_execution_status_event(self._record)
        nested.announce_end(self._record["executionArn"])


def _context(record: dict[str, Any], state_machine: dict[str, Any]) -> dict[str, Any]:
    return {
        "Execution": {
            "Id": record["executionArn"],
            "Input": json.loads(record["input"]),
            "Name": record["name"],
            "RoleArn": state_machine["roleArn"],
            "StartTime": record["startDate"],
            "RedriveCount": 0,
        },
        "StateMachine": {"Id": record["stateMachineArn"], "Name": state_machine["name"]},
    }


def _count(metric: str, record: dict[str, Any]) -> None:
    cloudwatch.record_metric("AWS/States", metric, 1, "Count", {"StateMachineArn": record["stateMachineArn"]})


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
        return  # stopped before it began
    _count("ExecutionsStarted", record)
    execution = _running[record["executionArn"]] = Execution(record, state_machine)
    try:
        await execution.run()
    finally:
        del _running[record["executionArn"]]


def start_execution(data: dict[str, Any]) -> Any:
    """Answer StartExecution: check the request as AWS does, then let MiniStack record it."""
    name, text = data.get("name"), data.get("input", "{}")
    if name is not None and not _NAME.fullmatch(name):
        return error_response_json("InvalidName", f"Invalid Name: '{name}'", 400)
    try:
        json.loads(text)
    except ValueError as error:
        return error_response_json(
            "InvalidExecutionInput", f"Invalid State Machine Execution Input: '{error}'", 400
        )
    if len(text.encode()) > machine.MAX_PAYLOAD_BYTES:
        return error_response_json(
            "InvalidExecutionInput",
            "Invalid State Machine Execution Input: 'The length of the input exceeds "
            f"{machine.MAX_PAYLOAD_BYTES} bytes'",
            400,
        )
    state_machine_arn = data.get("stateMachineArn", "")
    if stepfunctions._resolve_state_machine_arn(state_machine_arn) is None:
        return error_response_json(
            "StateMachineDoesNotExist", f"State Machine Does Not Exist: '{state_machine_arn}'", 400
        )
    same = _same_execution(state_machine_arn, name) if name is not None else None
    if same is not None and same["status"] == "RUNNING" and same["input"] == text:
        return json_response({"executionArn": same["executionArn"], "startDate": same["startDate"]})
    return _start_in_ministack(data)


def _same_execution(state_machine_arn: str, name: str) -> dict[str, Any] | None:
    machine_name = state_machine_arn.rpartition(":stateMachine:")[2]
    arn = f"arn:aws:states:{get_region()}:{get_account_id()}:execution:{machine_name}:{name}"
    record: dict[str, Any] | None = stepfunctions._executions.get(arn)
    return record


def stop_execution(data: dict[str, Any]) -> Any:
    """Answer StopExecution."""
    execution_arn = data.get("executionArn", "")

    def stop() -> Any:
        execution = _running.get(execution_arn)
        if execution is not None:
            execution.stop(data.get("error"), data.get("cause"))
        return _stop_in_ministack(data)

    return loop.call(stop)


def reset() -> None:
    """Forget all executions, and stop those that run."""

    def stop_all() -> None:
        for execution in list(_running.values()):
            execution.stop(None, None)

    loop.call(stop_all)
    _reset_ministack()
