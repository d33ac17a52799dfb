"""The delivery of an item: packed by the warehouse, then handed to the carrier, each once."""

from typing import TYPE_CHECKING, Any

import carrier  # type: ignore[import-not-found]
import warehouse  # type: ignore[import-not-found]
from errors import OrderBeingCancelled  # type: ignore[import-not-found]
from item_record import (  # type: ignore[import-not-found]
    PREPARED,
    RESERVED,
    SHIPPED,
    advance_item,
    idempotency_key,
    read_item,
)

if TYPE_CHECKING:
    from types_boto3_dynamodb.service_resource import Table


def prepare_item(orders: "Table", order_id: str, line: dict[str, Any]) -> str:
    """Have the item packed, and return the package's id.

    Raises
    ------
    PreparationRefused
        The warehouse does not pack it.
    OrderBeingCancelled
        The item was released.
    """
    index = line["index"]
    item = read_item(orders, order_id, index)
    if item["status"] != RESERVED:
        return str(item["packageId"])
    key = idempotency_key(order_id, index)
    package_id: str = warehouse.prepare(key, line)
    try:
        advance_item(orders, order_id, index, before=RESERVED, after=PREPARED, packageId=package_id)
    except OrderBeingCancelled:
        warehouse.take_back(key)
        raise
    return package_id


def deliver_item(orders: "Table", order: dict[str, Any], line: dict[str, Any]) -> str:
    """Hand the item's package to the carrier, and return the id under which it is tracked.

    Raises
    ------
    DeliveryRefused
        The carrier does not take it.
    OrderBeingCancelled
        The item was released.
    """
    order_id, index = order["orderId"], line["index"]
    item = read_item(orders, order_id, index)
    if item["status"] != PREPARED:
        return str(item["trackingId"])
    key = idempotency_key(order_id, index)
    tracking_id: str = carrier.start_delivery(
        key, item["packageId"], order["deliveryAddress"], order["deliverySpeed"]
    )
    try:
        advance_item(orders, order_id, index, before=PREPARED, after=SHIPPED, trackingId=tracking_id)
    except OrderBeingCancelled:
        carrier.cancel_delivery(key)
        raise
    return tracking_id
