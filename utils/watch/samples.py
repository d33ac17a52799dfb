"""How far items were at some moments, and what follows from it for the rest."""

from collections.abc import Sequence
from typing import NamedTuple

RATE_SPAN_SECONDS = 60.0
"""The rate is that of the last minute: long enough for slow batches, short enough to follow a change."""


class Sample(NamedTuple):
    """How far the items were at a moment of a clock in seconds."""

    seconds: float
    done: int
    total: int


def rate(samples: Sequence[Sample]) -> float | None:
    """Tell how many items are done a second, over the last while; None before the second sample."""
    if len(samples) < 2:
        return None
    last, first = samples[-1], samples[-2]
    for first in reversed(samples[:-1]):
        if last.seconds - first.seconds >= RATE_SPAN_SECONDS:
            break
    return (last.done - first.done) / max(last.seconds - first.seconds, 0.001)


def seconds_left(samples: Sequence[Sample]) -> float | None:
    """Estimate how long the rest takes at the present rate.

    Returns
    -------
    float or None
        None while the list is still read, and while nothing gets done.
    """
    per_second = rate(samples)
    if not per_second or samples[-1].total > samples[-2].total:
        return None
    return (samples[-1].total - samples[-1].done) / per_second
