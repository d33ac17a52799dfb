"""Process the items of a queue message, each for itself.

An item ends with its result, with the error of its last attempt, or not at all this time: it failed and has
attempts left, or there was no time for it. What has not ended goes back to the queue as a new message, so
that SQS's own count of receipts tells only of calls that were lost with all of their messages.
"""

import json
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

# Lambda puts this folder, and not the project, on the path.
from job_results import Outcome, encode_failure  # type: ignore[import-not-found]
from outcomes import Failure  # type: ignore[import-not-found]

LONGEST_DELAY_SECONDS = 60

Items = list[tuple[int, Any]]
"""Positions with their items."""

# Characters of JSON that SQS refuses (SendMessage in its API). JSON has them in strings only.
_REFUSED = re.compile("[\ufffe\uffff]")

logger = logging.getLogger(__name__)


class MessageInvalidError(Exception):
    """The message is none of the split function's."""


@dataclass(frozen=True, slots=True)
class Message:
    """Items of a job, and how often they were tried in other messages.

    Attributes
    ----------
    expires_at
        When results of the job may be deleted, in seconds since 1970.
    """

    job: str
    expires_at: int
    attempts: int
    items: Items


@dataclass(slots=True)
class Work:
    """What became of the items of a message: outcomes by position, and the items to send back."""

    outcomes: dict[int, Outcome] = field(default_factory=dict)
    failed: Items = field(default_factory=list)
    waiting: Items = field(default_factory=list)


def read_message(body: str) -> Message:
    """Read a message's body: ``{"job", "expiresAt", "attempts", "items": [[position, item], …]}``.

    Raises
    ------
    MessageInvalidError
        It is something else.
    """
    try:
        match json.loads(body):
            case {
                "job": str(job),
                "expiresAt": int(expires_at),
                "attempts": int(attempts),
                "items": list(items),
            }:
                return Message(job, expires_at, attempts, [(int(position), item) for position, item in items])
    except (ValueError, TypeError, RecursionError) as error:
        raise MessageInvalidError(f"its body cannot be read ({type(error).__name__})") from None
    raise MessageInvalidError("its body has not the fields that the split function sends")


def write_message(message: Message, items: Items, attempts: int) -> str:
    """Write the body of a message that carries some items of another one."""
    body = {"job": message.job, "expiresAt": message.expires_at, "attempts": attempts, "items": items}
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return _REFUSED.sub(lambda char: f"\\u{ord(char[0]):04x}", text)


def delay_seconds(attempts: int) -> int:
    """Return how long an item waits after so many failed attempts."""
    return min(1 << min(attempts - 1, 10), LONGEST_DELAY_SECONDS)


def work_on(
    message: Message,
    recorded: set[int],
    *,
    run: Callable[[int, Any], Outcome | Failure],
    is_last: bool,
    has_time: Callable[[], bool],
) -> Work:
    """Process the items of a message that have no record yet.

    Parameters
    ----------
    recorded
        Positions that need nothing more.
    run
        Processes the item of a position; a failure may be tried again.
    is_last
        Whether this is the last attempt.
    has_time
        Whether another item may be started.
    """
    work = Work()
    for position, item in message.items:
        if position in recorded:
            continue
        if not has_time():
            work.waiting.append((position, item))
            continue
        outcome = run(position, item)
        if not isinstance(outcome, Failure):
            work.outcomes[position] = outcome
        elif is_last:
            work.outcomes[position] = encode_failure(outcome)
        else:
            work.failed.append((position, item))
    return work
