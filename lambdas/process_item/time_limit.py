"""One timer for all items of a call: the item that runs when it goes off is interrupted.

The timer is a signal (SIGALRM), which reaches code that waits and code that computes in Python. It is
repeated each second, for code that catches everything and goes on. What withstands that (an endless loop of
such code, a call into C that does not return, an item that takes SIGALRM for itself) runs until the
function's own timeout ends the whole environment.
"""

import logging
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any, Self

REPEAT_SECONDS = 1.0
MARGIN_SECONDS = 3.0
"""How long before the function's timeout an item is interrupted: time to return the outcomes."""

logger = logging.getLogger(__name__)


def usable_seconds(context: Any) -> float:
    """Return how long items may take in a call with this context: what is left of the function's timeout."""
    remaining_seconds: float = context.get_remaining_time_in_millis() / 1000
    return remaining_seconds - min(MARGIN_SECONDS, remaining_seconds / 10)


class ItemTimedOut(BaseException):
    """The item did not end in time. Not an ``Exception``, which items often catch in order to try again."""


class TimeLimit:
    """Context manager whose ``run`` raises ``ItemTimedOut`` in what is running when the time is over.

    Signals reach only the main thread, which is where Lambda calls handlers. In any other thread nothing is
    interrupted, and a warning says so.

    Parameters
    ----------
    seconds
        From entering the context. With 0 or less there is no time to run anything, and no timer.
    clock
        Seconds from any start, for the message.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = max(seconds, 0)
        self._clock = clock
        self._is_main_thread = threading.current_thread() is threading.main_thread()
        self._running = False
        self._started = 0.0

    def __enter__(self) -> Self:
        if self._is_main_thread:
            self._previous_handler = signal.signal(signal.SIGALRM, self._interrupt)
            signal.setitimer(signal.ITIMER_REAL, self._seconds, REPEAT_SECONDS)
        else:
            logger.warning("No item will be interrupted when time runs out: this is not the main thread")
        return self

    def __exit__(self, *_: object) -> None:
        if self._is_main_thread:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, self._previous_handler)

    def run(self, process: Callable[..., Any], *arguments: Any) -> Any:
        """Call ``process`` with the arguments and return what it returns."""
        self._started = self._clock()
        try:
            self._running = True
            return process(*arguments)
        finally:
            self._running = False

    def _interrupt(self, _signal: int, _frame: FrameType | None) -> None:
        # Raised between two items, it would fail none of them and lose the outcomes of all.
        if self._running:
            raise ItemTimedOut(f"interrupted after {self._clock() - self._started:.1f} s: the time was over")
