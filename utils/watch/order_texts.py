"""Lines of an order, and orders of a batch, as one line of text."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from utils.watch.plain_json import one_line, parse


def item_text(state_input: str | None) -> str | None:
    """Show a line of an order, or an order of a batch, in its first state's input; None if it is neither.

    Returns
    -------
    str or None
        ``2 x Domain-Driven Design``, ``order 12345678``.
    """
    if not ('"productName"' in (text := state_input or "") or '"orderId"' in text):
        return None
    match parse(text):
        case {"item": {"index": _, "productName": str(), "quantity": _, "amount": _} as line}:
            return one_line(f"{line['quantity']} x {line['productName']}")
        case {"index": _, "item": dict(), "orderId": str() | None as order_id}:
            return one_line(f"order {order_id}") if order_id else "order without an orderId"
    return None


def result_text(output: str | None) -> str | None:
    """Show what became of a line that ships, or of an order of a batch; None if the output is neither."""
    if not ('"trackingId"' in (text := output or "") or '"orderId"' in text):
        return None
    match parse(text):
        case {"productName": _, "packageId": _, "trackingId": tracking}:
            return one_line(f"ships as {tracking}")
        case {"index": _, "orderId": _, "result": {"status": status, "charged": charged}}:
            return one_line(f"{status}, charged {money_text(charged)}")
    return None


def is_batch_row(output: str) -> bool:
    """Whether this is the outcome of an order of a batch that succeeded."""
    match parse(output) if '"orderId"' in output else None:
        case {"index": _, "orderId": _, "status": "succeeded", "result": {"status": _, "charged": _}}:
            return True
    return False


def line_text(line: Mapping[str, Any]) -> str:
    """Show a line of an outcome: how many of what, and what they cost."""
    return f"{line.get('quantity')} x {line.get('productName')}, {money_text(line.get('amount'))}"


def missing_line_text(line: Mapping[str, Any], order_reason: str | None) -> str:
    """Show a line that does not ship, and why unless that is the reason of the whole order."""
    reason = line.get("reason")
    return line_text(line) if reason == order_reason else f"{line_text(line)}: {reason}"


def money_text(amount: object) -> str:
    """Write an amount with two decimals: it has no more, and JSON leaves zeros at its end out."""
    return f"{amount:,.2f}" if isinstance(amount, int | Decimal) else str(amount)
