"""The approval of an order: the request with its task token, and the decision. Tokens are never published."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from order_record import header_key  # type: ignore[import-not-found]
from tables import assign, time_text, wrote  # type: ignore[import-not-found]

if TYPE_CHECKING:
    from types_boto3_dynamodb.service_resource import Table
    from types_boto3_sns import SNSClient

WAITING = "waiting"
"""The one value of the attribute ``approval``, by which the index finds the orders that wait."""


def await_answer(
    orders: "Table", order_id: str, token: str, timeout_seconds: float, now: datetime | None = None
) -> str | None:
    """Keep the token that answers for an order.

    Returns
    -------
    str or None
        Until when the order waits; None if this call is late, because a newer one was made or the order was
        decided.
    """
    since = now or datetime.now(UTC)
    answer_by: str = time_text(since + timedelta(seconds=timeout_seconds))
    new = {
        "status": "WAITING_FOR_APPROVAL",
        "approval": WAITING,
        "waitingSince": time_text(since),
        "answerBy": answer_by,
        "taskToken": token,
        "updatedAt": time_text(since),
    }
    is_newest = (
        "attribute_not_exists(decision) AND "
        "(attribute_not_exists(#waitingSince) OR #waitingSince <= :waitingSince)"
    )
    if wrote(orders.update_item, Key=header_key(order_id), **assign(new, condition=is_newest)):
        return answer_by
    return None


def announce_order(sns: "SNSClient", topic: str, order: dict[str, Any], answer_by: str) -> None:
    """Tell who approves orders that one waits."""
    order_id = order["orderId"]
    # On one line, as a customer's id is any text: lines that it adds would read as commands to run.
    customer = "".join(char if char.isprintable() else " " for char in order["customerId"])
    sns.publish(
        TopicArn=topic,
        Subject=f"Order {order_id} waits for approval",
        Message=f"Order {order_id} of customer {customer} over {order['total']:,.2f} waits for "
        f"approval until {answer_by}.\n\n"
        f"Approve it: python utils/approve.py {order_id} --approve\n"
        f"Reject it:  python utils/approve.py {order_id} --reject --reason TEXT\n",
        MessageAttributes={
            "event": {"DataType": "String", "StringValue": "approvalRequested"},
            "orderId": {"DataType": "String", "StringValue": order_id},
        },
    )


def record_answer(orders: "Table", order_id: str, answer: Any) -> dict[str, Any]:
    """Record the answer on an order, which then waits no more; the first one stays.

    Parameters
    ----------
    answer
        What the task was answered with; it approves only if its ``approved`` is true.

    Returns
    -------
    dict
        The decision, ``{"approved", "reason", "by"}``.
    """
    given = answer if isinstance(answer, dict) else {}
    approved = given.get("approved") is True
    decision = {"approved": approved, "reason": given.get("reason"), "by": given.get("by")}
    new = {
        "status": "APPROVED" if approved else "REJECTED",
        "decision": {**decision, "at": time_text()},
        "updatedAt": time_text(),
    }
    update = assign(
        new,
        condition="attribute_not_exists(#decision)",
        remove="approval, waitingSince, answerBy, taskToken",
    )
    wrote(orders.update_item, Key=header_key(order_id), **update)
    return decision
