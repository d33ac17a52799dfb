"""The `orderProcessing` workflow with steps that fail as planned, and a look into an order's books."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Self

import faulty_calls
from order_project import HEADER, OrderProject, make_order
from projects import Ended

STEPS = Path("lambdas") / "order_processing" / "order_steps"
HANDLERS = ("check_handler", "step_handlers")
SERVICES = ("payment_provider", "warehouse", "carrier")

RETRIES = 1
"""Instead of six, and of ten where something is undone: what fails for good does so soon."""

PRICES = (Decimal("60.00"), Decimal("31.99"))
"""Of the two items of an order."""
STOCK = 5
"""Copies of each product; each item has a product of its own."""

BATCH_SECONDS = 200
"""Enough for all orders of the tests."""

Plan = Mapping[str, list[str]]


@dataclass(frozen=True)
class Trouble:
    """What goes wrong with an order.

    Attributes
    ----------
    plan
        What becomes of the next calls of a step or a service, by the keys of `faulty_steps` without the
        order: ``"Close Order"``, ``"Start Delivery/1"``, ``"carrier.start_delivery/1"``.
    item
        What the order says of its item 1.
    detail
        What it says of itself.
    items
        How many it has.
    """

    plan: Plan = field(default_factory=dict)
    item: Mapping[str, Any] = field(default_factory=dict)
    detail: Mapping[str, Any] = field(default_factory=dict)
    items: int = len(PRICES)

    def order(self, order_id: str) -> dict[str, Any]:
        items = [
            {"productName": product(order_id, index), "price": float(price)}
            for index, price in enumerate(PRICES)
        ]
        items[1].update(self.item)
        return make_order(order_id, *items[: self.items], **self.detail)

    def plan_of(self, order_id: str) -> dict[str, list[str]]:
        split = ((*step.partition("/"), faults) for step, faults in self.plan.items())
        return {f"{name} {order_id}{slash}{index}": faults for name, slash, index, faults in split}


def product(order_id: str, index: int) -> str:
    return f"Book {index} of {order_id}"


@dataclass(frozen=True)
class Books:
    """What is written about an order, inside and outside.

    Attributes
    ----------
    header
        The order's record; empty if it was not taken.
    items
        The status of each item's record, by index.
    taken
        How much is gone of each item's stock.
    ledger
        Amounts by entry.
    charged, paid
        What the order costs by the ledger, and by the payment provider.
    packed, under_way
        Items that the warehouse and the carrier have, and that were not called back.
    """

    header: dict[str, Any]
    items: dict[int, str]
    taken: list[int]
    ledger: dict[str, Decimal]
    charged: Decimal
    paid: Decimal
    packed: set[int]
    under_way: set[int]


@dataclass(frozen=True)
class FaultyOrders(OrderProject):
    """The stack with faulty steps."""

    @classmethod
    def copy(cls, folder: Path, environment: Mapping[str, str]) -> Self:
        project = super().copy(folder, environment)
        steps = project.folder / STEPS
        faulty_calls.install(steps, project.plan_file, *HANDLERS)
        shutil.copy(Path(__file__).with_name("faulty_steps.py"), steps)
        for module in (*HANDLERS, *SERVICES):
            with (steps / f"{module}.py").open("a", encoding="utf-8") as file:
                file.write("\nimport faulty_steps\nfaulty_steps.replace(globals())\n")
        project.change_stack("steps.py", "max_retries: int = 6,", f"max_retries: int = {RETRIES},")
        project.change_stack("compensation.py", "\nMAX_RETRIES = 10\n", f"\nMAX_RETRIES = {RETRIES}\n")
        project.name_workflows("orderProcessing")
        return project

    def change_stack(self, module: str, before: str, after: str) -> None:
        file = self.folder / "stacks" / "order_processing" / module
        source = file.read_text(encoding="utf-8")
        assert source.count(before) == 1
        file.write_text(source.replace(before, after), encoding="utf-8")

    @property
    def plan_file(self) -> Path:
        return self.folder / "plan.json"

    def plan(self, faults: Plan) -> None:
        """Say what else is to go wrong; no step may be running."""
        self.plan_file.write_text(json.dumps({**self.planned(), **faults}), encoding="utf-8")

    def planned(self) -> dict[str, list[str]]:
        """What is still to go wrong."""
        plan: dict[str, list[str]] = json.loads(self.plan_file.read_text(encoding="utf-8"))
        return {key: faults for key, faults in plan.items() if faults}

    def run_all(self, troubles: Mapping[str, Trouble]) -> dict[str, Ended]:
        """Run orders as a batch; returns how each of them ended."""
        for order_id in troubles:
            for index in range(len(PRICES)):
                stock = {"productName": product(order_id, index), "available": STOCK}
                self.table("Inventory").put_item(Item=stock)
        plans = [trouble.plan_of(order_id) for order_id, trouble in troubles.items()]
        self.plan({key: faults for plan in plans for key, faults in plan.items()})
        orders = [trouble.order(order_id) for order_id, trouble in troubles.items()]
        batch = self.wait(self.start_batch({"items": orders}), BATCH_SECONDS)
        assert batch.output["items"] == len(orders)
        executions = self.state_machine_arn.replace(":stateMachine:", ":execution:")
        return {order_id: self.wait(f"{executions}:{order_id}") for order_id in troubles}

    def redrive(self, ended: Ended) -> Ended:
        self.client("stepfunctions").redrive_execution(executionArn=ended.arn)
        return self.wait(ended.arn)

    def run_steps_again(self, ended: Ended) -> set[str | None]:
        """Run each step of an execution once more, the last first; returns their errors' names."""
        client = self.client("lambda")
        scheduled = [event["taskScheduledEventDetails"] for event in reversed(ended.of_type("TaskScheduled"))]
        calls = [json.loads(task["parameters"]) for task in scheduled if task["resourceType"] == "lambda"]
        answers = [
            client.invoke(FunctionName=call["FunctionName"], Payload=json.dumps(call["Payload"]))
            for call in calls
        ]
        return {
            json.load(answer["Payload"])["errorType"] if "FunctionError" in answer else None
            for answer in answers
        }

    def books(self, order_id: str) -> Books:
        parts = self.parts(order_id)
        return Books(
            header=parts.pop(HEADER, {}),
            items={int(part.removeprefix("item#")): item["status"] for part, item in parts.items()},
            taken=[STOCK - self.available(product(order_id, index)) for index in range(len(PRICES))],
            ledger=self.ledger(order_id),
            charged=self.charged(order_id),
            **self._books_outside(order_id),
        )

    def _books_outside(self, order_id: str) -> dict[str, Any]:
        """What the services have of an order; a call under a key that they know does nothing."""
        called: dict[str, dict[str, list[str]]] = {}
        for line in (self.folder / "diary.jsonl").read_text(encoding="utf-8").splitlines():
            call, key, *rest = json.loads(line)
            of_order, _, index = key.partition("/")
            if of_order == order_id:
                called.setdefault(call, {})[index] = rest

        def amounts(call: str) -> Decimal:
            return sum((Decimal(rest[-1]) for rest in called.get(call, {}).values()), Decimal(0))

        def left(call: str, back: str) -> set[int]:
            return set(map(int, called.get(call, {}).keys() - called.get(back, {}).keys()))

        return {
            "paid": Decimal(0) if "void" in called else amounts("charge") - amounts("refund"),
            "packed": left("prepare", "take_back"),
            "under_way": left("start_delivery", "cancel_delivery"),
        }
