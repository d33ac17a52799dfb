"""The rules of Map Runs that need no execution: tolerance, result records and redrives."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local.states.distributed.result_writer import Results, describe
from local.states.distributed.s3_answers import refusal
from local.states.distributed.settings import Tolerance, Writer
from local.states.redrive import MAX_REDRIVABLE_EVENTS, redrive_fields

NOW = datetime.now(UTC)
SUCCEEDED = {
    "executionArn": "arn",
    "input": "1",
    "name": "name",
    "output": "[1,2]",
    "redriveCount": 0,
    "stateMachineArn": "machine",
    "status": "SUCCEEDED",
    "stopDate": NOW.isoformat(),
    "events": [],
}
FAILED = {**SUCCEEDED, "status": "FAILED", "output": None, "error": "Broken", "cause": "it is"}


@pytest.mark.parametrize(
    ("failures", "percentage", "failed", "exceeded"),
    [
        (0, 0, 0, False),
        (0, 0, 1, True),
        (3, 0, 3, False),
        (3, 0, 4, True),
        (0, 5, 5, False),
        (0, 5, 6, True),
        (0, 5.5, 5, False),
        (0, 100, 100, False),
        (10, 5, 6, True),
        (3, 50, 4, True),
        (10, 50, 10, False),
    ],
)
def test_tolerance_of_a_hundred_items(failures: int, percentage: float, failed: int, exceeded: bool) -> None:
    assert Tolerance(failures, percentage).is_exceeded(failed, 100) is exceeded


def test_no_item_is_no_failure() -> None:
    assert not Tolerance(0, 0).is_exceeded(0, 0)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({}, None),
        ({"status": "TIMED_OUT"}, None),
        ({"status": "RUNNING", "stopDate": None}, "Execution is RUNNING and cannot be redriven"),
        ({"status": "PENDING", "stopDate": None}, "Execution is PENDING and cannot be redriven"),
        ({"events": [{}] * MAX_REDRIVABLE_EVENTS}, "Execution history event limit exceeded"),
        ({"stopDate": (NOW - timedelta(days=15)).isoformat()}, "Execution redrivable period exceeded"),
        ({"stopDate": (NOW - timedelta(days=13)).isoformat()}, None),
    ],
)
def test_redrive_status(fields: dict[str, Any], reason: str | None) -> None:
    expected = {"redriveCount": 0, "redriveStatus": "REDRIVABLE"}
    if reason is not None:
        expected |= {"redriveStatus": "NOT_REDRIVABLE", "redriveStatusReason": reason}
    assert redrive_fields({**FAILED, **fields}) == expected


def test_express_child_is_redriven_by_its_map_run() -> None:
    assert redrive_fields({**FAILED, "express": True})["redriveStatus"] == "REDRIVABLE_BY_MAP_RUN"


def test_record_of_a_failed_child_has_its_error_and_no_output() -> None:
    record = describe(FAILED)
    assert list(record)[:3] == ["Cause", "Error", "ExecutionArn"]
    assert "Output" not in record
    assert "OutputDetails" not in record


@pytest.mark.parametrize(
    ("transformation", "expected"),
    [
        (None, [[1, 2], {"Status": "FAILED", "Error": "Broken", "Cause": "it is"}, 3]),
        ("COMPACT", [[1, 2], {"Status": "FAILED", "Error": "Broken", "Cause": "it is"}, 3]),
        ("FLATTEN", [1, 2, {"Status": "FAILED", "Error": "Broken", "Cause": "it is"}, 3]),
    ],
)
def test_results_are_in_the_order_of_the_items(transformation: str | None, expected: list[Any]) -> None:
    results = Results(Writer(None, "", "JSON", transformation))
    results.add(2, {**SUCCEEDED, "output": "3"})
    results.add(0, SUCCEEDED)
    assert results.output({1: FAILED}) == expected


def test_refusal_of_s3() -> None:
    """Also where the key in it is nothing that XML allows."""
    answer = "<Error><Code>X</Code><Message>No such key</Message><Key>\x00</Key></Error>"
    assert refusal(answer.encode()) == refusal(answer) == "No such key (Error Code: X)"
