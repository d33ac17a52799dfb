"""Event sequences: types in AWS's order, each with AWS's previousEventId."""

import json
from collections.abc import Callable

import pytest
from state_machines import StepFunctions, details_of, invoke, machine, map_over

PASS = {"Type": "Pass"}
FAIL = {"Type": "Fail", "Error": "Broken", "Cause": "it is"}


@pytest.fixture(scope="module")
def states(new_account: Callable[[], dict[str, str]]) -> StepFunctions:
    return StepFunctions(new_account())


@pytest.fixture(scope="module")
def echo(states: StepFunctions) -> str:
    return states.create_function("def handler(event, context):\n    return event\n")


@pytest.fixture(scope="module")
def refuse(states: StepFunctions) -> str:
    source = """
class Refused(Exception):
    pass

def handler(event, context):
    raise Refused(f"not {event}")
"""
    return states.create_function(source)


def numbered(*events: str | tuple[str, int]) -> list[tuple[str, int]]:
    """Events with their previousEventId: the one before, unless it is given; the first two have 0."""
    return [
        event if isinstance(event, tuple) else (event, 0 if position < 2 else position)
        for position, event in enumerate(events)
    ]


def test_states_in_a_row(states: StepFunctions) -> None:
    choice = {"Type": "Choice", "Choices": [{"Variable": "$.n", "NumericEquals": 1, "Next": "End"}]}
    outcome = states.run(
        machine(Begin=PASS, Pause={"Type": "Wait", "Seconds": 0}, Decide=choice, End={"Type": "Succeed"}),
        {"n": 1},
    )
    assert outcome.status == "SUCCEEDED"
    assert outcome.sequence == numbered(
        "ExecutionStarted",
        "PassStateEntered",
        "PassStateExited",
        "WaitStateEntered",
        "WaitStateExited",
        "ChoiceStateEntered",
        "ChoiceStateExited",
        "SucceedStateEntered",
        "SucceedStateExited",
        "ExecutionSucceeded",
    )
    assert [event["id"] for event in outcome.events] == list(range(1, 11))


def test_map_one_at_a_time(states: StepFunctions) -> None:
    """An iteration points back into the one that made room for it, past its MapIterationSucceeded."""
    outcome = states.run(machine(Each=map_over(machine(Keep=PASS), MaxConcurrency=1)), ["a", "b"])
    assert outcome.output == ["a", "b"]
    assert outcome.sequence == numbered(
        "ExecutionStarted",
        "MapStateEntered",
        "MapStateStarted",
        "MapIterationStarted",
        "PassStateEntered",
        "PassStateExited",
        "MapIterationSucceeded",
        ("MapIterationStarted", 6),
        "PassStateEntered",
        "PassStateExited",
        "MapIterationSucceeded",
        "MapStateSucceeded",
        ("MapStateExited", 11),
        "ExecutionSucceeded",
    )
    assert outcome.details("MapStateStarted") == [{"length": 2}]
    assert outcome.details("MapIterationStarted") == [
        {"name": "Each", "index": 0},
        {"name": "Each", "index": 1},
    ]
    assert outcome.details("MapIterationSucceeded") == outcome.details("MapIterationStarted")


def test_map_all_at_once(states: StepFunctions) -> None:
    """All iterations start before any goes on, and all point back to MapStateStarted."""
    outcome = states.run(machine(Each=map_over(machine(Keep=PASS))), ["a", "b", "c"])
    assert outcome.sequence[:6] == numbered(
        "ExecutionStarted",
        "MapStateEntered",
        "MapStateStarted",
        ("MapIterationStarted", 3),
        ("MapIterationStarted", 3),
        ("MapIterationStarted", 3),
    )
    assert outcome.types.count("MapIterationSucceeded") == 3


def test_map_over_nothing(states: StepFunctions) -> None:
    outcome = states.run(machine(Each=map_over(machine(Keep=PASS))), [])
    assert outcome.output == []
    assert outcome.sequence == numbered(
        "ExecutionStarted",
        "MapStateEntered",
        "MapStateStarted",
        "MapStateSucceeded",
        ("MapStateExited", 3),
        "ExecutionSucceeded",
    )


def test_map_with_a_failing_item(states: StepFunctions) -> None:
    outcome = states.run(machine(Each=map_over(machine(Break=FAIL), MaxConcurrency=1)), ["a", "b"])
    assert (outcome.status, outcome.error, outcome.cause) == ("FAILED", "Broken", "it is")
    assert outcome.sequence == numbered(
        "ExecutionStarted",
        "MapStateEntered",
        "MapStateStarted",
        "MapIterationStarted",
        "FailStateEntered",
        "MapIterationFailed",
        ("MapStateFailed", 5),
        "ExecutionFailed",
    )


