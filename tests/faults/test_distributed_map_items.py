"""Items that fail in a batch: each costs nobody but itself, and how many may fail is tolerated in items."""

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from distributed_map_project import DistributedMapProject, json_lines
from projects import Ended

FOREIGN_MESSAGE = 'für Zoë: 支払い拒否 🚫 "so" \\ {% $x %}\n\u2028'
EXIT = r"RequestId: [0-9a-f-]{36} Error: Runtime exited with error: "

FAULTS: dict[str, tuple[Any, str, str, int]] = {
    "raises": ({"raise": "card declined"}, "PaymentDeclinedError", "card declined", 3),
    "raises in Unicode": ({"raise": FOREIGN_MESSAGE}, "PaymentDeclinedError", re.escape(FOREIGN_MESSAGE), 3),
    "raises 40,000 characters": ({"raise characters": 40_000}, "PaymentDeclinedError", "x{1000}", 3),
    "raises SystemExit": ("raise SystemExit", "SystemExit", "bye", 3),
    "returns a set": ("return a set", "ResultNotJson", ".* type set .*", 3),
    "returns bytes": ("return bytes", "ResultNotJson", ".* type bytes .*", 3),
    "returns NaN": ("return NaN", "ResultNotJson", "Out of range float values .*", 3),
    "returns 300 KB": (
        {"return characters": 300_000},
        "ResultTooLarge",
        "300,0.. bytes with its result, and its batch has 25.,... left",
        1,
    ),
    "sleeps": ({"sleep": 1_000}, "ItemTimedOut", r"interrupted after 1\.\d s: the time was over", 3),
    "cannot be interrupted": (
        "sleep through interruptions",
        "Sandbox.Timedout",
        r".*Task timed out after 2\.00 seconds",
        1,
    ),
    "exits": ("exit", "Runtime.ExitError", f"{EXIT}exit status 3", 3),
    "is killed": ("be killed", "Runtime.ExitError", f"{EXIT}signal.*", 3),
}
"""The item, the name of its error, a pattern of the message, and the attempts."""


@pytest.fixture(scope="module")
def project(deploy_faulty_batches: Callable[..., DistributedMapProject]) -> DistributedMapProject:
    """Batches of four, three attempts, and a function that has two seconds."""
    return deploy_faulty_batches(
        "faulty-items",
        function_seconds=2,
        maxItemsPerBatch=4,
        toleratedFailureCount=5,
        toleratedFailurePercentage=10,
    )


@pytest.fixture
def process_list(project: DistributedMapProject, request: pytest.FixtureRequest) -> Callable[..., Ended]:
    """Run an execution over a list."""
    key = f"{request.node.name}.jsonl"
    return lambda items: project.execute(project.put_list(key, json_lines(items)))


@pytest.fixture(scope="module")
def ended(project: DistributedMapProject) -> Ended:
    """One execution over every fault, with an item that succeeds after each."""
    items = [item for fault, *_ in FAULTS.values() for item in (fault, "well")]
    return project.execute(project.put_list("faults.jsonl", json_lines(items)))


@pytest.fixture(scope="module")
def rows(project: DistributedMapProject, ended: Ended) -> list[dict[str, Any]]:
    return project.rows(ended.arn)


def test_more_failed_items_than_tolerated_end_the_execution(ended: Ended):
    assert ended.status == "FAILED"
    error, cause = ended.failure
    assert error == "ToleratedFailureExceeded"
    assert cause is not None
    assert re.fullmatch(
        r"12 of 24 items failed, more than the tolerated 5 \(toleratedFailureCount\); "
        r"see s3://distributedmapstack-results[0-9a-z-]+/runs/[0-9a-f-]{36}/summary\.json",
        cause,
    )
    assert ended.of_type("MapRunFailed") == []


def test_summary_of_a_failed_execution_counts_its_errors(project: DistributedMapProject, ended: Ended):
    _, cause = ended.failure
    assert cause is not None
    summary = project.read_result(re.search(r"runs/.*", cause)[0])

    assert (summary["items"], summary["succeeded"], summary["failed"]) == (24, 12, 12)
    assert summary["errors"] == Counter(name for _, name, *_ in FAULTS.values())
    assert summary["batches"] == 6


def test_other_items_of_the_batches_succeed(rows: list[dict[str, Any]]):
    assert [row["index"] for row in rows] == list(range(2 * len(FAULTS)))
    assert [row.get("result") for row in rows[1::2]] == [{"processed": "well"}] * len(FAULTS)


@pytest.mark.parametrize("fault", FAULTS)
def test_row_of_a_failed_item_has_its_error(rows: list[dict[str, Any]], fault: str):
    # Given
    index = 2 * list(FAULTS).index(fault)
    item, name, message, attempts = FAULTS[fault]
    # Then
    row = rows[index]
    said = row["error"].pop("message")
    assert row == {
        "index": index,
        "item": item,
        "status": "failed",
        "error": {"name": name},
        "attempts": attempts,
    }
    assert re.fullmatch(message, said, re.DOTALL)


