"""The inputs of child executions: items, selected and put into batches, as JSON texts."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from local.states.distributed.item_reader import Item
from local.states.distributed.settings import MAX_CHILD_INPUT_BYTES, Batcher
from local.states.errors import DATA_LIMIT_EXCEEDED, StatesError
from local.states.paths import compact, utf8_bytes


class ChildInput(NamedTuple):
    """What one child execution is given, and how many items that is."""

    text: str
    items: int


class Source:
    """The items of a Map, and what is made of them.

    Parameters
    ----------
    read
        Reads the items from the first one.
    select
        Makes of an item's index and the item what a child is given.
    """

    def __init__(
        self,
        read: Callable[[], Iterator[Item]],
        select: Callable[[int, Item], Any] | None,
        batcher: Batcher | None,
    ) -> None:
        self._read = read
        self._select = select
        self._batcher = batcher

    def count(self) -> int:
        """Count the items, which reads all of them.

        Raises
        ------
        StatesError
            They cannot be read.
        """
        return sum(1 for _ in self._read())

    def inputs(self) -> Iterator[ChildInput]:
        """Make the input of each child execution, in the order of the items.

        Raises
        ------
        StatesError
            An item, alone in its input, is larger than that may be.
        """
        if self._batcher is not None:
            yield from _batches(self._texts(), self._batcher)
            return
        for index, text in self._texts():
            _check(index, text, MAX_CHILD_INPUT_BYTES)
            yield ChildInput(text, 1)

    def _texts(self) -> Iterator[tuple[int, str]]:
        for index, item in enumerate(self._read()):
            yield index, compact(item.child_input() if self._select is None else self._select(index, item))


def _batches(texts: Iterable[tuple[int, str]], batcher: Batcher) -> Iterator[ChildInput]:
    head, tail = batcher.fields()
    frame_bytes = utf8_bytes(head) + utf8_bytes(tail)
    batch: list[str] = []
    batch_bytes = frame_bytes
    for index, text in texts:
        text_bytes = utf8_bytes(text)
        if batch and (len(batch) == batcher.max_items or batch_bytes + 1 + text_bytes > batcher.max_bytes):
            yield ChildInput(f"{head}{','.join(batch)}{tail}", len(batch))
            batch, batch_bytes = [], frame_bytes
        if not batch:
            _check(index, text, batcher.max_bytes - frame_bytes)
        batch_bytes += text_bytes + bool(batch)
        batch.append(text)
    if batch:
        yield ChildInput(f"{head}{','.join(batch)}{tail}", len(batch))


def _check(index: int, text: str, max_bytes: int) -> None:
    if len(text) * 4 > max_bytes and utf8_bytes(text) > max_bytes:
        raise StatesError(
            DATA_LIMIT_EXCEEDED,
            f"The item at index {index} has {utf8_bytes(text)} bytes; the input of a child execution has "
            f"room for {max_bytes}.",
        )
