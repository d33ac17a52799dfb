"""The rows of orders and of batches, and which of them are redriven."""

import json

import pytest
from order_history import LINES, NO_STOCK, ORDER_ID, BatchHistory, OrderHistory, outcome
from result_builder import EXECUTION, Session, States, client_error

from utils import redrive, results
from utils.command import CommandError

ORDER_MACHINE = json.dumps({"States": {"Check Order": {}, "Fulfil Items": {"Type": "Map"}}})
RUN_ORDER = {"Type": "Task", "Resource": "arn:aws:states:::states:startExecution.sync:2"}
BATCH_MACHINE = json.dumps(
    {"States": {"Run Orders": {"Type": "Map", "ItemProcessor": {"States": {"Run Order": RUN_ORDER}}}}}
)
START = "`python utils/run.py --workflow orderProcessing --input file://FILE`"
CLOSED = "send what is still wanted as another order, with an orderId of its own"
BATCH = (
    "execution run-1 is a batch, of which each order has an execution of its own: "
    f"`python utils/run.py --execution-arn {EXECUTION}` names those that failed, and each can be redriven"
)


@pytest.fixture
def run(monkeypatch, capsys):
    """Run a command on an execution; returns what it printed."""

    def run(command, states, *arguments):
        monkeypatch.setattr(command, "open_session", lambda *_: Session(states, None))
        command.main([EXECUTION, *arguments])
        return capsys.readouterr().out.splitlines()

    return run


def states_of(definition, events, status="FAILED", **described):
    states = States(status, definition_text=definition, **described)
    states.events = events
    return states


def gave_up(state, error):
    order = OrderHistory()
    order.check()
    order.give_up(state, error, "what is wrong")
    return states_of(ORDER_MACHINE, order.events, error=error, cause="what is wrong")


def stopped(**described):
    """An order whose Close Order failed, which no catcher took."""
    order = OrderHistory()
    order.check()
    order.fulfil()
    order.event("TaskStateEntered", {"name": "Close Order", "input": "{}"})
    order.event("ExecutionFailed", {"error": "Lambda.Unknown"})
    return states_of(ORDER_MACHINE, order.events, error="Lambda.Unknown", **described)


def test_an_order_has_a_row_an_item(run):
    order = OrderHistory()
    order.check()
    order.fulfil()
    order.close(outcome())

    lines = run(results, states_of(ORDER_MACHINE, order.events, "SUCCEEDED"), "--out", "-")

    shipped = {"index": 0, "productName": "Agile Software Development", "quantity": 1, "amount": 60.0}
    assert [json.loads(line) for line in lines] == [
        {
            "index": 0,
            "item": LINES[0],
            "status": "succeeded",
            "result": shipped | {"packageId": "P-1", "trackingId": "T-1"},
            "attempts": 1,
        },
        {
            "index": 1,
            "item": LINES[1],
            "status": "failed",
            "error": {"name": "OutOfStock", "message": NO_STOCK},
            "attempts": 1,
        },
    ]


def test_an_item_that_was_not_reached_is_pending(run):
    order = OrderHistory()
    order.check()
    order.map(2, "Fulfil Items")
    order.event("ExecutionAborted", {})

    lines = run(results, states_of(ORDER_MACHINE, order.events, "ABORTED"), "--out", "-")

    assert [(json.loads(line)["item"], json.loads(line)["status"]) for line in lines] == [
        (LINES[0], "pending"),
        (LINES[1], "pending"),
    ]


def test_an_order_whose_items_were_not_processed_has_no_rows_and_says_why(run):
    order = OrderHistory()
    order.check()
    order.close(outcome("REFUSED"))

    with pytest.raises(CommandError) as caught:
        run(results, states_of(ORDER_MACHINE, order.events, "SUCCEEDED"))

    assert str(caught.value) == (
        f"execution run-1 has no results, it ended before its first item: order {ORDER_ID} is REFUSED"
    )


def test_a_batch_has_a_row_an_order(run):
    lines = run(results, states_of(BATCH_MACHINE, BatchHistory().run(), "SUCCEEDED"), "--out", "-")

    rows = [json.loads(line) for line in lines]
    assert [row["item"] for row in rows] == list(BatchHistory.orders)
    assert rows[0]["result"] == {"orderId": ORDER_ID, "status": "PARTLY_SHIPPED", "charged": 60}
    assert rows[1]["error"] == {"name": "OrderInvalid", "message": "detail.customerId is missing"}


def test_an_order_that_stopped_halfway_is_redriven(run):
    states = stopped(redriveStatus="REDRIVABLE")

    assert run(redrive, states)[0] == f"redrove {EXECUTION}"
    assert states.redriven == [EXECUTION]


