"""Invocations of functions that stop at each of their calls, so that a test decides how they go on.

An invocation runs in a thread of its own, but only while the test waits for it: what a test does is the same
each time.
"""

import threading

from fake_aws import refusal


class Crash(BaseException):
    """The environment of the invocation is gone."""


class Invocation:
    """A call of a function, at its begin or at one of its calls.

    Parameters
    ----------
    at_end
        Called with whether it ended well, when it has.
    """

    current = None
    """The one that runs now, if any does."""

    def __init__(self, function, at_end):
        self.is_over = False
        self.error = None
        self._function = function
        self._at_end = at_end
        self._how = "well"
        self._is_crashed = False
        self._may_go_on = threading.Semaphore(0)
        self._has_stopped = threading.Semaphore(0)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self.step("well")

    def step(self, how):
        """Go on to the next call, or to the end.

        Parameters
        ----------
        how
            What becomes of the call that it has stopped at: "well", "in part", "crash before",
            "crash after", "error before", "error after".
        """
        self._how = how
        Invocation.current = self
        self._may_go_on.release()
        self._has_stopped.acquire()
        Invocation.current = None
        if self.is_over:
            self._thread.join()
            self._at_end(self.error is None and not self._is_crashed)

    def run(self, calls=10_000, then="well"):
        """Make so many calls well, and the next one as it says; "pause" stays there."""
        for _ in range(calls):
            if not self.is_over:
                self.step("well")
        if then != "pause" and not self.is_over:
            self.step(then)
            while not self.is_over:
                self.step("well")

    def call(self, effect, in_part):
        """Make a call of the function as the test says."""
        if self._is_crashed:
            raise Crash
        self._has_stopped.release()
        self._may_go_on.acquire()
        how = self._how
        if how == "in part" and in_part:
            return in_part()
        if how == "crash before":
            self._is_crashed = True
            raise Crash
        if how == "error before":
            raise refusal("ThrottlingException")
        answer = effect()
        if how == "crash after":
            self._is_crashed = True
            raise Crash
        if how == "error after":
            raise refusal("InternalServerError")
        return answer

    def _run(self):
        self._may_go_on.acquire()
        try:
            self._function()
        except Crash:
            self._is_crashed = True
        except Exception as error:
            self.error = error
        self.is_over = True
        self._has_stopped.release()


def make_call(effect, in_part=None):
    """Make a call of whoever runs now: an invocation, or the test itself."""
    if Invocation.current:
        return Invocation.current.call(effect, in_part)
    return effect()
