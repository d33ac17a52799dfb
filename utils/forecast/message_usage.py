"""What a run of the workflow without a state machine uses: messages, records of results, and their count."""

import math
from typing import TYPE_CHECKING

from utils.aws_figures import READ_UNIT_BYTES, REQUEST_BYTES, WRITE_UNIT_BYTES, quota
from utils.forecast.engine import Engine
from utils.forecast.mode import Function, Messages, Mode
from utils.forecast.units import (
    PART_BYTES,
    Units,
    count_calls,
    count_further_calls,
    count_repeats,
    items_of_unit,
    split_units,
    work_seconds,
)
from utils.forecast.work import Work

if TYPE_CHECKING:
    from utils.forecast.usage import Usage

PROCESSOR_MB = 1769
"""Memory with which a function has one processor (Lambda guide, "Configure Lambda function memory")."""
RECORD_BYTES = 60
"""What a record has beside its result: key, position, expiry. An assumption."""
COMPRESSED_SHARE = 0.52
"""Of a result as JSON, that is left when it is compressed. An assumption: of orders of 1 KB it is as much."""
JOB_WRITES, FILE_WRITES = 16, 1
"""Writes of a job's record beside those for its items, and others for each file of rows: assumptions."""
LIST_READS, LIST_ENDS = 3, 2
"""How often a list is read: it is checked, sent, and put beside its results; twice more is asked for at its
end."""
ROW_BYTES = 80
"""What a row has beside its item and its result. An assumption."""


def count_messages(usage: "Usage", mode: Mode, messages: Messages, work: Work) -> None:
    """Add what queue, table, stream and functions use."""
    # A call's messages are as full as each of them.
    per_message = max(1, items_of_unit(mode.direct, work) // messages.messages_per_call)
    sent = math.ceil(work.items / per_message)
    sends = _requests(sent, work, messages.packing.request_messages)
    for units in split_units(mode, work):
        _count_calls(usage, units, messages, work)
    # What an item failed in is sent again with the others of its message that did.
    usage.queue_requests += sends + sent * work.repeats(mode.direct.attempts, per_message)
    usage.queue_requests += _requests(sent, work, messages.messages_per_call)
    usage.queue_requests += math.ceil(sent / messages.messages_per_call)
    record_bytes = RECORD_BYTES + COMPRESSED_SHARE * work.result_bytes
    usage.write_units += work.items * math.ceil(record_bytes / WRITE_UNIT_BYTES)
    _count_counting(usage, mode, messages, work, sent)
    pages = math.ceil(work.items / messages.packing.page_items)
    # Eventually consistent reads take half as many units.
    usage.read_units += work.items * record_bytes / READ_UNIT_BYTES / 2 + pages
    over, request = messages.overheads, messages.overheads.request
    _invoke_long(usage, messages.split, work.items * over.split_item, sends * request)
    _invoke_long(usage, messages.finish, work.items * over.finish_item, pages * request)
    _count_files(usage, messages, work)


def _requests(messages: int, work: Work, most: int) -> int:
    """Count the requests that are charged for messages, of which so many go with one."""
    return max(math.ceil(messages / most), math.ceil(work.items * work.item_bytes / REQUEST_BYTES))


def slowness(function: Function) -> float:
    """How many times as long a function computes as one with a whole processor."""
    return max(1.0, PROCESSOR_MB / function.memory_mb)


def _count_calls(usage: "Usage", units: Units, messages: Messages, work: Work) -> None:
    """Count the worker's calls, and the messages with what they had no time for."""
    function, over = units.route.function, messages.overheads
    own = units.items * over.worker_item * slowness(function) * work.attempts(units.route.attempts)
    own += messages.messages_per_call * over.request
    seconds = work_seconds(units, work) + own
    usage.invoke(function, units.count * count_calls(units, work), units.count * seconds)
    further = count_further_calls(units, work)
    # Each call leaves fewer messages, all of which it sends again.
    usage.queue_requests += units.count * further * messages.messages_per_call / 2
    usage.queue_requests += 2 * units.count * (further + count_repeats(units, work))


def _count_counting(usage: "Usage", mode: Mode, messages: Messages, work: Work, sent: int) -> None:
    """Count the calls that count results; each writes the blocks that it has some of."""
    packing, workers = messages.packing, mode.at_once
    unit_items = items_of_unit(mode.direct, work)
    rate = min(Engine().list_items_per_second, quota("tableWritesPerSecond"))
    if work.seconds:
        rate = min(rate, workers / work.seconds)
    interval = messages.records_per_count * messages.shards / rate
    calls = math.ceil(work.items / messages.records_per_count)
    if messages.window_seconds < interval and messages.window_seconds:
        interval = messages.window_seconds
        calls = max(calls, min(sent, math.ceil(work.items / rate / interval * messages.shards)))
    # The items of a block are with several workers, who do not begin all at once.
    block_seconds = unit_items * work.seconds * (1 + packing.block_items / unit_items / workers)
    blocks = math.ceil(work.items / packing.block_items)
    writes = max(calls, min(sent, blocks * (1 + block_seconds / interval))) + blocks / packing.block_items
    seconds = writes * (messages.overheads.count_write * slowness(messages.count))
    usage.invoke(messages.count, calls, seconds + writes * messages.overheads.request)
    usage.write_units += writes + math.ceil(work.items / packing.stretch_items) + JOB_WRITES


def _invoke_long(usage: "Usage", function: Function, computing: float, waiting: float) -> None:
    """Add a function that goes on in further calls when one has not the time."""
    seconds = computing * slowness(function) + waiting
    usage.invoke(function, max(1, math.ceil(seconds / function.timeout_seconds)), seconds)


def _count_files(usage: "Usage", messages: Messages, work: Work) -> None:
    packing = messages.packing
    rows = work.items * (work.item_bytes + work.result_bytes + ROW_BYTES)
    files = max(math.ceil(work.items / packing.file_rows), math.ceil(rows / packing.file_bytes))
    usage.puts += math.ceil(work.list_bytes / PART_BYTES) + files + 1
    usage.gets += LIST_READS * math.ceil(work.list_bytes / packing.part_bytes) + LIST_ENDS
    usage.write_units += files * FILE_WRITES
