"""How the functions of the workflow without a state machine work: as their code says, and as was measured."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Packing:
    """How much the functions of the workflow without a state machine take at once, as their code says.

    Attributes
    ----------
    message_bytes
        Of a message with several items.
    request_messages
        Messages that are sent with one request.
    stretch_items
        Items that are sent between two checkpoints.
    block_items
        Results that one record counts.
    page_items
        Results that are read with one request.
    file_rows, file_bytes
        Of a file of rows, whichever it has first.
    part_bytes
        Of the list, that are read with one request.
    """

    message_bytes: int
    request_messages: int
    stretch_items: int
    block_items: int
    page_items: int
    file_rows: int
    file_bytes: int
    part_bytes: int


@dataclass(frozen=True)
class Overheads:
    """Seconds that its functions take beside `process`, with a whole processor; those of requests with any.

    They are assumptions: what a job was measured to take (benchmarks/fan_in_counts.json).
    """

    worker_item: float = 0.001
    count_write: float = 0.004
    split_item: float = 0.00004
    finish_item: float = 0.00005
    request: float = 0.01
