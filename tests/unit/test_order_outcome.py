"""The end of an order: its status, what ships, what it costs, and the message to the customer."""

from decimal import Decimal

import pytest
from order_steps import AGILE, DOMAIN, Calls, raw_order, run_with_faults, start_steps

FULFILLED = {"kind": "fulfilled", "reason": None}
SHOWN = ("index", "productName", "quantity", "amount")


@pytest.fixture
def steps():
    with start_steps() as started:
        yield started


def shipped(line):
    index = line["index"]
    shown = {key: line[key] for key in SHOWN}
    return {**shown, "packageId": f"package-{index}", "trackingId": f"tracking-{index}"}


def failed(line, name="OutOfStock", message="3 wanted, 0 in stock"):
    shown = {key: line[key] for key in SHOWN}
    return {**shown, "status": "failed", "error": {"name": name, "message": message}}


def close(steps, order, outcomes=(), undone=(), ending=FULFILLED):
    return steps.close_order(order=order, outcomes=list(outcomes), undone=list(undone), ending=ending)


def test_order_that_ships_as_a_whole(steps):
    # Given
    order = steps.checked()
    steps.charge_payment(order=order)
    # When
    outcome = close(steps, order, map(shipped, order["items"]))
    # Then
    assert outcome == {
        "orderId": "12345678",
        "customerId": "1234",
        "status": "SHIPPED",
        "ships": [
            {"productName": AGILE, "quantity": 1, "amount": 60, "trackingId": "tracking-0"},
            {"productName": DOMAIN, "quantity": 3, "amount": 95.97, "trackingId": "tracking-1"},
        ],
        "doesNotShip": [],
        "charged": 155.97,
        "reason": None,
        "subject": "Order 12345678 has shipped",
        "message": "Order 12345678 has shipped.\n\n"
        "Ships:\n"
        "  1 x Agile Software Development, 60.00, tracked as tracking-0\n"
        "  3 x Domain-Driven Design, 95.97, tracked as tracking-1\n\n"
        "You are charged 155.97.\n",
    }
    # And the order's record has it, exact
    header = steps.header()
    assert (header["status"], header["outcome"]["charged"]) == ("SHIPPED", Decimal("155.97"))


def test_order_that_ships_in_part(steps):
    # Given an order of which an item is refunded
    order = steps.checked()
    first, second = order["items"]
    steps.charge_payment(order=order)
    steps.refund_payment(orderId="12345678", items=[second])
    # When
    outcome = close(steps, order, [shipped(first), failed(second)], [1])
    # Then
    assert outcome["status"] == "PARTLY_SHIPPED"
    assert [row["productName"] for row in outcome["ships"]] == [AGILE]
    assert outcome["doesNotShip"] == [
        {"productName": DOMAIN, "quantity": 3, "amount": 95.97, "reason": "3 wanted, 0 in stock"}
    ]
    assert outcome["charged"] == 60
    assert outcome["message"] == (
        "Order 12345678 has shipped in part.\n\n"
        "Ships:\n  1 x Agile Software Development, 60.00, tracked as tracking-0\n\n"
        "Does not ship:\n  3 x Domain-Driven Design, 95.97: 3 wanted, 0 in stock\n\n"
        "You are charged 60.00.\n"
    )


@pytest.mark.parametrize(
    ("ending", "reason", "status", "sentence"),
    [
        (FULFILLED, None, "CANCELLED", "is cancelled"),
        (
            {"kind": "cancelled", "error": {"name": "OutOfStock", "message": "Item at index 1 failed"}},
            "Item at index 1 failed",
            "CANCELLED",
            "is cancelled",
        ),
        ({"kind": "refused", "reason": "expired"}, "expired", "REFUSED", "could not be paid"),
        ({"kind": "rejected", "reason": "too much"}, "too much", "REJECTED", "was not approved"),
    ],
)
def test_order_of_which_nothing_ships(steps, ending, reason, status, sentence):
    # Given an order whose items were fulfilled, or not, and undone
    order = steps.checked()
    outcomes = [shipped(order["items"][0]), failed(order["items"][1])]
    # When
    outcome = close(steps, order, outcomes, [0, 1], ending)
    # Then
    assert (outcome["status"], outcome["charged"], outcome["ships"]) == (status, 0, [])
    reasons = [row["reason"] for row in outcome["doesNotShip"]]
    assert reasons == [reason, "3 wanted, 0 in stock"]
    assert outcome["subject"] == f"Order 12345678 {sentence}"
    # And the customer reads once why
    assert outcome["message"].count(str(reason)) == (1 if reason else 0)


def test_order_without_outcomes_has_the_reason_of_its_ending(steps):
    # Given an order whose payment was refused before any item was looked at
    order = steps.checked()
    outcome = close(steps, order, ending={"kind": "refused", "reason": "expired"})
    assert [row["reason"] for row in outcome["doesNotShip"]] == ["expired", "expired"]


@pytest.mark.parametrize("name", ["OutOfStock", "ProductUnknown", "PreparationRefused", "DeliveryRefused"])
def test_customer_reads_the_words_of_a_refusal(steps, name):
    order = steps.checked()
    outcome = close(steps, order, [failed(order["items"][0], name, "because")], [0])
    assert outcome["doesNotShip"][0]["reason"] == "because"


@pytest.mark.parametrize("name", ["States.Timeout", "ClientError", "OrderBeingCancelled"])
def test_customer_does_not_read_of_the_workings(steps, name):
    order = steps.checked()
    outcome = close(steps, order, [failed(order["items"][0], name, "arn:aws:dynamodb:…")], [0])
    assert outcome["doesNotShip"][0]["reason"] == f"it could not be fulfilled ({name})"


@pytest.mark.parametrize("name", ["States.Timeout", "ClientError", "Runtime.ExitError"])
def test_customer_does_not_read_of_the_workings_why_an_order_was_undone(steps, name):
    order = steps.checked()
    ending = {"kind": "cancelled", "error": {"name": name, "message": "arn:aws:dynamodb:…"}}
    outcome = close(steps, order, [], [0, 1], ending)
    assert outcome["reason"] == f"it could not be fulfilled ({name})"
    assert "arn:" not in outcome["message"]


def test_order_is_closed_once_whatever_happens(steps, monkeypatch):
    # Given orders that are paid
    orders = []
    for run in range(20):
        taken = steps.check_order(order=raw_order() | {"orderId": f"order-{run}"}, execution="first")
        orders.append(taken["order"])
        steps.charge_payment(order=taken["order"])

    # When one is closed, and closed again
    def is_closed(run, answers):
        assert answers[0] == answers[1]
        assert steps.header(f"order-{run}")["status"] == "SHIPPED"

    run_with_faults(
        Calls(monkeypatch),
        lambda run: close(steps, orders[run], map(shipped, orders[run]["items"])),
        is_closed,
    )


def test_first_outcome_stays(steps):
    # Given
    order = steps.checked()
    first = close(steps, order, map(shipped, order["items"]))
    # When it is closed otherwise
    again = close(steps, order, ending={"kind": "rejected", "reason": "late"})
    # Then
    assert again == first
    assert steps.header()["status"] == "SHIPPED"