def test_only_the_failed_items_of_a_batch_are_tried_again(
    project: DistributedMapProject, process_list: Callable[..., Ended], tmp_path: Path
):
    # Given a batch in which one item always fails, and one succeeds in its third attempt
    diary = tmp_path / "diary"
    scripts = {
        "a": ["well"],
        "poison": [{"raise": "no"}],
        "third": [{"raise": "no"}] * 2 + ["well"],
        "b": [1],
    }
    items = [{"diary": str(diary), "name": name, "attempts": done} for name, done in scripts.items()]
    # When
    ended = process_list([*items, *["well"] * 8])
    # Then
    assert ended.output["failed"] == 1
    assert ended.output["attempts"] == 1 + 3 + 3 + 1 + 8
    assert [(row["status"], row["attempts"]) for row in project.rows(ended.arn)[:4]] == [
        ("succeeded", 1),
        ("failed", 3),
        ("succeeded", 3),
        ("succeeded", 1),
    ]
    attempts = Counter(diary.read_text().split())
    assert attempts == {'"a"': 1, '"poison"': 3, '"third"': 3, '"b"': 1}


def test_results_that_are_too_large_together_leave_the_others_their_place(
    project: DistributedMapProject, process_list: Callable[..., Ended]
):
    ended = process_list([{"return characters": 200_000}, {"return characters": 100_000}, "well", "well"] * 2)
    assert ended.failure[0] == "ToleratedFailureExceeded"
    rows = project.rows(ended.arn)
    assert [row["status"] for row in rows] == ["succeeded", "failed", "succeeded", "succeeded"] * 2
    assert rows[1]["error"]["name"] == "ResultTooLarge"
    assert len(rows[0]["result"]) == 200_000


TOO_LARGE = {"return characters": 300_000}
COUNT, PERCENTAGE = "5 (toleratedFailureCount)", "10% (toleratedFailurePercentage)"


@pytest.mark.parametrize(
    ("items", "failed", "limit"),
    [(60, 5, None), (60, 6, COUNT), (20, 2, None), (20, 3, PERCENTAGE), (1, 1, PERCENTAGE)],
)
def test_failures_are_tolerated_up_to_the_limit_and_not_beyond(
    process_list: Callable[..., Ended], items: int, failed: int, limit: str | None
):
    # When
    ended = process_list([TOO_LARGE] * failed + ["well"] * (items - failed))
    # Then
    if limit is None:
        assert (ended.status, ended.output["failed"]) == ("SUCCEEDED", failed)
    else:
        error, cause = ended.failure
        assert error == "ToleratedFailureExceeded"
        assert cause is not None
        assert cause.startswith(
            f"{failed} of {items} items failed, more than the tolerated {limit}; see s3://"
        )


def test_items_that_failed_within_tolerance_and_no_others_are_processed_again(
    project: DistributedMapProject, process_list: Callable[..., Ended], tmp_path: Path
):
    # Given two items that succeed when the execution over them has ended
    diary = tmp_path / "diary"
    scripts = [["well"]] * 20
    scripts[1] = scripts[7] = [{"raise": "no"}] * 3 + ["well"]
    items = [
        {"diary": str(diary), "name": f"item {number}", "attempts": done}
        for number, done in enumerate(scripts)
    ]
    ended = process_list(items)
    assert (ended.status, ended.output["failed"]) == ("SUCCEEDED", 2)
    # When
    again = project.run("python", "utils/redrive.py", ended.arn, "--failed-items")
    # Then
    arn = again.stdout.split()[1]
    assert project.wait(arn).output["succeeded"] == 2
    assert [row["item"] for row in project.rows(arn)] == [items[1], items[7]]
    attempts = Counter(diary.read_text().splitlines())
    assert attempts.pop('"item 1"') == attempts.pop('"item 7"') == 4
    assert set(attempts.values()) == {1}
    # When
    twice = project.run("python", "utils/redrive.py", ended.arn, "--failed-items", exit_code=1)
    # Then
    assert "were started before" in twice.stderr


def test_express_batches_that_failed_as_a_whole_are_started_again(
    project: DistributedMapProject, process_list: Callable[..., Ended]
):
    # Given
    project.replace_process("import no_such_module\n")
    try:
        ended = process_list(["well"] * 10)
    finally:
        project.replace_process(None)
    assert ended.failure[0] == "States.ExceedToleratedFailureThreshold"
    rows = project.rows(ended.arn)
    assert [row["index"] for row in rows] == list(range(10))
    assert {row["status"] for row in rows} <= {"failed", "pending"}
    # When
    project.run("python", "utils/redrive.py", ended.arn)
    # Then
    redriven = project.wait(ended.arn)
    assert (redriven.output["items"], redriven.output["succeeded"]) == (10, 10)
    assert {row["status"] for row in project.rows(ended.arn)} == {"succeeded"}
