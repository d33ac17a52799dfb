"""How the items of a list share batches, which the children of a Map Run take, or messages."""

from dataclasses import dataclass

from utils.limits import map_concurrency

EXECUTION_NAME_CHARACTERS = 80
"""Longest name of an execution, which each batch carries (StartExecution in the Step Functions API)."""

BATCH_BYTES = len('{"BatchInput":{"execution":""},"Items":[]}') + EXECUTION_NAME_CHARACTERS
"""Input of a child without its items."""

ENTRY_BYTES = len('{"index":,"item":}')
"""What a batch adds to an item and its index."""

ESCAPE_BYTES = len("\\uffff") - len("\uffff".encode())
"""What an escape adds to the character that it stands for."""


@dataclass(frozen=True)
class BatchLimits:
    """How much of a list one child takes at most, or one message: items, and bytes of its input.

    Attributes
    ----------
    bytes_source
        What sets the bytes: a key of config.json, or a limit of AWS.
    frame_bytes, entry_bytes
        What an input has besides its entries, and an entry besides an item and its index.
    alone_bytes
        Of an input that has one item only, if that may be more.
    taker
        What takes an input.
    escaped
        Characters that stand in an input as escapes, of six bytes each; each has three in UTF-8.
    may_be_empty
        Whether a file of JSON Lines may have no items, which Step Functions does not read.
    """

    items: int
    input_bytes: int
    bytes_source: str
    frame_bytes: int = BATCH_BYTES
    entry_bytes: int = ENTRY_BYTES
    alone_bytes: int | None = None
    taker: str = "child"
    escaped: str = ""
    may_be_empty: bool = False

    @property
    def largest_bytes(self) -> int:
        """Of an input that has one item only."""
        return self.alone_bytes or self.input_bytes

    def bytes_of_entry(self, index: int, text: str, text_bytes: int) -> int:
        """Count what an item adds to an input, besides a comma.

        Parameters
        ----------
        text, text_bytes
            The item as compact JSON, and its length in UTF-8.
        """
        escapes = 0 if text.isascii() else sum(map(text.count, self.escaped))
        return self.entry_bytes + len(str(index)) + text_bytes + escapes * ESCAPE_BYTES


@dataclass
class Batches:
    """Fills batches as ItemBatcher does: each until the next item would exceed a limit.

    The size is that of the child's whole input as compact JSON in UTF-8.
    """

    limits: BatchLimits
    count: int = 0
    _items: int = 0
    _bytes: int = 0

    def add(self, entry_bytes: int) -> bool:
        """Take the next entry of ``Items``; say whether it fits a batch at all."""
        full = self._items == self.limits.items
        if full or not self.count or self._bytes + 1 + entry_bytes > self.limits.input_bytes:
            self.count += 1
            self._items = 0
            self._bytes = self.limits.frame_bytes - 1
        self._items += 1
        self._bytes += 1 + entry_bytes
        return self._bytes <= self.limits.largest_bytes


def children_at_once(batches: int, max_concurrency: int) -> int:
    """Estimate the children that run at a time; a max concurrency of 0 asks for as many as AWS allows."""
    return min(batches, map_concurrency(max_concurrency))
