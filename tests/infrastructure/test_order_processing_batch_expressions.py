"""A batch's JSONata, evaluated where it misleads: no orders, one, what is no order, DynamoDB's types."""

import json
import re
from decimal import Decimal

import pytest
from boto3.dynamodb.types import TypeSerializer
from evaluation import evaluate

from stacks.order_processing import batch_expressions as batch

ORDER = {
    "orderId": "a-1",
    "detail": {"items": [{"productName": "Book", "price": 60.5, "quantity": 1}], "gift": False, "note": None},
}
NO_OBJECTS = [None, "a", "", 5, True, [], ["a"], [{"orderId": "a"}], [{"orderId": "a"}, {}]]
NAME = re.compile(r"[A-Za-z0-9_-]{1,80}")


def select(fields, value, encoding="json"):
    """Return what an iteration gets for an item of the list."""
    states = {
        "input": {"items": [value], "encoding": encoding},
        "context": {"Map": {"Item": {"Value": value}}},
    }
    return {name: evaluate(it, **states) for name, it in fields.items()}


def typed(value):
    """Return a value in DynamoDB's types, as the loader puts it into the table."""
    return TypeSerializer().serialize(json.loads(json.dumps(value), parse_float=Decimal))


def name_of(order):
    return evaluate(batch.NAME, input=select(batch.GIVEN_ORDER, order))


@pytest.mark.parametrize(
    ("given", "is_list"),
    [
        ({"items": []}, True),
        ({"items": [ORDER]}, True),
        ({"items": {}}, False),
        ({"items": None}, False),
        ({}, False),
        ([], False),
        ([{"items": [1]}], False),
        ("a", False),
        (None, False),
    ],
)
def test_input_has_a_list(given, is_list):
    assert evaluate(batch.LIST_IS_GIVEN, input=given) is is_list


@pytest.mark.parametrize("fields", [batch.GIVEN_ORDER, batch.GIVEN_OR_TABLE_ORDER], ids=["given", "either"])
def test_given_order_is_run_as_it_is(fields):
    assert select(fields, ORDER) == {"item": ORDER, "orderId": "a-1"}


@pytest.mark.parametrize("fields", [batch.GIVEN_ORDER, batch.GIVEN_OR_TABLE_ORDER], ids=["given", "either"])
@pytest.mark.parametrize("value", NO_OBJECTS, ids=str)
def test_what_is_no_object_becomes_an_order_that_is_refused(fields, value):
    assert select(fields, value) == {"item": {"order": value}, "orderId": None}


@pytest.mark.parametrize("order_id", [None, 5, True, [], ["a"], {"S": "a"}])
def test_id_that_is_no_text_is_none(order_id):
    order = {"orderId": order_id}
    assert select(batch.GIVEN_ORDER, order) == {"item": order, "orderId": None}


@pytest.mark.parametrize(
    "order",
    [
        ORDER,
        {"orderId": "b", "detail": {}},
        {"orderId": "c", "detail": {"items": []}},
        {"orderId": "d", "detail": {"items": ["a", 1, 0.5, None, True, {"M": "a"}, {}]}},
        {"orderId": 5},
        {"S": "a"},
        {"M": {"N": 1}},
        {},
    ],
    ids=str,
)
def test_typed_order_becomes_plain(order):
    # Given an order of the table
    item = typed(order)
    # When it is selected
    selected = select(batch.GIVEN_OR_TABLE_ORDER, item, "dynamodb")
    # Then it is as it was
    order_id = order.get("orderId")
    assert selected == {"item": order, "orderId": order_id if isinstance(order_id, str) else None}
    assert isinstance(selected["item"], dict)


@pytest.mark.parametrize("value", [None, "a", 5, True, [], ["a", 1]], ids=str)
def test_typed_value_that_is_no_object_becomes_an_order_that_is_refused(value):
    selected = select(batch.GIVEN_OR_TABLE_ORDER, typed(value), "dynamodb")
    assert selected == {"item": {"order": value}, "orderId": None}


@pytest.mark.parametrize("order_id", ["a", "A-1_b", "x" * 64])
def test_execution_is_named_by_the_order(order_id):
    assert name_of({"orderId": order_id}) == order_id


@pytest.mark.parametrize("order_id", ["", "x" * 65, "a b", "a/b", "ä", "a\nb", "no name: {}", None, 5, ["a"]])
def test_id_that_is_no_name_gives_one_by_the_order_itself(order_id):
    # Given an order whose id cannot be used
    name = name_of({"orderId": order_id, "n": 1})
    # Then the name is allowed, is the same for the same order, and is another for any other
    assert NAME.fullmatch(name)
    assert name.startswith("invalid-")
    assert name == name_of({"orderId": order_id, "n": 1})
    assert name != name_of({"orderId": order_id, "n": 2})


OUTCOME = {
    "orderId": "a-1",
    "customerId": "1",
    "status": "SHIPPED",
    "ships": [{}],
    "doesNotShip": [],
    "charged": 60.5,
    "reason": None,
}
ROW = {
    "index": 3,
    "orderId": "a-1",
    "status": "succeeded",
    "result": {"orderId": "a-1", "status": "SHIPPED", "charged": 60.5},
}
INPUT = {"index": 3, "item": ORDER, "orderId": "a-1"}


