"""The payments ledger: an order is charged at most once, and each of its items refunded at most once."""

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import payment_provider  # type: ignore[import-not-found]
from boto3.dynamodb.conditions import Key
from errors import OrderBeingCancelled  # type: ignore[import-not-found]
from item_record import idempotency_key  # type: ignore[import-not-found]
from tables import time_text, wrote  # type: ignore[import-not-found]

if TYPE_CHECKING:
    from types_boto3_dynamodb.service_resource import Table

CHARGE = "charge"


class Ledger:
    """Entries in a table whose keys are ``orderId`` and ``entry``; none is ever changed.

    The provider is called first, and the entry written then: if a step is lost in between, its next attempt
    makes the same call under the same key.
    """

    def __init__(self, table: "Table") -> None:
        self._table = table

    def charge(self, order: dict[str, Any]) -> Decimal:
        """Charge an order's total, and return it.

        Raises
        ------
        PaymentRefused
            The provider does not accept the payment.
        OrderBeingCancelled
            The order was refunded before it was charged.
        """
        order_id, total = order["orderId"], order["total"]
        charge_id = payment_provider.charge(order_id, order["paymentMethod"], total)
        self._write(order_id, CHARGE, total, chargeId=charge_id)
        if "voided" in self._read_charge(order_id):
            payment_provider.void(order_id)
            raise OrderBeingCancelled(f"order {order_id} was refunded before this charge")
        amount: Decimal = total
        return amount

    def refund(self, order_id: str, lines: list[dict[str, Any]]) -> Decimal:
        """Refund lines of an order if it was charged, and see to it that it never will be if it was not.

        Returns
        -------
        Decimal
            Amount of these lines that is refunded.
        """
        self._write(order_id, CHARGE, Decimal(0), voided=True)
        charge = self._read_charge(order_id)
        if "voided" in charge:
            payment_provider.void(order_id)
            return Decimal(0)
        for line in lines:
            key = idempotency_key(order_id, line["index"])
            refund_id = payment_provider.refund(key, charge["chargeId"], line["amount"])
            self._write(order_id, f"refund#{line['index']:03d}", line["amount"], refundId=refund_id)
        return sum((line["amount"] for line in lines), Decimal(0))

    def charged(self, order_id: str) -> Decimal:
        """Return what an order costs its customer: its charge less its refunds."""
        of_order = Key("orderId").eq(order_id)
        # An order's entries are few enough for one page.
        page: Any = self._table.query(KeyConditionExpression=of_order, ConsistentRead=True)
        amounts = {entry["entry"]: entry["amount"] for entry in page["Items"]}
        charge = Decimal(amounts.pop(CHARGE, 0))
        return charge - sum(amounts.values(), Decimal(0))

    def _write(self, order_id: str, entry: str, amount: Decimal, **provided: Any) -> None:
        """Write an entry unless it is there."""
        item = {"orderId": order_id, "entry": entry, "amount": amount, "at": time_text(), **provided}
        wrote(self._table.put_item, Item=item, ConditionExpression="attribute_not_exists(entry)")

    def _read_charge(self, order_id: str) -> dict[str, Any]:
        return self._table.get_item(Key={"orderId": order_id, "entry": CHARGE}, ConsistentRead=True)["Item"]
