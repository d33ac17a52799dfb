"""Decodes the items of a list of JSON.

What Python would let pass and others read differently is refused: NaN, and a
key that an object has twice. A fraction that is rounded is noted.
"""

import json
import sys
from decimal import Decimal, InvalidOperation
from typing import NoReturn

from utils.list_text import TOO_DEEP

SAFE_CHARACTERS = sys.float_info.dig
"""Of a number's text: so many digits a double holds, whatever they are."""


class _RefusedError(ValueError):
    """A value that Python's `json` takes and this reader does not."""


def _refuse_constant(text: str) -> NoReturn:
    raise _RefusedError(f"{text} is not JSON: use null or a string")


def _unique_keys(pairs: list[tuple[str, object]]) -> dict[str, object]:
    content = dict(pairs)
    if len(content) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise _RefusedError(f"key {json.dumps(twice[:40], ensure_ascii=False)} occurs twice")
    return content


class ItemDecoder(json.JSONDecoder):
    """Decodes items.

    Attributes
    ----------
    rounded
        Whether a fraction became another number since this was unset.
    """

    def __init__(self) -> None:
        super().__init__(
            parse_float=self._float, parse_constant=_refuse_constant, object_pairs_hook=_unique_keys
        )
        self.rounded = False

    def _float(self, text: str) -> float:
        number = float(text)
        if len(text) > SAFE_CHARACTERS or abs(number) < sys.float_info.min:
            self.rounded |= not _is_exact(number, text)
        return number


def _is_exact(number: float, text: str) -> bool:
    try:
        return Decimal(repr(number)) == Decimal(text)
    except InvalidOperation:  # an exponent of a great many digits
        return False


def refusal_reason(error: Exception) -> str:
    """Say why an item is refused that is JSON for Python."""
    if isinstance(error, RecursionError):
        return TOO_DEEP
    # The other ValueError is Python's, of a number that takes it too long to convert.
    return str(error) if isinstance(error, _RefusedError) else "holds a number of more than 4,300 digits"
