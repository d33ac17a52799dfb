"""An order's JSONata, evaluated where it misleads: lists of one, none that failed, null, cut messages."""

import json

import pytest
from evaluation import evaluate

from stacks.order_processing import expressions

LINES = [
    {
        "index": index,
        "productName": f"Book {index}",
        "category": "book",
        "price": 1.5,
        "quantity": 2,
        "amount": 3.0,
    }
    for index in range(4)
]
ADDRESS = {"orderId": "a-1", "deliveryAddress": "123, Seattle, WA", "deliverySpeed": "1-day"}
SHOWN = ("index", "productName", "quantity", "amount")
ERROR = {"name": "OutOfStock", "message": "none"}


def order_of(lines, total=6):
    return {**ADDRESS, "orderDate": "20190820101213", "customerId": "1", "items": lines, "total": total}


def outcome(index, *, failed=False, message="gone"):
    line = {key: LINES[index][key] for key in SHOWN}
    if failed:
        return {**line, "status": "failed", "error": {"name": f"Error{index}", "message": message}}
    return {**line, "packageId": f"package-{index}", "trackingId": f"tracking-{index}"}


def fill(fields, variables=None, **states):
    """Evaluate each field of a template."""
    return {name: evaluate(it, variables, **states) for name, it in fields.items()}


def lambda_error(name, message):
    """Return what a state catches when a function raised."""
    return {"Error": name, "Cause": json.dumps({"errorMessage": message, "errorType": name})}


def test_check_gets_the_whole_input_and_who_asks():
    states = {"input": {"orderId": ["x"]}, "context": {"Execution": {"Id": "arn:one"}}}
    expected = {"order": {"orderId": ["x"]}, "execution": "arn:one"}
    assert fill(expressions.CHECK_ORDER, **states) == expected


@pytest.mark.parametrize(
    ("answer", "closed", "broken"),
    [
        ({"order": {}}, False, False),
        ({"outcome": {"status": "SHIPPED"}}, True, False),
        ({"order": {}, "compensation": {"items": []}}, False, True),
    ],
)
def test_answers_of_the_check_are_told_apart(answer, closed, broken):
    assert evaluate(expressions.CLOSED_BEFORE, input=answer) is closed
    assert evaluate(expressions.COMPENSATION_IS_OPEN, input=answer) is broken


@pytest.mark.parametrize("lines", [LINES[:1], LINES[:2]], ids=len)
def test_new_order_has_done_nothing_yet(lines):
    order = order_of(lines)
    expected = {"order": order, "outcomes": [], "undo": [], "failure": None}
    assert fill(expressions.NEW_ORDER, input={"order": order}) == expected


@pytest.mark.parametrize("failure", [None, {"name": "OutOfStock", "message": "none left"}])
@pytest.mark.parametrize("count", [0, 1, 2])
def test_broken_order_goes_on_with_what_is_left(count, failure):
    # Given what another execution left, one line of it or more
    compensation = {
        "items": LINES[:count],
        "outcomes": [outcome(index) for index in range(count)],
        "failure": failure,
    }
    order = order_of(LINES)
    # When it is taken over
    variables = fill(expressions.BROKEN_ORDER, input={"order": order, "compensation": compensation})
    # Then it is all there, lists of one included
    assert variables == {
        "order": order,
        "undo": compensation["items"],
        "outcomes": compensation["outcomes"],
        "failure": failure,
    }


@pytest.mark.parametrize(
    ("threshold", "total", "waits"),
    [(1000, 1000, False), (1000, 1000.01, True), (0, 0, False), (0, 0.01, True), (99.5, 99.5, False)],
)
def test_order_above_the_threshold_waits(threshold, total, waits):
    variables = {"order": order_of(LINES, total)}
    assert evaluate(expressions.needs_approval(threshold), variables) is waits


def test_approval_is_requested_with_the_token_and_its_time():
    order = order_of(LINES[:1])
    context = {"Task": {"Token": "secret"}}
    payload = fill(expressions.request_approval(90), {"order": order}, context=context)
    assert payload == {"order": order, "token": "secret", "timeoutSeconds": 90}


