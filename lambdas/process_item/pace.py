"""The pace of the queue: at most so many items are started in a second, by all workers together.

Each start has a slot, a moment that no other start has; neighbouring slots are an interval apart. The next
free slot is a number in a table, which one write moves on, and which never goes back. A worker that has not
started within half an interval from its slot takes another one. So no second has more starts than
``max_per_second``, rounded up, and one, even if clocks differ by half an interval: docs/decisions/pace.md has
the proof.
"""

import math
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

NANOSECONDS = 1_000_000_000
MIN_TOLERANCE = NANOSECONDS // 100
"""How late a start may be at a pace of 50 a second and more, where half an interval is soon over."""

KEY: dict[str, Any] = {"name": {"S": "queue"}}
"""The one item of the table; its attribute ``next`` is the next free slot, in nanoseconds since 1970."""


class NoSlotInTimeError(Exception):
    """All slots that the worker could wait for are taken."""


class Pace:
    """Slots for the starts of items.

    Parameters
    ----------
    table
        Name of a DynamoDB table whose partition key is the text ``name``.
    max_per_second
        Starts in a second; more than 0, and may be less than 1.
    clock
        Nanoseconds since 1970.
    """

    def __init__(
        self,
        dynamodb: "DynamoDBClient",
        table: str,
        max_per_second: float,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._interval = math.ceil(NANOSECONDS / max_per_second)
        self._tolerance = max(self._interval // 2, MIN_TOLERANCE)
        self._clock = clock

    def wait_for_slot(self, max_seconds: float, wait: Callable[[float], object]) -> None:
        """Reserve the next slot and wait for it; call this right before the start.

        Parameters
        ----------
        max_seconds
            How long a wait can be.
        wait
            Waits for so many seconds, or raises what ends the wait.

        Raises
        ------
        NoSlotInTimeError
            There is no free slot in that time; none was taken.
        """
        latest = self._clock() + int(max_seconds * NANOSECONDS)
        lead = 0
        while True:
            asked = self._clock()
            slot = self._reserve(asked + lead, latest)
            lead = 2 * max(self._clock() - asked, 0)  # so that the next answer would come before its slot
            while (now := self._clock()) < slot:
                wait((slot - now) / NANOSECONDS)
            if now < slot + self._tolerance:
                return

    def _reserve(self, earliest: int, latest: int) -> int:
        """Take the first free slot from ``earliest`` on.

        Two writes at most, however many workers do the same: a slot that lies behind another one always will.
        """
        after = earliest + self._interval
        is_free = "attribute_not_exists(#next) OR #next <= :earliest"
        if earliest <= latest and self._write("SET #next = :after", is_free, after=after, earliest=earliest):
            return earliest
        moved = self._write(
            "SET #next = #next + :interval", "#next <= :latest", interval=self._interval, latest=latest
        )
        if moved is None:
            raise NoSlotInTimeError("maxPerSecond has no start left for it in the time that the worker has")
        return int(moved["next"]["N"]) - self._interval

    def _write(self, update: str, condition: str, **values: int) -> dict[str, Any] | None:
        """Change the table's item if the condition holds; return the item, or None if it does not."""
        try:
            answer = self._dynamodb.update_item(
                TableName=self._table,
                Key=KEY,
                UpdateExpression=update,
                ConditionExpression=condition,
                ExpressionAttributeNames={"#next": "next"},
                ExpressionAttributeValues={f":{name}": {"N": str(value)} for name, value in values.items()},
                ReturnValues="ALL_NEW",
            )
        except ClientError as error:
            if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
                return None
            raise
        return answer["Attributes"]
