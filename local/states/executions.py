"""Executions: start, run to an end, time out, stop."""

import asyncio
import json
import logging
from collections import ChainMap
from typing import Any

from ministack.services import cloudwatch, stepfunctions

from local.states import machine, nested
from local.states.branch import Branch, included
from local.states.definition import find_problem
from local.states.errors import RUNTIME, PathError, StatesError
from local.states.history import MAX_EVENTS, History, HistoryFullError

logger = logging.getLogger("states")

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


class Execution:
    """One execution while it runs."""

    def __init__(self, record: dict[str, Any], state_machine: dict[str, Any]) -> None:
        self._record = record
        self._state_machine = state_machine
        self._history = History(record, state_machine)
        context = _context(record, state_machine)
        self._branch = Branch(self._history, context, ChainMap(), query_language="JSONPath")
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
        try:
            definition = self._read_definition()
            self._branch.query_language = definition.get("QueryLanguage", "JSONPath")
            async with asyncio.timeout(definition.get("TimeoutSeconds")):
                output = await machine.run(self._branch, definition, json.loads(text), text)
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

    def _read_definition(self) -> dict[str, Any]:
        """The definition, which CloudFormation may have made without a check."""
        problem = find_problem(self._state_machine["definition"])
        if problem is not None:
            raise StatesError(RUNTIME, problem)
        definition: dict[str, Any] = json.loads(self._state_machine["definition"])
        return definition

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
        count(_METRICS[status], self._record)
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


def count(metric: str, record: dict[str, Any]) -> None:
    """Add one to a CloudWatch metric of the execution's state machine."""
    cloudwatch.record_metric("AWS/States", metric, 1, "Count", {"StateMachineArn": record["stateMachineArn"]})
