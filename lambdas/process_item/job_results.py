"""The results of a job's items, as its table has them: compressed JSON, written once and never changed.

A write costs by the started kilobyte, which compression and short attributes help with.
"""

import json
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from botocore.exceptions import ClientError

# Lambda puts this folder, and not the project, on the path.
from outcomes import Failure, Outcomes, write_json  # type: ignore[import-not-found]

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

PARTITIONS = 16
BLOCK_POSITIONS = 250
"""As in lambdas/queue_fan_in/fan_in/positions.py."""
MAX_RECORD_BYTES = 350 * 1024
"""Of a compressed result; a record of the table has at most 400 KB."""
MAX_RESULT_BYTES = 6 * 1024 * 1024
"""Of a result as JSON: what a function may return at all (Lambda quotas)."""
STATEMENTS_PER_REQUEST = 25
"""Of a BatchExecuteStatement (DynamoDB API reference)."""
KEYS_PER_REQUEST = 100
"""Of a BatchGetItem."""
FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 5.0
THROTTLED = {
    "ThrottlingError",
    "ProvisionedThroughputExceeded",
    "RequestLimitExceeded",
    "InternalServerError",
    "TransactionConflict",
}
"""Errors of one statement that another attempt may not have."""
REQUEST_THROTTLED = {
    "ThrottlingException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "InternalServerError",
}
"""The same of a whole request."""


class TableRefusedError(Exception):
    """The table does not take a record, and another attempt would not help."""


class Outcome(NamedTuple):
    """What a position ends with: the compressed JSON of its result, or of its error."""

    kind: Literal["result", "error"]
    data: bytes


def encode_result(result: Any) -> Outcome | Failure:
    """Encode what an item returned, or return the failure that this is.

    A result that is too large is an outcome: another attempt would not make it smaller.
    """
    outcomes = Outcomes(sys.maxsize, 1)
    failure: Failure | None = outcomes.add_result(0, result, 1)
    if failure:
        return failure
    text = _write(outcomes.final[0]["result"])
    if len(text) > MAX_RESULT_BYTES:
        return encode_failure(
            Failure("ResultTooLarge", f"{len(text):,} bytes of JSON, over {MAX_RESULT_BYTES:,}")
        )
    data = zlib.compress(text)
    if len(data) > MAX_RECORD_BYTES:
        size = f"{len(data):,} bytes, compressed, over {MAX_RECORD_BYTES:,}"
        return encode_failure(Failure("ResultTooLarge", f"{size}: keep it in S3 and return its key"))
    return Outcome("result", data)


def _write(result: Any) -> bytes:
    try:
        text = json.dumps(result, ensure_ascii=False, separators=(",", ":"))
    except TypeError:  # it has a Decimal
        text = write_json(result)
    return text.encode()


def encode_failure(failure: Failure) -> Outcome:
    """Encode the error that an item finally failed with; a long message is cut."""
    outcomes = Outcomes(MAX_RECORD_BYTES, 1)
    outcomes.add_failure(0, failure, 1)
    error = json.dumps(outcomes.final[0]["error"], ensure_ascii=False, separators=(",", ":"))
    return Outcome("error", zlib.compress(error.encode()))


class ResultsTable:
    """The table of results.

    Parameters
    ----------
    has_time
        Whether a write that is throttled may be repeated.
    """

    def __init__(
        self,
        dynamodb: "DynamoDBClient",
        name: str,
        has_time: Callable[[], bool],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._dynamodb = dynamodb
        self._name = name
        self._has_time = has_time
        self._sleep = sleep

    def recorded(self, job: str, positions: list[int]) -> set[int]:
        """Return which positions have a record."""
        found = set()
        for chunk in _chunks(positions, KEYS_PER_REQUEST):
            keys, pause = [_key(job, position) for position in chunk], FIRST_PAUSE_SECONDS
            while keys:
                request = {
                    "Keys": keys,
                    "ConsistentRead": True,
                    "ProjectionExpression": "#position",
                    "ExpressionAttributeNames": {"#position": "position"},
                }
                answer = self._dynamodb.batch_get_item(RequestItems={self._name: request})  # type: ignore[dict-item]
                found |= {int(item["position"]["N"]) for item in answer["Responses"][self._name]}
                unprocessed: Any = answer["UnprocessedKeys"].get(self._name)
                keys = unprocessed["Keys"] if unprocessed else []
                if keys and not self._has_time():
                    break  # as if there were none: what is recorded stays
                if keys:
                    pause = self._pause(pause)
        return found

    def record(self, job: str, outcomes: dict[int, Outcome], *, attempts: int, expires_at: int) -> list[int]:
        """Record the outcomes of positions; one that has a record keeps it.

        Parameters
        ----------
        expires_at
            When the records may be deleted, in seconds since 1970.

        Returns
        -------
        list of int
            The positions that the table could not take for as long as there was time.

        Raises
        ------
        TableRefusedError
            It refuses one for another reason.
        """
        more: dict[str, Any] = {"expiresAt": {"N": str(expires_at)}}
        if attempts != 1:
            more["attempts"] = {"N": str(attempts)}
        left: list[int] = []
        for chunk in _chunks(list(outcomes), STATEMENTS_PER_REQUEST):
            records = {
                position: {
                    **_key(job, position),
                    outcomes[position].kind: {"B": outcomes[position].data},
                    **more,
                }
                for position in chunk
            }
            left += self._insert(records)
        return left

    def _insert(self, records: dict[int, dict[str, Any]]) -> list[int]:
        """Insert records, again as long as the table is throttled and there is time."""
        left, pause = list(records), FIRST_PAUSE_SECONDS
        while True:
            codes = self._insert_once([records[position] for position in left])
            left = [position for position, code in zip(left, codes, strict=True) if code in THROTTLED]
            if not left or not self._has_time():
                return left
            pause = self._pause(pause)

    def _insert_once(self, records: list[dict[str, Any]]) -> list[str]:
        """Insert records, and return the code of each one's error."""
        statements = [_insertion(self._name, record) for record in records]
        try:
            answers = self._dynamodb.batch_execute_statement(Statements=statements)["Responses"]
        except ClientError as error:
            if error.response["Error"]["Code"] in REQUEST_THROTTLED:
                return ["ThrottlingError"] * len(records)
            raise
        codes = []
        for answer in answers:
            refusal = answer.get("Error", {"Code": ""})
            codes.append(refusal["Code"])
            if codes[-1] not in {"", "DuplicateItem", *THROTTLED}:
                raise TableRefusedError(f"{self._name}: {codes[-1]}: {refusal.get('Message')}")
        return codes

    def _pause(self, seconds: float) -> float:
        self._sleep(seconds)
        return min(seconds * 2, LONGEST_PAUSE_SECONDS)


def _insertion(table: str, record: dict[str, Any]) -> Any:
    values = ", ".join(f"'{name}': ?" for name in record)
    return {"Statement": f'INSERT INTO "{table}" VALUE {{{values}}}', "Parameters": list(record.values())}


def _key(job: str, position: int) -> dict[str, Any]:
    partition = position // BLOCK_POSITIONS % PARTITIONS
    return {"part": {"S": f"{job}/{partition}"}, "position": {"N": str(position)}}


def _chunks(values: list[int], size: int) -> Iterator[list[int]]:
    return (values[start : start + size] for start in range(0, len(values), size))
