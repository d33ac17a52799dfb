"""How the items of a job are counted: in blocks, as the workflow's functions do.

A block of level 0 has 250 positions in a row, one of another level 250 blocks of the level below.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

BLOCK_POSITIONS = 250


class Block(NamedTuple):
    """A block: its level, and its number on that."""

    level: int
    number: int

    def size(self, total: int) -> int:
        """Count the positions of a list that are in it, or in its blocks."""
        positions: int = BLOCK_POSITIONS ** (self.level + 1)
        return max(0, min(positions, total - self.number * positions))


class BlockCounts:
    """What is known of the blocks of a job over a list of so many items."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._places: dict[Block, frozenset[int]] = {}
        level = 0
        while BLOCK_POSITIONS ** (level + 1) < total:
            level += 1
        self.top = Block(level, 0)
        """The block that has the whole list."""

    def note(self, places: Mapping[Block, frozenset[int]]) -> None:
        """Note which parts of blocks are done, by their places in the block."""
        self._places.update(places)

    def open_blocks(self, block: Block) -> Iterator[Block]:
        """Give the blocks of a block that are not known to be complete."""
        done = self._places.get(block, frozenset[int]())
        first = block.number * BLOCK_POSITIONS
        for place in range(BLOCK_POSITIONS if block.level else 0):
            below = Block(block.level - 1, first + place)
            if place not in done and below.size(self._total):
                yield below

    def count_done(self, block: Block) -> int:
        """Count the positions of a block that are known to be done."""
        if block.level == 0:
            return len(self._places.get(block, ()))
        left = (below.size(self._total) - self.count_done(below) for below in self.open_blocks(block))
        return block.size(self._total) - sum(left)
