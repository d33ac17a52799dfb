"""RedriveExecution: an execution goes on from the state in which it stopped."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError
from distributed_states import Worker, redrive
from state_machines import StepFunctions, machine, map_over


@pytest.fixture(scope="module")
def states(new_account: Callable[[], dict[str, str]]) -> StepFunctions:
    return StepFunctions(new_account())


@pytest.fixture
def worker(states: StepFunctions, request: pytest.FixtureRequest) -> Worker:
    """Its own in each test: a task that is left over counts as run again."""
    return Worker(states, request.node.name.replace("[", "-").replace("]", "")[:80])


def refusal_of(states: StepFunctions, arn: str) -> tuple[str, str]:
    with pytest.raises(ClientError) as refusal:
        states.api.redrive_execution(executionArn=arn)
    error = refusal.value.response["Error"]
    return error["Code"], error["Message"]


def test_failed_task_runs_again_with_its_input_and_variables(states: StepFunctions, worker: Worker) -> None:
    # Given
    begin = {"Type": "Pass", "Assign": {"kept": "yes"}, "Result": {"n": 1}}
    end = {
        "Type": "Pass",
        "Parameters": {"kept.$": "$kept", "n.$": "$.n", "times.$": "$$.Execution.RedriveCount"},
    }
    arn = states.start(machine(Begin=begin, Work=worker.work, End=end))
    worker.fail(*worker.take(1))
    failed = states.wait(arn)
    assert failed.error == "Broken"
    # When
    redrive(states, failed)
    assert worker.take(1) == [{"n": 1}]
    worker.succeed({"n": 1})
    # Then
    outcome = states.wait(arn)
    assert outcome.output == {"kept": "yes", "n": 1, "times": 1}
    assert (outcome.error, outcome.cause) == (None, None)
    assert outcome.events[: len(failed.events)] == failed.events
    last = len(failed.events)
    assert outcome.sequence[last:] == [
        ("ExecutionRedriven", last),
        ("ActivityScheduled", last + 1),
        ("ActivityStarted", last + 2),
        ("ActivitySucceeded", last + 3),
        ("TaskStateExited", last + 4),
        ("PassStateEntered", last + 5),
        ("PassStateExited", last + 6),
        ("ExecutionSucceeded", last + 7),
    ]
    assert outcome.details("ExecutionRedriven") == [{"redriveCount": 1}]


def test_redrive_begins_the_retries_anew(states: StepFunctions, worker: Worker) -> None:
    retry = {"ErrorEquals": ["Broken"], "MaxAttempts": 1, "IntervalSeconds": 1, "MaxDelaySeconds": 2}
    arn = states.start(machine(Work={**worker.work, "Retry": [retry]}), "a")
    for _ in range(2):
        worker.fail(*worker.take(1))
    redrive(states, states.wait(arn))
    worker.fail(*worker.take(1))
    worker.succeed(*worker.take(1))
    assert states.wait(arn).output == "a"


def test_only_failed_and_aborted_items_of_an_inline_map(states: StepFunctions, worker: Worker) -> None:
    # Given an item done, one failed, one aborted for it and one not begun
    arn = states.start(machine(Each=map_over(machine(Work=worker.work), MaxConcurrency=2)), list("abcd"))
    worker.take(2)
    worker.succeed("a")
    assert worker.take(1) == ["c"]
    worker.fail("b")
    failed = states.wait(arn)
    # When
    redrive(states, failed)
    assert worker.take(2) == ["b", "c"]
    worker.succeed("b", "c")
    assert worker.take(1) == ["d"]
    worker.succeed("d")
    # Then
    outcome = states.wait(arn)
    assert outcome.output == list("abcd")
    started = [details["index"] for details in outcome.details("MapIterationStarted")]
    assert started == [0, 1, 2, 1, 2, 3]
    assert outcome.details("MapStateStarted") == [{"length": 4}]


def test_only_failed_branches_of_a_parallel(states: StepFunctions, worker: Worker) -> None:
    """The one that had ended gives its output; the others go on inside themselves."""
    done = machine(Keep={"Type": "Pass", "Result": "kept"})
    work = machine(
        Begin={"Type": "Pass", "Assign": {"own": 1}},
        Work=worker.work,
        End={"Type": "Pass", "Parameters": {"own.$": "$own"}},
    )
    arn = states.start(machine(Both={"Type": "Parallel", "Branches": [done, work]}), "a")
    worker.fail(*worker.take(1))
    failed = states.wait(arn)
    redrive(states, failed)
    worker.succeed(*worker.take(1))
    outcome = states.wait(arn)
    assert outcome.output == ["kept", {"own": 1}]
    assert outcome.types[len(failed.events) :] == [
        *("ExecutionRedriven", "ActivityScheduled", "ActivityStarted", "ActivitySucceeded"),
        *("TaskStateExited", "PassStateEntered", "PassStateExited"),
        *("ParallelStateSucceeded", "ParallelStateExited", "ExecutionSucceeded"),
    ]


def test_lines_inside_lines(states: StepFunctions, worker: Worker) -> None:
    inner = map_over(machine(Work=worker.work), MaxConcurrency=1)
    outer = machine(Both={"Type": "Parallel", "Branches": [machine(Inner=inner)]})
    arn = states.start(machine(Outer=map_over(outer, MaxConcurrency=1)), [["a"], ["b", "c"]])
    worker.succeed(*worker.take(1))
    worker.succeed(*worker.take(1))
    worker.fail(*worker.take(1))
    redrive(states, states.wait(arn))
    assert worker.take(1) == ["c"]
    worker.succeed("c")
    assert states.wait(arn).output == [[["a"]], [["b", "c"]]]


def test_stopped_execution(states: StepFunctions, worker: Worker) -> None:
    arn = states.start(machine(Work=worker.work), "a")
    worker.take(1)
    states.api.stop_execution(executionArn=arn, error="Enough")
    states.api.redrive_execution(executionArn=arn)
    worker.succeed(*worker.take(1))
    outcome = states.wait(arn)
    assert (outcome.status, outcome.output, outcome.error) == ("SUCCEEDED", "a", None)


def test_execution_that_is_stopped_at_once_can_be_redriven(states: StepFunctions) -> None:
    # Given executions that are stopped before most of them run
    definition = states.create(machine(Wait={"Type": "Wait", "Seconds": 1}))
    arns = []
    for _ in range(20):
        arns.append(states.api.start_execution(stateMachineArn=definition)["executionArn"])
        states.api.stop_execution(executionArn=arns[-1], error="Enough")
    for arn in arns:
        stopped = states.wait(arn)
        assert (stopped.status, stopped.error) == ("ABORTED", "Enough")
        assert (stopped.types[0], stopped.types[-1]) == ("ExecutionStarted", "ExecutionAborted")
        # When they are redriven
        states.api.redrive_execution(executionArn=arn)
    # Then each runs to its end
    assert {states.wait(arn).status for arn in arns} == {"SUCCEEDED"}


def test_timeout_of_the_state_machine_begins_anew(states: StepFunctions, worker: Worker) -> None:
    arn = states.start({**machine(Work=worker.work), "TimeoutSeconds": 1}, "a")
    worker.take(1)
    timed_out = states.wait(arn)
    assert timed_out.status == "TIMED_OUT"
    redrive(states, timed_out)
    worker.succeed(*worker.take(1))
    assert states.wait(arn).output == "a"


def test_description_tells_of_redrives(states: StepFunctions, worker: Worker) -> None:
    def fields(arn: str) -> dict[str, Any]:
        description = states.api.describe_execution(executionArn=arn)
        return {name: description[name] for name in description if name.startswith("redrive")}

    arn = states.start(machine(Work=worker.work), "a")
    assert fields(arn) == {
        "redriveCount": 0,
        "redriveStatus": "NOT_REDRIVABLE",
        "redriveStatusReason": "Execution is RUNNING and cannot be redriven",
    }
    worker.fail(*worker.take(1))
    failed = states.wait(arn)
    assert fields(arn) == {"redriveCount": 0, "redriveStatus": "REDRIVABLE"}
    date = states.api.redrive_execution(executionArn=arn)["redriveDate"]
    assert date >= failed.events[-1]["timestamp"].replace(microsecond=0)
    worker.succeed(*worker.take(1))
    states.wait(arn)
    assert fields(arn) == {
        "redriveCount": 1,
        "redriveDate": date,
        "redriveStatus": "NOT_REDRIVABLE",
        "redriveStatusReason": "Execution is SUCCEEDED and cannot be redriven",
    }


def test_execution_that_cannot_be_redriven(states: StepFunctions, worker: Worker) -> None:
    arn = states.start(machine(Work=worker.work), "a")
    running = ("ExecutionNotRedrivable", "Execution is RUNNING and cannot be redriven")
    assert refusal_of(states, arn) == running
    worker.succeed(*worker.take(1))
    states.wait(arn)
    succeeded = ("ExecutionNotRedrivable", "Execution is SUCCEEDED and cannot be redriven")
    assert refusal_of(states, arn) == succeeded
    unknown = f"{arn}-unknown"
    missing = ("ExecutionDoesNotExist", f"Execution Does Not Exist: '{unknown}'")
    assert refusal_of(states, unknown) == missing


def test_of_two_redrives_at_once_one_is_refused(states: StepFunctions, worker: Worker) -> None:
    arn = states.start(machine(Work=worker.work), "a")
    worker.fail(*worker.take(1))
    failed = states.wait(arn)

    def try_redrive(_: int) -> str:
        try:
            redrive(states, failed)
        except ClientError as error:
            return str(error.response["Error"]["Code"])
        return "redriven"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(try_redrive, range(2))) == ["ExecutionNotRedrivable", "redriven"]
    worker.succeed(*worker.take(1))
    outcome = states.wait(arn)
    assert outcome.types.count("ExecutionRedriven") == 1


def test_a_redrive_keeps_the_definition_that_the_execution_began_with(
    states: StepFunctions, worker: Worker
) -> None:
    """As AWS's guide says: a change of the state machine needs a new execution."""
    # Given an execution that failed, and a state machine that was changed after that
    state_machine_arn = states.create(machine(Work=worker.work, Then={"Type": "Pass", "Result": "old"}))
    arn = states.api.start_execution(stateMachineArn=state_machine_arn)["executionArn"]
    worker.fail(*worker.take(1))
    failed = states.wait(arn)
    changed = machine(Work=worker.work, Then={"Type": "Pass", "Result": "new"})
    states.api.update_state_machine(stateMachineArn=state_machine_arn, definition=json.dumps(changed))
    # When
    redrive(states, failed)
    worker.succeed(*worker.take(1))
    # Then
    assert states.wait(arn).output == "old"
    described = states.api.describe_state_machine_for_execution(executionArn=arn)
    assert "old" in described["definition"]
    assert described["stateMachineArn"] == state_machine_arn
