"""The check of an order: its exact amounts, and which execution takes it."""

import json
from decimal import Decimal

import pytest
from order_steps import (
    FIRST,
    SECOND,
    Calls,
    largest_order,
    raw_order,
    read_event,
    run_with_faults,
    start_steps,
)

ITEM = {"productName": "Refactoring", "category": "book", "price": 47.99, "quantity": 2}
ERROR = {"name": "Lost", "message": "a network"}
LEFT = {"execution": FIRST, "items": [], "outcomes": [], "failure": None, "error": ERROR}
MAX_STATE_BYTES = 256 * 1024


@pytest.fixture
def steps():
    with start_steps() as started:
        yield started


def test_order_that_is_refused_leaves_nothing(steps):
    with pytest.raises(steps.error("OrderInvalid")):
        steps.check_order(order={}, execution=FIRST)
    assert steps.orders.scan()["Items"] == []


def test_order_is_returned_as_the_steps_want_it(steps):
    # Given the shipped event; when the order is checked
    answer = steps.check_order(**read_event("order_check.json"))
    # Then it is the event of the other steps
    assert answer == read_event("order_checked.json")
    # And the table has it, exact
    header = steps.header()
    assert (header["status"], header["execution"]) == (
        "RECEIVED",
        read_event("order_check.json")["execution"],
    )
    assert (header["total"], header["customerId"]) == (Decimal("155.97"), "1234")
    assert header["order"]["items"][1]["amount"] == Decimal("95.97")


@pytest.mark.parametrize(
    ("price", "quantity", "amount"),
    [(0.1, 3, "0.3"), (1.15, 100, "115"), (0, 5, "0"), (9_999_999_999_999.99, 1, "9999999999999.99")],
)
def test_amounts_are_exact(steps, price, quantity, amount):
    # Given a price that no binary fraction is, or as much as can be
    order = raw_order(items=[ITEM | {"price": price, "quantity": quantity}])
    # When it is checked, then its amount is exact, also on its way through JSON
    (line,) = steps.check_order(order=order, execution=FIRST)["order"]["items"]
    assert Decimal(str(line["amount"])) == Decimal(amount)
    assert steps.header()["total"] == Decimal(amount)


def test_largest_order_fits_a_state_with_all_that_became_of_it(steps):
    # Given the largest order, whose items all failed with the longest messages
    order = steps.check_order(order=largest_order(steps.modules), execution=FIRST)["order"]
    shown = ("index", "productName", "quantity", "amount")
    error = {"name": "States.DataLimitExceeded", "message": "日" * 200}
    outcomes = [
        {**{key: line[key] for key in shown}, "status": "failed", "error": error} for line in order["items"]
    ]
    # When its compensation failed, and another execution takes it over
    left = LEFT | {"items": order["items"], "outcomes": outcomes, "failure": error}
    steps.record_compensation_failure(orderId=order["orderId"], **left)
    answer = steps.check_order(order=largest_order(steps.modules), execution=SECOND)
    # Then all of it fits into a state's data
    assert answer["compensation"]["outcomes"] == outcomes
    assert len(json.dumps(answer, ensure_ascii=False).encode()) < MAX_STATE_BYTES


def test_order_is_taken_once_whatever_happens(steps, monkeypatch):
    # Given a table whose calls fail; when an order is checked again by the same execution
    def check_order(run):
        return steps.check_order(order=raw_order() | {"orderId": f"order-{run}"}, execution=FIRST)

    # Then it has the order each time
    def is_taken(run, answers):
        assert answers[0] == answers[1]
        assert set(answers[0]) == {"order"}
        assert steps.header(f"order-{run}")["execution"] == FIRST

    run_with_faults(Calls(monkeypatch), check_order, is_taken)


def test_second_execution_does_not_get_an_open_order(steps):
    # Given
    steps.checked(FIRST)
    # When another execution has the same order
    with pytest.raises(steps.error("OrderAlreadyStarted")) as refused:
        steps.checked(SECOND)
    # Then
    assert str(refused.value) == (
        f"order 12345678 is in execution {FIRST}, which has not closed it: watch that execution, or redrive "
        "it if it failed"
    )
    assert steps.header()["execution"] == FIRST