@pytest.mark.parametrize(("hours", "said"), [(24, "24"), (24.0, "24"), (0.5, "0.5"), (0.001, "0.001")])
def test_no_answer_is_a_rejection(hours, said):
    decision = evaluate(expressions.no_answer(hours))
    assert decision == {"approved": False, "reason": f"no answer within {said} hours", "by": None}
    assert evaluate(expressions.IS_APPROVED, input=decision) is False
    ending = {"kind": "rejected", "reason": f"no answer within {said} hours"}
    assert evaluate(expressions.REJECTED, input=decision) == ending


@pytest.mark.parametrize(
    ("decision", "approved"),
    [
        ({"approved": True, "reason": None}, True),
        ({"approved": False, "reason": "too much"}, False),
        ({"approved": "true"}, False),
        ({}, False),
    ],
)
def test_only_true_approves(decision, approved):
    assert evaluate(expressions.IS_APPROVED, input=decision) is approved


def test_decision_is_recorded_as_it_came():
    decision = {"approved": True, "reason": None, "by": "arn:someone"}
    payload = fill(expressions.DECISION, {"order": order_of(LINES)}, input=decision)
    assert payload == {"orderId": "a-1", "decision": decision}


@pytest.mark.parametrize(
    ("answer", "refused"), [({"accepted": True}, False), ({"accepted": False, "reason": "expired"}, True)]
)
def test_refused_payment_ends_the_order(answer, refused):
    assert evaluate(expressions.IS_REFUSED, input=answer) is refused
    if refused:
        ending = {"kind": "refused", "reason": "expired"}
        assert evaluate(expressions.REFUSED, input=answer) == ending


def test_steps_of_an_item_get_its_line_and_where_it_goes():
    variables, line = {"order": order_of(LINES)}, LINES[1]
    assert fill(expressions.ITEM, variables, input={"item": line}) == {"orderId": "a-1", "item": line}
    assert fill(expressions.DELIVERY, variables, input={"item": line}) == {"order": ADDRESS, "item": line}


def test_shipped_item_says_what_was_sent_and_how_to_follow_it():
    result = {"Payload": {"packageId": "package-2"}}
    package = evaluate(expressions.PACKAGE_ID, input={"item": LINES[2]}, result=result)
    states = {"input": {"item": LINES[2]}, "result": {"Payload": {"trackingId": "tracking-2"}}}
    assert evaluate(expressions.SHIPPED_ITEM, {"packageId": package}, **states) == outcome(2)


@pytest.mark.parametrize(
    ("error", "recorded"),
    [
        (lambda_error("OutOfStock", "none left"), {"name": "OutOfStock", "message": "none left"}),
        (lambda_error("E", "ü" * 300), {"name": "E", "message": "ü" * 200}),
        (
            {"Error": "Lambda.TooManyRequestsException", "Cause": "Rate Exceeded."},
            {"name": "Lambda.TooManyRequestsException", "message": "Rate Exceeded."},
        ),
        ({"Error": "States.Timeout", "Cause": ""}, {"name": "States.Timeout", "message": ""}),
        ({"Error": "States.Timeout"}, {"name": "States.Timeout", "message": ""}),
        ({}, {"name": "", "message": ""}),
    ],
)
def test_failed_item_is_recorded_as_the_commands_know_it(error, recorded):
    # Given an error of the second item
    caught = evaluate(expressions.CAUGHT_ITEM_ERROR, input={"item": LINES[1]}, errorOutput=error)
    # When it is recorded
    failed = evaluate(expressions.FAILED_ITEM, input=caught)
    # Then utils/watch tells it by these three, and the rest is the line
    assert failed == {**outcome(1, failed=True), "error": recorded}


