"""The API of Map Runs: describe, update, and list their children."""

from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from distributed_states import (
    KEEP,
    Worker,
    children,
    counts,
    distributed,
    map_runs,
    refuse,
    wait_for_counts,
)
from state_machines import StepFunctions, machine

UNKNOWN = "arn:aws:states:us-east-1:000000000001:mapRun:none/Each:none"


@pytest.fixture(scope="module")
def environment(new_account: Callable[[], dict[str, str]]) -> dict[str, str]:
    return new_account()


@pytest.fixture(scope="module")
def states(environment: dict[str, str]) -> StepFunctions:
    return StepFunctions(environment)


@pytest.fixture(scope="module")
def worker(states: StepFunctions) -> Worker:
    return Worker(states, "api")


@pytest.fixture(scope="module")
def unchecked(environment: dict[str, str]) -> Any:
    """A client that leaves it to the service to check what it is given."""
    return boto3.client(
        "stepfunctions",
        endpoint_url=environment["AWS_ENDPOINT_URL"],
        region_name=environment["AWS_REGION"],
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key="any",
        config=Config(parameter_validation=False),
    )


def error_of(call: Callable[..., Any], **arguments: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as refusal:
        call(**arguments)
    error = refusal.value.response["Error"]
    return error["Code"], error["Message"]


def test_counts_while_it_runs_and_at_its_end(states: StepFunctions, worker: Worker) -> None:
    each = distributed(
        machine(Work=worker.work), MaxConcurrency=2, ToleratedFailureCount=1, ToleratedFailurePercentage=50
    )
    arn = states.start(machine(Each=each), ["a", "b", "c"])
    assert worker.take(2) == ["a", "b"]
    (run,) = map_runs(states, arn)
    assert (run["status"], run["executionArn"], "stopDate" in run) == ("RUNNING", arn, False)
    assert counts(run) == counts(run, "executionCounts") == {"running": 2, "pending": 1, "total": 3}
    assert run["maxConcurrency"] == 2
    assert (run["toleratedFailureCount"], run["toleratedFailurePercentage"]) == (1, 50.0)
    worker.fail("a")
    worker.succeed("b", *worker.take(1))
    states.wait(arn)
    (run,) = map_runs(states, arn)
    assert (run["status"], run["redriveCount"]) == ("SUCCEEDED", 0)
    assert run["stopDate"] >= run["startDate"]
    assert counts(run) == {"succeeded": 2, "failed": 1, "total": 3, "resultsWritten": 3}


def test_raised_concurrency_starts_more_children(states: StepFunctions, worker: Worker) -> None:
    arn = states.start(machine(Each=distributed(machine(Work=worker.work), MaxConcurrency=1)), list("abcd"))
    assert worker.take(1) == ["a"]
    run = wait_for_counts(states, arn, running=1, pending=3)
    states.api.update_map_run(mapRunArn=run["mapRunArn"], maxConcurrency=3)
    assert worker.take(2) == ["b", "c"]
    run = wait_for_counts(states, arn, running=3, pending=1)
    assert run["maxConcurrency"] == 3
    worker.succeed("a", "b", "c")
    worker.succeed(*worker.take(1))
    assert states.wait(arn).output == list("abcd")


def test_lowered_concurrency_holds_for_children_to_come(states: StepFunctions, worker: Worker) -> None:
    arn = states.start(machine(Each=distributed(machine(Work=worker.work), MaxConcurrency=3)), list("abcde"))
    assert worker.take(3) == ["a", "b", "c"]
    (run,) = map_runs(states, arn)
    states.api.update_map_run(mapRunArn=run["mapRunArn"], maxConcurrency=1)
    worker.succeed("a", "b")
    wait_for_counts(states, arn, succeeded=2, running=1, pending=2)
    worker.succeed("c")
    assert worker.take(1) == ["d"]
    wait_for_counts(states, arn, succeeded=3, running=1, pending=1)
    worker.succeed("d")
    worker.succeed(*worker.take(1))
    states.wait(arn)


def test_lowered_tolerance_ends_the_map_run(states: StepFunctions, worker: Worker) -> None:
    arn = states.start(
        machine(Each=distributed(machine(Work=worker.work), ToleratedFailureCount=2)), ["a", "b"]
    )
    worker.take(2)
    worker.fail("a")
    run = wait_for_counts(states, arn, failed=1, running=1)
    states.api.update_map_run(mapRunArn=run["mapRunArn"], toleratedFailureCount=0)
    assert states.wait(arn).error == "States.ExceedToleratedFailureThreshold"
    (run,) = map_runs(states, arn)
    assert counts(run) == {"failed": 1, "aborted": 1, "total": 2}
    (aborted,) = children(states, run["mapRunArn"], statusFilter="ABORTED")
    assert states.wait(aborted["executionArn"]).types[-1] == "ExecutionAborted"


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"maxConcurrency": -1}, "MaxConcurrency cannot be negative."),
        ({"toleratedFailureCount": -1}, "ToleratedFailureCount cannot be negative."),
        ({"toleratedFailurePercentage": 100.5}, "ToleratedFailurePercentage must be between 0 and 100."),
        ({"maxConcurrency": "5"}, "maxConcurrency is no number of its kind: 5"),
        ({"maxConcurrency": True}, "maxConcurrency is no number of its kind: true"),
        ({"toleratedFailureCount": 1.5}, "toleratedFailureCount is no number of its kind: 1.5"),
        ({}, "Map Run can be changed in its limits only: none is given: '{arn}'"),
    ],
)
def test_refused_limits(
    states: StepFunctions, unchecked: Any, worker: Worker, limits: dict[str, Any], message: str
) -> None:
    arn = states.start(machine(Each=distributed(machine(Work=worker.work))), ["a"])
    worker.take(1)
    (run,) = map_runs(states, arn)
    refusal = error_of(unchecked.update_map_run, mapRunArn=run["mapRunArn"], **limits)
    assert refusal == ("ValidationException", message.format(arn=run["mapRunArn"]))
    worker.succeed("a")
    states.wait(arn)
    assert map_runs(states, arn)[0]["maxConcurrency"] == 0


