"""The inputs of children that have not been started, made a few at a time beside the event loop."""

import asyncio
import itertools
from collections import deque
from collections.abc import Callable, Iterator

from local.states import loop
from local.states.distributed.child_inputs import ChildInput, Source
from local.states.errors import PathError, StatesError

LOOK_AHEAD = 32
"""Inputs that are made at a time, so that making them does not stop at every child."""

Made = tuple[list[ChildInput], Exception | None]
"""Inputs, and what kept the next one from being made."""


class InputQueue:
    """The inputs of a Map Run's children, in the order of the items.

    Parameters
    ----------
    count
        Called with the number of inputs whenever some have been made.
    """

    def __init__(self, source: Source, count: Callable[[int], None]) -> None:
        self.waiting: deque[ChildInput] = deque()
        self._source = source
        self._count = count
        self._inputs: Iterator[ChildInput] | None = None
        self._making: asyncio.Future[Made] | None = None
        self._broken: Exception | None = None

    @property
    def is_usable(self) -> bool:
        """Whether the items could be read, and made into inputs so far."""
        return self._inputs is not None and self._broken is None

    @property
    def is_open(self) -> bool:
        """Whether the items have been counted."""
        return self._inputs is not None

    async def open(self) -> int:
        """Count the items, which reads them all: no child starts on a list that cannot be read to its end."""
        total = await loop.call_blocking(self._source.count)
        self._inputs = self._source.inputs()
        return total

    async def next(self) -> ChildInput | None:
        """The input of the next child; None after the last.

        Raises
        ------
        StatesError, PathError
            It cannot be made.
        """
        if not self.waiting:
            await self._make(LOOK_AHEAD)
        return self.waiting.popleft() if self.waiting else None

    async def make_all(self) -> None:
        """Make all inputs that are left; raises what `next` would."""
        if self._making is not None:
            await self._take_in(self._making)
        await self._make(None)

    def forget(self) -> None:
        """Drop the items."""
        self._inputs = None

    async def _make(self, number: int | None) -> None:
        """Make inputs in a thread, which goes on with them if this line of control is cancelled."""
        if self._broken is not None:
            raise self._broken
        if self._inputs is not None:
            inputs = itertools.islice(self._inputs, number)
            self._making = asyncio.ensure_future(loop.call_blocking(_make, inputs))
            await self._take_in(self._making)

    async def _take_in(self, making: "asyncio.Future[Made]") -> None:
        inputs, self._broken = await asyncio.shield(making)
        self._making = None
        self.waiting.extend(inputs)
        self._count(len(inputs))
        if self._broken is not None:
            raise self._broken


def _make(inputs: Iterator[ChildInput]) -> Made:
    """Make inputs; those before one that cannot be made are kept."""
    made: list[ChildInput] = []
    try:
        made.extend(inputs)
    except (StatesError, PathError) as error:
        return made, error
    return made, None