@pytest.mark.parametrize("execution", [FIRST, SECOND])
def test_other_order_of_the_same_id_is_a_conflict(steps, execution):
    # Given
    steps.checked(FIRST)
    # When an order of the same id costs a cent more
    with pytest.raises(steps.error("OrderConflict")) as refused:
        steps.checked(execution, items=[ITEM | {"price": 48}])
    # Then
    assert str(refused.value) == "order 12345678 is known with other content: give this one its own id"


def test_closed_order_has_its_outcome(steps):
    # Given
    order = steps.checked(FIRST)
    ending = {"kind": "refused", "reason": "expired"}
    outcome = steps.close_order(order=order, outcomes=[], undone=[], ending=ending)
    # When it comes again, in another execution
    assert steps.check_order(order=raw_order(), execution=SECOND) == {"outcome": outcome}
    # And with other content it is still a conflict
    with pytest.raises(steps.error("OrderConflict")):
        steps.checked(SECOND, customerId="5")


def test_broken_order_is_taken_over_by_one_execution(steps):
    # Given an order that could not be undone
    order = steps.checked(FIRST)
    left = LEFT | {"items": order["items"][:1], "outcomes": [{"index": 0, "amount": 0.1}]}
    assert steps.record_compensation_failure(orderId="12345678", **left) == {}
    assert steps.header()["status"] == "COMPENSATION_FAILED"
    # When another execution has the same order, and looks twice
    answers = [steps.check_order(order=raw_order(), execution=SECOND) for _ in range(2)]
    # Then it gets what is left to undo
    compensation = {"items": order["items"][:1], "outcomes": [{"index": 0, "amount": 0.1}], "failure": None}
    assert answers == [{"order": order, "compensation": compensation}] * 2
    assert steps.header()["status"] == "COMPENSATING"
    # And no other execution does
    with pytest.raises(steps.error("OrderAlreadyStarted"), match=SECOND):
        steps.checked("arn:…:orders:third")


def test_take_over_happens_once_whatever_happens(steps, monkeypatch):
    def take_over(run):
        order = raw_order() | {"orderId": f"order-{run}"}
        if not steps.header(f"order-{run}"):
            steps.check_order(order=order, execution=FIRST)
            steps.record_compensation_failure(orderId=f"order-{run}", **LEFT)
        calls.fail(*planned.pop(0)) if planned else None
        return steps.check_order(order=order, execution=SECOND)

    calls, planned = Calls(monkeypatch), []
    # Given one of the three calls of a take-over that fails in each way
    for run, (number, fault) in enumerate((n, f) for n in range(3) for f in ("lost before", "lost after")):
        planned.append((number, fault))
        with pytest.raises(BaseException, match=r"^$"):
            take_over(run)
        # When the execution checks again, then it has the order
        assert "compensation" in take_over(run)
        assert steps.header(f"order-{run}")["execution"] == SECOND


def test_late_record_of_a_failure_does_not_break_the_order_of_another_execution(steps):
    # Given an order that another execution has taken over
    steps.checked(FIRST)
    steps.record_compensation_failure(orderId="12345678", **LEFT)
    steps.check_order(order=raw_order(), execution=SECOND)
    # When the first one's record comes again
    steps.record_compensation_failure(orderId="12345678", **LEFT)
    # Then a third execution cannot take it over, too
    assert steps.header()["status"] == "COMPENSATING"


def test_late_record_of_a_failure_does_not_open_a_closed_order(steps):
    # Given an order that was closed after all
    order = steps.checked(FIRST)
    ending = {"kind": "cancelled", "error": {"name": "States.Timeout", "message": ""}}
    steps.close_order(order=order, outcomes=[], undone=[], ending=ending)
    # When the record comes late
    steps.record_compensation_failure(orderId="12345678", **LEFT)
    # Then
    assert steps.header()["status"] == "CANCELLED"
    assert "compensation" not in steps.header()
