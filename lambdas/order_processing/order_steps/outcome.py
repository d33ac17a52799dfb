"""What an order comes to: its final status, what ships and what does not, and the message to the customer."""

from decimal import Decimal
from typing import Any

from errors import FOR_CUSTOMER  # type: ignore[import-not-found]

STATUS_OF_ENDING = {"refused": "REFUSED", "rejected": "REJECTED", "cancelled": "CANCELLED"}
"""Of an order of which nothing ships; one that was fulfilled has its status by what ships."""

WORDS = {
    "SHIPPED": "has shipped",
    "PARTLY_SHIPPED": "has shipped in part",
    "CANCELLED": "is cancelled",
    "REFUSED": "could not be paid",
    "REJECTED": "was not approved",
}


def conclude(
    order: dict[str, Any],
    outcomes: list[dict[str, Any]],
    undone: list[int],
    ending: dict[str, Any],
    charged: Decimal,
) -> dict[str, Any]:
    """Return the outcome of an order.

    Parameters
    ----------
    outcomes
        What became of items, shipped or failed; none of an order that was not fulfilled.
    undone
        Indexes of the items that were undone after that.
    ending
        ``{"kind": "fulfilled" | "refused" | "rejected", "reason": text or None}``; of an order that was
        undone as a whole ``{"kind": "cancelled", "error": {"name", "message"}}``.
    charged
        What the ledger says that the customer paid.
    """
    of_index = {outcome["index"]: outcome for outcome in outcomes}
    reason = _reason(ending)
    ships, does_not_ship = [], []
    for line in order["items"]:
        outcome = of_index.get(line["index"], {})
        row = {key: line[key] for key in ("productName", "quantity", "amount")}
        if "trackingId" in outcome and line["index"] not in undone:
            ships.append({**row, "trackingId": outcome["trackingId"]})
        else:
            does_not_ship.append({**row, "reason": _reason(outcome) or reason})
    result = {
        "orderId": order["orderId"],
        "customerId": order["customerId"],
        "status": _status(ending["kind"], bool(ships), bool(does_not_ship)),
        "ships": ships,
        "doesNotShip": does_not_ship,
        "charged": charged,
        "reason": reason,
    }
    subject = f"Order {order['orderId']} {WORDS[result['status']]}"
    return {**result, "subject": subject, "message": _message(subject, result)}


def _status(kind: str, some_ship: bool, some_do_not: bool) -> str:
    if kind != "fulfilled":
        return STATUS_OF_ENDING[kind]
    if not some_ship:
        return "CANCELLED"
    return "PARTLY_SHIPPED" if some_do_not else "SHIPPED"


def _reason(ended: dict[str, Any]) -> str | None:
    """Say why an item or an order ended so; the words of an error in the workings are for no customer."""
    match ended:
        case {"error": {"name": name, "message": message}}:
            return str(message) if name in FOR_CUSTOMER else f"it could not be fulfilled ({name})"
    return ended.get("reason")


def _message(subject: str, result: dict[str, Any]) -> str:
    """Write to the customer: plain text, a line for each item."""
    lines = [f"{subject}.", ""]
    if result["reason"]:
        lines += [f"Why: {result['reason']}", ""]
    if result["ships"]:
        lines += [
            "Ships:",
            *(f"  {_item(row)}, tracked as {row['trackingId']}" for row in result["ships"]),
            "",
        ]
    if result["doesNotShip"]:
        rows = result["doesNotShip"]
        whys = (f": {row['reason']}" if row["reason"] != result["reason"] else "" for row in rows)
        lines += [
            "Does not ship:",
            *(f"  {_item(row)}{why}" for row, why in zip(rows, whys, strict=True)),
            "",
        ]
    return "\n".join([*lines, f"You are charged {result['charged']:,.2f}.\n"])


def _item(row: dict[str, Any]) -> str:
    return f"{row['quantity']} x {row['productName']}, {row['amount']:,.2f}"
