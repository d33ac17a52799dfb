"""The stock: each item is reserved once and released once, in one transaction with the item's record."""

from typing import TYPE_CHECKING, Any

import carrier  # type: ignore[import-not-found]
import warehouse  # type: ignore[import-not-found]
from errors import OutOfStock, ProductUnknown  # type: ignore[import-not-found]
from item_record import (  # type: ignore[import-not-found]
    RELEASED,
    RESERVED,
    idempotency_key,
    item_key,
    read_item,
)
from tables import assign, wrote, wrote_all  # type: ignore[import-not-found]

if TYPE_CHECKING:
    from types_boto3_dynamodb.service_resource import Table

IS_NEW = "attribute_not_exists(part)"


class StockChangedError(Exception):
    """The stock changed between two looks at it; another attempt tells."""


class Stock:
    """What is available of each product, and what items have of it.

    Parameters
    ----------
    inventory
        Table whose key is ``productName``; ``available`` is never negative.
    orders
        Table with the records of items.
    """

    def __init__(self, inventory: "Table", orders: "Table") -> None:
        self._inventory = inventory
        self._orders = orders

    def reserve(self, order_id: str, line: dict[str, Any]) -> None:
        """Take an item's quantity out of what is available, unless the item has it.

        Raises
        ------
        OutOfStock, ProductUnknown
            There is not so much of it.
        OrderBeingCancelled
            The item was released.
        """
        take = {
            "TableName": self._inventory.name,
            "Key": {"productName": line["productName"]},
            "UpdateExpression": "SET available = available - :quantity",
            "ConditionExpression": "available >= :quantity",
            "ExpressionAttributeValues": {":quantity": line["quantity"]},
        }
        item = self._new_item(order_id, line, RESERVED)
        record = {"TableName": self._orders.name, "Item": item, "ConditionExpression": IS_NEW}
        if wrote_all(self._orders, {"Update": take}, {"Put": record}):
            return
        if not read_item(self._orders, order_id, line["index"]):
            self._refuse(line)

    def release(self, order_id: str, line: dict[str, Any]) -> None:
        """Give an item's quantity back, and whatever was done for its delivery.

        An item that was never reserved gets a record, too, so that a step that comes late is refused.
        """
        nothing_taken = self._new_item(order_id, line, RELEASED)
        if wrote(self._orders.put_item, Item=nothing_taken, ConditionExpression=IS_NEW):
            return
        # Whatever the record says: a step may have been lost between its call and its record.
        key = idempotency_key(order_id, line["index"])
        carrier.cancel_delivery(key)
        warehouse.take_back(key)
        give_back = {
            "TableName": self._inventory.name,
            "Key": {"productName": line["productName"]},
            "UpdateExpression": "ADD available :quantity",
            "ExpressionAttributeValues": {":quantity": line["quantity"]},
        }
        record = {
            "TableName": self._orders.name,
            "Key": item_key(order_id, line["index"]),
            **assign({"status": RELEASED}, condition="#status <> :status"),
        }
        wrote_all(self._orders, {"Update": give_back}, {"Update": record})

    def _new_item(self, order_id: str, line: dict[str, Any], status: str) -> dict[str, Any]:
        kept = {"productName": line["productName"], "quantity": line["quantity"]}
        return {**item_key(order_id, line["index"]), "status": status, **kept}

    def _refuse(self, line: dict[str, Any]) -> None:
        """Say why an item cannot be reserved."""
        product, quantity = line["productName"], line["quantity"]
        answer: Any = self._inventory.get_item(Key={"productName": product}, ConsistentRead=True)
        if "Item" not in answer:
            raise ProductUnknown("the inventory has no such product")
        available = answer["Item"]["available"]
        if available >= quantity:
            raise StockChangedError(f"{available} in stock now, too few a moment before")
        raise OutOfStock(f"{quantity} wanted, {available} in stock")
