"""The text of one item: whether it is JSON that everybody reads alike, and its shortest form.

An item stays the text that the list has, so that no number is rounded on its way.
"""

import json
import math
import re
from json.encoder import encode_basestring
from typing import Any, NoReturn

NESTING_LEVELS_LIMIT = 200
"""Arrays and objects around a value: Python's `json`, which every step uses, gives up before 1,000."""

LONG_CHARACTERS = 32_768
"""A longer text is brought to its shortest form, as what it says is what counts towards a message's limit."""

_HALF_OF_PAIR = re.compile(r"\\u[dD][89a-fA-F]")
_PARTS = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[ \t\r\n]+')


def _refuse_constant(text: str) -> NoReturn:
    raise ItemRefusedError(f"{text} is not JSON: use null or a string")


def _read_float(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ItemRefusedError("holds a number beyond 1.8E+308: make it a string")
    return number


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ItemRefusedError(f"key {json.dumps(twice[:40], ensure_ascii=False)} occurs twice")
    return content


class ItemRefusedError(ValueError):
    """An item that Python's `json` takes and others read differently or not at all."""


CHECKING = json.JSONDecoder(
    parse_float=_read_float, parse_constant=_refuse_constant, object_pairs_hook=_unique_keys
)
"""Refuses what Python would let pass: NaN, a key that an object has twice, a number that no double holds."""

PLAIN = json.JSONDecoder()
"""For a text that was checked."""


def refuse_unfit(text: str, item: Any) -> None:
    """Refuse an item that is JSON and does not get through every step.

    Raises
    ------
    ItemRefusedError
        It is nested too deeply, or holds half of a surrogate pair.
    """
    # Few items have as many brackets, so that few are looked into.
    if text.count("[") + text.count("{") > NESTING_LEVELS_LIMIT:
        _check_levels(item, NESTING_LEVELS_LIMIT)
    if _HALF_OF_PAIR.search(text):
        try:
            json.dumps(item, ensure_ascii=False).encode()
        except UnicodeEncodeError as error:
            half = f"\\u{ord(error.object[error.start]):04x}"
            raise ItemRefusedError(
                f"holds {half}, half of a surrogate pair, which is no character"
            ) from error


def refusal_reason(error: Exception) -> str:
    """Say why an item is refused that is JSON for Python."""
    if isinstance(error, RecursionError):
        return f"is nested deeper than {NESTING_LEVELS_LIMIT} levels: flatten it"
    # The other ValueError is Python's, of a number that takes it too long to convert.
    return str(error) if isinstance(error, ItemRefusedError) else "holds a number of more than 4,300 digits"


def shorten(text: str) -> str:
    """Leave out white space between the parts of a JSON text, and escapes that need not be; numbers stay."""
    return _PARTS.sub(_shorten_part, text)


def _shorten_part(part: re.Match[str]) -> str:
    text = part[0]
    if text[0] != '"':
        return ""
    return encode_basestring(json.loads(text)) if "\\" in text else text


def _check_levels(value: Any, levels_left: int) -> None:
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    if parts is None:
        return
    if not levels_left:
        raise RecursionError
    for part in parts:
        _check_levels(part, levels_left - 1)
