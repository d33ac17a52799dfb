"""The throttled Map's JSONata, evaluated where it misleads: nested lists, null, marks of every kind."""

import json
from pathlib import Path

import pytest
from evaluation import evaluate

from stacks.throttled_map import consumers, expressions, queue_processor

ROOT = Path(__file__).parents[2]
ITEMS = [None, "a", 0, False, {}, [], ["a"], [["a"]], [[]], {"throttled": True}, [{"a": 1}], {"a": [None]}]


def child(item, encoding="json"):
    """Return what a child gets for an item."""
    return {
        "BatchInput": {"execution": "run", "encoding": encoding},
        "Items": [{"index": 5, "item": item}],
    }


def retried(times):
    return {"State": {"RetryCount": times}, "Task": {"Token": "token"}}


@pytest.mark.parametrize(
    ("item", "throttled"),
    [
        ({"throttled": True}, True),
        ({"throttled": "true"}, True),
        ({"throttled": "TRUE"}, True),
        ({"throttled": "True", "name": ""}, True),
        ({"throttled": False}, False),
        ({"throttled": "false"}, False),
        ({"throttled": ""}, False),
        ({"throttled": None}, False),
        ({"throttled": 1}, False),
        ({"throttled": [True]}, False),
        ({"throttled": ["true"]}, False),
        ({"throttled": {"BOOL": True}}, False),
        ({"throttled": {}}, False),
        ({"inner": {"throttled": True}}, False),
        ({"M": {"throttled": {"BOOL": True}}}, False),
        ({}, False),
        ([{"throttled": True}], False),
        ([{"throttled": True}, {"throttled": True}], False),
        ([], False),
        (["throttled"], False),
        ("throttled", False),
        ("true", False),
        (True, False),
        (0, False),
        (None, False),
    ],
)
def test_item_with_a_true_field_is_throttled(item, throttled):
    assert evaluate(expressions.is_throttled("throttled"), input=child(item)) is throttled


@pytest.mark.parametrize(
    ("item", "throttled"),
    [
        ({"M": {"throttled": {"BOOL": True}}}, True),
        ({"M": {"throttled": {"S": "true"}}}, True),
        ({"M": {"throttled": {"BOOL": False}}}, False),
        ({"M": {"throttled": {"S": "no"}}}, False),
        ({"M": {"throttled": {"N": "1"}}}, False),
        ({"M": {"throttled": {"NULL": True}}}, False),
        ({"M": {"throttled": {"L": [{"BOOL": True}]}}}, False),
        ({"M": {"throttled": {"M": {"BOOL": {"BOOL": True}}}}}, False),
        ({"M": {}}, False),
        ({"L": [{"M": {"throttled": {"BOOL": True}}}]}, False),
        ({"S": "throttled"}, False),
        ({"BOOL": True}, False),
        ({"NULL": True}, False),
    ],
)
def test_mark_of_a_typed_item_is_found_in_its_type(item, throttled):
    assert evaluate(expressions.is_throttled("throttled"), input=child(item, "dynamodb")) is throttled


@pytest.mark.parametrize("field", ["is slow", 'a "b"\\n', "a.b", "$x", "`", "{% 1 %}", "日本"])
def test_field_may_have_any_name(field):
    expression = expressions.is_throttled(field)
    assert evaluate(expression, input=child({field: True})) is True
    assert evaluate(expression, input=child({"M": {field: {"BOOL": True}}}, "dynamodb")) is True
    assert evaluate(expression, input=child({"throttled": True})) is False


def message_of(given):
    """Return a message's body, made field by field."""
    states = {"input": given, "context": retried(0)}
    return {name: evaluate(it, **states) for name, it in expressions.MESSAGE.items()}


@pytest.mark.parametrize("item", ITEMS)
def test_message_has_the_item_as_it_is(item):
    assert message_of(child(item)) == {
        "token": "token",
        "execution": "run",
        "index": 5,
        "item": item,
        "encoding": "json",
    }


def test_worker_reads_what_the_state_machine_sends(monkeypatch):
    # Given the worker's own reader
    monkeypatch.syspath_prepend(ROOT / "lambdas" / "process_item")
    import record  # noqa: PLC0415

    # When it gets a message with a typed item
    body = json.dumps(message_of(child({"M": {"a": {"S": "b"}}}, "dynamodb")))
    # Then it has everything
    message = record.read_message(body)
    assert (message.token, message.execution, message.index) == ("token", "run", 5)
    assert message.item == {"a": "b"}


def test_dead_letter_handler_has_the_same_names(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "lambdas" / "throttled_map" / "dead_letters")
    import dead_letters  # noqa: PLC0415

    assert dead_letters.ERROR in queue_processor.FINAL
    assert dead_letters.PREFIX == consumers.UNDELIVERABLE_PREFIX


@pytest.mark.parametrize("result", [None, [], [1], [[1]], {"attempts": 9}, "a"])
def test_answer_becomes_the_one_outcome_of_the_queue(result):
    # Given the worker's answer at the second delivery of the second message
    answer = {"index": 5, "status": "succeeded", "result": result, "attempts": 2}
    # When the state's output is made
    states = {"input": child("a"), "context": retried(1), "result": answer}
    output = evaluate(expressions.QUEUE_OUTCOME, **states)
    # Then the result is as it was, in a list, and every attempt is counted
    assert output == {"outcomes": [{**answer, "attempts": 3}], "route": "queue"}


@pytest.mark.parametrize(
    ("error", "name", "message"),
    [
        ({"Error": "ValueError", "Cause": "no topic"}, "ValueError", "no topic"),
        (
            {"Error": "ValueError", "Cause": '{"errorMessage": "its own"}'},
            "ValueError",
            '{"errorMessage": "its own"}',
        ),
        ({"Error": "ValueError", "Cause": "ü😀" * 600}, "ValueError", ("ü😀" * 600)[:1000]),
        ({"Error": "States.Timeout", "Cause": ""}, "States.Timeout", ""),
        ({"Error": "States.Timeout"}, "States.Timeout", ""),
        ({}, "", ""),
    ],
)
def test_failure_becomes_the_one_outcome_with_the_processors_own_error(error, name, message):
    # Given an error that was caught at the third attempt
    states = {"input": child(["a"]), "context": retried(2), "errorOutput": error}
    caught = evaluate(expressions.CAUGHT_ERROR, **states)
    # When it is recorded
    output = evaluate(expressions.FAILED_OUTCOME, input=caught)
    # Then it has that name and that message
    failed = {"index": 5, "status": "failed", "error": {"name": name, "message": message}, "attempts": 3}
    assert output == {"outcomes": [failed], "route": "queue"}
