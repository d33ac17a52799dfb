"""Process the item of one queue message, and answer the task that waits for it."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

# Lambda puts this folder, and not the project, on the path.
from batch import Limits, PendingItem, process_batch  # type: ignore[import-not-found]
from item_encoding import decode_item  # type: ignore[import-not-found]
from outcomes import OUTCOMES_BYTES, write_json  # type: ignore[import-not-found]
from pace import Pace  # type: ignore[import-not-found]
from task_token import Heartbeats, Task  # type: ignore[import-not-found]

MAX_TOKEN_CHARACTERS = 2048
"""Of a task token (SendTaskSuccess in the Step Functions API reference)."""


class MessageInvalidError(Exception):
    """The message is none of the state machine's."""


class NoTimeLeftError(Exception):
    """The worker has no time left to start the item."""


@dataclass(frozen=True, slots=True)
class Message:
    """What the state machine sends: an item as plain Python, where it belongs, and where its answer goes."""

    token: str
    execution: str
    index: int
    item: Any


def read_message(body: str) -> Message:
    """Read a message's body: ``{"token", "execution", "index", "item", "encoding"}``.

    Raises
    ------
    MessageInvalidError
        It is something else; the text quotes nothing of it, for it may hold a token.
    """
    try:
        match json.loads(body):
            case {
                "token": str(token),
                "execution": str(execution),
                "index": int(index),
                "item": item,
                "encoding": "json" | "dynamodb" as encoding,
            } if 0 < len(token) <= MAX_TOKEN_CHARACTERS:
                return Message(token, execution, index, decode_item(item, encoding))
    except Exception as error:  # not JSON, nested too deep, not DynamoDB's types
        raise MessageInvalidError(f"its body cannot be read ({type(error).__name__})") from None
    raise MessageInvalidError("its body has not the fields that the state machine sends")


def process_record(  # noqa: PLR0913 - all but the first two are named
    message: Message,
    attempts: int,
    *,
    process: Callable[[int, Any], Any],
    pace: Pace | None,
    task: Task,
    heartbeats: Heartbeats,
    seconds_left: Callable[[], float],
) -> dict[str, Any]:
    """Process an item unless its task is closed, and answer with its outcome.

    Heartbeats cover the wait for the pace, too, and an answer that is repeated until it is taken. If one
    finds the task closed while the item is processed, the item is finished, for it may be half done, and its
    answer is dropped.

    Parameters
    ----------
    attempts
        With this one.
    process
        Called with the item's index and the item.
    pace
        None starts the item at once.
    seconds_left
        How long the item may still take. It has at least half of that, as an item of a batch has.

    Returns
    -------
    dict
        The outcome, as of an item in a batch.

    Raises
    ------
    TaskClosedError
        The item was not processed, or its answer came too late.
    NoSlotInTimeError, NoTimeLeftError
        The item cannot be started now.
    """
    task.beat()
    with heartbeats:
        if pace:
            pace.wait_for_slot(seconds_left() / 2, heartbeats.wait)
        outcome = _attempt(message, attempts, process, seconds_left())
        heartbeats.wait(0)
        _answer(task, outcome)
    return outcome


def _attempt(
    message: Message, attempts: int, process: Callable[[int, Any], Any], seconds: float
) -> dict[str, Any]:
    """Process the item as a batch of one in its last attempt: the state machine decides on others."""
    outcomes, _ = process_batch(
        [PendingItem(message.index, message.item, attempts - 1)],
        process,
        limits=Limits(max_attempts=attempts, call_seconds=seconds, batch_seconds=None),
        bytes_left=OUTCOMES_BYTES,
    )
    if not outcomes.final:
        raise NoTimeLeftError("the worker has no time left for it")
    outcome: dict[str, Any] = outcomes.final[0]
    return outcome


def _answer(task: Task, outcome: dict[str, Any]) -> None:
    if outcome["status"] == "succeeded":
        task.succeed(write_json(outcome))
    else:
        task.fail(outcome["error"]["name"], outcome["error"]["message"])
