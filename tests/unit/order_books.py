"""The books of a shop after a history of orders, and what must be true of them."""

from collections import Counter
from decimal import Decimal

from order_steps import INVENTORY, ORDERS, PAYMENTS


class Books:
    """Tables as lists of records, the services outside, and what the customers were told.

    Parameters
    ----------
    read
        Returns the records of a table.
    stock
        What was available of each product at first.
    """

    def __init__(self, read, stock, outside, told):
        self.stock, self.outside, self.told = stock, outside, told
        self.available = {record["productName"]: record["available"] for record in read(INVENTORY)}
        self.headers, self.items, self.entries = {}, {}, {}
        for record in read(ORDERS):
            if record["part"] == "order":
                self.headers[record["orderId"]] = record
            else:
                self.items[record["orderId"], int(record["part"].removeprefix("item#"))] = record
        for record in read(PAYMENTS):
            self.entries[record["orderId"], record["entry"]] = record["amount"]

    def check(self, orders):
        """Fail by the first rule that does not hold."""
        self._check_stock()
        self._check_services()
        for order_id in orders:
            self._check_end(order_id)
            self._check_money(order_id)

    def _shipped(self):
        return {key: item for key, item in self.items.items() if item["status"] == "SHIPPED"}

    def _check_stock(self):
        shipped = Counter()
        for item in self._shipped().values():
            shipped[item["productName"]] += item["quantity"]
        for product, count in self.stock.items():
            assert self.available[product] >= 0, f"{product} was sold too often"
            assert self.available[product] + shipped[product] == count, f"copies of {product} are lost or new"
        statuses = {item["status"] for item in self.items.values()}
        assert statuses <= {"SHIPPED", "RELEASED"}, "an item was left where it was"

    def _check_services(self):
        keys = {f"{order_id}/{index}" for order_id, index in self._shipped()}
        assert self.outside.delivered == keys, "the carrier has other items than the records say"
        assert self.outside.packed == keys, "the warehouse has other items than the records say"

    def _check_end(self, order_id):
        assert len(self.told.get(order_id, [])) == 1, f"the customer of {order_id} was not told once"
        (told,) = self.told[order_id]
        header = self.headers[order_id]
        assert header["status"] == told["status"], f"{order_id} ended otherwise than it was told"
        lines = header["order"]["items"]
        shipped = [line["index"] for line in lines if (order_id, line["index"]) in self._shipped()]
        ships = [self.items[order_id, index]["trackingId"] for index in shipped]
        assert [row["trackingId"] for row in told["ships"]] == ships, f"{order_id} ships otherwise than told"
        assert len(told["doesNotShip"]) == len(lines) - len(ships)
        expected = "SHIPPED" if len(ships) == len(lines) else "PARTLY_SHIPPED" if ships else told["status"]
        assert told["status"] == expected
        assert ships or told["status"] in {"CANCELLED", "REFUSED", "REJECTED"}

    def _check_money(self, order_id):
        amount = Decimal(0)
        for line in self.headers[order_id]["order"]["items"]:
            refunded = self.entries.get((order_id, f"refund#{line['index']:03d}"))
            if (order_id, line["index"]) in self._shipped():
                amount += line["amount"]
                assert refunded is None, f"item {line['index']} of {order_id} ships and is refunded"
            else:
                assert refunded in {None, line["amount"]}
        ledger = sum(
            amount if entry == "charge" else -amount
            for (order, entry), amount in self.entries.items()
            if order == order_id
        )
        (told,) = self.told[order_id]
        paid = self.outside.paid(order_id)
        assert ledger == amount, f"the ledger of {order_id} says {ledger}, and {amount} ships"
        assert paid == amount, f"the customer of {order_id} paid {paid} for {amount}"
        assert Decimal(str(told["charged"])) == amount, f"{order_id} was told to cost {told['charged']}"
