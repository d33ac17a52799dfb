"""Where the list comes from, what may be in it, and what the function makes of it."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from projects import Project

TABLE_NAME = "Courses.of-2026"
KEY_NAME = "Kurs liste's"
KEY_VALUE = 'höchste "prio" \\1'

LISTS = {
    "one item": ["Mathematics"],
    "one list": [["Mathematics"]],
    "no item": [],
    "nested lists": [[1, [2, [3]]], [], [[]]],
    "every kind": [None, True, False, 0, -7, "", {}, {"a": {"b": [None]}}],
    "unicode": ["Zürich", "数学", "👩‍🔬", '\u0000\u2028"\\\n', {"ключ": "Ünïcödé"}],
    "looks typed": [{"S": "x"}, {"N": "1"}, {"M": {"a": {"S": "x"}}}, {"L": []}, {"NULL": True}],
    "looks like an expression": ["{% 1 + 1 %}", "$states.input", "$.items", "${Token[1]}"],
}


@pytest.fixture(scope="module")
def project(
    tmp_path_factory: pytest.TempPathFactory, new_cdk_account: Callable[[], dict[str, str]]
) -> Project:
    """Configured unlike the default in every value, so that nothing can be hard-coded."""
    project = Project.copy(tmp_path_factory.mktemp("lists"), new_cdk_account())
    project.configure(
        "ddb", tableName=TABLE_NAME, partitionKeyName=KEY_NAME, partitionKeyValueField=KEY_VALUE
    )
    project.configure("stepfunc", maxConcurrency=4, waitDurationSeconds=0, timeoutDurationSeconds=60)
    project.deploy()
    return project


def processed(items: list[Any]) -> list[Any]:
    return [{"item": item, "status": "processed"} for item in items]


@pytest.mark.parametrize("items", LISTS.values(), ids=LISTS)
def test_list_of_the_table_reaches_process_as_it_was_loaded(project: Project, items: list[Any]):
    project.load(items)
    assert project.execute().output == processed(items)


@pytest.mark.parametrize("items", LISTS.values(), ids=LISTS)
def test_list_of_the_input_is_used_instead_of_the_table(project: Project, items: list[Any]):
    project.load(["from the table"])
    ended = project.execute({"items": items})
    assert ended.output == processed(items)
    assert all(event.get("stateEnteredEventDetails", {}).get("name") != "Read List" for event in ended.events)


def test_list_is_in_the_table_and_under_the_key_that_the_configuration_names(project: Project):
    project.load(["here"])
    item = project.aws("dynamodb", "scan", "--table-name", TABLE_NAME)["Items"]
    assert item == [{KEY_NAME: {"S": KEY_VALUE}, "values": {"L": [{"S": "here"}]}}]


def test_numbers_of_the_table_are_exact_in_process(project: Project):
    # Given
    numbers = "[0.1, 1.50, 12345678901234567890123456789012345678, 9007199254740993, -1e-130, 0]"
    (project.folder / "numbers.json").write_text(numbers)
    project.run("python", "utils/load-ddb.py", "--json", "numbers.json")
    # When
    ended = project.execute(name="numbers")
    # Then
    assert ended.status == "SUCCEEDED"
    logged = [line["item"] for line in project.function_log(ended) if "item" in line]
    exact = ["0.1", "1.5", "12345678901234567890123456789012345678", "9007199254740993", "-1E-130", "0"]
    assert sorted(logged) == sorted(exact)


@pytest.mark.parametrize("given", [{}, {"comment": "no items"}], ids=str)
def test_input_without_items_reads_the_table(project: Project, given: dict[str, Any]):
    project.load(["from the table"])
    assert project.execute(given).output == processed(["from the table"])


@pytest.mark.parametrize(
    "given",
    [{"items": each} for each in ({}, {"0": "a"}, "text", "", None, 0, 1, False)]
    + [[], [1, 2], [{"items": [1]}], "text", 0, None],
    ids=json.dumps,
)
def test_input_that_gives_no_list_is_refused(project: Project, given: Any):
    ended = project.execute(given)
    assert ended.failure == (
        "ItemListInvalid",
        'The input is not like {"items": [...]}. Give a list in that form, or {} to read the table',
    )
    assert ended.of_type("MapStateEntered") == []


def test_missing_list_is_a_named_failure(project: Project):
    # Given
    key = json.dumps({KEY_NAME: {"S": KEY_VALUE}})
    project.run("aws", "dynamodb", "delete-item", "--table-name", TABLE_NAME, "--key", key)
    # When
    run = project.run("python", "utils/run.py", exit_code=1)
    # Then
    assert f"ItemListNotFound: Table {TABLE_NAME} has no item with {KEY_NAME} = '{KEY_VALUE}'" in run.stdout


@pytest.mark.parametrize(
    "attribute",
    [
        {"S": "text"},
        {"N": "1"},
        {"M": {"L": {"L": []}}},
        {"SS": ["a"]},
        {"NULL": True},
        {"BOOL": False},
        None,
    ],
    ids=json.dumps,
)
def test_item_of_the_table_without_a_list_is_a_named_failure(project: Project, attribute: Any):
    # Given
    values = {} if attribute is None else {"values": attribute}
    item = {KEY_NAME: {"S": KEY_VALUE}, **values}
    project.client("dynamodb").put_item(TableName=TABLE_NAME, Item=item)
    # When
    error, cause = project.execute().failure
    # Then
    assert error == "ItemListInvalid"
    place = f"'values' of the item with {KEY_NAME} = '{KEY_VALUE}' is not a list"
    assert cause is not None
    assert cause.startswith(f"In table {TABLE_NAME}, {place}. Load a list: ")


def test_index_and_execution_name_reach_the_handler(project: Project):
    ended = project.execute({"items": ["a", "b"]}, name="named")

    events = [line["event"] for line in project.function_log(ended) if "event" in line]
    assert sorted(events, key=lambda event: event["index"]) == [
        {"item": "a", "index": 0, "execution": "named", "encoding": "json"},
        {"item": "b", "index": 1, "execution": "named", "encoding": "json"},
    ]
