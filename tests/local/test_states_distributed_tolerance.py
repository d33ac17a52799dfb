"""Tolerated failures of a Distributed Map: how many items may fail, and what says so wrongly."""

from collections.abc import Callable
from typing import Any

import pytest
from distributed_states import KEEP, counts, distributed, map_runs, refuse
from state_machines import StepFunctions, machine

TEN = [f"item {n}" for n in range(10)]


@pytest.fixture(scope="module")
def states(new_account: Callable[[], dict[str, str]]) -> StepFunctions:
    return StepFunctions(new_account())


@pytest.mark.parametrize(
    ("tolerance", "failures", "status"),
    [
        ({}, 0, "SUCCEEDED"),
        ({}, 1, "FAILED"),
        ({"ToleratedFailureCount": 2}, 2, "SUCCEEDED"),
        ({"ToleratedFailureCount": 2}, 3, "FAILED"),
        ({"ToleratedFailurePercentage": 20}, 2, "SUCCEEDED"),
        ({"ToleratedFailurePercentage": 20}, 3, "FAILED"),
        ({"ToleratedFailurePercentage": 29.9}, 3, "FAILED"),
        ({"ToleratedFailurePercentage": 100}, 10, "SUCCEEDED"),
        ({"ToleratedFailurePercentage": 50, "ToleratedFailureCount": 1}, 2, "FAILED"),
        ({"ToleratedFailurePercentage": 10, "ToleratedFailureCount": 5}, 2, "FAILED"),
        ({"ToleratedFailurePercentage": 50, "ToleratedFailureCount": 5}, 5, "SUCCEEDED"),
        ({"ToleratedFailurePercentage": 50, "ToleratedFailureCount": 0}, 5, "SUCCEEDED"),
        ({"ToleratedFailurePercentage": 0, "ToleratedFailureCount": 5}, 5, "SUCCEEDED"),
        ({"ToleratedFailurePercentagePath": "$[10]"}, 2, "SUCCEEDED"),
        ({"ToleratedFailureCountPath": "$[10]"}, 3, "SUCCEEDED"),
    ],
)
def test_failures_up_to_the_tolerance(
    states: StepFunctions, tolerance: dict[str, Any], failures: int, status: str
) -> None:
    items = [*TEN, 20] if "Path" in str(tolerance) else TEN
    each = distributed(refuse(*TEN[:failures]), **tolerance)
    outcome = states.run(machine(Each=each), items)
    assert outcome.status == status
    (run,) = map_runs(states, outcome.arn)
    assert run["status"] == status


def test_items_of_a_failed_batch_count_one_by_one(states: StepFunctions) -> None:
    fail = machine(Refuse={"Type": "Fail", "Error": "Refused"})
    each = distributed(fail, ItemBatcher={"MaxItemsPerBatch": 2}, ToleratedFailureCount=3, MaxConcurrency=1)
    outcome = states.run(machine(Each=each), [1, 2, 3, 4, 5, 6])
    assert outcome.status == "FAILED"
    (run,) = map_runs(states, outcome.arn)
    assert counts(run) == {"failed": 4, "pending": 2, "total": 6}


@pytest.mark.parametrize(
    ("tolerance", "value", "cause"),
    [
        ("ToleratedFailureCount", -1, "ToleratedFailureCount cannot be negative."),
        (
            "ToleratedFailureCount",
            "none",
            'The ToleratedFailureCountPath field refers to value "none" which is not a valid integer: $.n',
        ),
        (
            "ToleratedFailurePercentage",
            {},
            'The ToleratedFailurePercentagePath field refers to value "{}" which is not a valid float: $.n',
        ),
        ("ToleratedFailurePercentage", -1, "ToleratedFailurePercentage must be between 0 and 100."),
        ("ToleratedFailurePercentage", 100.1, "ToleratedFailurePercentage must be between 0 and 100."),
    ],
)
def test_value_that_is_none(states: StepFunctions, tolerance: str, value: Any, cause: str) -> None:
    each = distributed(KEEP, ItemsPath="$.items", **{f"{tolerance}Path": "$.n"})
    outcome = states.run(machine(Each=each), {"items": [1], "n": value})
    assert outcome.error == "States.Runtime"
    prefix = "An error occurred while executing the state 'Each' (entered at the event id #2). "
    assert outcome.cause == prefix + cause
    assert outcome.sequence[2:] == [("MapStateStarted", 2), ("ExecutionFailed", 3)]
