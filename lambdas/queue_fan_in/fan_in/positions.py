"""Where the positions of a job's list belong: the partition of a result, and the blocks that count it.

A block is 250 positions in a row, and one record counts it. A worker has its items in a row, too, and all of
a block is in one of 16 partitions of the results table, whose records come in one shard of the stream: what a
call counts is in few blocks. A write is paid by the started kilobyte, and a block's record has less than one.

A block that is complete is counted in a block of the level above, which has 250 of them, up to the one that
has them all. So a record does not grow with the list.
"""

from collections.abc import Iterator
from typing import NamedTuple

PARTITIONS = 16
BLOCK_POSITIONS = 250


class Block(NamedTuple):
    """A block: of positions on level 0, and of blocks of the level below on the others."""

    level: int
    number: int


def partition_of(position: int) -> int:
    """Return the partition of a position's result."""
    return position // BLOCK_POSITIONS % PARTITIONS


def part_key(job: str, partition: int) -> str:
    """Return the partition key of a job's results."""
    return f"{job}/{partition}"


def job_of(part: str) -> str:
    """Return the job that a partition key belongs to."""
    return part.rpartition("/")[0]


def positions_in(partition: int, first: int, end: int) -> Iterator[int]:
    """Give the positions of a partition, from the first on and before the end."""
    block = first // BLOCK_POSITIONS
    block += (partition - block) % PARTITIONS
    for start in range(block * BLOCK_POSITIONS, end, PARTITIONS * BLOCK_POSITIONS):
        yield from range(max(first, start), min(start + BLOCK_POSITIONS, end))


def locate(part: int, level: int = 0) -> tuple[Block, int]:
    """Say in which block of a level a position is, or a block of the level below, and at which place."""
    number, place = divmod(part, BLOCK_POSITIONS)
    return Block(level, number), place


def block_size(block: Block, total: int) -> int:
    """Count the parts of a block in a list of so many items."""
    parts: int = -(-total // BLOCK_POSITIONS**block.level)
    return max(0, min(BLOCK_POSITIONS, parts - block.number * BLOCK_POSITIONS))


def has_all(block: Block, total: int) -> bool:
    """Say whether all of a list of so many items is in this block."""
    positions: int = BLOCK_POSITIONS ** (block.level + 1)
    return total <= positions
