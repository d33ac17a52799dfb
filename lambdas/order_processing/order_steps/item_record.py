"""The orders table: the record of each item, whose status says how far it got."""

from typing import TYPE_CHECKING, Any

from errors import OrderBeingCancelled  # type: ignore[import-not-found]
from tables import assign, wrote  # type: ignore[import-not-found]

if TYPE_CHECKING:
    from types_boto3_dynamodb.service_resource import Table

RESERVED = "RESERVED"
PREPARED = "PREPARED"
SHIPPED = "SHIPPED"
RELEASED = "RELEASED"
"""Its stock is given back, or was never taken: no step of the item may run any more."""


def item_key(order_id: str, index: int) -> dict[str, str]:
    """Return the key of an item's record."""
    return {"orderId": order_id, "part": f"item#{index:03d}"}


def idempotency_key(order_id: str, index: int) -> str:
    """Return the key under which the services outside know an item."""
    return f"{order_id}/{index}"


def read_item(orders: "Table", order_id: str, index: int) -> dict[str, Any] | None:
    """Return an item's record, or None if nothing was done for it.

    Raises
    ------
    OrderBeingCancelled
        The item was released.
    """
    item = orders.get_item(Key=item_key(order_id, index), ConsistentRead=True).get("Item")
    if item and item["status"] == RELEASED:
        raise OrderBeingCancelled(f"item {index} of order {order_id} was released before this step")
    return item


def advance_item(
    orders: "Table", order_id: str, index: int, *, before: str, after: str, **attributes: Any
) -> None:
    """Write an item's next status and what belongs to it; one that is there stays.

    Raises
    ------
    OrderBeingCancelled
        The item was released.
    """
    update = assign({"status": after, **attributes}, condition="#status = :before", before=before)
    if not wrote(orders.update_item, Key=item_key(order_id, index), **update):
        read_item(orders, order_id, index)
