"""The orders table: the header of each order, which says which execution has it and how it stands."""

from typing import TYPE_CHECKING, Any

from errors import OrderAlreadyStarted, OrderConflict  # type: ignore[import-not-found]
from tables import assign, time_text, wrote  # type: ignore[import-not-found]

if TYPE_CHECKING:
    from types_boto3_dynamodb.service_resource import Table

HEADER = "order"
RECEIVED = "RECEIVED"
COMPENSATION_FAILED = "COMPENSATION_FAILED"
COMPENSATING = "COMPENSATING"
"""Another execution finishes what one could not undo."""

IS_OPEN = "attribute_exists(orderId) AND attribute_not_exists(outcome)"


def header_key(order_id: str) -> dict[str, str]:
    """Return the key of an order's header."""
    return {"orderId": order_id, "part": HEADER}


class OrderRecords:
    """Headers in a table whose keys are ``orderId`` and ``part``."""

    def __init__(self, table: "Table") -> None:
        self._table = table

    def take(self, order: dict[str, Any], execution: str) -> dict[str, Any]:
        """Take an order for an execution; the same execution may do so again.

        Returns
        -------
        dict
            ``{"outcome"}`` of an order that was closed, otherwise ``{"order"}``, with ``"compensation"`` if
            the execution is to finish one.

        Raises
        ------
        OrderConflict
            The order of this id is another one.
        OrderAlreadyStarted
            Another execution has the order.
        """
        now = time_text()
        header = {
            **header_key(order["orderId"]),
            "execution": execution,
            "status": RECEIVED,
            "order": order,
            "total": order["total"],
            "customerId": order["customerId"],
            "receivedAt": now,
            "updatedAt": now,
        }
        is_new = "attribute_not_exists(orderId)"
        if wrote(self._table.put_item, Item=header, ConditionExpression=is_new):
            return {"order": order}
        return self._take_known(order, execution)

    def _take_known(self, order: dict[str, Any], execution: str) -> dict[str, Any]:
        order_id = order["orderId"]
        known = self._read(order_id)
        if known["order"] != order:
            raise OrderConflict(f"order {order_id} is known with other content: give this one its own id")
        if "outcome" in known:
            return {"outcome": known["outcome"]}
        if known["execution"] != execution:
            if known["status"] != COMPENSATION_FAILED:
                raise OrderAlreadyStarted(
                    f"order {order_id} is in execution {known['execution']}, which has not closed it: watch "
                    "that execution, or redrive it if it failed"
                )
            if not self._take_over(known, execution):
                # Somebody did, maybe this execution in an attempt that is late.
                return self._take_known(order, execution)
        if "compensation" not in known:
            return {"order": order}
        left = known["compensation"]
        return {"order": order, "compensation": {key: left[key] for key in ("items", "outcomes", "failure")}}

    def _take_over(self, known: dict[str, Any], execution: str) -> bool:
        """Let an execution finish the compensation of the one that could not; only one does."""
        new = {"execution": execution, "status": COMPENSATING, "updatedAt": time_text()}
        is_as_known = "#status = :broken AND #execution = :before"
        update = assign(new, condition=is_as_known, broken=COMPENSATION_FAILED, before=known["execution"])
        taken: bool = wrote(self._table.update_item, Key=header_key(known["orderId"]), **update)
        return taken

    def close(self, order_id: str, outcome: dict[str, Any]) -> dict[str, Any]:
        """Close an order, and return the outcome that it was closed with: the first one stays."""
        new = {"status": outcome["status"], "outcome": outcome, "updatedAt": time_text()}
        update = assign(new, condition=IS_OPEN)
        if wrote(self._table.update_item, Key=header_key(order_id), **update):
            return outcome
        first: dict[str, Any] = self._read(order_id)["outcome"]
        return first

    def record_compensation_failure(self, order_id: str, execution: str, left: dict[str, Any]) -> None:
        """Leave what another execution needs to finish the compensation.

        A record that is late, because another execution has the order by now or closed it, does nothing.
        """
        new = {"status": COMPENSATION_FAILED, "compensation": left, "updatedAt": time_text()}
        update = assign(new, condition=f"{IS_OPEN} AND execution = :execution", execution=execution)
        wrote(self._table.update_item, Key=header_key(order_id), **update)

    def _read(self, order_id: str) -> dict[str, Any]:
        return self._table.get_item(Key=header_key(order_id), ConsistentRead=True)["Item"]
