"""How the items of a job are counted: by blocks of positions, as the workflow's functions do."""

PARTITIONS = 16
BLOCK_POSITIONS = 500


def block_sizes(total: int) -> dict[str, int]:
    """Name the blocks of a list, in its order, and say how many positions each has.

    Position p is in the block ``"<p % 16>-<p // 16 // 500>"``.
    """
    sizes = {}
    for number in range(-(-total // (PARTITIONS * BLOCK_POSITIONS))):
        for partition in range(PARTITIONS):
            in_partition = -(-(total - partition) // PARTITIONS)
            if (size := min(in_partition - number * BLOCK_POSITIONS, BLOCK_POSITIONS)) > 0:
                sizes[f"{partition}-{number}"] = size
    return sizes
