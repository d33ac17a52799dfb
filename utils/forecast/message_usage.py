"""What a run of the workflow without a state machine uses: messages, records of results, and their count."""

import math
from typing import TYPE_CHECKING

from utils.forecast.engine import Engine
from utils.forecast.message_mode import MESSAGE_BYTES
from utils.forecast.mode import Messages, Mode
from utils.forecast.units import count_calls, count_repeats, items_of_unit, split_units, work_seconds
from utils.forecast.work import Work

if TYPE_CHECKING:
    from utils.forecast.usage import Usage

MESSAGES_OF_REQUEST = 10
RECORD_BYTES = 100
"""What a record has beside its result: key, position, expiry. An assumption."""
BLOCK_ITEMS = 1000
"""Results that are counted in one record (lambdas/queue_fan_in/fan_in/positions.py)."""
BLOCK_WRITE_UNITS = 20
"""For each block: its numbers are added in about four writes of 1 to 5 KB, then it is noted as done and
removed. An assumption."""
COUNT_SECONDS = 0.1
"""That a call takes which counts. An assumption."""
PART_BYTES = 64 * 1024**2
"""Of a file of rows."""


def count_messages(usage: "Usage", mode: Mode, messages: Messages, work: Work) -> None:
    """Add what queue, table, stream and functions use."""
    # A call's messages are as full as each of them.
    per_message = max(1, items_of_unit(mode.direct, work) // messages.messages_per_call)
    sent = math.ceil(work.items / per_message)
    requests = float(_requests(sent, work.items * work.item_bytes, MESSAGES_OF_REQUEST))
    for units in split_units(mode, work):
        usage.invoke(
            units.route.function,
            units.count * count_calls(units, work),
            units.count * work_seconds(units, work),
        )
        # A message with an item that failed is received again as a whole.
        repeats = units.count * count_repeats(units, work)
        requests += 2 * repeats
    received = _requests(sent, work.items * work.item_bytes, messages.messages_per_call)
    usage.queue_requests += requests + received + math.ceil(sent / messages.messages_per_call)
    record_bytes = RECORD_BYTES + work.result_bytes
    blocks = math.ceil(work.items / BLOCK_ITEMS)
    usage.write_units += work.items * math.ceil(record_bytes / 1024) + blocks * BLOCK_WRITE_UNITS
    # Eventually consistent: two times 4 KB a unit.
    usage.read_units += work.items * record_bytes / 8192
    counts = math.ceil(work.items / messages.records_per_count)
    usage.invoke(messages.count, counts, counts * COUNT_SECONDS)
    for function in (messages.split, messages.finish):
        seconds = work.items / Engine().list_items_per_second
        usage.invoke(function, math.ceil(max(seconds, 1) / function.timeout_seconds), seconds)
    rows = work.items * (work.item_bytes + work.result_bytes + RECORD_BYTES)
    usage.puts += math.ceil(work.list_bytes / PART_BYTES) + math.ceil(rows / PART_BYTES) + 1
    usage.gets += 3


def _requests(messages: int, size: float, most: int) -> int:
    return max(math.ceil(messages / most), math.ceil(size / MESSAGE_BYTES))
