"""Distributed Map, as far as MiniStack has it, inside this project's control flow."""

from collections.abc import Callable

import pytest
from state_machines import StepFunctions, machine


@pytest.fixture(scope="module")
def states(new_account: Callable[[], dict[str, str]]) -> StepFunctions:
    return StepFunctions(new_account())


def test_reads_from_s3_and_goes_on(states: StepFunctions) -> None:
    # Given a list in a bucket
    s3 = states.client("s3")
    s3.create_bucket(Bucket="the-lists")
    s3.put_object(Bucket="the-lists", Key="items.json", Body='["a", "b"]')
    reader = {
        "Resource": "arn:aws:states:::s3:getObject",
        "ReaderConfig": {"InputType": "JSON"},
        "Parameters": {"Bucket": "the-lists", "Key": "items.json"},
    }
    config = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    keep = machine(Keep={"Type": "Pass"})
    each = {"Type": "Map", "ItemReader": reader, "ItemProcessor": {"ProcessorConfig": config, **keep}}
    # When
    outcome = states.run(machine(Each=each, After={"Type": "Pass"}))
    # Then
    assert outcome.output == ["a", "b"]
    assert outcome.types[1:] == [
        "MapStateEntered",
        "MapStateExited",
        "PassStateEntered",
        "PassStateExited",
        "ExecutionSucceeded",
    ]
    (run,) = states.api.list_map_runs(executionArn=outcome.arn)["mapRuns"]
    counts = states.api.describe_map_run(mapRunArn=run["mapRunArn"])["itemCounts"]
    assert (counts["total"], counts["succeeded"]) == (2, 2)


def test_failure_is_caught(states: StepFunctions) -> None:
    broken = machine(Break={"Type": "Fail", "Error": "Broken"})
    each = {
        "Type": "Map",
        "ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTED"}, **broken},
        "Catch": [{"ErrorEquals": ["States.ExceedToleratedFailureThreshold"], "Next": "Mend"}],
        "End": True,
    }
    outcome = states.run(machine(Each=each, Mend={"Type": "Pass"}), ["a"])
    assert outcome.output["Error"] == "States.ExceedToleratedFailureThreshold"