def test_map_run_that_has_ended_keeps_its_limits(states: StepFunctions) -> None:
    outcome = states.run(machine(Each=distributed(KEEP)), ["a"])
    (run,) = map_runs(states, outcome.arn)
    arn = run["mapRunArn"]
    refusal = error_of(states.api.update_map_run, mapRunArn=arn, maxConcurrency=5)
    assert refusal == ("ValidationException", f"Map Run is not running: '{arn}'")


def test_unknown_map_run(states: StepFunctions) -> None:
    refusal = ("ResourceNotFound", f"Map Run Does Not Exist: '{UNKNOWN}'")
    assert error_of(states.api.describe_map_run, mapRunArn=UNKNOWN) == refusal
    assert error_of(states.api.update_map_run, mapRunArn=UNKNOWN, maxConcurrency=1) == refusal
    assert error_of(states.api.list_executions, mapRunArn=UNKNOWN) == refusal


@pytest.mark.parametrize(("child_type", "kind"), [("STANDARD", "execution"), ("EXPRESS", "express")])
def test_list_of_children(states: StepFunctions, child_type: str, kind: str) -> None:
    each = distributed(refuse("b"), child_type, Label="Each", ToleratedFailureCount=1)
    outcome = states.run(machine(Each=each), ["a", "b", "c"])
    (run,) = map_runs(states, outcome.arn)
    found = children(states, run["mapRunArn"])
    name = outcome.arn.split(":")[-2]
    assert [each["status"] for each in found] == ["SUCCEEDED", "FAILED", "SUCCEEDED"]
    for child in found:
        assert child["executionArn"].startswith(
            f"{outcome.arn.partition(':execution:')[0]}:{kind}:{name}/Each:{child['name']}"
        )
        assert child["stateMachineArn"].endswith(f":stateMachine:{name}/Each")
        assert (child["mapRunArn"], child["itemCount"], child["redriveCount"]) == (run["mapRunArn"], 1, 0)
        assert child["stopDate"] >= child["startDate"]
    failed = children(states, run["mapRunArn"], statusFilter="FAILED")
    assert failed == [found[1]]
    listed = states.api.list_executions(
        stateMachineArn=outcome.arn.rpartition(":")[0].replace("execution", "stateMachine")
    )
    assert [each["executionArn"] for each in listed["executions"]] == [outcome.arn]


