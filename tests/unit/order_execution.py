"""The order's definition as the histories follow it: which step comes next, and what is undone."""

from dataclasses import dataclass, field
from typing import Any

FINAL = {
    "OrderInvalid",
    "OrderAlreadyStarted",
    "OrderConflict",
    "OutOfStock",
    "ProductUnknown",
    "PreparationRefused",
    "DeliveryRefused",
    "OrderBeingCancelled",
}
"""Not retried: FINAL_FOR_ORDER and FINAL_FOR_ITEM of stacks/order_processing/steps.py."""

APPROVAL_THRESHOLD = 25
ATTEMPTS, ATTEMPTS_TO_UNDO = 2, 3
"""As few as there can be: what fails for good is then frequent."""

FULFILLED = {"kind": "fulfilled", "reason": None}


class StepFailed(Exception):  # noqa: N818 - what a Catch gets
    """A step failed and was not tried again; its Catch gets name and message."""

    def __init__(self, name, message):
        super().__init__(f"{name}: {message}")
        self.error = {"name": name, "message": message[:200]}


@dataclass
class Step:
    """A state that invokes a function; one without ``attempts`` is redriven until it succeeds."""

    name: str
    event: dict[str, Any]
    attempts: int | None = None


@dataclass
class Fork:
    """The Map: generators that run side by side."""

    branches: list[Any]


@dataclass
class Ends:
    """How executions ended; ``start_again`` starts an order whose compensation failed, as its error says."""

    start_again: Any
    told: dict[str, list[Any]] = field(default_factory=dict)
    not_taken: list[Any] = field(default_factory=list)


def run_execution(raw, execution, policy, decision, ends):
    """Take an order from its check to the message to the customer: a generator of steps and forks."""
    try:
        checked = yield Step("check_order", {"order": raw, "execution": execution})
    except StepFailed as failed:
        ends.not_taken.append(failed.error["name"])
        return
    if "outcome" in checked:
        return
    order = checked["order"]
    if left := checked.get("compensation"):
        todo = (left["outcomes"], left["items"], left["failure"], None)
    else:
        todo = yield from pay_and_fulfil(order, policy, decision, execution)
    outcomes, undo, failure, ending = todo
    if undo:
        undone = {"orderId": order["orderId"], "items": undo}
        try:
            yield Step("release_stock", undone, ATTEMPTS_TO_UNDO)
            yield Step("refund_payment", undone, ATTEMPTS_TO_UNDO)
        except StepFailed as failed:
            left = {"outcomes": outcomes, "failure": failure, "error": failed.error}
            yield Step("record_compensation_failure", {**undone, "execution": execution, **left})
            ends.start_again(raw)
            return
        ending = {"kind": "cancelled", "error": failure} if failure else FULFILLED
    indexes = [line["index"] for line in undo]
    close = {"order": order, "outcomes": outcomes, "undone": indexes, "ending": ending}
    outcome = yield Step("close_order", close)
    ends.told.setdefault(order["orderId"], []).append(outcome)


def pay_and_fulfil(order, policy, decision, execution):
    """Return outcomes, lines to undo, the failure of the whole order, and the ending if nothing is undone."""
    answer = yield Step("validate_payment", {"order": order})
    if answer["accepted"] and order["total"] > APPROVAL_THRESHOLD:
        yield Step("request_approval", {"order": order, "token": execution, "timeoutSeconds": 60})
        decided = yield Step("record_decision", {"orderId": order["orderId"], "decision": decision})
        if not decided["approved"]:
            return [], [], None, {"kind": "rejected", "reason": decided["reason"]}
    if answer["accepted"]:
        try:
            answer = yield Step("charge_payment", {"order": order}, ATTEMPTS)
        except StepFailed as failed:
            return [], order["items"], failed.error, None
    if not answer["accepted"]:
        return [], [], None, {"kind": "refused", "reason": answer["reason"]}
    outcomes = yield Fork([fulfil_item(order, line) for line in order["items"]])
    return judge(order, policy, outcomes)


def judge(order, policy, outcomes):
    """Decide what is undone when each item has its outcome."""
    failed = [outcome for outcome in outcomes if outcome.get("status") == "failed"]
    if not failed:
        return outcomes, [], None, FULFILLED
    if policy == "fail":
        return outcomes, order["items"], failed[0]["error"], None
    return outcomes, [order["items"][outcome["index"]] for outcome in failed], None, None


def fulfil_item(order, line):
    """Take an item through its three steps."""
    shown = {key: line[key] for key in ("index", "productName", "quantity", "amount")}
    delivery = {"order": order, "item": line}
    try:
        yield Step("check_availability", {"orderId": order["orderId"], "item": line}, ATTEMPTS)
        package = yield Step("prepare_for_delivery", delivery, ATTEMPTS)
        tracking = yield Step("start_delivery", delivery, ATTEMPTS)
    except StepFailed as failed:
        return {**shown, "status": "failed", "error": failed.error}
    return {**shown, **package, **tracking}
