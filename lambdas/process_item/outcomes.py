"""The outcomes of a batch, which together must fit what Step Functions allows a state: 256 KiB.

Sizes are in bytes of JSON in UTF-8, as Lambda's runtime writes it: with a space after each comma and colon.
"""

import copy
import json
import re
import secrets
import sys
from collections.abc import Callable
from decimal import Decimal
from typing import Any, NamedTuple

OUTCOMES_BYTES = 248 * 1024
"""For all outcomes of a batch. The rest of the 256 KiB is for what goes around them: the fields beside them,
and what Step Functions adds to a function's answer."""
COMMA_BYTES = 2
"""Between two outcomes."""
RESERVE_BYTES = 200
"""Kept for each item that is not done: a failure with its name and the start of its message, or its place
among the pending items."""
MAX_NAME_BYTES = 64
MAX_MESSAGE_CHARACTERS = 1000
MAX_DOUBLE = int(sys.float_info.max)
MAX_NESTING = 200
"""Levels of lists and objects in a result; not all that reads results manages many more."""


class Failure(NamedTuple):
    """The error that an attempt ended with."""

    name: str
    message: str


class Outcomes:
    """Final outcomes, and the bytes that are left for those to come.

    Parameters
    ----------
    bytes_left
        For the outcomes of all items that have none yet.
    items_left
        How many these are; each keeps its reserve.
    """

    def __init__(self, bytes_left: int, items_left: int) -> None:
        self.final: list[dict[str, Any]] = []
        self.bytes_left = bytes_left
        self._items_left = items_left

    def add_result(self, index: int, result: Any, attempts: int) -> Failure | None:
        """Add what an item returned; if that is not JSON, add nothing and return the failure that this is.

        A result that is too large becomes a final failure: another attempt would not make it smaller.
        """
        outcome = {"index": index, "status": "succeeded", "result": result, "attempts": attempts}
        try:
            outcome, size = _copy_as_json(outcome)
        except Exception as error:  # the user's own types can raise anything
            return Failure("ResultNotJson", describe_error(error).message)
        if size > self._allowed_bytes():
            message = f"{size:,} bytes with its result, and its batch has {self._allowed_bytes():,} left"
            self.add_failure(index, Failure("ResultTooLarge", message), attempts)
        else:
            self._add(outcome, size)
        return None

    def add_failure(self, index: int, failure: Failure, attempts: int) -> None:
        """Add the error that an item finally failed with; the message is cut to what fits."""
        error = {"name": _cut(failure.name, MAX_NAME_BYTES), "message": ""}
        outcome = {"index": index, "status": "failed", "error": error, "attempts": attempts}
        bytes_for_message = self._allowed_bytes() - _measure(outcome)
        error["message"] = _cut(failure.message[:MAX_MESSAGE_CHARACTERS], bytes_for_message)
        self._add(outcome, _measure(outcome))

    def _allowed_bytes(self) -> int:
        """Return the size that the next outcome may have."""
        return self.bytes_left - (self._items_left - 1) * RESERVE_BYTES

    def _add(self, outcome: dict[str, Any], size: int) -> None:
        self.final.append(outcome)
        self.bytes_left -= size
        self._items_left -= 1


def write_json(outcome: dict[str, Any]) -> str:
    """Return an outcome as JSON text, as Lambda's runtime writes it: a Decimal is a number of its digits."""
    mark = secrets.token_hex(8)
    text = json.dumps(outcome, ensure_ascii=False, default=lambda number: f"{mark}{number}")
    return re.sub(f'"{mark}([^"]*)"', r"\1", text)


def describe_error(error: BaseException) -> Failure:
    """Return the name of an exception's class, and its message."""
    return Failure(_class_name(error), read_text(str, error))


def read_text(read: Callable[[BaseException], str], error: BaseException) -> str:
    """Return what a function, which calls the user's code, says of an exception; or why it cannot be read."""
    try:
        return _writable(read(error))
    except BaseException as unreadable:  # SystemExit too: it would end the function
        return f"cannot be read: {_class_name(unreadable)}"


def _class_name(error: BaseException) -> str:
    """Return the name that a class was given, whatever its metaclass says."""
    name: str = type.__dict__["__name__"].__get__(type(error))
    return _writable(name)


def _writable(text: str) -> str:
    """Return a text without lone surrogates, which fail whatever writes it as UTF-8."""
    return text.encode("utf-8", "replace").decode()


def _digits(value: Any) -> str:
    """Return a Decimal as text, for its length; Lambda's runtime writes these digits as a number."""
    if isinstance(value, Decimal) and value.is_finite():
        _refuse_beyond_double(value)
        return str(value)
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def _read_whole(digits: str) -> int:
    number = int(digits)
    _refuse_beyond_double(number)
    return number


def _refuse_beyond_double(number: int | Decimal) -> None:
    """Refuse what Step Functions cannot read: JSONata has doubles only."""
    if not -MAX_DOUBLE <= number <= MAX_DOUBLE:
        raise ValueError("it has a number beyond 1.8E+308")


_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
_encode_decimals = json.JSONEncoder(ensure_ascii=False, allow_nan=False, default=_digits).encode


def _copy_as_json(outcome: dict[str, Any]) -> tuple[dict[str, Any], int]:
    """Return an outcome as its JSON says, and its size; a copy, which no later item can change."""
    try:
        text = _encode(outcome)
        copied = json.loads(text, parse_int=_read_whole)
    except TypeError:  # it may be for a Decimal only, which json.loads would not give back
        text = _encode_decimals(outcome)
        json.loads(text, parse_int=_read_whole)
        copied = copy.deepcopy(outcome)
    if text.count("[") + text.count("{") > MAX_NESTING and _is_too_deep(copied["result"]):
        raise ValueError(f"it is nested deeper than {MAX_NESTING} levels")
    return copied, len(text.encode()) + COMMA_BYTES


def _is_too_deep(value: Any) -> bool:
    """Return whether a value has more levels of lists and objects than a result may have."""
    level = [value]
    for _ in range(MAX_NESTING + 1):
        containers = [each for each in level if isinstance(each, (dict, list, tuple))]
        level = [part for each in containers for part in (each.values() if isinstance(each, dict) else each)]
    return bool(containers)


def _measure(outcome: dict[str, Any]) -> int:
    """Return the size of an outcome and of the comma after it."""
    return len(_encode(outcome).encode()) + COMMA_BYTES


def _cut(text: str, max_bytes: int) -> str:
    """Return as much of the start of a text as fits."""
    while text and (size := len(_encode(text).encode()) - 2) > max_bytes:
        text = text[: len(text) * max(max_bytes, 0) // size]
    return text
