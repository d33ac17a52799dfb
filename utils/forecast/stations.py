"""What units wait for in a simulation: rates that let so many pass in a second, and slots that grow."""

from collections.abc import Generator

import simpy

GROWTH_STEPS = 200
"""In which slots are added, at most; finer steps change no result that can be seen."""


class Rate:
    """A quota in so many a second; who asks first passes first.

    Parameters
    ----------
    per_second
        Infinite where nothing limits.
    """

    def __init__(self, per_second: float) -> None:
        self._gap = 1 / per_second
        self._free = 0.0
        self._passed = 0.0

    def take(self, now: float, count: float, at_once: float) -> tuple[float, float]:
        """Let some pass, so many of them at once and the others after these.

        Returns
        -------
        tuple of float
            The times at which the first and the last of them pass. The others leave the first of whoever asks
            next their turns, and pass no sooner than all that have asked until then.
        """
        first = max(now, self._free)
        self._free = first + at_once * self._gap
        self._passed += count
        return first, max(first, self._free - self._gap, (self._passed - 1) * self._gap)


class Slots:
    """Functions or workers: some at the beginning, then more and more, up to a limit.

    Parameters
    ----------
    first, per_second, most
        How many there are at the beginning, how many come each second, and how many there are at the end.
    """

    def __init__(self, environment: simpy.Environment, first: int, per_second: float, most: int) -> None:
        self.most = most
        self._free = simpy.Container(environment, init=min(first, most))
        if first < most:
            environment.process(self._grow(environment, most - first, per_second))

    def get(self, count: int) -> simpy.Event:
        """Wait for so many slots, which is no more than there will be."""
        return self._free.get(count)

    def put(self, count: int) -> None:
        """Give them back."""
        self._free.put(count)

    def _grow(
        self, environment: simpy.Environment, missing: int, per_second: float
    ) -> Generator[simpy.Event]:
        steps, there = min(GROWTH_STEPS, missing), 0
        for step in range(1, steps + 1):
            yield environment.timeout(missing / steps / per_second)
            # In whole slots, so that there are as many as there should be at the end.
            added = round(missing * step / steps) - there
            there += added
            self._free.put(added)
