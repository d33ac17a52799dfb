"""Fail the items of a message that no worker was done with, so that their job can end."""

import json
from typing import TYPE_CHECKING, Any, NamedTuple

# Lambda puts this folder, and not the project, on the path.
from results import record_failed  # type: ignore[import-not-found]

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

ERROR = "ItemUndeliverable"


class LetterInvalidError(Exception):
    """The message is none of the split function's, so that nobody waits for it."""


class Letter(NamedTuple):
    """What a message says of its items, but not the items."""

    job: str
    expires_at: int
    attempts: int
    positions: list[int]


def record_letter(dynamodb: "DynamoDBClient", table: str, body: str, receipts: int) -> str:
    """Record the items of a dead letter as failed, unless they have a result.

    Parameters
    ----------
    receipts
        How often the message was received, with the receipt from the dead-letter queue.

    Returns
    -------
    str
        What became of the items, for the log.

    Raises
    ------
    LetterInvalidError
        The message names no items.
    """
    letter = _read(body)
    attempts = max(letter.attempts + receipts - 1, 1)
    reason = f"received {attempts} times, and each time its worker was lost before it was done"
    recorded = record_failed(
        dynamodb,
        table,
        letter.job,
        letter.positions,
        error={"name": ERROR, "message": reason},
        attempts=attempts,
        expires_at=letter.expires_at,
    )
    return f"{recorded} of {len(letter.positions)} items of job {letter.job} failed with {ERROR}: {reason}"


def _read(body: str) -> Letter:
    try:
        content: Any = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise LetterInvalidError(f"its body cannot be read ({type(error).__name__})") from None
    match content:
        case {"job": str(job), "expiresAt": int(expires_at), "attempts": int(attempts), "items": list(items)}:
            positions = [item[0] for item in items if isinstance(item, list) and item]
            if len(positions) == len(items) and all(isinstance(position, int) for position in positions):
                return Letter(job, expires_at, attempts, positions)
    raise LetterInvalidError("its body has not the fields that the split function sends")
