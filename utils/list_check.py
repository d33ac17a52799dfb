"""Checks a list for a Distributed Map in one pass, and works out the batches that it makes."""

import json
from dataclasses import dataclass

from utils.limits import ITEM_NESTING_LEVELS_LIMIT, child_input_sentence, map_concurrency
from utils.list_stream import read_items
from utils.list_text import TOO_DEEP, ListText, Oddity

EXECUTION_NAME_CHARACTERS = 80
"""Longest name of an execution, which each batch carries (StartExecution in the Step Functions API)."""

BATCH_BYTES = len('{"BatchInput":{"execution":""},"Items":[]}') + EXECUTION_NAME_CHARACTERS
"""Input of a child without its items."""

ENTRY_BYTES = len('{"index":,"item":}')
"""What a batch adds to an item and its index."""

ODDITIES = {
    "short": "fewer fields than the header: Step Functions takes empty strings for the others",
    "long": "more fields than the header: Step Functions drops the additional ones",
    "backslash": "a backslash, which Step Functions takes as an escape and removes: double it to keep it",
    "separator": "a header of one column that holds a semicolon or a tab: only commas separate columns",
    "rounded": "a fraction that no double holds, which Step Functions rounds: make it a string to keep it",
    "blank": "nothing in it, not counted as an item: remove it, as AWS does not document how it is read",
}
"""What is told of lines that are read without an error."""

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


@dataclass(frozen=True)
class BatchLimits:
    """How much of a list one child takes at most: items, and bytes of its input."""

    items: int
    input_bytes: int
    bytes_source: str
    """What sets the bytes: a key of config.json, or a limit of AWS."""


@dataclass(frozen=True)
class ListReport:
    """What a checked list is: items, bytes of the file without a byte order mark, batches."""

    list_format: str
    items: int
    file_bytes: int
    sha256: str
    batches: int
    largest_index: int
    largest_bytes: int
    """Of the largest item as compact JSON in UTF-8; 0 without items."""
    warnings: tuple[str, ...]
    has_byte_order_mark: bool


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
            self._bytes = BATCH_BYTES - 1
        self._items += 1
        self._bytes += 1 + entry_bytes
        return self._bytes <= self.limits.input_bytes


def check_list(text: ListText, list_format: str, batch_limits: BatchLimits) -> ListReport:
    """Read a list from its start to its end.

    Parameters
    ----------
    text
        The file.
    list_format
        ``json``, ``jsonl`` or ``csv``.
    batch_limits
        Of a child's input.

    Raises
    ------
    ListError
        The list must not be uploaded; the message names the file, the line
        and the item, whose index counts from 0.
    """
    batches = Batches(batch_limits)
    largest_index = largest_bytes = count = 0
    for line, item in read_items(text, list_format):
        try:
            size = compact_bytes(item)
        except (ValueError, RecursionError) as error:
            raise text.error(f"item [{count}]: {_unfit(error)}", line) from error
        entry_bytes = ENTRY_BYTES + len(str(count)) + size
        if not batches.add(entry_bytes):
            input_bytes, source = batch_limits.input_bytes, batch_limits.bytes_source
            raise text.error(
                child_input_sentence(f"item [{count}]", BATCH_BYTES + entry_bytes, input_bytes, source), line
            )
        if size > largest_bytes:
            largest_index, largest_bytes = count, size
        count += 1
    return ListReport(
        list_format=list_format,
        items=count,
        file_bytes=text.bytes_read,
        sha256=text.checksum.hexdigest(),
        batches=batches.count,
        largest_index=largest_index,
        largest_bytes=largest_bytes,
        warnings=_warnings(text),
        has_byte_order_mark=text.has_byte_order_mark,
    )


def compact_bytes(item: object) -> int:
    """Count an item as compact JSON in UTF-8, in bytes.

    Raises
    ------
    ValueError, RecursionError
        The item holds what JSON cannot, or is nested too deeply.
    """
    encoded = _encode(item)
    # Few items have as many brackets, so that few are looked into.
    if encoded.count("[") + encoded.count("{") > ITEM_NESTING_LEVELS_LIMIT:
        _check_levels(item, ITEM_NESTING_LEVELS_LIMIT)
    return len(encoded) if encoded.isascii() else len(encoded.encode())


def _check_levels(value: object, levels_left: int) -> None:
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    if parts is None:
        return
    if not levels_left:
        raise RecursionError
    for part in parts:
        _check_levels(part, levels_left - 1)


def _unfit(error: Exception) -> str:
    match error:
        case UnicodeEncodeError():
            half = f"\\u{ord(error.object[error.start]):04x}"
            return f"holds {half}, half of a surrogate pair, which is no character"
        case RecursionError():
            return TOO_DEEP
    return "holds a number beyond 1.8E+308: make it a string"


def _warnings(text: ListText) -> tuple[str, ...]:
    return tuple(_warning(text.name, oddity, ODDITIES[kind]) for kind, oddity in text.oddities.items())


def _warning(name: str, oddity: Oddity, said: str) -> str:
    lines = "1 line" if oddity.lines == 1 else f"the first of {oddity.lines:,} lines"
    return f"{name}:{oddity.first_line}: {lines} with {said}"


def children_at_once(batches: int, max_concurrency: int) -> int:
    """Estimate the children that run at a time; a max concurrency of 0 asks for as many as AWS allows."""
    return min(batches, map_concurrency(max_concurrency))
