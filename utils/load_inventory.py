"""The loader of the stock: sets how many of each product the `orderProcessing` workflow can sell.

Run it as ``python utils/load-inventory.py``.
"""

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import boto3

from utils.aws import add_session_arguments, aws_errors, open_session, stack_output
from utils.command import visible
from utils.orders_stack import ORDERS_STACK, table_errors
from utils.stock_file import read_stock

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient


def main(arguments: list[str] | None = None) -> None:
    """Read, check and write; print what was and what is.

    Raises
    ------
    CommandError
        Something the user can put right.
    """
    options = _parse(arguments)
    stock = read_stock(options.json)
    session = open_session(options.profile, options.region)
    inventory = Inventory(session)
    changed = 0
    changes = inventory.compare(stock) if options.dry_run else inventory.load(stock)
    for product, before in changes:
        changed += before != stock[product]
        print(visible(_change_text(product, before, stock[product])), flush=True)
    print(visible(_summary(inventory.table, len(stock), changed, dry_run=options.dry_run)))


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="load-inventory.py", description="Set the stock of the orderProcessing workflow."
    )
    parser.add_argument(
        "--json", type=Path, required=True, metavar="FILE", help='file with the stock, {"a book": 20, …}'
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="check, print what would be set, write nothing"
    )
    add_session_arguments(parser)
    return parser.parse_args(arguments)


class Inventory:
    """The inventory table of a deployed stack.

    Products that are not named keep their stock.

    Raises
    ------
    CommandError
        The stack is not deployed, or AWS refuses.
    """

    def __init__(self, session: boto3.Session) -> None:
        self._session = session
        self.table = stack_output(session, ORDERS_STACK, "InventoryTableName")
        with aws_errors("opening the AWS session"):
            self._client: DynamoDBClient = session.client("dynamodb")

    def compare(self, stock: Mapping[str, int]) -> Iterator[tuple[str, int | None]]:
        """Say of each product what the table has; None if it has none of it.

        Raises
        ------
        CommandError
            The table cannot be read.
        """
        for product in stock:
            with table_errors(self._session, self.table, f"reading the stock of {product}"):
                found = self._client.get_item(
                    TableName=self.table, Key={"productName": {"S": product}}, ConsistentRead=True
                )
            yield product, _count(found.get("Item"))

    def load(self, stock: Mapping[str, int]) -> Iterator[tuple[str, int | None]]:
        """Set the stock, product by product, and say of each what it was.

        One conditional write a product, which gives back what it replaces: what is sold meanwhile is seen.

        Raises
        ------
        CommandError
            The table cannot be written.
        """
        for product, count in stock.items():
            with table_errors(self._session, self.table, f"setting the stock of {product}"):
                try:
                    answer = self._client.update_item(
                        TableName=self.table,
                        Key={"productName": {"S": product}},
                        UpdateExpression="SET available = :count",
                        ConditionExpression="attribute_not_exists(available) OR available <> :count",
                        ExpressionAttributeValues={":count": {"N": str(count)}},
                        ReturnValues="UPDATED_OLD",
                    )
                    before = _count(answer.get("Attributes"))
                except self._client.exceptions.ConditionalCheckFailedException:
                    before = count
            yield product, before


def _count(record: object) -> int | None:
    match record:
        case {"available": {"N": count}}:
            return int(count)
    return None


def _change_text(product: str, before: int | None, count: int) -> str:
    if before == count:
        return f"  {product}: {count:,}, as before"
    return f"  {product}: {count:,}, {'new' if before is None else f'was {before:,}'}"


def _summary(table: str, products: int, changed: int, *, dry_run: bool) -> str:
    if not changed:
        return f"table {table} already holds this stock of {_products_text(products)}: nothing written"
    did = "would set" if dry_run else "set"
    others = f", {products - changed:,} had it already" if changed < products else ""
    return f"{did} the stock of {_products_text(changed)} in table {table}{others}"


def _products_text(count: int) -> str:
    return f"{count:,} product{'' if count == 1 else 's'}"
