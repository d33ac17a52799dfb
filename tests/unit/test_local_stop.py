"""StopExecution on an execution that MiniStack has recorded, and that does not run yet."""

import asyncio
import json

import pytest
from ministack.services import stepfunctions

from local.states import api

MACHINE = "arn:aws:states:us-east-1:000000000000:stateMachine:m"
EXECUTION = "arn:aws:states:us-east-1:000000000000:execution:m:e"


@pytest.fixture
def record(monkeypatch):
    """An execution between its start and its first state, as another thread may find it."""
    state_machine = {
        "name": "m",
        "stateMachineArn": MACHINE,
        "definition": json.dumps({"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}),
        "roleArn": "arn:aws:iam::000000000000:role/r",
        "type": "STANDARD",
        "loggingConfiguration": {"level": "OFF"},
    }
    record = {
        "executionArn": EXECUTION,
        "stateMachineArn": MACHINE,
        "name": "e",
        "status": "RUNNING",
        "startDate": "2026-11-20T12:00:00.000Z",
        "stopDate": None,
        "input": "{}",
        "events": [],
    }
    monkeypatch.setitem(stepfunctions._state_machines, MACHINE, state_machine)
    monkeypatch.setitem(stepfunctions._executions, EXECUTION, record)
    monkeypatch.setattr(api, "_redrivable", {})
    # There is no loop in this process.
    monkeypatch.setattr(api.loop, "call", lambda function: function())
    return record


def test_it_has_begun_and_ended_and_can_be_redriven(record):
    # When
    api.stop_execution({"executionArn": EXECUTION, "error": "Enough"})
    # Then its history has both
    assert (record["status"], record["error"]) == ("ABORTED", "Enough")
    assert [event["type"] for event in record["events"]] == ["ExecutionStarted", "ExecutionAborted"]
    # And it is known for a redrive, and does not run when its turn comes
    assert EXECUTION in api._redrivable
    asyncio.run(api._run(record, stepfunctions._state_machines[MACHINE]))
    assert len(record["events"]) == 2


def test_one_that_has_ended_is_left_as_it_is(record):
    record["status"] = "SUCCEEDED"
    api.stop_execution({"executionArn": EXECUTION})
    assert (record["status"], record["events"], api._redrivable) == ("SUCCEEDED", [], {})