def test_an_order_that_was_redriven_and_stopped_again_is_redriven(run):
    # Given one that gave up once, by a definition of then
    states = gave_up("Order Not Taken", "Lambda.Unknown")
    again = OrderHistory()
    again.events = states.events
    again.event("ExecutionRedriven", {"redriveCount": 1})
    again.event("ExecutionFailed", {"error": "Lambda.Unknown"})

    run(redrive, states)

    assert states.redriven == [EXECUTION]


@pytest.mark.parametrize(
    ("state", "error", "instead"),
    [
        ("Order Not Taken", "OrderInvalid", f"correct the order, and start it with {START}"),
        (
            "Order Not Taken",
            "OrderConflict",
            f"give the order an orderId of its own, and start it with {START}",
        ),
        ("Order Not Taken", "OrderAlreadyStarted", "watch that execution, and redrive it if it fails"),
        (
            "Compensation Failed",
            "CompensationFailed",
            f"start the same order with {START}: that goes on with what is not undone",
        ),
        ("Order Failed", "OutOfStock", CLOSED),
        ("Order Failed", "Lambda.Unknown", CLOSED),
    ],
)
@pytest.mark.parametrize("more", [[], ["--failed-items"], ["--dry-run"]])
def test_an_order_that_ended_for_good_is_not_redriven(run, state, error, instead, *, more):
    states = gave_up(state, error)

    with pytest.raises(CommandError) as caught:
        run(redrive, states, *more)

    assert str(caught.value) == (
        f"execution run-1 ended FAILED: {error}: what is wrong; "
        f"redriving it would only repeat that: {instead}"
    )
    assert not states.redriven
    assert not states.started


@pytest.mark.parametrize("more", [[], ["--failed-items"]])
def test_an_order_that_succeeded_is_closed(run, more):
    states = states_of(ORDER_MACHINE, [], "SUCCEEDED")

    with pytest.raises(CommandError) as caught:
        run(redrive, states, *more)

    assert str(caught.value) == f"execution run-1 has succeeded, so the order is closed: {CLOSED}"


def test_the_failed_items_of_an_order_are_not_started_by_themselves(run):
    states = stopped(redriveStatus="REDRIVABLE")

    with pytest.raises(CommandError) as caught:
        run(redrive, states, "--failed-items")

    assert str(caught.value) == (
        "the items of an order are not processed again by themselves: "
        f"`python utils/redrive.py {EXECUTION}` goes on with the order"
    )
    assert not states.started


def test_an_order_that_aws_does_not_redrive_needs_somebody(run):
    states = stopped(redriveStatus="NOT_REDRIVABLE", redriveStatusReason="redrivable period exceeded")

    with pytest.raises(CommandError) as caught:
        run(redrive, states)

    assert str(caught.value) == (
        "execution run-1 cannot be redriven (redrivable period exceeded): its order stays as it is in the "
        "orders table, until somebody ends it there by hand"
    )


@pytest.mark.parametrize(
    ("status", "more"), [("SUCCEEDED", []), ("SUCCEEDED", ["--failed-items"]), ("FAILED", ["--failed-items"])]
)
def test_the_orders_of_a_batch_are_redriven_one_by_one(run, status, more):
    states = states_of(BATCH_MACHINE, BatchHistory().run(), status)

    with pytest.raises(CommandError) as caught:
        run(redrive, states, *more)

    assert str(caught.value) == BATCH
    assert not states.started


def test_a_batch_that_was_stopped_is_redriven(run):
    states = states_of(BATCH_MACHINE, BatchHistory().run(), "ABORTED")

    run(redrive, states)

    assert states.redriven == [EXECUTION]


def test_an_execution_whose_state_machine_is_gone_is_left_to_aws(run, monkeypatch):
    states = states_of(ORDER_MACHINE, [], "FAILED")

    def refuse(**_):
        raise client_error("StateMachineDoesNotExist")

    monkeypatch.setattr(states, "describe_state_machine_for_execution", refuse)

    run(redrive, states)

    assert states.redriven == [EXECUTION]


def test_a_definition_that_may_not_be_read_is_one_line(run, monkeypatch):
    states = states_of(ORDER_MACHINE, [], "FAILED")

    def refuse(**_):
        raise client_error("AccessDeniedException", "not authorized")

    monkeypatch.setattr(states, "describe_state_machine_for_execution", refuse)

    with pytest.raises(CommandError) as caught:
        run(redrive, states)

    assert str(caught.value) == (
        f"reading the definition of {EXECUTION}: no permission: use a profile that may do this "
        "(AccessDeniedException: not authorized)"
    )
