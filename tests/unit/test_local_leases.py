"""Execution environments are leased: a free one first, few starting at a time, and only so many in all."""

import threading
from typing import Any

import pytest
from ministack.core import lambda_runtime

from local.functions import leases
from local.functions.leases import MAX_ENVIRONMENTS, MAX_STARTING, lease

CONFIG = {
    "FunctionName": "function",
    "FunctionArn": "arn:aws:lambda:us-east-1:123456789012:function:function",
}
PATIENCE_SECONDS = 10


class Environment:
    """An environment without a process, with the part of its interface that leases use."""

    made = 0

    def __init__(self, *_: object) -> None:
        type(self).made += 1
        self.in_use = False
        self.on_started: Any = None

    def started(self) -> None:
        on_started, self.on_started = self.on_started, None
        if on_started is not None:
            on_started()


@pytest.fixture(autouse=True)
def environments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lambda_runtime, "_workers", {})
    monkeypatch.setattr(lambda_runtime, "_worker_class_for", lambda _: Environment)
    monkeypatch.setattr(leases, "_starting", type(leases._starting)())
    monkeypatch.setattr(Environment, "made", 0)


class Invocation:
    """An invocation in a thread of its own, which holds its environment until it is told to end."""

    def __init__(self, *, starts: bool = True) -> None:
        self.environment: Environment | None = None
        self.leased, self._end = threading.Event(), threading.Event()
        self._starts = starts
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        with lease(CONFIG, b"") as environment:
            self.environment = environment
            if self._starts:
                environment.started()
            self.leased.set()
            assert self._end.wait(PATIENCE_SECONDS)

    def end(self) -> None:
        self._end.set()
        self._thread.join(PATIENCE_SECONDS)


def test_a_free_environment_is_leased_before_a_new_one() -> None:
    first = Invocation()
    assert first.leased.wait(PATIENCE_SECONDS)
    first.end()
    second = Invocation()
    assert second.leased.wait(PATIENCE_SECONDS)
    assert second.environment is first.environment
    second.end()


def test_an_invocation_that_waits_takes_what_comes_first() -> None:
    # Given as many environments at their start as may be, and one invocation more
    starting = [Invocation(starts=False) for _ in range(MAX_STARTING)]
    for each in starting:
        assert each.leased.wait(PATIENCE_SECONDS)
    waiting = Invocation()
    assert not waiting.leased.is_set()
    assert Environment.made == MAX_STARTING
    # When one of them has started and ends
    starting[0].end()
    # Then its environment serves the one that waited
    assert waiting.leased.wait(PATIENCE_SECONDS)
    assert waiting.environment is starting[0].environment
    for each in [*starting[1:], waiting]:
        each.end()


def test_a_further_one_starts_when_a_start_ends() -> None:
    starting = [Invocation(starts=False) for _ in range(MAX_STARTING)]
    for each in starting:
        assert each.leased.wait(PATIENCE_SECONDS)
    waiting = Invocation()
    assert starting[0].environment is not None
    starting[0].environment.started()
    assert waiting.leased.wait(PATIENCE_SECONDS)
    assert Environment.made == MAX_STARTING + 1
    for each in [*starting, waiting]:
        each.end()


def test_there_are_never_more_than_the_machine_holds() -> None:
    # Given as many invocations as there may be environments, none of which ends
    held = [Invocation() for _ in range(MAX_ENVIRONMENTS)]
    for each in held:
        assert each.leased.wait(PATIENCE_SECONDS)
    # When there is one more
    waiting = Invocation()
    # Then it waits for one of them
    assert not waiting.leased.is_set()
    held[7].end()
    assert waiting.leased.wait(PATIENCE_SECONDS)
    assert Environment.made == MAX_ENVIRONMENTS
    for each in [*held, waiting]:
        each.end()


def test_a_failed_start_makes_room_for_others() -> None:
    for _ in range(MAX_STARTING + 1):
        with pytest.raises(OSError, match="no process"), lease(CONFIG, b""):
            raise OSError("no process")
        lambda_runtime._workers.clear()
    assert leases._starting.total() == 0
