"""Checks a list in S3 in one pass, and works out the batches, or the messages, that it makes."""

import json
import re
import sys

from utils.limits import ITEM_NESTING_LEVELS_LIMIT, taken_input_sentence
from utils.list_batches import Batches, BatchLimits
from utils.list_report import ListReport
from utils.list_stream import read_items
from utils.list_text import TOO_DEEP, ListText, Oddity

ODDITIES = {
    "short": "fewer fields than the header: the workflow takes empty strings for the others",
    "long": "more fields than the header: the workflow drops the additional ones",
    "backslash": "a backslash, which the workflow takes as an escape and removes: double it to keep it",
    "separator": "a header of one column that holds a semicolon or a tab: only commas separate columns",
    "rounded": "a fraction that no double holds, which the workflow rounds: make it a string to keep it",
    "blank": "nothing in it, not counted as an item: remove it, as not every reader passes over it",
}
"""What is told of lines that are read without an error."""

DOUBLE_DIGITS = sys.float_info.max_10_exp
"""Of a whole number that every double holds; with one digit more it may be too large."""

_TOO_MANY_DIGITS = re.compile(rf"\d{{{DOUBLE_DIGITS + 1}}}")

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


def check_list(text: ListText, list_format: str, batch_limits: BatchLimits) -> ListReport:
    """Read a list from its start to its end.

    Parameters
    ----------
    text
        The file.
    list_format
        ``json``, ``jsonl`` or ``csv``.
    batch_limits
        Of a child's input, or of a message.

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
            content = _compact_json(item)
            size = _utf8_bytes(content)
        except (ValueError, RecursionError) as error:
            raise text.error(f"item [{count}]: {_unfit(error)}", line) from error
        entry_bytes = batch_limits.bytes_of_entry(count, content, size)
        if not batches.add(entry_bytes):
            sentence = taken_input_sentence(
                f"item [{count}]",
                batch_limits.frame_bytes + entry_bytes,
                batch_limits.largest_bytes,
                batch_limits.bytes_source,
                taker=batch_limits.taker,
            )
            raise text.error(sentence, line)
        if size > largest_bytes:
            largest_index, largest_bytes = count, size
        count += 1
    if not count and list_format == "jsonl" and not batch_limits.may_be_empty:
        raise text.error("is empty: it needs one item at least")
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
    return _utf8_bytes(_compact_json(item))


def _compact_json(item: object) -> str:
    encoded = _encode(item)
    # Few items have as many brackets, so that few are looked into.
    if encoded.count("[") + encoded.count("{") > ITEM_NESTING_LEVELS_LIMIT:
        _check_levels(item, ITEM_NESTING_LEVELS_LIMIT)
    if len(encoded) > DOUBLE_DIGITS and _TOO_MANY_DIGITS.search(encoded):
        _check_numbers(item)
    return encoded


def _check_numbers(value: object) -> None:
    """Refuse a whole number that JSONata, which has doubles only, cannot read; ``json`` refuses others."""
    if isinstance(value, int) and abs(value) > sys.float_info.max:
        raise ValueError
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _check_numbers(part)


def _utf8_bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


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
