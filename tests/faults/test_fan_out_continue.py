"""onItemFailure "continue": a failed item leaves its error in the results, and the others succeed."""

import re
import shutil
from collections.abc import Callable, Iterator

import pytest
from item_faults import ITEM_FAULTS
from projects import Ended, Project


@pytest.fixture(scope="module")
def project(deploy_faulty: Callable[[str], Project]) -> Project:
    return deploy_faulty("continue")


@pytest.fixture(scope="module")
def ended(project: Project) -> Ended:
    """One execution over every fault, with an item that succeeds after each."""
    items = [item for fault, *_ in ITEM_FAULTS.values() for item in (fault, "well")]
    return project.execute({"items": items})


def test_execution_succeeds_with_a_result_for_each_item(ended: Ended):
    assert ended.status == "SUCCEEDED"
    assert len(ended.output) == 2 * len(ITEM_FAULTS)
    assert ended.output[1::2] == [{"processed": "well"}] * len(ITEM_FAULTS)


@pytest.mark.parametrize("fault", ITEM_FAULTS)
def test_slot_of_a_failed_item_has_its_error(ended: Ended, fault: str):
    # Given
    index = 2 * list(ITEM_FAULTS).index(fault)
    _, name, message = ITEM_FAULTS[fault]
    # Then
    slot = ended.output[index]
    said = slot["error"].pop("message")
    assert slot == {"index": index, "status": "failed", "error": {"name": name}}
    assert re.fullmatch(message, said)


def test_error_of_the_handler_is_not_retried(ended: Ended):
    assert len(ended.of_type("TaskScheduled")) == 2 * len(ITEM_FAULTS)


def test_throttled_items_are_retried_with_backoff_until_all_succeed(project: Project):
    # Given a function that may run once at a time
    function = ["--function-name", project.function_name]
    project.run(
        "aws", "lambda", "put-function-concurrency", *function, "--reserved-concurrent-executions", "1"
    )
    # When
    try:
        ended = project.execute({"items": [{"sleep": 0.3}] * 3})
    finally:
        project.run("aws", "lambda", "delete-function-concurrency", *function)
    # Then
    assert ended.output == [{"processed": {"sleep": 0.3}}] * 3
    throttled = ended.of_type("TaskFailed")
    assert len(throttled) >= 2
    for event in throttled:
        details = event["taskFailedEventDetails"]
        assert details["error"] == "Lambda.TooManyRequestsException"
        assert "Status Code: 429" in details["cause"]
    # An attempt follows on the throttled one, without the state being entered again.
    follow_ups = {event["previousEventId"] for event in ended.of_type("TaskScheduled")}
    assert {event["id"] for event in throttled} <= follow_ups
    assert len(ended.of_type("TaskStateEntered")) == 3


@pytest.fixture
def replace_process(project: Project) -> Iterator[Callable[[str], None]]:
    """Replace process.py in the deployed function; the function is put back at the end."""
    folder = project.folder / "lambdas" / "process_item"

    def update(source: str) -> None:
        copy = shutil.copytree(folder, project.folder / "replaced", dirs_exist_ok=True)
        (copy / "process.py").write_text(source, encoding="utf-8")
        upload(copy)

    def upload(content) -> None:
        archive = shutil.make_archive(str(project.folder / "function"), "zip", content)
        function = ["--function-name", project.function_name]
        project.run("aws", "lambda", "update-function-code", *function, "--zip-file", f"fileb://{archive}")

    yield update
    upload(folder)


@pytest.mark.parametrize(
    ("source", "name", "message"),
    [
        (
            "import no_such_module\n",
            "Runtime.ImportModuleError",
            "Unable to import module 'item_handler': No module named 'no_such_module'",
        ),
        (
            "def process(item):\nreturn\n",
            "Runtime.UserCodeSyntaxError",
            "Syntax error in module 'item_handler'.*",
        ),
        ("raise ValueError('at import')\n", "ValueError", "at import"),
        ("", "Runtime.ImportModuleError", ".*cannot import name 'process' from 'process'.*"),
    ],
    ids=["imports what is not there", "is no Python", "raises at import", "has no process"],
)
def test_function_that_cannot_load_fails_each_item(
    project: Project, replace_process: Callable[[str], None], source: str, name: str, message: str
):
    # Given
    replace_process(source)
    # When
    ended = project.execute({"items": ["a", "b"]})
    # Then
    assert [slot["error"]["name"] for slot in ended.output] == [name] * 2
    for slot in ended.output:
        assert re.fullmatch(message, slot["error"]["message"])
