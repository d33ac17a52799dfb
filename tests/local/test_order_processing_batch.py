"""Many orders at once: one workflow for each, so many at a time, and the same batch again."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from order_project import OrderProject, make_order
from projects import Ended

BOOK = "Agile Software Development"
STOCK = 100
AT_ONCE = 3


@pytest.fixture(scope="module")
def project(
    tmp_path_factory: pytest.TempPathFactory, new_cdk_account: Callable[[], dict[str, str]]
) -> OrderProject:
    """With fanOut, too, whose table can hold the orders."""
    project = OrderProject.copy(tmp_path_factory.mktemp("batch"), new_cdk_account())
    project.name_workflows("fanOut", "orderProcessing")
    project.deploy("--all")
    project.load_stock({BOOK: STOCK, "Domain-Driven Design": STOCK, "The Art of Computer Programming": 0})
    assert project.mailbox
    return project


def orders_of(ended: Ended) -> dict[str, dict[str, Any]]:
    return {row["orderId"]: row for row in ended.output["orders"]}


def executions(project: OrderProject) -> list[dict[str, Any]]:
    """Every execution of the order's own state machine."""
    pages = project.client("stepfunctions").get_paginator("list_executions")
    return list(pages.paginate(stateMachineArn=project.state_machine_arn).search("executions[]"))


def most_at_once(runs: list[dict[str, Any]]) -> int:
    changes: list[tuple[datetime, int]] = []
    for run in runs:
        changes += [(run["startDate"], 1), (run["stopDate"], -1)]
    running, most = 0, 0
    for _, change in sorted(changes):
        running += change
        most = max(most, running)
    return most


def test_batch_of_the_samples_gathers_each_outcome(project: OrderProject):
    # Given the sample batch, and somebody who approves what waits
    batch = json.loads((project.folder / "utils" / "orders" / "batch.json").read_text())
    arn = project.start_batch(batch)
    project.wait_for_status("12345681", "WAITING_FOR_APPROVAL")
    project.approve("12345681", "--approve")
    # When
    ended = project.wait(arn)
    # Then the batch succeeds, whatever became of its orders
    assert ended.status == "SUCCEEDED"
    rows = orders_of(ended)
    assert {order: row["status"] for order, row in rows.items()} == {
        "12345678": "succeeded",
        "12345679": "succeeded",
        "12345680": "succeeded",
        "12345681": "succeeded",
        "12345682": "failed",
    }
    assert {order: row["result"]["status"] for order, row in rows.items() if "result" in row} == {
        "12345678": "SHIPPED",
        "12345679": "REFUSED",
        "12345680": "PARTLY_SHIPPED",
        "12345681": "SHIPPED",
    }
    assert rows["12345682"]["error"]["name"] == "OrderInvalid"
    assert "detail.items[0].quantity" in rows["12345682"]["error"]["message"]
    counts = {name: ended.output[name] for name in ("items", "succeeded", "failed", "errors", "statuses")}
    assert counts == {
        "items": 5,
        "succeeded": 4,
        "failed": 1,
        "errors": {"OrderInvalid": 1},
        "statuses": {"SHIPPED": 2, "REFUSED": 1, "PARTLY_SHIPPED": 1},
    }
    assert [row["index"] for row in ended.output["orders"]] == [0, 1, 2, 3, 4]


def test_batch_started_twice_runs_no_order_twice(project: OrderProject):
    # Given a batch that runs, with orders of which one cannot be made a name
    orders = [make_order(f"twice-{n}", {"productName": BOOK, "price": 10.0}) for n in range(9)]
    orders.append(make_order("no name: {}", {"productName": BOOK, "price": 10.0}))
    before, stock = len(executions(project)), project.available(BOOK)
    # When the same batch is started again, at the same time and after its end
    first, second = (project.start_batch({"items": orders}) for _ in range(2))
    ended = [project.wait(first), project.wait(second), project.execute_batch({"items": orders})]
    # Then each has the outcome of the same executions
    assert [each.status for each in ended] == ["SUCCEEDED"] * 3
    assert ended[0].output == ended[1].output == ended[2].output
    assert ended[0].output["statuses"] == {"SHIPPED": 9}
    assert ended[0].output["errors"] == {"OrderInvalid": 1}
    assert len(executions(project)) == before + 10
    assert project.available(BOOK) == stock - 9
    for number in range(9):
        assert len(project.mailbox.messages(f"twice-{number}", "orderClosed")) == 1


def test_orders_run_three_at_a_time(project: OrderProject):
    # When
    orders = [make_order(f"paced-{n}", {"productName": BOOK, "price": 1}) for n in range(12)]
    ended = project.execute_batch({"items": orders})
    # Then
    assert ended.output["succeeded"] == 12
    runs = [run for run in executions(project) if run["name"].startswith("paced-")]
    assert len(runs) == 12
    assert most_at_once(runs) == AT_ONCE


def test_other_order_with_an_id_of_before_fails_alone(project: OrderProject):
    # Given
    project.execute_batch({"items": [make_order("taken", {"productName": BOOK, "price": 5})]})
    # When
    orders = [make_order(order_id, {"productName": BOOK, "price": 6}) for order_id in ("taken", "free")]
    ended = project.execute_batch({"items": orders})
    # Then
    rows = orders_of(ended)
    assert rows["taken"]["error"]["name"] == "OrderConflict"
    assert "taken" in rows["taken"]["error"]["message"]
    assert rows["free"]["result"]["status"] == "SHIPPED"


def test_batch_without_orders_succeeds_with_none(project: OrderProject):
    ended = project.execute_batch({"items": []})
    assert ended.output == {
        "items": 0,
        "succeeded": 0,
        "failed": 0,
        "errors": {},
        "statuses": {},
        "orders": [],
    }


def test_orders_of_the_table_are_run(project: OrderProject):
    # Given a list in the table of fanOut, with every type that JSON has
    fine = make_order("from-table", {"productName": BOOK, "price": 19.99, "quantity": 2})
    odd = make_order("odd", {"productName": None, "price": True, "quantity": [1, [2]]})
    project.load([fine, odd])
    # When
    ended = project.execute_batch({})
    # Then
    rows = orders_of(ended)
    assert rows["from-table"]["result"] == {"orderId": "from-table", "status": "SHIPPED", "charged": 39.98}
    assert rows["odd"]["error"]["name"] == "OrderInvalid"


@pytest.mark.parametrize("given", [{"items": {}}, [], "orders", {"items": None}])
def test_input_without_a_list_fails_by_name(project: OrderProject, given: Any):
    ended = project.execute_batch(given)
    assert (ended.status, ended.failure[0]) == ("FAILED", "ItemListInvalid")


def test_batch_is_shown_by_run(project: OrderProject):
    # When
    orders = json.dumps({"items": [make_order("shown", {"productName": BOOK, "price": 5}), {}]})
    printed = project.run(
        "python", "utils/run.py", "--workflow", "orderProcessing", "--batch", "--input", orders
    ).stdout
    # Then
    for said in ("shown", "SHIPPED", "OrderInvalid", "SUCCEEDED"):
        assert said in printed