def test_map_aborts_the_siblings_of_a_failing_item(states: StepFunctions) -> None:
    """Item 1 fails while 0 and 2 wait; their ends point back to what failed."""
    decide = {
        "Type": "Choice",
        "Choices": [{"Variable": "$", "StringEquals": "bad", "Next": "Hesitate"}],
        "Default": "Linger",
    }
    linger = {"Type": "Wait", "Seconds": 3600, "End": True}
    processor = machine(Decide=decide, Linger=linger, Hesitate={"Type": "Wait", "Seconds": 1}, Break=FAIL)
    outcome = states.run(machine(Each=map_over(processor)), ["good", "bad", "good"])
    failed = outcome.types.index("FailStateEntered") + 1
    assert outcome.sequence[-7:] == [
        ("MapIterationFailed", failed),
        ("MapIterationAborted", failed),
        ("WaitStateAborted", failed),
        ("MapIterationAborted", failed),
        ("WaitStateAborted", failed),
        ("MapStateFailed", failed),
        ("ExecutionFailed", len(outcome.events) - 1),
    ]
    assert [details["index"] for details in outcome.details("MapIterationAborted")] == [0, 2]


def test_map_caught(states: StepFunctions) -> None:
    catch = [{"ErrorEquals": ["Broken"], "Next": "Mend"}]
    outcome = states.run(machine(Each=map_over(machine(Break=FAIL), Catch=catch, End=True), Mend=PASS), ["a"])
    assert outcome.output == {"Error": "Broken", "Cause": "it is"}
    assert outcome.sequence[5:9] == [
        ("MapIterationFailed", 5),
        ("MapStateFailed", 5),
        ("MapStateExited", 7),
        ("PassStateEntered", 8),
    ]


def test_map_retried(states: StepFunctions) -> None:
    """A further attempt is a further MapStateStarted; MapStateFailed comes after the last one only."""
    retry = [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "MaxAttempts": 1}]
    outcome = states.run(machine(Each=map_over(machine(Break=FAIL), Retry=retry)), ["a"])
    assert outcome.sequence[2:] == [
        ("MapStateStarted", 2),
        ("MapIterationStarted", 3),
        ("FailStateEntered", 4),
        ("MapIterationFailed", 5),
        ("MapStateStarted", 5),
        ("MapIterationStarted", 7),
        ("FailStateEntered", 8),
        ("MapIterationFailed", 9),
        ("MapStateFailed", 9),
        ("ExecutionFailed", 11),
    ]


def test_parallel(states: StepFunctions) -> None:
    branches = [machine(First=PASS), machine(Second=PASS)]
    outcome = states.run(machine(Both={"Type": "Parallel", "Branches": branches}), {"n": 1})
    assert outcome.output == [{"n": 1}, {"n": 1}]
    assert outcome.sequence[:4] == numbered(
        "ExecutionStarted", "ParallelStateEntered", "ParallelStateStarted", ("PassStateEntered", 3)
    )
    assert outcome.sequence[-3:] == [
        ("ParallelStateSucceeded", 7),
        ("ParallelStateExited", 7),
        ("ExecutionSucceeded", 9),
    ]


def test_parallel_with_a_failing_branch(states: StepFunctions) -> None:
    branches = [machine(Linger={"Type": "Wait", "Seconds": 3600}), machine(Break=FAIL)]
    outcome = states.run(machine(Both={"Type": "Parallel", "Branches": branches}))
    failed = outcome.types.index("FailStateEntered") + 1
    assert (outcome.status, outcome.error) == ("FAILED", "Broken")
    assert outcome.sequence[-3:] == [
        ("WaitStateAborted", failed),
        ("ParallelStateFailed", failed),
        ("ExecutionFailed", len(outcome.events) - 1),
    ]


def test_task_by_integration(states: StepFunctions, echo: str) -> None:
    outcome = states.run(machine(Work=invoke(echo, TimeoutSeconds=9)), {"n": 1})
    assert outcome.output == {"n": 1}
    assert outcome.sequence == numbered(
        "ExecutionStarted",
        "TaskStateEntered",
        "TaskScheduled",
        "TaskStarted",
        "TaskSucceeded",
        "TaskStateExited",
        "ExecutionSucceeded",
    )
    (scheduled,) = outcome.details("TaskScheduled")
    assert scheduled["timeoutInSeconds"] == 9
    assert (scheduled["resourceType"], scheduled["resource"]) == ("lambda", "invoke")
    assert outcome.details("TaskStarted") == [{"resourceType": "lambda", "resource": "invoke"}]


def test_task_by_function_arn(states: StepFunctions, echo: str) -> None:
    outcome = states.run(machine(Work={"Type": "Task", "Resource": echo}), {"n": 1})
    assert outcome.output == {"n": 1}
    assert outcome.types[2:5] == [
        "LambdaFunctionScheduled",
        "LambdaFunctionStarted",
        "LambdaFunctionSucceeded",
    ]
    assert outcome.details("LambdaFunctionScheduled")[0]["resource"] == echo


def test_failing_task(states: StepFunctions, refuse: str) -> None:
    outcome = states.run(machine(Work=invoke(refuse)), "this")
    assert (outcome.status, outcome.error) == ("FAILED", "Refused")
    assert outcome.sequence[2:] == [
        ("TaskScheduled", 2),
        ("TaskStarted", 3),
        ("TaskFailed", 4),
        ("ExecutionFailed", 5),
    ]
    assert outcome.details("TaskFailed")[0]["cause"] == outcome.cause


