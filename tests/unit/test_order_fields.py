"""The fields of an order: what is wrong with one is said with its place, and numbers are exact."""

import json
from decimal import Decimal

import pytest
from order_steps import largest_order, load_steps, raw_order

ITEM = {"productName": "Refactoring", "category": "book", "price": 47.99, "quantity": 2}


@pytest.fixture(scope="module")
def modules():
    with load_steps() as loaded:
        yield loaded


def refusal(modules, order):
    with pytest.raises(modules.errors.OrderInvalid) as refused:
        modules.order.read_order(order)
    return str(refused.value)


@pytest.mark.parametrize(
    ("order", "message"),
    [
        (None, "the order = null: should be an object"),
        ("12345678", 'the order = "12345678": should be an object'),
        ([], "the order = []: should be an object"),
        ({}, "orderId is missing; orderDate is missing; detail is missing"),
        ({"orderId": 1, "orderDate": "20190820101213", "detail": 2},
         "orderId = 1: should be a valid string; detail = 2: should be an object"),
    ],
    ids=["null", "text", "list", "empty", "types"],
)  # fmt: skip
def test_what_is_no_order_is_refused(modules, order, message):
    assert refusal(modules, order) == message


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"customerId": ""}, 'detail.customerId = "": should have at least 1 character'),
        ({"deliverySpeed": "1" * 201},
         'detail.deliverySpeed = "' + "1" * 76 + "...: should have at most 200 characters"),
        ({"deliveryAddress": "\ud83d"},
         (r'detail.deliveryAddress = "\ud83d": should be a valid string, unable to parse raw data as a '
         r"unicode string")),
        ({"items": []}, "detail.items = []: should have at least 1 item"),
        ({"items": {}}, "detail.items = {}: should be a valid list"),
        ({"items": [ITEM, ITEM | {"quantity": 0}]},
         "detail.items[1].quantity = 0: should be greater than or equal to 1"),
        ({"items": [ITEM | {"quantity": 1.5}]},
         "detail.items[0].quantity = 1.5: should be a valid integer, got a number with a fractional part"),
        ({"items": [ITEM | {"quantity": 1_000_001}]},
         "detail.items[0].quantity = 1000001: should be less than or equal to 1000000"),
        ({"items": [ITEM | {"quantity": "1"}]}, 'detail.items[0].quantity = "1": should be a number'),
        ({"items": [ITEM | {"quantity": True}]}, "detail.items[0].quantity = true: should be a number"),
        ({"items": [ITEM | {"price": "60"}]}, 'detail.items[0].price = "60": should be a number'),
        ({"items": [ITEM | {"price": None}]}, "detail.items[0].price = null: should be a number"),
        ({"items": [ITEM | {"price": -0.01}]},
         "detail.items[0].price = -0.01: should be greater than or equal to 0"),
        ({"items": [ITEM | {"price": 32.999}]},
         "detail.items[0].price = 32.999: should have no more than 2 decimal places"),
        ({"items": [ITEM | {"price": 1e300}]},
         "the total is 2.0000000000000000e+300: should be at most 9,999,999,999,999.99"),
        ({"items": [ITEM | {"price": 9_999_999_999_999.99}]},
         "the total is 19999999999999.98: should be at most 9,999,999,999,999.99"),
    ],
)  # fmt: skip
def test_every_field_is_checked(modules, changes, message):
    assert refusal(modules, raw_order(**changes)) == message


@pytest.mark.parametrize(
    "date",
    ["", "2019", "99999999999999", "20190229101213", "20190820246060", "00000820101213",
     "2019-8-20 1:1:1", " 2019820101213", "\uff12" * 14, "20190820101213\n"],
)  # fmt: skip
def test_a_date_that_there_is_not_is_refused(modules, date):
    assert refusal(modules, raw_order() | {"orderDate": date}) == (
        f"orderDate = {json.dumps(date)[:77]}"
        f"{'...' if len(json.dumps(date)) > 80 else ''}: "
        "should be a date and a time of 14 digits, such as 20190820101213"
    )


@pytest.mark.parametrize("date", ["20200229235959", "00010101000000", "99991231235959"])
def test_a_date_that_there_is_is_taken(modules, date):
    assert modules.order.read_order(raw_order() | {"orderDate": date})["orderDate"] == date


@pytest.mark.parametrize("depth", range(100, 2000, 100))
def test_nesting_of_any_depth_is_refused_in_one_line(modules, depth):
    # Given what a deep recursion could still read, and no longer show
    nested: list[object] = []
    for _ in range(depth):
        nested = [nested]
    # When, then
    assert refusal(modules, raw_order() | {"orderDate": nested}) in (
        "orderDate = " + "[" * 77 + "...: should be a valid string",
        "the order is nested too deeply to be read",
    )


@pytest.mark.parametrize("order_id", ["", "a b", "a/b", "ü", "a" * 65, "a\n"])
def test_an_id_that_is_no_name_of_an_execution_is_refused(modules, order_id):
    assert refusal(modules, raw_order() | {"orderId": order_id}).startswith(
        f"orderId = {json.dumps(order_id)[:76]}"
    )


def test_everything_that_is_wrong_is_said_in_one_line(modules):
    # Given the malformed sample's faults
    order = raw_order(items=[ITEM | {"quantity": 0}, ITEM | {"price": 32.999}])
    del order["detail"]["deliveryAddress"]
    # When it is checked
    message = refusal(modules, order)
    # Then each is named
    assert message == (
        "detail.deliveryAddress is missing; "
        "detail.items[0].quantity = 0: should be greater than or equal to 1; "
        "detail.items[1].price = 32.999: should have no more than 2 decimal places"
    )


def test_whole_number_with_a_point_and_unknown_fields_are_taken(modules):
    # Given what a table or JSONata makes of a number, and a field of somebody else
    order = raw_order(items=[ITEM | {"quantity": 2.0, "gift": True}], note="…")
    (line,) = modules.order.read_order(order)["items"]
    price = {"price": Decimal("47.99"), "amount": Decimal("95.98")}
    assert line == {**ITEM, "index": 0, **price}


def test_order_of_too_many_or_too_large_items_is_refused(modules):
    order = largest_order(modules)
    order["detail"]["items"].append(ITEM)
    assert "detail.items = [" in refusal(modules, order)
    assert refusal(modules, order).endswith(": should have at most 100 items")
    large = raw_order(items=[ITEM | {"productName": "日" * 200}] * 100)
    assert refusal(modules, large) == "the order has 70,794 bytes of JSON: should be at most 49,152"
