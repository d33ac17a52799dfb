"""Retry and Catch: which retrier or catcher takes an error, and when to try again."""

import random
from collections.abc import Mapping, Sequence
from typing import Any

from local.states.errors import StatesError

DEFAULT_MAX_ATTEMPTS = 3
DEFAULT_INTERVAL_SECONDS = 1
DEFAULT_BACKOFF_RATE = 2.0


class Retriers:
    """The Retry field of one state while that state runs."""

    def __init__(self, retriers: Sequence[Mapping[str, Any]]) -> None:
        self._retriers = retriers
        self._attempts = [0] * len(retriers)

    def delay_seconds(self, error: StatesError) -> float | None:
        """Seconds until the next attempt, or None when there is none."""
        for index, retrier in enumerate(self._retriers):
            if not error.matches(retrier["ErrorEquals"]):
                continue
            attempts = self._attempts[index]
            if attempts >= retrier.get("MaxAttempts", DEFAULT_MAX_ATTEMPTS):
                return None
            self._attempts[index] += 1
            delay: float = retrier.get("IntervalSeconds", DEFAULT_INTERVAL_SECONDS) * (
                retrier.get("BackoffRate", DEFAULT_BACKOFF_RATE) ** attempts
            )
            delay = min(delay, retrier.get("MaxDelaySeconds", delay))
            return random.uniform(0, delay) if retrier.get("JitterStrategy") == "FULL" else delay  # noqa: S311
        return None


def catcher_for(catchers: Sequence[Mapping[str, Any]], error: StatesError) -> Mapping[str, Any] | None:
    """The first catcher that takes the error."""
    return next((catcher for catcher in catchers if error.matches(catcher["ErrorEquals"])), None)
