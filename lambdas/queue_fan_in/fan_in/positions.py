"""Where the positions of a job's list belong: the partition of a result, and the block that counts it.

The results of a job are spread over 16 partitions, so that no partition of the table gets all of its writes.
A block is 500 positions of one partition, which one record counts. A write is paid by the kilobytes of the
record, and the records of a partition come in one shard of the stream: what a call counts is in few blocks.
"""

PARTITIONS = 16
BLOCK_POSITIONS = 500


def part_key(job: str, position: int) -> str:
    """Return the partition key of a position's result."""
    return f"{job}/{position % PARTITIONS}"


def job_of(part: str) -> str:
    """Return the job that a partition key belongs to."""
    return part.rpartition("/")[0]


def block_of(position: int) -> str:
    """Return the id of the block that counts a position."""
    return f"{position % PARTITIONS}-{position // PARTITIONS // BLOCK_POSITIONS}"


def block_size(block: str, total: int) -> int:
    """Count the positions of a block in a list of so many items."""
    partition, number = map(int, block.split("-"))
    before = number * BLOCK_POSITIONS
    return max(0, min(BLOCK_POSITIONS, _partition_size(partition, total) - before))


def count_blocks(total: int) -> int:
    """Count the blocks of a list of so many items."""
    return sum(-(-_partition_size(partition, total) // BLOCK_POSITIONS) for partition in range(PARTITIONS))


def _partition_size(partition: int, total: int) -> int:
    return -(-max(0, total - partition) // PARTITIONS)
