"""Executions: start, run to an end, time out, stop."""

import asyncio
import json
import logging
from collections import ChainMap
from collections.abc import Mapping
from typing import Any

from ministack.services import cloudwatch, stepfunctions

from local.states import machine, nested
from local.states.branch import Branch
from local.states.clock import now
from local.states.definition import find_problem
from local.states.distributed.settings import ChildWorkflow
from local.states.errors import RUNTIME, PathError, StatesError
from local.states.history import MAX_EVENTS, History, HistoryFullError
from local.states.paths import compact

logger = logging.getLogger("states")

MAX_EXPRESS_SECONDS = 300
"""How long an EXPRESS execution may run (Step Functions quotas)."""

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
    """One execution, from its start to its end, and on from there when it is redriven.

    Parameters
    ----------
    record
        What MiniStack keeps of it.
    state_machine
        MiniStack's record of the state machine.
    child
        Of a Distributed Map: what to run in place of the state machine's definition.
    """

    def __init__(
        self, record: dict[str, Any], state_machine: dict[str, Any], child: "ChildWorkflow | None" = None
    ) -> None:
        self.record = record
        # Changes of the state machine concern later executions, and no redrive of this one.
        self._state_machine = dict(state_machine)
        record |= {"definition": state_machine["definition"], "roleArn": state_machine["roleArn"]}
        self._child = child
        self._input = json.loads(record["input"])
        self._history = History(record, state_machine, kept=child is None or not child.express)
        context = self._context()
        language = "JSONPath" if child is None else child.query_language
        self._branch = Branch(self, self._history, context, ChainMap(), query_language=language)
        self._task: asyncio.Task[Any] | None = None

    def _context(self) -> dict[str, Any]:
        return {
            "Execution": {
                "Id": self.record["executionArn"],
                "Input": self._input,
                "Name": self.record["name"],
                "RoleArn": self._state_machine["roleArn"],
                "StartTime": self.record["startDate"],
                "RedriveCount": 0,
            },
            "StateMachine": {"Id": self.record["stateMachineArn"], "Name": self._state_machine["name"]},
        }

    def make_child(self, record: dict[str, Any], workflow: ChildWorkflow) -> "Execution":
        """A child execution of one of this execution's Map Runs."""
        name = record["stateMachineArn"].rpartition(":")[2]
        return Execution(record, {**self._state_machine, "name": name}, workflow)

    async def run(self) -> None:
        """Run from the first state to an end, whatever it is."""
        self.begin()
        await self._run_to_end()

    def begin(self) -> None:
        """Record the start."""
        self._history.add(
            "ExecutionStarted",
            0,
            {
                "input": self.record["input"],
                "inputDetails": {"truncated": False},
                "roleArn": self._state_machine["roleArn"],
            },
        )

    async def redrive(self) -> None:
        """Run on from where the execution stopped, to another end; what has succeeded is not run again."""
        count, date = self.record["redriveCount"], self.record["redriveDate"]
        self._branch.context["Execution"] |= {"RedriveCount": count, "RedriveTime": date}
        self._history.reopen()
        self._branch.last_event_id = self._history.count
        self._branch.record("ExecutionRedriven", {"redriveCount": count})
        await self._run_to_end()

    async def _run_to_end(self) -> None:
        self._task = asyncio.ensure_future(self._run_states())
        await asyncio.wait([self._task])

    async def settle(self) -> None:
        """Wait until nothing runs any more of an execution that has ended."""
        if self._task is not None:
            await asyncio.wait([self._task])

    async def _run_states(self) -> None:
        try:
            definition, timeout_seconds = self._read_definition()
            async with asyncio.timeout(timeout_seconds):
                output = await machine.run(self._branch, definition, self._input, self.record["input"])
            self.end("SUCCEEDED", output=compact(output))
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
            logger.exception("execution %s", self.record["executionArn"])
            self.end("FAILED", error=RUNTIME, cause=f"The local AWS failed: {error!r}")

    def _read_definition(self) -> tuple[Mapping[str, Any], float | None]:
        """The definition, which CloudFormation may have made without a check, and the timeout in seconds."""
        if self._child is not None:
            return self._child.definition, MAX_EXPRESS_SECONDS if self._child.express else None
        problem = find_problem(self._state_machine["definition"])
        if problem is not None:
            raise StatesError(RUNTIME, problem)
        definition: dict[str, Any] = json.loads(self._state_machine["definition"])
        self._branch.query_language = definition.get("QueryLanguage", "JSONPath")
        return definition, definition.get("TimeoutSeconds")

    def stop(self, error: str | None, cause: str | None) -> None:
        """End it as StopExecution does."""
        self.end("ABORTED", error=error, cause=cause)
        if self._task is not None:
            self._task.cancel()

    def end(self, status: str, **outcome: str | None) -> None:
        """Record how it ended; a second end changes nothing."""
        if self.record["status"] != "RUNNING":
            return
        known = {key: value for key, value in outcome.items() if value is not None}
        details = {**known, "outputDetails": {"truncated": False}} if "output" in known else known
        previous_event_id = 0 if status == "ABORTED" else self._branch.last_event_id
        self._history.add(_END_EVENTS[status], previous_event_id, details)
        self._history.close()
        self.record.update(known, status=status, stopDate=now())
        if self._child is None:
            count(_METRICS[status], self.record)
            stepfunctions._emit_execution_status_event(self.record)
            nested.announce_end(self.record["executionArn"])


def count(metric: str, record: dict[str, Any]) -> None:
    """Add one to a CloudWatch metric of the execution's state machine."""
    cloudwatch.record_metric("AWS/States", metric, 1, "Count", {"StateMachineArn": record["stateMachineArn"]})
