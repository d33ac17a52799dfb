"""Task tokens: tasks and activities that somebody outside answers."""

import asyncio
import functools
import json
import secrets
import time
from typing import Any

from ministack.core.responses import error_response_json, json_response
from ministack.services import stepfunctions

from local.states import loop
from local.states.errors import HeartbeatTimeoutError, PathError, StatesError

LONG_POLL_SECONDS = 60
"""How long GetActivityTask waits for a task (Step Functions API reference)."""

_POLL_INTERVAL_SECONDS = 0.05
_open: dict[str, "Callback"] = {}
_closed: set[str] = set()


class Callback:
    """A task that waits for the answer to its token."""

    def __init__(self) -> None:
        self.token = secrets.token_urlsafe(96)
        self.started: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        self._answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._beat = asyncio.Event()
        _open[self.token] = self

    def close(self) -> None:
        """Take no answer any more."""
        _open.pop(self.token, None)
        _closed.add(self.token)

    def start(self, worker_name: str | None) -> None:
        """Note that an activity's worker has the task."""
        if not self.started.done():
            self.started.set_result(worker_name)

    def beat(self) -> None:
        """Note a heartbeat."""
        self._beat.set()

    def succeed(self, output: str) -> None:
        """Answer with the task's output, a JSON text."""
        self.close()
        self._answer.set_result(output)

    def fail(self, error: str | None, cause: str | None) -> None:
        """Answer with a failure."""
        self.close()
        self._answer.set_exception(StatesError(error, cause))

    async def answer(self, heartbeat_seconds: float | None) -> Any:
        """Wait for the answer.

        Raises
        ------
        StatesError
            The answer is a failure.
        HeartbeatTimeoutError
            Neither an answer nor a heartbeat came for so many seconds.
        """
        while not self._answer.done():
            self._beat.clear()
            beat = asyncio.ensure_future(self._beat.wait())
            waiting: set[asyncio.Future[Any]] = {self._answer, beat}
            done, _ = await asyncio.wait(
                waiting, timeout=heartbeat_seconds, return_when=asyncio.FIRST_COMPLETED
            )
            beat.cancel()
            if not done:
                raise HeartbeatTimeoutError
        return json.loads(self._answer.result())


def send_task_success(data: dict[str, Any]) -> Any:
    """Answer SendTaskSuccess."""
    output = data.get("output", "{}")
    try:
        json.loads(output)
    except ValueError:
        return error_response_json("InvalidOutput", f"Invalid Output: '{output}'", 400)
    return _respond(data, lambda callback: callback.succeed(output))


def send_task_failure(data: dict[str, Any]) -> Any:
    """Answer SendTaskFailure."""
    return _respond(data, lambda callback: callback.fail(data.get("error"), data.get("cause")))


def send_task_heartbeat(data: dict[str, Any]) -> Any:
    """Answer SendTaskHeartbeat."""
    return _respond(data, Callback.beat)


def _respond(data: dict[str, Any], act: Any) -> Any:
    token = data.get("taskToken", "")

    def respond() -> Any:
        callback = _open.get(token)
        if callback is not None:
            act(callback)
            return json_response({})
        if token in _closed:
            return error_response_json(
                "TaskTimedOut", "Task Timed Out: 'Provided task does not exist anymore'", 400
            )
        return error_response_json("InvalidToken", "Invalid Token: 'Invalid token'", 400)

    return loop.call(respond)


async def get_activity_task(data: dict[str, Any]) -> Any:
    """Answer GetActivityTask: wait for a task of the activity and note who takes it."""
    queue = stepfunctions._activity_tasks.get(data.get("activityArn"))
    if queue is None:
        return error_response_json(
            "ActivityDoesNotExist", f"Activity Does Not Exist: '{data.get('activityArn')}'", 400
        )
    deadline = time.monotonic() + LONG_POLL_SECONDS
    while time.monotonic() < deadline:
        while queue:
            task = queue.pop(0)
            callback = _open.get(task["taskToken"])
            if callback is not None:
                loop.call(functools.partial(callback.start, data.get("workerName")))
                return json_response(task)
        await asyncio.sleep(_POLL_INTERVAL_SECONDS)
    return json_response({})


def schedule_activity(activity_arn: str, callback: Callback, task_input: str) -> None:
    """Put a task where GetActivityTask finds it.

    Raises
    ------
    PathError
        There is no such activity.
    """
    queue = stepfunctions._activity_tasks.get(activity_arn)
    if queue is None:
        raise PathError(f"The activity {activity_arn} does not exist.")
    queue.append({"taskToken": callback.token, "input": task_input})
