"""Works on the messages of one call, and sends back what has not ended."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

# Lambda puts this folder, and not the project, on the path.
from job_message import (  # type: ignore[import-not-found]
    Message,
    Work,
    delay_seconds,
    read_message,
    work_on,
    write_message,
)
from job_results import Outcome, ResultsTable  # type: ignore[import-not-found]
from outcomes import Failure  # type: ignore[import-not-found]

logger = logging.getLogger(__name__)

Run = Callable[[str, int, Any], Outcome | Failure]
"""Processes an item, after its job and position."""


Send = Callable[[str, int], object]
"""Sends a message to the queue: its body, and how many seconds it stays hidden."""


@dataclass(frozen=True, slots=True)
class WorkDone:
    """A message, what became of it, and which attempt that was."""

    message_id: str
    message: Message
    work: Work
    attempts: int


class Worker:
    """Works on the messages of one call.

    Parameters
    ----------
    send
        Sends a message with items that have not ended.
    run
        Processes an item in its first attempt.
    run_safely
        Processes an item that may end or hang its process: one that was received before, or is in its last
        attempt.
    max_attempts
        Of an item.
    has_time
        Whether another item may be started.
    """

    def __init__(  # noqa: PLR0913 - all but the first two are named
        self,
        table: ResultsTable,
        send: Send,
        *,
        run: Run,
        run_safely: Run,
        max_attempts: int,
        has_time: Callable[[], bool],
    ) -> None:
        self._table = table
        self._send = send
        self._run = run
        self._run_safely = run_safely
        self._max_attempts = max_attempts
        self._has_time = has_time
        self._done: list[WorkDone] = []

    def work(self, message_id: str, body: str, receipts: int) -> None:
        """Process a message's items, and record what they end with.

        Parameters
        ----------
        receipts
            How often the message was received, with this time.
        """
        message = read_message(body)
        attempts = message.attempts + receipts
        is_last = attempts >= self._max_attempts
        run = self._run if attempts == 1 and not is_last else self._run_safely
        positions = [position for position, _ in message.items]
        recorded = self._table.recorded(message.job, positions) if receipts > 1 else set()
        work = work_on(
            message,
            recorded,
            run=partial(run, message.job),
            is_last=is_last,
            has_time=self._has_time,
        )
        refused = set(
            self._table.record(message.job, work.outcomes, attempts=attempts, expires_at=message.expires_at)
        )
        work.waiting += [(position, item) for position, item in message.items if position in refused]
        self._done.append(WorkDone(message_id, message, work, attempts))

    def send_back(self) -> list[str]:
        """Send back what has not ended; return the ids of messages for which that failed.

        This comes after all messages were worked on: a call that is lost before has sent nothing, so that
        nothing is in the queue twice.
        """
        failures = []
        for done in self._done:
            logger.info(_log_line(done))
            try:
                self._send_back(done)
            except Exception as error:
                name = type(error).__name__
                logger.warning("Message %s goes back to the queue: %s: %s", done.message_id, name, error)
                failures.append(done.message_id)
        return failures

    def _send_back(self, done: WorkDone) -> None:
        if done.work.waiting:
            # Waiting is no attempt.
            self._send(write_message(done.message, done.work.waiting, done.attempts - 1), 0)
        if done.work.failed:
            body = write_message(done.message, done.work.failed, done.attempts)
            self._send(body, delay_seconds(done.attempts))


def _log_line(done: WorkDone) -> dict[str, Any]:
    kinds = [outcome.kind for outcome in done.work.outcomes.values()]
    return {
        "job": done.message.job,
        "attempts": done.attempts,
        "succeeded": kinds.count("result"),
        "failed": kinds.count("error"),
        "again": len(done.work.failed),
        "waiting": len(done.work.waiting),
    }
