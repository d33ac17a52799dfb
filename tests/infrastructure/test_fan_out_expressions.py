"""The definition's JSONata, evaluated where it misleads: lists of one, nothing, null, cut texts."""

import json

import pytest
from evaluation import evaluate

from stacks.fan_out import expressions

LISTS = [
    [],
    ["a"],
    [["a"]],
    [[]],
    [[["a"]]],
    [["a", "b"]],
    [None],
    [{"S": "a"}],
    [0],
    [False],
    [{}],
    ["a", "b"],
]
NO_LISTS = [None, {}, {"0": "a"}, "a", "", 3, True]
NO_OBJECTS = ["a", [], ["a"], [{"items": ["a", "b"]}], 5, None, True]
KEY = {"mapstatelist": {"S": "mapitems"}}


@pytest.mark.parametrize("items", LISTS)
def test_given_list_arrives_as_it_was(items):
    # Given a list in the execution's input
    state = {"items": items}
    # When it goes through the two choices to the map
    assert evaluate(expressions.LIST_IS_GIVEN, input=state) is True
    state = evaluate(expressions.GIVEN_LIST, input=state)
    # Then it is found, is a list, and is the same
    assert evaluate(expressions.LIST_NOT_FOUND, input=state) is False
    assert evaluate(expressions.LIST_IS_ARRAY, input=state) is True
    assert state == {"found": True, "items": items, "encoding": "json"}


@pytest.mark.parametrize("given", [*({"items": it} for it in NO_LISTS), *NO_OBJECTS])
def test_what_is_given_and_no_list_is_invalid(given):
    # Given an input with something else for items, or an input that is no object
    assert evaluate(expressions.LIST_IS_GIVEN, input=given) is True
    # When it comes to the check
    state = evaluate(expressions.GIVEN_LIST, input=given)
    # Then it goes to neither "not found" nor the map
    assert evaluate(expressions.LIST_NOT_FOUND, input=state) is False
    assert evaluate(expressions.LIST_IS_ARRAY, input=state) is False


@pytest.mark.parametrize("given", [{}, {"Items": ["a"]}, {"name": "x"}])
def test_without_items_the_table_is_read(given):
    assert evaluate(expressions.LIST_IS_GIVEN, input=given) is False


@pytest.mark.parametrize(
    "items", [[], [{"S": "a"}], [{"L": [{"S": "a"}]}], [{"L": []}], [{"M": {}}, {"N": "1"}]]
)
def test_list_of_the_table_arrives_as_it_was(items):
    # Given what getItem answers
    result = {"Item": {**KEY, "values": {"L": items}}, "SdkHttpMetadata": {"HttpStatusCode": 200}}
    # When its output is made and checked
    state = evaluate(expressions.READ_LIST, result=result)
    # Then it is found, is a list, and is the same
    assert state == {"found": True, "items": items, "encoding": "dynamodb"}
    assert evaluate(expressions.LIST_NOT_FOUND, input=state) is False
    assert evaluate(expressions.LIST_IS_ARRAY, input=state) is True


@pytest.mark.parametrize(
    "item",
    [
        KEY,
        {**KEY, "values": {"S": "a"}},
        {**KEY, "values": {"SS": ["a"]}},
        {**KEY, "values": {"M": {"L": {"L": []}}}},
    ],
)
def test_item_without_a_list_is_invalid(item):
    state = evaluate(expressions.READ_LIST, result={"Item": item})
    assert evaluate(expressions.LIST_NOT_FOUND, input=state) is False
    assert evaluate(expressions.LIST_IS_ARRAY, input=state) is False


@pytest.mark.parametrize("result", [{"SdkHttpMetadata": {}}, {"Item": None}, {}])
def test_no_item_is_not_found(result):
    state = evaluate(expressions.READ_LIST, result=result)
    assert evaluate(expressions.LIST_NOT_FOUND, input=state) is True


@pytest.mark.parametrize(
    ("cause", "message"),
    [
        ('{"errorMessage": "no topic", "errorType": "KeyError", "stackTrace": []}', "no topic"),
        ('{"errorType":"KeyError","errorMessage":"no topic"}', "no topic"),
        (json.dumps({"errorMessage": 'a "b" \\ c/\n\tü 日本 😀'}), 'a "b" \\ c/\n\tü 日本 😀'),
        ('{"errorMessage": "ü 😀"}', "ü 😀"),
        (json.dumps({"errorMessage": json.dumps({"errorMessage": "inner"})}), '{"errorMessage": "inner"}'),
        ('{"errorMessage": ""}', ""),
        ("Rate exceeded", "Rate exceeded"),
        ("", ""),
        (None, ""),
        ('{"errorMessage": null}', '{"errorMessage": null}'),
        ('{"errorMessage": {"a": 1}}', '{"errorMessage": {"a": 1}}'),
        ('{"errorMessage": "cut he', "cut he"),
        ('{"errorMessage": "cut \\', "cut "),
        ('{"errorMessage": "cut \\u00f', "cut "),
        ('{"errorMessage": "' + "x" * 32_750, "x" * 1000),
        ('{"errorMessage": "' + '\\"' * 16_000, '"' * 1000),
        ("x" * 32_768, "x" * 1000),
    ],
)
def test_failed_item_says_its_index_and_the_handlers_own_error(cause, message):
    # Given an error of Lambda, caught by the task of the item at index 1
    error = {"Error": "KeyError"} if cause is None else {"Error": "KeyError", "Cause": cause}
    caught = evaluate(expressions.CAUGHT_ERROR, input={"index": 1, "item": "x"}, errorOutput=error)
    # When the item is recorded, or fails the execution
    record = evaluate(expressions.FAILED_ITEM, input=caught)
    cause = evaluate(expressions.FAILURE_CAUSE, input=caught)
    # Then either has the handler's message
    assert record == {"index": 1, "status": "failed", "error": {"name": "KeyError", "message": message}}
    assert evaluate(expressions.FAILURE_NAME, input=caught) == "KeyError"
    assert cause == ("Item at index 1 failed: " + message if message else "Item at index 1 failed")
