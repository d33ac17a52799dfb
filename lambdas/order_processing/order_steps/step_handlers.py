"""Lambda handlers of an order's steps. Each may run again at any time, and does its work once.

Environment: of ``ORDERS_TABLE``, ``INVENTORY_TABLE``, ``PAYMENTS_TABLE`` and ``TOPIC_ARN`` what a step needs.
The numbers of an event are made exact; an answer is written with the digits that its numbers have.
"""

import logging
import os
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3

# Lambda puts this folder, and not the project, on the path.
import payment_provider  # type: ignore[import-not-found]
from approval import (  # type: ignore[import-not-found]
    announce_order,
    await_answer,
    record_answer,
)
from delivery import deliver_item, prepare_item  # type: ignore[import-not-found]
from errors import PaymentRefused  # type: ignore[import-not-found]
from order_record import OrderRecords  # type: ignore[import-not-found]
from outcome import conclude  # type: ignore[import-not-found]
from payments import Ledger  # type: ignore[import-not-found]
from stock import Stock  # type: ignore[import-not-found]
from tables import exact  # type: ignore[import-not-found]

if TYPE_CHECKING:
    from types_boto3_dynamodb.service_resource import Table
    from types_boto3_sns import SNSClient

Event = dict[str, Any]

# At level DEBUG they log whole requests, and that of an approval has the token.
logging.getLogger("boto3").setLevel(logging.WARNING)
logging.getLogger("botocore").setLevel(logging.WARNING)


def validate_payment(event: Event, _context: object) -> Event:
    """Ask the payment provider whether it would take ``{"order"}``'s payment."""
    order = exact(event["order"])
    try:
        payment_provider.authorise(order["orderId"], order["paymentMethod"], order["total"])
    except PaymentRefused as refused:
        return {"accepted": False, "reason": str(refused)}
    return {"accepted": True}


def request_approval(event: Event, _context: object) -> None:
    """Have ``{"order", "token", "timeoutSeconds"}`` wait; the answer goes to the token."""
    order = exact(event["order"])
    answer_by = await_answer(
        _table("ORDERS_TABLE"), order["orderId"], event["token"], event["timeoutSeconds"]
    )
    if answer_by:
        announce_order(_sns(), os.environ["TOPIC_ARN"], order, answer_by)


def record_decision(event: Event, _context: object) -> Any:
    """Record the decision of ``{"orderId", "decision"}``, and return it."""
    return record_answer(_table("ORDERS_TABLE"), event["orderId"], exact(event["decision"]))


def charge_payment(event: Event, _context: object) -> Event:
    """Charge ``{"order"}`` as a whole."""
    try:
        charged = _ledger().charge(exact(event["order"]))
    except PaymentRefused as refused:
        return {"accepted": False, "reason": str(refused)}
    return {"accepted": True, "charged": charged}


def check_availability(event: Event, _context: object) -> Event:
    """Reserve the stock of ``{"orderId", "item"}``."""
    item = exact(event["item"])
    _stock().reserve(event["orderId"], item)
    return {"reserved": item["quantity"]}


def prepare_for_delivery(event: Event, _context: object) -> Event:
    """Have the item of ``{"order", "item"}`` packed."""
    return {"packageId": prepare_item(_table("ORDERS_TABLE"), event["order"]["orderId"], event["item"])}


def start_delivery(event: Event, _context: object) -> Event:
    """Have the item of ``{"order", "item"}`` delivered to the order's address."""
    return {"trackingId": deliver_item(_table("ORDERS_TABLE"), event["order"], event["item"])}


def release_stock(event: Event, _context: object) -> Event:
    """Give back the stock of ``{"orderId", "items"}``, and call back what is under way."""
    items = exact(event["items"])
    for item in items:
        _stock().release(event["orderId"], item)
    return {"released": len(items)}


def refund_payment(event: Event, _context: object) -> Event:
    """Refund ``{"orderId", "items"}``."""
    return {"refunded": _ledger().refund(event["orderId"], exact(event["items"]))}


def close_order(event: Event, _context: object) -> Any:
    """Conclude ``{"order", "outcomes", "undone", "ending"}``, and return the outcome; the first one stays."""
    order = exact(event["order"])
    charged = _ledger().charged(order["orderId"])
    outcome = conclude(order, exact(event["outcomes"]), event["undone"], event["ending"], charged)
    return OrderRecords(_table("ORDERS_TABLE")).close(order["orderId"], outcome)


def record_compensation_failure(event: Event, _context: object) -> Event:
    """Record what the execution of ``{"orderId", "execution", "items", …}`` has left to undo."""
    left = {key: exact(event[key]) for key in ("items", "outcomes", "failure", "error")}
    records = OrderRecords(_table("ORDERS_TABLE"))
    records.record_compensation_failure(event["orderId"], event["execution"], left)
    return {}


def _stock() -> Stock:
    return Stock(_table("INVENTORY_TABLE"), _table("ORDERS_TABLE"))


def _ledger() -> Ledger:
    return Ledger(_table("PAYMENTS_TABLE"))


@cache
def _table(variable: str) -> "Table":
    return boto3.resource("dynamodb").Table(os.environ[variable])


@cache
def _sns() -> "SNSClient":
    return boto3.client("sns")
