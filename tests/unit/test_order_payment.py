"""The payment of an order: charged once, each item refunded once, to the cent, whatever happens."""

from decimal import Decimal

import pytest
from order_outside import Outside
from order_steps import Calls, read_event, run_with_faults, start_steps

TOTAL, FIRST_AMOUNT, SECOND_AMOUNT = Decimal("155.97"), Decimal(60), Decimal("95.97")


@pytest.fixture
def steps():
    with start_steps() as started:
        yield started


@pytest.fixture
def outside(steps, monkeypatch):
    services = Outside(steps.modules.errors)
    services.install(steps.modules, monkeypatch)
    return services


def order(order_id="12345678", **changes):
    return read_event("order_checked.json")["order"] | {"orderId": order_id} | changes


def charge(steps, order_id="12345678"):
    return steps.charge_payment(order=order(order_id))


def refund(steps, *indexes, order_id="12345678"):
    items = [order()["items"][index] for index in indexes]
    return steps.refund_payment(orderId=order_id, items=items)


def charged(steps, order_id="12345678"):
    return steps.modules.payments.Ledger(steps.payments).charged(order_id)


@pytest.mark.parametrize("step", ["validate_payment", "charge_payment"])
def test_payment_that_the_provider_refuses_is_an_answer(steps, step):
    # Given a method that the stand-in does not take; when it is tried, then that is no error
    answer = getattr(steps, step)(order=order(paymentMethod="anExpiredCard"))
    reason = "the payment of 155.97 for order 12345678 was refused: the card has expired"
    assert answer == {"accepted": False, "reason": reason}
    # And nothing is booked
    assert steps.ledger() == {}


def test_validation_books_nothing(steps):
    assert steps.validate_payment(order=order()) == {"accepted": True}
    assert steps.ledger() == {}


def test_order_is_charged_once_whatever_happens(steps, outside, monkeypatch):
    def charge_order(run):
        return charge(steps, f"order-{run}")

    def is_charged(run, answers):
        assert answers == [{"accepted": True, "charged": 155.97}] * 2
        assert steps.ledger(f"order-{run}") == {"charge": TOTAL}
        assert outside.paid(f"order-{run}") == TOTAL

    run_with_faults(Calls(monkeypatch), charge_order, is_charged)


def test_items_are_refunded_once_whatever_happens(steps, outside, monkeypatch):
    # Given charged orders
    for run in range(20):
        charge(steps, f"order-{run}")

    def refund_items(run):
        return refund(steps, 0, 1, order_id=f"order-{run}")

    def is_refunded(run, answers):
        assert answers == [{"refunded": 155.97}] * 2
        entries = {"charge": TOTAL, "refund#000": FIRST_AMOUNT, "refund#001": SECOND_AMOUNT}
        assert steps.ledger(f"order-{run}") == entries
        assert outside.paid(f"order-{run}") == 0

    run_with_faults(Calls(monkeypatch), refund_items, is_refunded)


def test_only_what_is_named_is_refunded(steps, outside):
    charge(steps)
    # When one item is refunded, then the customer has paid the rest
    assert refund(steps, 1) == {"refunded": 95.97}
    assert charged(steps) == outside.paid("12345678") == FIRST_AMOUNT


def test_order_that_was_not_charged_never_will_be(steps, outside, monkeypatch):
    # Given orders whose charge is not known to have happened
    def refund_items(run):
        return refund(steps, 0, 1, order_id=f"order-{run}")

    # When they are refunded
    def is_void(run, answers):
        assert answers == [{"refunded": 0}] * 2
        # Then a charge that comes late is refused, at the provider, too
        assert charge(steps, f"order-{run}")["accepted"] is False
        assert charged(steps, f"order-{run}") == outside.paid(f"order-{run}") == 0

    run_with_faults(Calls(monkeypatch), refund_items, is_void)


def test_charge_that_is_overtaken_by_its_refund_is_given_back(steps, outside, monkeypatch):
    # Given a provider that answers only after the order was refunded
    def charge_late(*arguments):
        refund(steps, 0, 1)
        outside.voided.clear()
        return outside.charge(*arguments)

    monkeypatch.setattr(steps.modules.payment_provider, "charge", charge_late)
    # When the order is charged
    with pytest.raises(steps.error("OrderBeingCancelled")) as refused:
        charge(steps)
    # Then the step finds the ledger's entry, and gives back what it took
    assert str(refused.value) == "order 12345678 was refunded before this charge"
    assert charged(steps) == outside.paid("12345678") == 0


def test_money_is_exact(steps, outside):
    # Given an order of a hundred items, of which no price is a binary fraction
    lines = [{**order()["items"][0], "index": index, "amount": 0.1} for index in range(100)]
    steps.charge_payment(order=order(items=lines, total=10))
    # When all but one are refunded
    assert steps.refund_payment(orderId="12345678", items=lines[1:]) == {"refunded": 9.9}
    # Then that one is paid, to the cent
    assert charged(steps) == outside.paid("12345678") == Decimal("0.1")


def test_free_order_is_no_void_one(steps, outside):
    # Given an order that costs nothing
    free = order()["items"][0] | {"price": 0, "amount": 0}
    steps.charge_payment(order=order(items=[free], total=0))
    # When it is refunded, then its charge stays one
    assert steps.refund_payment(orderId="12345678", items=[free]) == {"refunded": 0}
    assert set(steps.ledger()) == {"charge", "refund#000"}
    assert outside.voided == set()
