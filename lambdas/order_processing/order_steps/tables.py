"""What the steps share in their use of the tables: exact numbers, the time, and conditional writes."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from types_boto3_dynamodb.service_resource import Table

CONDITION_FAILED = "ConditionalCheckFailed"


def exact(content: Any) -> Any:
    """Return JSON content with exact numbers: 31.99 is that, and no binary fraction beside it."""
    return json.loads(json.dumps(content), parse_float=Decimal)


def time_text(moment: datetime | None = None) -> str:
    """Write a time, now unless it is given, so that texts are in the order of their times."""
    return (moment or datetime.now(UTC)).isoformat(timespec="microseconds")


def assign(
    attributes: Mapping[str, Any], *, condition: str, remove: str = "", **values: Any
) -> dict[str, Any]:
    """Return the arguments of an update that sets attributes if a condition holds.

    Parameters
    ----------
    condition
        May use a set attribute's name as ``#name``, and of ``values`` each as ``:name``.
    remove
        Names of attributes to remove, with commas between.
    """
    assignments = ", ".join(f"#{name} = :{name}" for name in attributes)
    return {
        "UpdateExpression": f"SET {assignments}" + (f" REMOVE {remove}" if remove else ""),
        "ConditionExpression": condition,
        "ExpressionAttributeNames": {f"#{name}": name for name in attributes},
        "ExpressionAttributeValues": {f":{name}": value for name, value in {**attributes, **values}.items()},
    }


def wrote(write: Callable[..., Any], **request: Any) -> bool:
    """Make a conditional write; return whether its condition held."""
    try:
        write(**request)
    except ClientError as error:
        if error.response["Error"]["Code"] == f"{CONDITION_FAILED}Exception":
            return False
        raise
    return True


def wrote_all(table: "Table", *writes: Any) -> bool:
    """Make all writes or none, in one transaction; return whether all conditions held.

    What else cancels a transaction, such as another one on the same record, is raised.
    """
    client = table.meta.client
    try:
        client.transact_write_items(TransactItems=list(writes))
    except client.exceptions.TransactionCanceledException as error:
        if {reason["Code"] for reason in error.response["CancellationReasons"]} <= {"None", CONDITION_FAILED}:
            return False
        raise
    return True
