"""Each sample order, from the stock command line to the books and the customer's message."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from order_project import HEADER, OrderProject, attributes, make_order
from projects import Ended

AGILE, DOMAIN, ART = (
    "Agile Software Development",
    "Domain-Driven Design",
    "The Art of Computer Programming",
)
STOCK = 50
"""Copies of the first two in utils/orders/stock.json; of the third there is none."""

ITEM_STEPS = ["Check Availability", "Prepare For Delivery", "Start Delivery"]
AT_ONCE = 3
"""maxConcurrency of the default configuration."""


@pytest.fixture(scope="module")
def project(
    tmp_path_factory: pytest.TempPathFactory, new_cdk_account: Callable[[], dict[str, str]]
) -> OrderProject:
    """With the default configuration and an empty stock; somebody reads the topic."""
    project = OrderProject.copy(tmp_path_factory.mktemp("orders"), new_cdk_account())
    project.name_workflows("orderProcessing")
    project.deploy()
    assert project.mailbox
    return project


@pytest.fixture(autouse=True)
def full_stock(project: OrderProject) -> None:
    project.run("python", "utils/load-inventory.py", "--json", "utils/orders/stock.json")


def start_sample(project: OrderProject, name: str) -> str:
    machine = ["--state-machine-arn", project.state_machine_arn]
    given = ["--input", f"file://utils/orders/{name}.json"]
    arn: str = project.aws("stepfunctions", "start-execution", *machine, *given)["executionArn"]
    return arn


def run_sample(project: OrderProject, name: str) -> Ended:
    return project.wait(start_sample(project, name))


def closing_message(project: OrderProject, order_id: str) -> dict[str, Any]:
    """The one message that tells the customer how an order ended."""
    (message,) = project.mailbox.messages(order_id, "orderClosed")
    return message


def entered(ended: Ended) -> list[str]:
    events = [event for event in ended.events if event["type"].endswith("StateEntered")]
    return [event["stateEnteredEventDetails"]["name"] for event in events]


def test_order_is_paid_fulfilled_and_told_once(project: OrderProject):
    # When
    ended = run_sample(project, "order")
    # Then all of it ships and is paid
    assert ended.status == "SUCCEEDED"
    assert ended.output["status"] == "SHIPPED"
    assert ended.output["charged"] == 92.0
    assert [line["productName"] for line in ended.output["ships"]] == [AGILE, DOMAIN]
    assert ended.output["doesNotShip"] == []
    # And the books say the same
    assert project.ledger("12345678") == {"charge": Decimal(92)}
    assert [project.available(product) for product in (AGILE, DOMAIN)] == [STOCK - 1] * 2
    parts = project.parts("12345678")
    assert parts.pop(HEADER)["status"] == "SHIPPED"
    assert {name: part["status"] for name, part in parts.items()} == {
        "item#000": "SHIPPED",
        "item#001": "SHIPPED",
    }
    # And the customer has read it
    message = closing_message(project, "12345678")
    assert attributes(message)["status"] == "SHIPPED"
    for said in ("12345678", AGILE, DOMAIN, "92.00"):
        assert said in message["Message"]
    # And each item went through the three steps, in this order
    steps = [
        name
        for name in entered(ended)
        if name in {"Check Availability", "Prepare For Delivery", "Start Delivery"}
    ]
    assert sorted(steps) == sorted(["Check Availability", "Prepare For Delivery", "Start Delivery"] * 2)
    assert steps[0] == "Check Availability"
    assert steps[-1] == "Start Delivery"


def test_same_order_again_is_not_run_again(project: OrderProject):
    # Given an order that was closed
    order = make_order("again", {"productName": AGILE, "price": 60.0})
    first = project.execute(order)
    # When
    second = project.execute(order)
    # Then
    assert second.status == "SUCCEEDED"
    assert second.output == first.output
    assert project.ledger("again") == {"charge": Decimal(60)}
    assert project.available(AGILE) == STOCK - 1
    assert closing_message(project, "again")


def test_other_order_with_the_same_id_fails(project: OrderProject):
    # Given
    project.execute(make_order("one-id", {"productName": AGILE, "price": 60.0}))
    # When
    ended = project.execute(make_order("one-id", {"productName": DOMAIN, "price": 32.0}))
    # Then
    error, cause = ended.failure
    assert error == "OrderConflict"
    assert "one-id" in cause
    assert project.available(DOMAIN) == STOCK


def test_refused_payment_is_told_and_is_no_failure(project: OrderProject):
    # When
    ended = run_sample(project, "refused")
    # Then
    assert ended.status == "SUCCEEDED"
    assert ended.output["status"] == "REFUSED"
    assert ended.output["charged"] == 0
    assert ended.output["reason"]
    assert "Fulfil Items" not in entered(ended)
    assert project.ledger("12345679") == {}
    assert set(project.parts("12345679")) == {HEADER}
    assert project.available(AGILE) == STOCK
    assert ended.output["reason"] in closing_message(project, "12345679")["Message"]


def test_item_out_of_stock_does_not_sink_the_order(project: OrderProject):
    # When
    ended = run_sample(project, "out_of_stock")
    # Then
    assert ended.status == "SUCCEEDED"
    assert ended.output["status"] == "PARTLY_SHIPPED"
    assert [line["productName"] for line in ended.output["ships"]] == [AGILE]
    (missing,) = ended.output["doesNotShip"]
    assert missing["productName"] == ART
    assert "0 in stock" in missing["reason"]
    # And only what ships is paid
    assert ended.output["charged"] == 60.0
    assert project.ledger("12345680") == {"charge": Decimal(151), "refund#001": Decimal(91)}
    assert project.parts("12345680")["item#001"]["status"] == "RELEASED"
    text = closing_message(project, "12345680")["Message"]
    for said in (AGILE, ART, "60.00"):
        assert said in text


def test_large_order_ships_once_it_is_approved(project: OrderProject):
    # Given
    arn = start_sample(project, "approval")
    project.wait_for_status("12345681", "WAITING_FOR_APPROVAL")
    assert project.ledger("12345681") == {}
    assert project.available(AGILE) == STOCK
    # When
    said = project.approve("12345681", "--approve")
    ended = project.wait(arn)
    # Then
    assert "12345681" in said
    assert ended.output["status"] == "SHIPPED"
    assert project.charged("12345681") == Decimal(1240)
    assert project.available(AGILE) == STOCK - 10


def test_malformed_order_fails_by_name_and_leaves_nothing(project: OrderProject):
    # When
    ended = run_sample(project, "malformed")
    # Then
    error, cause = ended.failure
    assert (ended.status, error) == ("FAILED", "OrderInvalid")
    for place in ("detail.deliveryAddress", "detail.items[0].quantity", "detail.items[1].price"):
        assert place in cause
    assert "\n" not in cause
    assert project.parts("12345682") == {}
    assert project.ledger("12345682") == {}


@pytest.mark.parametrize("given", [{}, [], None, "12345678", {"items": []}, {"orderId": 1}])
def test_input_that_is_no_order_fails_by_name(project: OrderProject, given: Any):
    ended = project.execute(given)
    assert (ended.status, ended.failure[0]) == ("FAILED", "OrderInvalid")


def test_order_that_is_nested_too_deeply_fails_at_once(project: OrderProject):
    # Given what Step Functions takes, and Lambda's runtime for Python cannot read
    order = '{"orderId": ' + "[" * 1_200 + "]" * 1_200 + "}"
    # When
    answer = project.client("stepfunctions").start_execution(
        stateMachineArn=project.state_machine_arn, input=order
    )
    ended = project.wait(answer["executionArn"])
    # Then
    assert ended.failure == ("OrderInvalid", "the order is nested too deeply to be read")
    assert len(ended.of_type("TaskScheduled")) == 1


def test_items_are_fulfilled_three_at_once_and_never_more(project: OrderProject):
    # When
    items = [{"productName": AGILE, "price": 1.5} for _ in range(12)]
    ended = project.execute(make_order("a-dozen", *items))
    # Then
    assert ended.output["status"] == "SHIPPED"
    assert project.available(AGILE) == STOCK - 12
    running, most = 0, 0
    for event in ended.of_type("MapIterationStarted", "MapIterationSucceeded"):
        running += 1 if event["type"] == "MapIterationStarted" else -1
        most = max(most, running)
    assert most == AT_ONCE