def test_children_come_in_pages(states: StepFunctions) -> None:
    outcome = states.run(machine(Each=distributed(KEEP)), list(range(5)))
    (run,) = map_runs(states, outcome.arn)
    pages = states.api.get_paginator("list_executions").paginate(
        mapRunArn=run["mapRunArn"], PaginationConfig={"PageSize": 2}
    )
    sizes, found = [], []
    for page in pages:
        sizes.append(len(page["executions"]))
        found += [each["executionArn"] for each in page["executions"]]
    assert sizes == [2, 2, 1]
    assert found[::-1] == [each["executionArn"] for each in children(states, run["mapRunArn"])]
    refusal = error_of(states.api.list_executions, mapRunArn=run["mapRunArn"], nextToken="no token")
    assert refusal[0] == "InvalidToken"


def test_list_needs_one_of_two_arns(states: StepFunctions) -> None:
    assert error_of(states.api.list_executions)[0] == "ValidationException"
    both = error_of(states.api.list_executions, mapRunArn=UNKNOWN, stateMachineArn=UNKNOWN)
    assert both == ("ValidationException", "Exactly one of stateMachineArn and mapRunArn must be given")


def test_children_that_wait_for_their_redrive(states: StepFunctions, worker: Worker) -> None:
    # Given two children, aborted, and redriven one at a time
    arn = states.start(machine(Each=distributed(machine(Work=worker.work), MaxConcurrency=2)), ["a", "b"])
    worker.take(2)
    run = map_runs(states, arn)[0]
    states.api.update_map_run(mapRunArn=run["mapRunArn"], maxConcurrency=1)
    states.api.stop_execution(executionArn=arn)
    wait_for_counts(states, arn, aborted=2)
    states.api.redrive_execution(executionArn=arn)
    worker.take(1)
    # When it is described
    (run,) = map_runs(states, arn)
    assert counts(run) == {"running": 1, "pending": 1, "pendingRedrive": 1, "total": 2}
    first, second = children(states, run["mapRunArn"])
    assert (first["status"], first["redriveCount"], "redriveDate" in first) == ("RUNNING", 1, True)
    assert (second["status"], second["redriveCount"]) == ("PENDING_REDRIVE", 0)
    assert children(states, run["mapRunArn"], statusFilter="PENDING_REDRIVE") == [second]
    assert children(states, run["mapRunArn"], redriveFilter="REDRIVEN") == [first]
    assert children(states, run["mapRunArn"], redriveFilter="NOT_REDRIVEN") == [second]
    # When it ends before the second one's turn has come, then that one is as it was
    states.api.stop_execution(executionArn=arn)
    run = wait_for_counts(states, arn, aborted=2)
    assert counts(run) == {"aborted": 2, "total": 2}
    states.api.redrive_execution(executionArn=arn)
    worker.succeed(*worker.take(1))
    worker.succeed(*worker.take(1))
    assert states.wait(arn).output == ["a", "b"]
    assert [each["redriveCount"] for each in children(states, run["mapRunArn"])] == [2, 1]


@pytest.mark.parametrize("filters", [{"statusFilter": "PENDING_REDRIVE"}, {"redriveFilter": "REDRIVEN"}])
def test_filters_of_children_alone(states: StepFunctions, filters: dict[str, str]) -> None:
    arn = states.create(machine(Keep={"Type": "Pass"}))
    refusal = error_of(states.api.list_executions, stateMachineArn=arn, **filters)
    assert refusal[0] == "ValidationException"


def test_description_of_a_child(states: StepFunctions) -> None:
    outcome = states.run(machine(Each=distributed(KEEP)), ["a"])
    (run,) = map_runs(states, outcome.arn)
    (child,) = children(states, run["mapRunArn"])
    description = states.api.describe_execution(executionArn=child["executionArn"])
    assert description["mapRunArn"] == run["mapRunArn"]
    assert (description["input"], description["output"]) == ('"a"', '"a"')
    assert description["redriveStatusReason"] == "Execution is SUCCEEDED and cannot be redriven"


def test_express_child_has_neither_description_nor_history(states: StepFunctions) -> None:
    outcome = states.run(machine(Each=distributed(KEEP, "EXPRESS")), ["a"])
    (run,) = map_runs(states, outcome.arn)
    (child,) = children(states, run["mapRunArn"])
    arn = child["executionArn"]
    for call in (states.api.describe_execution, states.api.get_execution_history):
        assert error_of(call, executionArn=arn)[0] == "ExecutionDoesNotExist"