def look_up(description):
    """Return the variable that is set when an execution is found."""
    return {"found": evaluate(batch.FOUND["found"], input=INPUT, result=description), "name": "a-1"}


def test_order_that_ran_is_a_row():
    assert evaluate(batch.RAN, input=INPUT, result={"Output": OUTCOME}) == ROW


def test_order_that_has_run_before_is_the_same_row():
    # Given its execution, whose input was written in another way
    text = json.dumps(dict(reversed(ORDER.items())), indent=4)
    description = {"Status": "SUCCEEDED", "Input": text, "Output": json.dumps(OUTCOME)}
    variables = look_up(description)
    # Then it is the same order, and succeeded
    assert evaluate(batch.IS_OTHER, variables) is False
    assert evaluate(batch.IS_RUNNING, variables) is False
    assert evaluate(batch.IS_SUCCEEDED, variables) is True
    assert evaluate(batch.FOUND_OUTCOME, variables, input=INPUT) == ROW


def test_order_that_runs_is_waited_for_ever_longer():
    variables = look_up({"Status": "RUNNING", "Input": json.dumps(ORDER)})
    assert evaluate(batch.IS_OTHER, variables) is False
    assert evaluate(batch.IS_RUNNING, variables) is True
    longer = batch.LONGER_PAUSE["pause"]
    assert [evaluate(longer, {"pause": seconds}) for seconds in (1, 2, 512, 900)] == [2, 4, 900, 900]


def test_other_order_of_the_same_id_is_a_conflict():
    variables = look_up({"Status": "RUNNING", "Input": json.dumps({**ORDER, "orderDate": "2"})})
    assert evaluate(batch.IS_OTHER, variables) is True
    assert evaluate(batch.CONFLICT["error"], variables) == {
        "name": "OrderConflict",
        "message": "Execution a-1 had another order under this id. If this one corrects it, start it by "
        "itself",
    }


@pytest.mark.parametrize(
    ("description", "error"),
    [
        (
            {"Status": "FAILED", "Error": "OutOfStock", "Cause": "Item at index 0"},
            {"name": "OutOfStock", "message": "Item at index 0"},
        ),
        ({"Status": "FAILED", "Error": "OutOfStock"}, {"name": "OutOfStock", "message": ""}),
        (
            {"Status": "TIMED_OUT"},
            {"name": "TIMED_OUT", "message": "Execution a-1 ended TIMED_OUT; redrive it"},
        ),
        ({"Status": "ABORTED"}, {"name": "ABORTED", "message": "Execution a-1 ended ABORTED; redrive it"}),
    ],
)
def test_order_that_did_not_succeed_is_a_row_with_its_error(description, error):
    variables = look_up({**description, "Input": json.dumps(ORDER)})
    assert evaluate(batch.IS_SUCCEEDED, variables) is False
    failure = evaluate(batch.NOT_SUCCEEDED["error"], variables)
    assert evaluate(batch.FAILED, {"error": failure}, input=INPUT) == {
        "index": 3,
        "orderId": "a-1",
        "status": "failed",
        "error": error,
    }


def test_order_that_could_not_be_started_has_the_error_of_the_start_cut():
    error = {"Error": "StepFunctions.InvalidNameException", "Cause": "é" * 500}
    variables = {name: evaluate(it, input=INPUT, errorOutput=error) for name, it in batch.NOT_RUN.items()}
    assert (variables["name"], variables["pause"]) == ("a-1", 1)
    row = evaluate(batch.FAILED, variables, input={**INPUT, "orderId": None})
    assert (row["orderId"], row["error"]) == (
        None,
        {"name": "StepFunctions.InvalidNameException", "message": "é" * 200},
    )


def test_execution_is_found_by_its_name():
    expression = batch.execution_arn("arn:aws:states:eu-west-1:1:execution:orders:")
    assert evaluate(expression, {"name": "a-1"}) == "arn:aws:states:eu-west-1:1:execution:orders:a-1"


def failed(index, name):
    return {"index": index, "orderId": None, "status": "failed", "error": {"name": name, "message": ""}}


@pytest.mark.parametrize(
    ("rows", "counts", "errors", "statuses"),
    [
        ([], (0, 0, 0), {}, {}),
        ([ROW], (1, 1, 0), {}, {"SHIPPED": 1}),
        ([failed(0, "A")], (1, 0, 1), {"A": 1}, {}),
        (
            [ROW, failed(1, "A"), failed(2, "B.c"), failed(3, "A"), ROW],
            (5, 2, 3),
            {"A": 2, "B.c": 1},
            {"SHIPPED": 2},
        ),
    ],
)
def test_outcomes_are_counted_and_kept(rows, counts, errors, statuses):
    assert evaluate(batch.SUMMARY, result=rows) == {
        **dict(zip(("items", "succeeded", "failed"), counts, strict=True)),
        "errors": errors,
        "statuses": statuses,
        "orders": rows,
    }
