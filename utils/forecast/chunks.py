"""What is left of a run's units, from which each place takes its next ones."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from utils.forecast.units import Units

MOST_SINGLE_UNITS = 1_000
"""Up to so many, each unit is taken for itself; more are taken in chunks."""


@dataclass(frozen=True)
class Chunk:
    """Equal units that some places take at once, the same number one after the other in each of them.

    Attributes
    ----------
    units
        What kind they are.
    count
        How many.
    rounds
        How many of them one place takes.
    """

    units: Units
    count: int
    rounds: int

    @property
    def places(self) -> int:
        """How many places work on them."""
        return -(-self.count // self.rounds)


class Chunks:
    """Hands out units in the order of the list, those of two routes in the proportion of their numbers.

    Each place takes one unit, then two, four, and so on, so that all begin as they would with single units;
    and never more than half of its share of what is left, so that the last units end as single ones do.

    Parameters
    ----------
    groups
        As `utils.forecast.units.split_units` gives them.
    places
        How many places take units.
    """

    def __init__(self, groups: Iterable[Units], places: int) -> None:
        self._places = places
        self._queues: dict[str, list[Units]] = {}
        for units in groups:
            self._queues.setdefault(units.route.name, []).append(units)
        self._totals = {name: sum(each.count for each in queue) for name, queue in self._queues.items()}
        self._left = dict(self._totals)
        total = sum(self._totals.values())
        self.single = total <= MOST_SINGLE_UNITS
        self._rounds = list(_plan_rounds(-(-total // places)))

    def take(self, places: int, turn: int) -> Chunk | None:
        """Take the next chunk for places that took so many chunks before; None when nothing is left."""
        left = sum(self._left.values())
        if not left:
            return None
        name = max(self._left, key=lambda route: self._left[route] / self._totals[route])
        queue = self._queues[name]
        units = queue[0]
        fair = left // self._places
        planned = self._rounds[turn] if turn < len(self._rounds) else fair // 2
        rounds = 1 if self.single else max(1, min(planned, fair))
        count = min(units.count, places * rounds)
        self._left[name] -= count
        queue[0] = Units(units.route, units.count - count, units.items)
        if not queue[0].count:
            del queue[0]
        return Chunk(units, count, -(-count // places))


def _plan_rounds(rounds: int) -> Iterator[int]:
    """Divide a place's share: first 1, then at most twice the one before, and at most half of the rest."""
    size = 1
    while rounds:
        yield size
        rounds -= size
        size = max(1, min(2 * size, rounds // 2))