def test_retried_task(states: StepFunctions, refuse: str) -> None:
    """Attempts follow each other without a second TaskStateEntered; a Catch brings TaskStateExited."""
    task = invoke(
        refuse,
        Retry=[{"ErrorEquals": ["Refused"], "IntervalSeconds": 1, "MaxAttempts": 1}],
        Catch=[{"ErrorEquals": ["States.TaskFailed"], "Next": "Mend"}],
    )
    outcome = states.run(machine(Work=task, Mend=PASS), "this")
    assert outcome.status == "SUCCEEDED"
    assert outcome.types[1:9] == [
        "TaskStateEntered",
        "TaskScheduled",
        "TaskStarted",
        "TaskFailed",
        "TaskScheduled",
        "TaskStarted",
        "TaskFailed",
        "TaskStateExited",
    ]
    assert outcome.output["Error"] == "Refused"


@pytest.mark.parametrize("by_arn", [False, True])
def test_task_timeout(states: StepFunctions, *, by_arn: bool) -> None:
    function = states.create_function("import time\n\ndef handler(event, context):\n    time.sleep(30)\n")
    task = {"Type": "Task", "Resource": function} if by_arn else invoke(function)
    catch = [{"ErrorEquals": ["States.Timeout"], "Next": "Mend"}]
    outcome = states.run(machine(Work={**task, "TimeoutSeconds": 1, "Catch": catch}, Mend=PASS))
    timed_out = "LambdaFunctionTimedOut" if by_arn else "TaskTimedOut"
    assert outcome.types[4:6] == [timed_out, "TaskStateExited"]
    assert outcome.details(timed_out)[0]["error"] == "States.Timeout"
    assert "cause" not in outcome.details(timed_out)[0]
    assert outcome.output == {"Error": "States.Timeout", "Cause": ""}


def test_machine_timeout(states: StepFunctions) -> None:
    definition = {**machine(Linger={"Type": "Wait", "Seconds": 3600}), "TimeoutSeconds": 1}
    outcome = states.run(definition)
    assert (outcome.status, outcome.error, outcome.cause) == ("TIMED_OUT", None, None)
    assert outcome.types == ["ExecutionStarted", "WaitStateEntered", "ExecutionTimedOut"]
    started, ended = outcome.events[0]["timestamp"], outcome.events[-1]["timestamp"]
    assert (ended - started).total_seconds() >= 1


def test_stopped_execution(states: StepFunctions) -> None:
    arn = states.start(machine(Each=map_over(machine(Linger={"Type": "Wait", "Seconds": 3600}))), ["a", "b"])
    states.wait_for_event(arn, "WaitStateEntered")
    states.api.stop_execution(executionArn=arn, error="Enough", cause="somebody said so")
    outcome = states.wait(arn)
    assert (outcome.status, outcome.error, outcome.cause) == ("ABORTED", "Enough", "somebody said so")
    assert outcome.sequence[-1] == ("ExecutionAborted", 0)
    assert outcome.types.count("ExecutionAborted") == 1
    assert details_of(outcome.events[-1]) == {"error": "Enough", "cause": "somebody said so"}


def test_nested_workflow(states: StepFunctions) -> None:
    child = states.create(machine(Keep=PASS))
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::states:startExecution.sync:2",
        "Parameters": {"StateMachineArn": child, "Input.$": "$"},
        "OutputPath": "$.Output",
    }
    outcome = states.run(machine(Nest=task), {"n": 1})
    assert outcome.output == {"n": 1}
    assert outcome.types[2:6] == ["TaskScheduled", "TaskStarted", "TaskSubmitted", "TaskSucceeded"]


def test_nested_workflow_that_two_wait_for(states: StepFunctions) -> None:
    # Given a nested workflow that lasts until it is stopped, started under one name with one input
    child = states.create(machine(Linger={"Type": "Wait", "Seconds": 3600}))
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::states:startExecution.sync:2",
        "Parameters": {"StateMachineArn": child, "Name": "one", "Input": {"n": 1}},
        "Catch": [{"ErrorEquals": ["States.TaskFailed"], "Next": "Mend"}],
    }
    parents = [states.start(machine(Nest={**task, "End": True}, Mend=PASS)) for _ in range(2)]
    for arn in parents:
        submitted = states.wait_for_event(arn, "TaskSubmitted")
    nested = json.loads(details_of(submitted)["output"])["ExecutionArn"]
    # When it ends
    states.api.stop_execution(executionArn=nested, error="Enough")
    # Then both hear of it
    for arn in parents:
        outcome = states.wait(arn)
        assert outcome.status == "SUCCEEDED"
        assert json.loads(outcome.output["Cause"])["Status"] == "ABORTED"


def test_failing_nested_workflow(states: StepFunctions) -> None:
    child = states.create(machine(Break=FAIL))
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::states:startExecution.sync",
        "Parameters": {"StateMachineArn": child},
    }
    outcome = states.run(machine(Nest=task))
    assert outcome.error == "States.TaskFailed"
    assert '"Error":"Broken"' in str(outcome.cause)
    assert outcome.types[4:6] == ["TaskSubmitted", "TaskFailed"]
