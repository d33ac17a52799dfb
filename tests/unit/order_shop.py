"""One history of a shop: its orders, what is in stock, what goes wrong, and the books after it."""

from contextlib import contextmanager
from decimal import Decimal
from types import SimpleNamespace

import pytest
from botocore.client import BaseClient
from hypothesis import HealthCheck, Phase, note, settings
from hypothesis import strategies as st
from order_books import Books
from order_execution import Ends, run_execution
from order_memory import Memory
from order_outside import Outside
from order_schedule import FAULTS, Schedule
from order_steps import INVENTORY, KEYS, load_steps

EACH_HISTORY = settings(deadline=None, suppress_health_check=list(HealthCheck))
FIXED_HISTORIES = settings(EACH_HISTORY, derandomize=True, database=None, phases=[Phase.generate])
"""The same in each run of the tests."""

PRODUCTS = {"Emma": Decimal("9.99"), "Ulysses": Decimal("0.10")}
MAX_FAULTS = 40
"""Of a history, so that it ends."""


@st.composite
def lines(draw):
    product = draw(st.sampled_from(sorted(PRODUCTS)))
    return {
        "productName": product,
        "category": draw(st.sampled_from(["book"] * 9 + ["hazardous"])),
        "price": float(PRODUCTS[product]),
        "quantity": draw(st.integers(1, 2)),
    }


@st.composite
def order_details(draw):
    return {
        "customerId": "1",
        "deliveryAddress": "123, Seattle, WA",
        "deliverySpeed": draw(st.sampled_from(["1-day"] * 9 + ["yesterday"])),
        "paymentMethod": draw(st.sampled_from(["aCreditCard"] * 9 + ["anExpiredCard"])),
        "items": draw(st.lists(lines(), min_size=1, max_size=3)),
    }


@st.composite
def histories(draw):
    """Orders, what there is of each product, and what happens.

    What comes late is passed over in all but one of ``lateness`` turns.
    """
    details = draw(st.lists(order_details(), min_size=1, max_size=4))
    return SimpleNamespace(
        orders=[
            {"orderId": f"order-{number}", "orderDate": "20190820101213", "detail": detail}
            for number, detail in enumerate(details)
        ],
        stock={product: draw(st.integers(0, 4)) for product in PRODUCTS},
        policy=draw(st.sampled_from(["continue", "fail"])),
        again=draw(st.lists(st.integers(0, len(details) - 1), max_size=2)),
        approved=draw(st.booleans()),
        fault_rate=draw(st.sampled_from([0, 0.1, 0.3, 0.5])),
        lateness=draw(st.sampled_from([3, 30])),
        random=draw(st.randoms(use_true_random=True)),
    )


@contextmanager
def load_shop_steps():
    """Load the steps; their tables are those of a history."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_DEFAULT_REGION", "eu-west-1")
        environment.setenv("TOPIC_ARN", "arn:aws:sns:eu-west-1:123456789012:orders")
        for variable, table in zip(("ORDERS", "INVENTORY", "PAYMENTS"), KEYS, strict=True):
            environment.setenv(f"{variable}_TABLE", table)
        with load_steps() as loaded:
            yield loaded


class Shop:
    """One history: its tables in memory, its services outside, its executions."""

    def __init__(self, modules, history):
        self._modules, self._history = modules, history
        exceptions = modules.step_handlers._table("ORDERS_TABLE").meta.client.exceptions
        self.memory = Memory(KEYS, exceptions)
        self.outside = Outside(modules.errors)
        self.ends = Ends(self._start_later)
        handlers = {**vars(modules.step_handlers), "check_order": modules.check_handler.check_order}
        self.schedule = Schedule(handlers, history.random.choice, self._next_fault, history.lateness)
        self._faults_left = MAX_FAULTS
        self._executions = 0

    def run(self):
        """Run all orders to their ends, and check the books."""
        history = self._history
        for product, count in history.stock.items():
            self.memory.put(INVENTORY, {"productName": product, "available": count})
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(BaseClient, "_make_api_call", self._make_call)
            self.install(patch)
            for order in history.orders:
                self.schedule.start(*self._execution(order))
            for number in history.again:
                self._start_later(history.orders[number])
            self.schedule.run()
        note("\n".join(self.schedule.log))
        books = Books(self.memory.read, history.stock, self.outside, self.ends.told)
        books.check([order["orderId"] for order in history.orders])

    def install(self, patch):
        """Let the steps find the services of this history."""
        self.outside.install(self._modules, patch, self._around)

    def answer(self, operation, request):
        """Answer a call of AWS."""
        return {} if operation == "Publish" else self.memory.call(operation, request)

    def _start_later(self, order):
        self.schedule.start_later(*self._execution(order))

    def _execution(self, order):
        self._executions += 1
        history = self._history
        decision = {"approved": history.approved, "reason": "as drawn", "by": "a test"}
        execution = f"execution-{self._executions}"
        return execution, run_execution(order, execution, history.policy, decision, self.ends)

    def _next_fault(self):
        chance = self._history.random
        if self._faults_left and chance.random() < self._history.fault_rate:
            self._faults_left -= 1
            return chance.choice(FAULTS)
        return None

    def _make_call(self, operation, request):
        return self.schedule.make(lambda: self.answer(operation, request), operation)

    def _around(self, call):
        return lambda *arguments: self.schedule.make(lambda: call(*arguments), call.__name__)
