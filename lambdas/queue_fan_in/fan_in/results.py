"""The results table: one record for each position of a job's list, written once and never changed.

A record has `result`, `error` or `missing`; the first two are compressed JSON, since a write costs by the
started kilobyte. Whoever inserts first wins, so that what was read once stays true.
"""

import json
import time
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

# Lambda puts this folder, and not the project, on the path.
from positions import part_key, partition_of  # type: ignore[import-not-found]

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

PAGE_RESULTS = 1_000
STATEMENTS_PER_REQUEST = 25
"""Of a BatchExecuteStatement (DynamoDB API reference)."""
KEYS_PER_REQUEST = 100
"""Of a BatchGetItem."""
PAUSES_SECONDS = (0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4)
"""Before what the table refused for now is asked again."""
REFUSED_FOR_NOW = {
    "ThrottlingError",
    "ProvisionedThroughputExceeded",
    "RequestLimitExceeded",
    "InternalServerError",
    "TransactionConflict",
}
"""Errors of one statement that another attempt may not have."""


class TableRefusedError(Exception):
    """The table did not take a record, or not for as long as it was tried."""


@dataclass(frozen=True, slots=True, order=True)
class Result:
    """What became of a position; results are in the order of their positions.

    Attributes
    ----------
    attempts
        With the one that ended it; 0 if it is missing.
    data
        The compressed JSON of its result or error.
    """

    position: int
    kind: Literal["result", "error", "missing"]
    attempts: int
    data: bytes

    @property
    def text(self) -> str:
        """The JSON text of its result or error; decompressed when asked for, as it may be long."""
        return zlib.decompress(self.data).decode() if self.data else ""


def read_page(dynamodb: "DynamoDBClient", table: str, job: str, partition: int, first: int) -> list[Result]:
    """Read results of a partition in the order of their positions, from one on; none if there are no more."""
    answer = dynamodb.query(
        TableName=table,
        KeyConditionExpression="part = :part AND #position >= :first",
        # Most of the time of a page is that of reading its answer.
        ProjectionExpression="#position, #result, #error, attempts",
        ExpressionAttributeNames={f"#{name}": name for name in ("position", "result", "error")},
        ExpressionAttributeValues={":part": {"S": part_key(job, partition)}, ":first": {"N": str(first)}},
        Limit=PAGE_RESULTS,
    )
    return [_result(item) for item in answer["Items"]]


def read_positions(
    dynamodb: "DynamoDBClient", table: str, job: str, positions: Sequence[int]
) -> list[Result]:
    """Read the results of positions as they are now, in no order; those that are not there are left out."""
    results = []
    for chunk in _chunks(positions, KEYS_PER_REQUEST):
        keys, pauses = [_key(job, position) for position in chunk], iter(PAUSES_SECONDS)
        while keys:
            request = {table: {"Keys": keys, "ConsistentRead": True}}
            answer = dynamodb.batch_get_item(RequestItems=request)  # type: ignore[arg-type]
            results += [_result(item) for item in answer["Responses"][table]]
            unprocessed: Any = answer["UnprocessedKeys"].get(table)
            keys = unprocessed["Keys"] if unprocessed else []
            if keys:
                _pause(pauses, table)
    return results


def record_missing(
    dynamodb: "DynamoDBClient", table: str, job: str, positions: Sequence[int], expires_at: int
) -> None:
    """Record the positions without a record as missing: a result that comes later is refused.

    Parameters
    ----------
    expires_at
        When the records may be deleted, in seconds since 1970.
    """
    missing = {"missing": {"BOOL": True}, "expiresAt": {"N": str(expires_at)}}
    _insert(dynamodb, table, [{**_key(job, position), **missing} for position in positions])


def record_failed(  # noqa: PLR0913 - all but the first two are of the record
    dynamodb: "DynamoDBClient",
    table: str,
    job: str,
    positions: Sequence[int],
    *,
    error: dict[str, str],
    attempts: int,
    expires_at: int,
) -> int:
    """Record an error for the positions that have no record; say how many these were.

    Parameters
    ----------
    error
        Name and message.
    expires_at
        When the records may be deleted, in seconds since 1970.
    """
    data = zlib.compress(json.dumps(error, ensure_ascii=False, separators=(",", ":")).encode())
    items = [
        {
            **_key(job, position),
            "error": {"B": data},
            "expiresAt": {"N": str(expires_at)},
            **({} if attempts == 1 else {"attempts": {"N": str(attempts)}}),
        }
        for position in positions
    ]
    return _insert(dynamodb, table, items)


def _insert(dynamodb: "DynamoDBClient", table: str, items: list[dict[str, Any]]) -> int:
    """Insert records unless they exist; return how many did not.

    Raises
    ------
    TableRefusedError
        Some could not be inserted.
    """
    inserted = 0
    for chunk in _chunks(items, STATEMENTS_PER_REQUEST):
        left, pauses = chunk, iter(PAUSES_SECONDS)
        while left:
            answers = dynamodb.batch_execute_statement(Statements=[_insertion(table, item) for item in left])
            errors = [answer.get("Error", {"Code": ""}) for answer in answers["Responses"]]
            for error in errors:
                if error["Code"] not in {"", "DuplicateItem", *REFUSED_FOR_NOW}:
                    raise TableRefusedError(f"{table}: {error['Code']}: {error.get('Message')}")
            inserted += sum(error["Code"] == "" for error in errors)
            left = [
                item for item, error in zip(left, errors, strict=True) if error["Code"] in REFUSED_FOR_NOW
            ]
            if left:
                _pause(pauses, table)
    return inserted


def _insertion(table: str, item: dict[str, Any]) -> Any:
    values = ", ".join(f"'{name}': ?" for name in item)
    return {"Statement": f'INSERT INTO "{table}" VALUE {{{values}}}', "Parameters": list(item.values())}


def _pause(pauses: Iterator[float], table: str) -> None:
    seconds = next(pauses, None)
    if seconds is None:
        raise TableRefusedError(
            f"{table} is throttled: it did not answer in {len(PAUSES_SECONDS) + 1} attempts"
        )
    time.sleep(seconds)


def _key(job: str, position: int) -> dict[str, Any]:
    return {"part": {"S": part_key(job, partition_of(position))}, "position": {"N": str(position)}}


def _position(item: dict[str, Any]) -> int:
    return int(item["position"]["N"])


def _result(item: dict[str, Any]) -> Result:
    position = _position(item)
    attempts = int(item["attempts"]["N"]) if "attempts" in item else 1
    if "result" in item:
        return Result(position, "result", attempts, item["result"]["B"])
    if "error" in item:
        return Result(position, "error", attempts, item["error"]["B"])
    return Result(position, "missing", 0, b"")


def _chunks(values: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    return (values[start : start + size] for start in range(0, len(values), size))
