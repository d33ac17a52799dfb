"""Draws what units take: how long their items work, how many of these fail, and the pauses that follow."""

import math
from dataclasses import dataclass
from random import Random

from utils.forecast.engine import Engine
from utils.forecast.units import LONGEST_PAUSE_SECONDS, Units, count_further_calls
from utils.forecast.work import Work

MOST_SINGLE_DRAWS = 50
"""Above which the number of failures is drawn from the normal distribution."""


@dataclass(frozen=True)
class Sample:
    """What some equal units take that run one after the other, in seconds.

    Attributes
    ----------
    busy
        That a function works.
    idle
        That they wait: their Wait states, their pauses, and what the engine takes for their states.
    attempts
        Of all their items.
    """

    busy: float
    idle: float
    attempts: int


def draw(units: Units, count: int, work: Work, engine: Engine, random: Random) -> Sample:
    """Draw what so many units take; the same each time where nothing fails and all items are equal.

    Durations are of a gamma distribution: with a spread of 1 that is the exponential one, and a sum of them
    is drawn as one number.
    """
    route = units.route
    failing = count * units.items
    attempts = repeats = 0
    pauses = 0.0
    for attempt in range(1, route.attempts + 1):
        attempts += failing
        failing = _draw_failing(failing, work.failure_rate, random)
        if not failing or attempt == route.attempts:
            break
        # Of several units each pauses that has an item which failed.
        pausing = 1 if count == 1 else round(count * (1 - (1 - work.failure_rate**attempt) ** units.items))
        repeats += pausing
        longest = min(2 ** (attempt - 1), LONGEST_PAUSE_SECONDS)
        pauses += pausing * longest * (random.random() if pausing == 1 else 0.5)
    calls = count * (1 + count_further_calls(units, work)) + repeats
    states = count * route.states + (calls - count) * (route.repeat_states or 1)
    return Sample(
        busy=_draw_seconds(attempts, work, random) + calls * engine.call_seconds,
        idle=count * route.wait_seconds + pauses + states * engine.state_seconds,
        attempts=attempts,
    )


def _draw_failing(items: int, rate: float, random: Random) -> int:
    if not rate or not items:
        return 0
    if items <= MOST_SINGLE_DRAWS:
        return sum(random.random() < rate for _ in range(items))
    drawn = random.gauss(items * rate, math.sqrt(items * rate * (1 - rate)))
    return min(max(round(drawn), 0), items)


def _draw_seconds(attempts: int, work: Work, random: Random) -> float:
    if not work.spread:
        return attempts * work.seconds
    return random.gammavariate(attempts / work.spread**2, work.seconds * work.spread**2)
