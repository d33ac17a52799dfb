"""Invocations of functions that stop at each of their calls, so that a test decides how they go on.

An invocation runs in a thread of its own, but only while the test waits for it: what a test does is the same
each time.
"""

import threading

from fake_aws import refusal


class Crash(BaseException):
    """The environment of the invocation is gone."""


def always_well():
    """Choose that a call goes well."""
    return "well"


class Invocation:
    """A call of a function, which goes on only when it is run.

    Parameters
    ----------
    at_end
        Called with whether it ended well, when it has.
    """

    current = None
    """The one that runs now, if any does."""

    def __init__(self, function, at_end):
        self.is_over = False
        self._function = function
        self._at_end = at_end
        self._ended_well = False
        self._is_crashed = False
        self._choose = always_well
        self._may_go_on = threading.Semaphore(0)
        self._has_stopped = threading.Semaphore(0)
        self._thread = threading.Thread(target=self._main, daemon=True)
        self._thread.start()

    def run(self, choose=always_well):
        """Go on, to the end or to a pause.

        Parameters
        ----------
        choose
            Says what becomes of each call: "well", "in part", "crash before", "crash after", "error before",
            "error after", or "pause", until it is run again.
        """
        self._choose = choose
        Invocation.current = self
        self._may_go_on.release()
        self._has_stopped.acquire()
        Invocation.current = None
        if self.is_over:
            self._thread.join()
            self._at_end(self._ended_well)

    def crash(self):
        """End here: no further call is made."""
        self._is_crashed = True
        raise Crash

    def call(self, effect, in_part):
        """Make a call of the function as the test says."""
        if self._is_crashed:
            raise Crash
        how = self._choose()
        while how == "pause":
            self._has_stopped.release()
            self._may_go_on.acquire()
            how = self._choose()
        if how == "in part" and in_part:
            return in_part()
        if how == "crash before":
            self.crash()
        if how == "error before":
            raise refusal("ThrottlingException")
        answer = effect()
        if how == "crash after":
            self.crash()
        if how == "error after":
            raise refusal("InternalServerError")
        return answer

    def _main(self):
        self._may_go_on.acquire()
        try:
            self._function()
            self._ended_well = not self._is_crashed
        except (Crash, Exception):
            self._ended_well = False
        self.is_over = True
        self._has_stopped.release()


def make_call(effect, in_part=None):
    """Make a call of whoever runs now: an invocation, or the test itself."""
    if Invocation.current:
        return Invocation.current.call(effect, in_part)
    return effect()
