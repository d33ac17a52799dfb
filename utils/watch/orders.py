"""What an execution of the `orderProcessing` workflow, or a batch of them, tells in its history: no AWS call.

An order is told by its data, as is any other item: the states' names are not looked at.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from utils.watch import order_texts
from utils.watch.plain_json import parse, plain_text

CALLBACK = ".waitForTaskToken"
"""End of a task's resource that waits for somebody's answer."""

MARKS = ('"doesNotShip"', '"orders"', '"approved"', '"order"')
"""Keys of which an output that is read here has one."""


@dataclass(frozen=True)
class OrderOutcome:
    """How an order was closed.

    Attributes
    ----------
    status
        SHIPPED, PARTLY_SHIPPED, CANCELLED, REFUSED or REJECTED.
    ships, does_not_ship
        A text a line of the order.
    charged
        What the customer paid in the end, with two decimals.
    """

    order_id: str
    customer_id: str
    status: str
    ships: Sequence[str]
    does_not_ship: Sequence[str]
    charged: str
    reason: str | None


@dataclass(frozen=True)
class BatchOutcome:
    """How the orders of a batch came out: how many, by status, and by the error of those that failed."""

    orders: int
    succeeded: int
    failed: int
    statuses: Mapping[str, int]
    errors: Mapping[str, int]


@dataclass(frozen=True)
class Approval:
    """An answer that an order waits for, and until when."""

    order_id: str
    until: datetime | None


class OrderProgress:
    """What the outermost events so far say about an order.

    Attributes
    ----------
    outcome
        Once the order was closed.
    batch
        Once the orders of a batch have all ended.
    decision
        How it was approved or rejected, as one line.
    waiting
        While it waits for approval.
    lines
        The items of the order, each as JSON on one line; None until it was checked.
    given
        Whether the execution's input is an order.
    gave_up
        Whether the execution went into a Fail state: a redrive only repeats that.
    """

    def __init__(self) -> None:
        self.outcome: OrderOutcome | None = None
        self.batch: BatchOutcome | None = None
        self.decision: str | None = None
        self.waiting: Approval | None = None
        self.lines: list[str] | None = None
        self.given = False
        self.gave_up = False
        self._asked: Approval | None = None

    def begin(self, execution_input: str | None) -> None:
        """Take in what the execution was started with."""
        match parse(execution_input) if '"detail"' in (execution_input or "") else None:
            case {"orderId": _, "detail": _}:
                self.given = True

    def add(self, event: Mapping[str, Any], details: Mapping[str, Any]) -> None:
        """Take in an event of the outermost states."""
        kind = event["type"]
        if kind == "TaskScheduled" and details.get("resource", "").endswith(CALLBACK):
            self._asked = _read_approval(details, event["timestamp"])
        elif kind == "TaskSubmitted":
            self.waiting = self._asked
        elif kind in {"TaskSucceeded", "TaskFailed", "TaskTimedOut"}:
            self.go_on()
        elif kind.endswith("StateExited"):
            self._read(details.get("output") or "")
        elif kind == "FailStateEntered":
            self.gave_up = True

    def go_on(self) -> None:
        """Note that nothing waits: the answer is there, or the execution has ended."""
        self.waiting = self._asked = None

    def redrive(self) -> None:
        """Note that the execution goes on where it had given up."""
        self.gave_up = False

    def _read(self, output: str) -> None:
        # Most outputs are told without reading them as JSON.
        value = parse(output) if any(mark in output for mark in MARKS) else None
        self.outcome = read_outcome(value) or self.outcome
        self.batch = _read_batch(value) or self.batch
        self.decision = _read_decision(value) or self.decision
        self.lines = _read_lines(value) or self.lines


def read_outcome(value: object) -> OrderOutcome | None:
    """Read what a closed order came to; None when the value is something else."""
    match value:
        case {
            "orderId": str(order_id),
            "customerId": str(customer_id),
            "status": str(status),
            "ships": list(ships),
            "doesNotShip": list(others),
            "charged": charged,
            "reason": str() | None as reason,
        }:
            shown = [f"{order_texts.line_text(line)}, as {line.get('trackingId')}" for line in ships]
            not_shipped = [order_texts.missing_line_text(line, reason) for line in others]
            paid = order_texts.money_text(charged)
            return OrderOutcome(order_id, customer_id, status, shown, not_shipped, paid, reason)
    return None


def _read_approval(details: Mapping[str, Any], asked: datetime) -> Approval | None:
    """Read whose approval a task asks for; its parameters hold the token, too, which goes no further."""
    match parse(details.get("parameters")):
        case {"Payload": {"order": {"orderId": str(order_id)}}}:
            seconds = details.get("timeoutInSeconds")
            return Approval(order_id, asked + timedelta(seconds=seconds) if seconds else None)
    return None


def _read_lines(value: object) -> list[str] | None:
    match value:
        case {"order": {"orderId": str(), "items": list(lines)}}:
            return [plain_text(line) for line in lines]
    return None


def _read_decision(value: object) -> str | None:
    match value:
        case {"approved": bool(approved), "reason": str() | None as reason, "by": str() | None as by}:
            text = "approved" if approved else "rejected"
            return text + (f" by {by}" if by else "") + (f": {reason}" if reason else "")
    return None


def _read_batch(value: object) -> BatchOutcome | None:
    match value:
        case {
            "items": int(orders),
            "succeeded": int(succeeded),
            "failed": int(failed),
            "statuses": dict(statuses),
            "errors": dict(errors),
            "orders": list(),
        }:
            return BatchOutcome(orders, succeeded, failed, statuses, errors)
    return None
