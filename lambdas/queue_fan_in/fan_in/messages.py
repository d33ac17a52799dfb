"""Packs items into messages, and sends messages in full batches.

A request to SQS is paid for by started 64 KB, so that items share messages and messages share requests.
"""

import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from job_record import Job  # type: ignore[import-not-found]
    from types_boto3_sqs import SQSClient

SHARED_BYTES = 64 * 1024
"""Of a message with several items: what one request is paid for."""

MESSAGE_BYTES_LIMIT = 256 * 1024
"""Of a message with one item, and of a batch; the queue takes no larger ones."""

BATCH_MESSAGES = 10
"""Messages in a batch at most (SendMessageBatch in the SQS API)."""

SEND_THREADS = 8
"""Batches that are under way at once: most of the time of a request is its way."""

SEND_ATTEMPTS = 7
FIRST_WAIT_SECONDS = 0.1

# Characters of JSON that SQS refuses (SendMessage in its API). JSON has them in strings only.
_REFUSED = re.compile("[\ufffe\uffff]")

CHARACTER_BYTES_LIMIT = len("\\uffff")
"""Of a character in a message: the two that SQS refuses are written so, and of the others none has over 4."""


class MessagesRefusedError(Exception):
    """SQS does not take some messages; those of the same batch that it took may be sent again."""


def pack_messages(job: "Job", first: int, texts: list[str], max_items: int) -> Iterator[str]:
    """Make the bodies of messages that carry these items.

    Parameters
    ----------
    first
        Position of the first item.
    texts
        The items, as JSON.
    max_items
        Of a message.
    """
    head = f'{{"job":"{job.name}","expiresAt":{job.results_expire_at},"attempts":0,"items":['
    room = SHARED_BYTES - len(head) - len("]}")
    entries: list[str] = []
    size = 0
    for position, text in enumerate(texts, first):
        sent = text if text.isascii() else _REFUSED.sub(lambda char: f"\\u{ord(char[0]):04x}", text)
        entry = f"[{position},{sent}]"
        entry_bytes = _bytes(entry) + 1
        if entries and (len(entries) == max_items or size + entry_bytes > room):
            yield f"{head}{','.join(entries)}]}}"
            entries, size = [], 0
        entries.append(entry)
        size += entry_bytes
    if entries:
        yield f"{head}{','.join(entries)}]}}"


def is_surely_small(text: str) -> bool:
    """Say whether an item fits a message, without counting its bytes."""
    return len(text) * CHARACTER_BYTES_LIMIT < MESSAGE_BYTES_LIMIT - 1024


def message_bytes(job: "Job", position: int, text: str) -> int:
    """Count the bytes of a message that carries this item alone."""
    return sum(_bytes(body) for body in pack_messages(job, position, [text], 1))


class MessageSender:
    """Sends messages to a queue, several batches at a time."""

    def __init__(
        self, sqs: "SQSClient", queue_url: str, sleep: Callable[[float], object] = time.sleep
    ) -> None:
        self._sqs = sqs
        self._queue_url = queue_url
        self._sleep = sleep

    def send(self, bodies: list[str]) -> None:
        """Send messages; all of them are in the queue when this returns.

        Raises
        ------
        MessagesRefusedError
            SQS does not take some of them, however often they are sent.
        """
        with ThreadPoolExecutor(SEND_THREADS) as pool:
            for _ in pool.map(self._send_batch, _batches(bodies)):
                pass

    def _send_batch(self, bodies: list[str]) -> None:
        """Send a batch, and those of it again that SQS did not take."""
        left = dict(enumerate(bodies))
        for attempt in range(SEND_ATTEMPTS):
            if attempt:
                self._sleep(FIRST_WAIT_SECONDS * 2**attempt)
            answer = self._sqs.send_message_batch(
                QueueUrl=self._queue_url,
                Entries=[{"Id": str(number), "MessageBody": body} for number, body in left.items()],
            )
            failed = answer.get("Failed", [])
            if not failed:
                return
            left = {int(entry["Id"]): left[int(entry["Id"])] for entry in failed}
            if any(entry["SenderFault"] for entry in failed):
                break
        reason = f"{failed[0]['Code']}: {failed[0].get('Message', '')}"
        raise MessagesRefusedError(f"{len(left)} messages are not taken by {self._queue_url} ({reason})")


def _batches(bodies: list[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    size = 0
    for body in bodies:
        body_bytes = _bytes(body)
        if batch and (len(batch) == BATCH_MESSAGES or size + body_bytes > MESSAGE_BYTES_LIMIT):
            yield batch
            batch, size = [], 0
        batch.append(body)
        size += body_bytes
    if batch:
        yield batch


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())
