"""Answers to a task token, and heartbeats for as long as its item is processed. Tokens are never logged."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from types_boto3_stepfunctions import SFNClient

CLOSED = {"TaskTimedOut", "TaskDoesNotExist", "InvalidToken"}
"""What Step Functions says of a token that timed out, was answered, or is none; also of an execution that
was stopped."""

logger = logging.getLogger(__name__)


class TaskClosedError(Exception):
    """Nobody waits for the answer any more."""


class Task:
    """A task of Step Functions that waits for the answer to its token.

    Every method raises ``TaskClosedError`` when it does not wait any more.
    """

    def __init__(self, client: "SFNClient", token: str) -> None:
        self._client = client
        self._token = token

    def beat(self) -> None:
        """Say that the item is worked on."""
        with _closed_as_such():
            self._client.send_task_heartbeat(taskToken=self._token)

    def succeed(self, output: str) -> None:
        """Answer with the task's output, a JSON text."""
        with _closed_as_such():
            self._client.send_task_success(taskToken=self._token, output=output)

    def fail(self, error: str, cause: str) -> None:
        """Answer with a failure."""
        with _closed_as_such():
            self._client.send_task_failure(taskToken=self._token, error=error, cause=cause)


@contextmanager
def _closed_as_such() -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in CLOSED:
            raise TaskClosedError(code) from error
        raise


class Heartbeats:
    """Context manager that sends heartbeats from a thread of its own.

    A heartbeat that fails is logged, and the next one is due as usual. One that finds the task closed is the
    last. When the context is left the thread has ended, so that nothing is left to run when the function is
    called again.

    Parameters
    ----------
    beat
        Sends one; it should give up soon, since leaving waits for it.
    seconds
        Between two heartbeats; the first is sent after that time.
    """

    def __init__(self, beat: Callable[[], None], seconds: float) -> None:
        self._beat = beat
        self._seconds = seconds
        self._ended = threading.Event()
        self._closed: TaskClosedError | None = None
        self._thread = threading.Thread(target=self._run, name="heartbeats", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def wait(self, seconds: float) -> None:
        """Wait, and no longer than the task does.

        Raises
        ------
        TaskClosedError
            A heartbeat found that the task is closed.
        """
        self._ended.wait(seconds)
        if self._closed:
            raise self._closed

    def _run(self) -> None:
        while not self._ended.wait(self._seconds):
            try:
                self._beat()
            except TaskClosedError as closed:
                self._closed = closed
                self._ended.set()
            except Exception as error:  # the network, throttling: no reason to stop
                logger.warning("A heartbeat failed, the next is due in %g s: %s", self._seconds, error)
