"""onItemFailure "fail": the execution ends with the item's error; and limits that end it, too."""

import json
import re
from collections.abc import Callable

import pytest
from item_faults import ITEM_FAULTS
from projects import Project

MAX_EVENTS = 25_000


@pytest.fixture(scope="module")
def project(deploy_faulty: Callable[[str], Project]) -> Project:
    return deploy_faulty("fail")


@pytest.mark.parametrize(("item", "name", "message"), ITEM_FAULTS.values(), ids=ITEM_FAULTS)
def test_execution_fails_with_the_error_of_the_item(project: Project, item, name: str, message: str):
    # When
    ended = project.execute({"items": ["well", item]})
    # Then
    assert ended.status == "FAILED"
    error, cause = ended.failure
    assert error == name
    assert cause is not None
    place, _, said = cause.partition(": ")
    assert place == "Item at index 1 failed"
    assert re.fullmatch(message, said)
    assert [event["mapIterationFailedEventDetails"] for event in ended.of_type("MapIterationFailed")] == [
        {"name": "Process Items", "index": 1}
    ]


def test_history_keeps_the_whole_error_of_the_handler(project: Project):
    ended = project.execute({"items": [{"raise characters": 2_000}]})

    (failed,) = ended.of_type("TaskFailed")
    details = failed["taskFailedEventDetails"]
    document = json.loads(details["cause"])
    assert (details["error"], document["errorType"]) == ("PaymentDeclinedError", "PaymentDeclinedError")
    assert document["errorMessage"] == "x" * 2_000
    assert '"/var/task/process.py"' in "".join(document["stackTrace"])


def test_siblings_of_a_failed_item_are_aborted(project: Project):
    # Given items of which the second fails while the others work
    items = [{"sleep": 1.8}, {"raise": "card declined"}, {"sleep": 1.8}]
    # When
    ended = project.execute({"items": items})
    # Then nothing waits for them
    assert [event["type"] for event in ended.events[-7:]] == [
        "MapIterationFailed",
        "MapIterationAborted",
        "TaskStateAborted",
        "MapIterationAborted",
        "TaskStateAborted",
        "MapStateFailed",
        "ExecutionFailed",
    ]
    aborted = [
        event["mapIterationAbortedEventDetails"]["index"] for event in ended.of_type("MapIterationAborted")
    ]
    assert aborted == [0, 2]


def test_no_item_is_started_after_one_has_failed(project: Project):
    # Given more items than run at once
    items = [{"raise": "card declined"}, *({"sleep": 1.8} for _ in range(30))]
    # When
    ended = project.execute({"items": items})
    # Then
    (failed,) = ended.of_type("MapIterationFailed")
    started = ended.of_type("MapIterationStarted")
    assert len(started) < len(items)
    assert max(event["id"] for event in started) < failed["id"]


def test_run_names_the_item_that_failed(project: Project):
    items = json.dumps({"items": ["well", {"raise": "card declined"}]})
    run = project.run("python", "utils/run.py", "--input", items, exit_code=1)
    assert "PaymentDeclinedError: card declined" in run.stdout
    assert "FAILED after " in run.stdout
    assert "PaymentDeclinedError: Item at index 1 failed: card declined" in run.stdout


def test_list_whose_history_would_be_too_long_fails_at_the_limit(project: Project):
    # Given
    (project.folder / "many.json").write_text(json.dumps({"items": [0] * 10_000}))
    # When
    run = project.run("python", "utils/run.py", "--name", "many", "--input", "file://many.json", exit_code=1)
    # Then
    assert f"The execution reached the maximum number of history events ({MAX_EVENTS})." in run.stdout
    ended = project.wait(f"{project.state_machine_arn.replace(':stateMachine:', ':execution:')}:many")
    assert (len(ended.events), ended.events[-1]["type"]) == (MAX_EVENTS, "ExecutionFailed")


def test_results_that_are_too_large_together_fail(project: Project):
    ended = project.execute({"items": [{"return characters": 200_000}] * 2})
    assert (ended.status, ended.failure[0]) == ("FAILED", "States.DataLimitExceeded")


def test_loader_refuses_300_kb_before_any_write(project: Project):
    # Given
    project.load(["stays"])
    (project.folder / "large.json").write_text(json.dumps(["x" * 1_000] * 300))
    # When
    load = project.run("python", "utils/load-ddb.py", "--json", "large.json", exit_code=1)
    # Then
    (line,) = load.stderr.splitlines()
    assert line.startswith("error: large.json: the list makes ")
    assert "Step Functions passes at most 262,144 between states" in line
    assert "`distributedMap`" in line
    assert project.execute().output == [{"processed": "stays"}]
