"""Orders that each have a trouble of their own, and the shop that they go through."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from faulty_orders import PRICES, RETRIES, Books, FaultyOrders, Trouble, product
from order_project import attributes
from projects import Ended

ALL_ATTEMPTS = RETRIES + 1
REFUSES = ["throttle"] * ALL_ATTEMPTS
ANSWERS_ARE_LOST = ["lose answer"] * ALL_ATTEMPTS
DIES = ["lose answer"] * RETRIES + ["die after"]

THROTTLED = (
    "ClientError",
    r"An error occurred \(ThrottlingException\) when calling the .+ operation: Slow down",
)
LOST = ("ConnectionResetError", "Connection reset by peer")
KILLED = ("Runtime.ExitError", "RequestId: .+ Error: Runtime exited with error: signal: killed")
WORKINGS = re.compile("An error occurred|Connection reset|RequestId|signal")
"""Words that are not for a customer."""

PACKING_REFUSED = ("PreparationRefused", "the warehouse does not pack what is hazardous")
HAZARDOUS = {"category": "hazardous"}
STEPS = (
    "Check Order",
    "Validate Payment",
    "Charge Payment",
    "Check Availability/1",
    "Prepare For Delivery/0",
    "Start Delivery/0",
    "Release Stock",
    "Refund Payment",
    "Close Order",
)
HALVES_OF_STEPS = (
    "payment_provider.charge",
    "warehouse.prepare/0",
    "carrier.start_delivery/0",
    "carrier.cancel_delivery/1",
    "payment_provider.refund/1",
)
"""Calls after which a step has not written down what it did."""

ONE_ATTEMPT_FAILS = {
    "throttled": Trouble({step: ["throttle"] for step in STEPS}, HAZARDOUS),
    "unanswered": Trouble({step: ["lose answer"] for step in STEPS}, HAZARDOUS),
    "killed": Trouble({step: ["die after"] for step in (*HALVES_OF_STEPS, *STEPS[3::5])}, HAZARDOUS),
    "doubled": Trouble({step: ["twice"] for step in STEPS}, HAZARDOUS),
}

ITEM_FAILS = {
    "out-of-stock": (Trouble(item={"quantity": 6}), ("OutOfStock", "6 wanted, 5 in stock")),
    "not-reserved": (Trouble({"Check Availability/1": REFUSES}), THROTTLED),
    "reserved": (Trouble({"Check Availability/1": ANSWERS_ARE_LOST}), LOST),
    "hazardous": (Trouble(item=HAZARDOUS), PACKING_REFUSED),
    "packed": (Trouble({"warehouse.prepare/1": ANSWERS_ARE_LOST}), LOST),
    "prepared": (Trouble({"Prepare For Delivery/1": ANSWERS_ARE_LOST}), LOST),
    "not-delivered": (
        Trouble({"carrier.start_delivery/1": ["DeliveryRefused"]}),
        ("DeliveryRefused", "refused by plan"),
    ),
    "under-way": (Trouble({"carrier.start_delivery/1": ANSWERS_ARE_LOST}), LOST),
    "shipped": (Trouble({"Start Delivery/1": DIES}), KILLED),
}
"""Of an order whose other item ships: what goes wrong with item 1, and the error."""

CHARGE_FAILS = {
    "not-charged": (Trouble({"Charge Payment": REFUSES}), THROTTLED),
    "charged-outside": (Trouble({"payment_provider.charge": ANSWERS_ARE_LOST}), LOST),
    "charged": (Trouble({"Charge Payment": DIES}), KILLED),
}

STEP_FAILS = {
    "check": Trouble({"Check Order": REFUSES}, HAZARDOUS),
    "validation": Trouble({"Validate Payment": REFUSES}, HAZARDOUS),
    "closing": Trouble({"Close Order": REFUSES}, HAZARDOUS),
    "closed": Trouble({"Close Order": ANSWERS_ARE_LOST}, HAZARDOUS),
}
"""Before anything was done, or after everything."""

UNDOING_FAILS = {
    "refunded-half": Trouble({"payment_provider.refund/1": 2 * REFUSES}, HAZARDOUS),
    "one-item": Trouble({"Charge Payment": ANSWERS_ARE_LOST, "Refund Payment": REFUSES}, items=1),
    "not-recorded": Trouble({"Release Stock": REFUSES, "Record Compensation Failure": REFUSES}, HAZARDOUS),
}

TROUBLES = {
    **ONE_ATTEMPT_FAILS,
    **{name: trouble for name, (trouble, _) in {**ITEM_FAILS, **CHARGE_FAILS}.items()},
    **STEP_FAILS,
    **UNDOING_FAILS,
    "refused": Trouble({"payment_provider.charge": ["PaymentRefused"]}),
    "nothing-ships": Trouble(detail={"deliverySpeed": "yesterday"}),
}
LATER = {"untold": Trouble(item=HAZARDOUS), "not-released": Trouble(item=HAZARDOUS)}
"""Orders for which a service fails that all orders use."""


@dataclass(frozen=True)
class Shop:
    """A deployment with a failure policy, through which an order for each trouble went."""

    project: FaultyOrders
    policy: str
    ended: dict[str, Ended]

    def order_id(self, name: str) -> str:
        return f"{self.policy}-{name}"

    def order(self, name: str) -> dict[str, Any]:
        return {**TROUBLES, **LATER}[name].order(self.order_id(name))

    def run(self, name: str) -> Ended:
        """Run an order that did not go through the shop yet."""
        (ended,) = self.project.run_all({self.order_id(name): LATER[name]}).values()
        return ended

    def messages(self, name: str) -> list[dict[str, Any]]:
        return self.project.mailbox.messages(self.order_id(name), "orderClosed")

    def books(self, name: str) -> Books:
        return self.project.books(self.order_id(name))

    def check_closed(self, name: str, status: str, ships: list[int]) -> dict[str, Any]:
        """Check that all books agree on what ships, and that the customer was told; returns the outcome."""
        order_id, books = self.order_id(name), self.books(name)
        outcome: dict[str, Any] = books.header["outcome"]
        assert books.header["status"] == outcome["status"] == status
        assert [line["productName"] for line in outcome["ships"]] == [product(order_id, it) for it in ships]
        assert [index for index in sorted(books.items) if books.items[index] == "SHIPPED"] == ships
        assert set(books.items.values()) <= {"SHIPPED", "RELEASED"}
        assert books.packed == books.under_way == set(ships)
        assert books.taken == [int(index in ships) for index in range(len(PRICES))]
        cost = sum((PRICES[index] for index in ships), Decimal(0))
        assert books.charged == books.paid == outcome["charged"] == cost
        (message,) = self.messages(name)
        assert (message["Subject"], message["Message"]) == (outcome["subject"], outcome["message"])
        assert attributes(message) == {"event": "orderClosed", "orderId": order_id, "status": status}
        assert f"You are charged {cost:.2f}." in message["Message"]
        assert not WORKINGS.search(message["Message"])
        return outcome

    def check_item_failed(self, name: str, ended: Ended, error: tuple[str, str]) -> dict[str, Any]:
        """Check the end of an order whose item 1 failed; returns the outcome."""
        if self.policy == "continue":
            assert ended.status == "SUCCEEDED"
            outcome = self.check_closed(name, "PARTLY_SHIPPED", [0])
        else:
            (title,) = (line["productName"] for line in self.order(name)["detail"]["items"][1:])
            check_failed(ended, error[0], re.escape(f"Item at index 1 ({title}) failed: ") + error[1])
            outcome = self.check_closed(name, "CANCELLED", [])
        return outcome

    def check_broken(self, name: str, ended: Ended) -> None:
        """Check an order that could not be undone: its record says what is left, and how to go on."""
        cause = f"ClientError: {THROTTLED[1]}. Once that is mended, start the same order again: .+"
        check_failed(ended, "CompensationFailed", cause)
        header = self.books(name).header
        assert (header["status"], header["execution"]) == ("COMPENSATION_FAILED", ended.arn)
        assert "outcome" not in header
        left = header["compensation"]
        failed_items = [1] if self.policy == "continue" else [0, 1]
        assert [line["index"] for line in left["items"]] == ([0] if name == "one-item" else failed_items)
        assert left["error"]["name"] == "ClientError"
        assert self.messages(name) == []

    def alarm_measure(self) -> float:
        """What the alarm on orders that could not be undone has measured so far."""
        client = self.project.client("cloudwatch")
        (alarm,) = (
            alarm
            for alarm in client.describe_alarms()["MetricAlarms"]
            if "CompensationFailedAlarm" in alarm["AlarmName"]
        )
        assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("GreaterThanOrEqualToThreshold", 1.0)
        now = datetime.now(UTC)
        measured = client.get_metric_statistics(
            **{key: alarm[key] for key in ("Namespace", "MetricName", "Dimensions", "Period")},
            Statistics=[alarm["Statistic"]],
            StartTime=now - timedelta(hours=1),
            EndTime=now + timedelta(hours=1),
        )
        return sum(point[alarm["Statistic"]] for point in measured["Datapoints"])

    def check_undone(self, name: str, ended: Ended) -> None:
        """Check the end of an order of `UNDOING_FAILS` after all."""
        if name == "one-item":
            check_failed(ended, *LOST)
            self.check_closed(name, "CANCELLED", [])
        else:
            self.check_item_failed(name, ended, PACKING_REFUSED)


def check_failed(ended: Ended, error: str, cause: str) -> None:
    assert (ended.status, ended.failure[0]) == ("FAILED", error)
    assert re.fullmatch(cause, str(ended.failure[1]))