@pytest.mark.parametrize(
    ("failed", "count"), [((), 1), ((), 3), ((0,), 1), ((1,), 3), ((0, 2), 3), ((0, 1, 2), 3)]
)
def test_items_are_judged_when_all_have_their_outcome(failed, count):
    # Given outcomes in the order of the items
    outcomes = [outcome(index, failed=index in failed) for index in range(count)]
    variables = {"order": order_of(LINES[:count]), "outcomes": outcomes}
    # Then the order is fulfilled if none failed
    assert evaluate(expressions.ALL_FULFILLED, variables) is not bool(failed)
    # And otherwise the lines of those that failed are undone, in a list, or the order, because of the first
    if failed:
        assert evaluate(expressions.FAILED_LINES, variables) == [LINES[index] for index in failed]
        first = failed[0]
        assert evaluate(expressions.FIRST_FAILURE, variables) == {
            "name": f"Error{first}",
            "message": f"Item at index {first} (Book {first}) failed: gone",
        }


def test_failure_without_a_message_still_names_the_item():
    variables = {"outcomes": [outcome(3, failed=True, message="")]}
    assert evaluate(expressions.FIRST_FAILURE, variables) == {
        "name": "Error3",
        "message": "Item at index 3 (Book 3) failed",
    }


def test_caught_error_has_its_whole_message():
    # Given an error that names many things
    message = "; ".join(f"detail.items[{index}].quantity = 0" for index in range(100))
    error = lambda_error("OrderInvalid", message)
    # Then none is cut off
    caught = evaluate(expressions.CAUGHT_ERROR, errorOutput=error)
    assert caught == {"name": "OrderInvalid", "message": message}


@pytest.mark.parametrize(
    ("failure", "ending"),
    [
        (None, {"kind": "fulfilled", "reason": None}),
        (ERROR, {"kind": "cancelled", "error": ERROR}),
    ],
)
def test_order_that_was_undone_as_a_whole_is_cancelled(failure, ending):
    assert evaluate(expressions.COMPENSATED, {"failure": failure}) == ending
    assert evaluate(expressions.IS_UNDONE, {"failure": failure}) is (failure is not None)


def test_fulfilled_order_has_no_reason():
    assert evaluate(expressions.FULFILLED) == {"kind": "fulfilled", "reason": None}


@pytest.mark.parametrize("count", [1, 2])
def test_compensation_gets_lines_and_leaves_a_record_of_all_it_knows(count):
    failure = {"name": "OutOfStock", "message": "none"}
    variables = {
        "order": order_of(LINES),
        "undo": LINES[:count],
        "outcomes": [outcome(index) for index in range(count)],
        "failure": failure,
    }
    error = {"name": "WarehouseDown", "message": "closed"}
    undo = {"orderId": "a-1", "items": LINES[:count]}
    assert fill(expressions.UNDO, variables) == undo
    states = {"input": error, "context": {"Execution": {"Id": "arn:one"}}}
    assert fill(expressions.COMPENSATION_FAILURE, variables, **states) == {
        **undo,
        "execution": "arn:one",
        "outcomes": variables["outcomes"],
        "failure": failure,
        "error": error,
    }
    assert evaluate(expressions.COMPENSATION_FAILURE_CAUSE, input=error) == (
        "WarehouseDown: closed. Once that is mended, start the same order again: it goes on with what is "
        "not undone"
    )


@pytest.mark.parametrize("count", [0, 1, 3])
def test_order_is_closed_with_its_outcomes_and_what_was_undone(count):
    variables = {
        "order": order_of(LINES[:3]),
        "outcomes": [outcome(index) for index in range(count)],
        "undo": LINES[:count],
        "ending": {"kind": "refused", "reason": "expired"},
    }
    assert fill(expressions.CLOSE_ORDER, variables) == {
        "order": variables["order"],
        "outcomes": variables["outcomes"],
        "undone": list(range(count)),
        "ending": variables["ending"],
    }


@pytest.mark.parametrize("ships", [[], [{"productName": "Book 0"}], [{"productName": "Book 0"}] * 2])
def test_output_is_the_outcome_without_what_only_the_customer_reads(ships):
    outcome = {"orderId": "a-1", "status": "SHIPPED", "ships": ships, "doesNotShip": [], "reason": None}
    given = {**outcome, "subject": "Your order", "message": "It ships"}
    assert evaluate(expressions.without_message("$states.input"), input=given) == outcome
    closed = expressions.without_message("$states.input.outcome")
    assert evaluate(closed, input={"outcome": given}) == outcome
