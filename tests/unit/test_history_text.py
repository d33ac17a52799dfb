"""Execution data as one line: exact numbers, DynamoDB types, errors, hostile characters."""

import json

import pytest

from utils.watch.plain_json import cause_text, error_text, item_text, json_text


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ({"S": "Mathematics"}, '"Mathematics"'),
        ({"N": "12345678901234567890.10"}, "12345678901234567890.10"),
        ({"N": "1E+2"}, "100"),
        ({"BOOL": False}, "false"),
        ({"NULL": True}, "null"),
        ({"L": [{"N": "1"}, {"M": {"a": {"S": "é"}}}]}, '[1, {"a": "é"}]'),
        (
            {"M": {"topic": {"S": "cs"}, "name": {"S": "Computer Science"}}},
            '{"topic": "cs", "name": "Computer Science"}',
        ),
        ({"NS": ["3"]}, "[3]"),
        ({"X": "no such type"}, '{"X": "no such type"}'),
        ("not typed at all", '"not typed at all"'),
    ],
)
def test_dynamodb_values_are_shown_as_what_they_mean(typed, text):
    state_input = json.dumps({"item": typed, "index": 0, "execution": "e", "encoding": "dynamodb"})

    assert item_text(state_input) == text


@pytest.mark.parametrize(
    ("item", "text"),
    [
        ('{"S": "a map of the user"}', '{"S": "a map of the user"}'),
        ("0.1000000000000000055511151231257827", "0.1000000000000000055511151231257827"),
        ('"two  spaces"', '"two  spaces"'),
        ('"line\\nbreak"', '"line\\nbreak"'),
        ('"\\u001b[31m red"', '"\\u001b[31m red"'),
        ('"right\\u202eleft"', '"right\\u202eleft"'),
    ],
)
def test_plain_json_is_shown_as_it_is(item, text):
    state_input = f'{{"item": {item}, "index": 0, "execution": "e", "encoding": "json"}}'

    assert item_text(state_input) == text


@pytest.mark.parametrize("levels", [200, 340, 984, 100_000])
def test_what_is_nested_too_deeply_for_anything_else_is_shown_as_it_is(levels):
    item = "[" * levels + "]" * levels
    state_input = f'{{"item": {item}, "index": 0, "encoding": "json"}}'

    assert json_text(item) == item
    assert error_text("E", item) == f"E: {item}"
    assert item in item_text(state_input)


@pytest.mark.parametrize("text", ["1e-9999999999999999999", "[1e9999999999999999999]"])
def test_a_number_beyond_all_bounds_is_shown_as_it_is(text):
    assert json_text(text) == text


@pytest.mark.parametrize(
    ("state_input", "text"),
    [
        ('{"order": 7}', '{"order": 7}'),
        ('{"item": "of another selector"}', '{"item": "of another selector"}'),
        ("[1,2]", "[1, 2]"),
        ("null", "null"),
        (None, ""),
    ],
)
def test_another_state_machines_input_is_shown_whole(state_input, text):
    assert item_text(state_input) == text


@pytest.mark.parametrize(
    ("text", "shown"), [("{cut off", "{cut off"), ("", ""), (None, ""), ("null", "null"), ("a\n b", "a b")]
)
def test_text_that_is_not_json_is_shown_as_it_is(text, shown):
    assert json_text(text) == shown


@pytest.mark.parametrize(
    ("cause", "shown"),
    [
        ('{"errorMessage": "no such topic", "errorType": "KeyError", "stackTrace": []}', "no such topic"),
        ('{"errorMessage": "line one\\nline two"}', "line one line two"),
        ('{"message": "another shape"}', '{"message": "another shape"}'),
        ("Item 3 failed:\n  no such topic", "Item 3 failed: no such topic"),
        (None, ""),
    ],
)
def test_a_cause_is_one_line(cause, shown):
    assert cause_text(cause) == shown


@pytest.mark.parametrize(
    ("error", "cause", "shown"),
    [("E", "c", "E: c"), ("E", None, "E"), (None, "c", "c"), (None, None, "")],
)
def test_error_and_cause_may_be_missing(error, cause, shown):
    assert error_text(error, cause) == shown
