"""Two hundred orders over fifty copies, while steps die, are throttled, and run twice: the books add up."""

import json
import random
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from faulty_calls import install
from order_project import HEADER, OrderProject, make_order
from projects import Ended, wait_until

ORDERS = 200
COPIES = 50
BOOK, PRICE = "Domain-Driven Design", Decimal("31.99")
BATCHES = 4
"""Started at the same time."""

FAULTS = ["die before", "die after", "throttle"]
FAULTY_CALLS = ["TransactWriteItems", "PutItem", "UpdateItem", "GetItem", "Query"]
CHANCE = random.Random(20)
PLAN = {
    operation: CHANCE.choices(["pass", *FAULTS], [96, 1, 1, 2], k=4 * ORDERS) for operation in FAULTY_CALLS
}
"""What becomes of the first calls of each operation."""

STOPPED = 8
"""Executions that are stopped under way, and redriven."""

SECONDS = 200
"""Enough for all of it."""

STEPS = Path("lambdas") / "order_processing" / "order_steps"


@pytest.fixture(scope="module")
def project(
    tmp_path_factory: pytest.TempPathFactory, new_cdk_account: Callable[[], dict[str, str]]
) -> OrderProject:
    project = OrderProject.copy(tmp_path_factory.mktemp("copies"), new_cdk_account())
    install(project.folder / STEPS, project.folder / "plan.json", "check_handler", "step_handlers")
    project.name_workflows("orderProcessing")
    project.deploy()
    project.load_stock({BOOK: COPIES})
    assert project.mailbox
    return project


def read_plan(project: OrderProject) -> dict[str, list[str]]:
    plan: dict[str, list[str]] = json.loads((project.folder / "plan.json").read_text(encoding="utf-8"))
    return plan


def order_id(number: int) -> str:
    return f"copy-{number}"


def order(number: int) -> dict[str, Any]:
    return make_order(order_id(number), {"productName": BOOK, "price": float(PRICE)})


def stop_and_redrive_some(project: OrderProject) -> None:
    """Stop executions wherever they are, and let each go on."""
    client = project.client("stepfunctions")
    machine = project.state_machine_arn
    stopped: list[str] = []

    def running() -> Any:
        answer = client.list_executions(stateMachineArn=machine, statusFilter="RUNNING")
        return [run["executionArn"] for run in answer["executions"] if run["executionArn"] not in stopped]

    while len(stopped) < STOPPED:
        (arn, *_) = wait_until(running)
        client.stop_execution(executionArn=arn)
        stopped.append(arn)
    for arn in stopped:
        if project.wait(arn, SECONDS).status == "ABORTED":
            client.redrive_execution(executionArn=arn)
    for arn in stopped:
        ended = project.wait(arn, SECONDS)
        assert ended.status == "SUCCEEDED", ended.failure


@pytest.fixture(scope="module")
def batches(project: OrderProject) -> list[Ended]:
    """Every order, in batches side by side, of which the last ones name orders of the first again."""
    (project.folder / "plan.json").write_text(json.dumps(PLAN), encoding="utf-8")
    orders = [order(number) for number in range(ORDERS)]
    slices = [orders[start::BATCHES] for start in range(BATCHES)]
    slices[-1] = slices[-1] + slices[0][:10]
    started = [project.start_batch({"items": part}) for part in slices]
    stop_and_redrive_some(project)
    return [project.wait(arn, SECONDS) for arn in started]


def test_each_copy_is_sold_once_and_everybody_is_told(project: OrderProject, batches: list[Ended]):
    # Given all orders went through, those too that were stopped
    assert [each.status for each in batches] == ["SUCCEEDED"] * BATCHES
    headers = [project.header(order_id(number)) for number in range(ORDERS)]
    # Then
    assert Counter(header["status"] for header in headers) == {
        "SHIPPED": COPIES,
        "CANCELLED": ORDERS - COPIES,
    }
    assert project.available(BOOK) == 0
    # And each customer has one message, which says it
    for header in headers:
        (message,) = project.mailbox.messages(header["orderId"], "orderClosed")
        assert message["MessageAttributes"]["status"]["Value"] == header["status"]


def test_ledger_adds_up(project: OrderProject, batches: list[Ended]):
    assert batches
    total = Decimal(0)
    for number in range(ORDERS):
        parts = project.parts(order_id(number))
        header = parts.pop(HEADER)
        shipped = sum(PRICE for part in parts.values() if part["status"] == "SHIPPED")
        charged = project.charged(order_id(number))
        assert charged == shipped == Decimal(str(header["outcome"]["charged"]))
        total += charged
    assert total == COPIES * PRICE


def test_faults_have_happened(project: OrderProject, batches: list[Ended]):
    assert batches
    left = read_plan(project)
    done = {operation: faults[: len(faults) - len(left[operation])] for operation, faults in PLAN.items()}
    happened = Counter(fault for faults in done.values() for fault in faults)
    assert min(happened[fault] for fault in FAULTS) >= 5
