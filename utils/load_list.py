"""The loader: puts a JSON list into the one table item that the `fanOut` workflow reads.

Run it as ``python utils/load-ddb.py``.
"""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, cast

import boto3
from botocore.exceptions import ClientError

from stacks.config import LIST_ATTRIBUTE, Config, ConfigError, load_config
from utils.attribute_values import AttributeValue
from utils.aws import add_session_arguments, aws_errors, open_session
from utils.command import CommandError, visible
from utils.list_file import ListError, read_list
from utils.load_plan import (
    Plan,
    describe_stored,
    find_refusals,
    find_warnings,
    is_loaded,
    items_text,
    plan_load,
    preview_lines,
)

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

DEFAULT_CONFIG = Path(__file__).resolve().parent.parent / "config.json"

KEY_MISMATCHES = ("key element does not match the schema", "Type mismatch for key")
"""What DynamoDB says of a key with another name, and of one with another type."""


def main(arguments: list[str] | None = None) -> None:
    """Read, check and write; print what was done.

    Raises
    ------
    CommandError
        Something the user can put right.
    """
    options = _parse(arguments)
    config, plan = _plan(options.config, options.json)
    for warning in find_warnings(len(plan.items), config):
        print(f"warning: {warning}", file=sys.stderr)
    if not plan.items:
        print("note: the list is empty: an execution succeeds with no results")
    if options.dry_run:
        print("\n".join(visible(line) for line in preview_lines(plan)))
        return
    session = open_session(options.profile, options.region)
    print(write_plan(session, plan))


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="load-ddb.py", description="Load a JSON list into the table that the fanOut workflow reads."
    )
    parser.add_argument(
        "--config",
        type=Path,
        default=DEFAULT_CONFIG,
        help="the configuration; default: the project's config.json",
    )
    parser.add_argument("--json", type=Path, required=True, help="file with the list, one JSON array")
    parser.add_argument(
        "--dry-run", action="store_true", help="check, print what would be written, write nothing"
    )
    add_session_arguments(parser)
    return parser.parse_args(arguments)


def _plan(config_path: Path, list_path: Path) -> tuple[Config, Plan]:
    """Read both files, and refuse what must not be written."""
    try:
        config = load_config(config_path)
        items = read_list(list_path)
    except ConfigError as error:
        raise CommandError(*error.lines) from error
    except ListError as error:
        raise CommandError(str(error)) from error
    try:
        plan = plan_load(items, config)
    except ListError as error:
        raise CommandError(f"{list_path}: {error}") from error
    refusals = find_refusals(plan)
    if refusals:
        raise CommandError(*(f"{list_path}: {refusal}" for refusal in refusals))
    return config, plan


def write_plan(session: boto3.Session, plan: Plan) -> str:
    """Bring the table to hold the planned item; write only if it does not yet.

    One conditional PutItem: other readers see the old list or the new one,
    and of two loaders at once the later one fails instead of overwriting. It
    is read back, as an endpoint that is not AWS may answer a write as well.

    Returns
    -------
    str
        One line that says what was done.

    Raises
    ------
    CommandError
        The table is missing or has another key, the list changed meanwhile
        or is not there afterwards, or AWS refuses or does not answer.
    """
    table = plan.table_name
    wrote = f"wrote {items_text(len(plan.items))} to table {table} ({plan.item_bytes:,} bytes)"
    with _table_errors(plan, str(session.region_name)):
        client = session.client("dynamodb")
        stored = _read(client, plan)
        if is_loaded(plan, stored):
            return f"table {table} already holds this list of {items_text(len(plan.items))}: nothing written"
        try:
            _put(client, plan, stored)
        except client.exceptions.ConditionalCheckFailedException as error:
            # A put whose answer was lost is sent again and then fails on its own result.
            if not is_loaded(plan, _read(client, plan)):
                raise CommandError(
                    f"the list in table {table} was changed by someone else just now: nothing written; "
                    "run the command again to replace it"
                ) from error
        else:
            _check_written(client, plan)
    return f"{wrote}, replacing {describe_stored(stored)}" if stored else wrote


def _read(client: "DynamoDBClient", plan: Plan) -> dict[str, AttributeValue] | None:
    key = {plan.key_name: plan.item[plan.key_name]}
    answer = client.get_item(TableName=plan.table_name, Key=key, ConsistentRead=True)
    return cast("dict[str, AttributeValue] | None", answer.get("Item"))


def _put(client: "DynamoDBClient", plan: Plan, stored: dict[str, AttributeValue] | None) -> None:
    """Write the item on condition that the list is still the one that was read."""
    if stored is not None and LIST_ATTRIBUTE in stored:
        client.put_item(
            TableName=plan.table_name,
            Item=plan.item,
            ConditionExpression="#values = :values",
            ExpressionAttributeNames={"#values": LIST_ATTRIBUTE},
            ExpressionAttributeValues={":values": stored[LIST_ATTRIBUTE]},
        )
        return
    client.put_item(
        TableName=plan.table_name,
        Item=plan.item,
        ConditionExpression="attribute_not_exists(#values)",
        ExpressionAttributeNames={"#values": LIST_ATTRIBUTE},
    )


def _check_written(client: "DynamoDBClient", plan: Plan) -> None:
    if not is_loaded(plan, _read(client, plan)):
        raise CommandError(
            f"the list is not in table {plan.table_name} after writing it: what answers at "
            f"{client.meta.endpoint_url} is not AWS, or someone else changed it; run the command again"
        )


@contextmanager
def _table_errors(plan: Plan, region: str) -> Iterator[None]:
    """Explain what can be wrong with the table, and leave the rest to `aws_errors`."""
    table = plan.table_name
    with aws_errors(f"loading the list into table {table}"):
        try:
            yield
        except ClientError as error:
            code = error.response["Error"].get("Code")
            if code == "ResourceNotFoundException":
                raise CommandError(
                    f"table {table} does not exist in {region}: deploy it first with `npx cdk deploy`"
                ) from error
            if code == "ValidationException" and any(said in str(error) for said in KEY_MISMATCHES):
                raise CommandError(
                    f"table {table} has another key than ddb.partitionKeyName {plan.key_name!r}, "
                    "a string: correct config.json or deploy it with `npx cdk deploy`"
                ) from error
            raise
