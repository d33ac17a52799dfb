"""The items of JSON and JSON Lines: decoded one at a time, whatever the size of the file."""

import io
import json
import math
from collections.abc import Iterator, Sequence
from typing import Any

from local.states.distributed.reader_errors import ItemReaderError

CHUNK_CHARS = 1 << 20
MAX_ITEM_CHARS = 8 * 1024 * 1024
"""The largest item that AWS reads from a file (Step Functions guide, ItemReader: 8 MB)."""

NOT_ITERABLE = "Attempting to map over non-iterable node."
"""AWS's words, as recorded."""
NO_SUCH_PATH = "The provided ReaderConfig.ItemsPointer does not match any valid path in the JSON structure."
"""AWS's words, as others measured them."""

_BLANKS = " \t\r\n"
_CLOSING = {"[": "]", "{": "}"}


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON value")


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError(f"the number {digits[:40]} is too large")
    return number


_decode = json.JSONDecoder(parse_float=_finite, parse_constant=_no_constant).raw_decode


def json_lines(body: bytes) -> Iterator[Any]:
    """The items of JSON Lines: one JSON value a line; blank lines are skipped.

    Raises
    ------
    ItemReaderError
        A line that is not one JSON value; the lines before it have been handed out.
    """
    for number, line in enumerate(io.BytesIO(body), 1):
        try:
            text = str(line, "utf-8").strip(_BLANKS)
            if not text:
                continue
            item, end = _decode(text)
        except json.JSONDecodeError as error:
            raise ItemReaderError(
                f"Line {number} is not JSON: {error.msg} at column {error.colno}."
            ) from error
        except UnicodeDecodeError as error:
            raise ItemReaderError(f"Line {number} is not UTF-8: {error.reason}.") from error
        except RecursionError as error:
            raise ItemReaderError(f"Line {number} is nested too deeply.") from error
        except ValueError as error:
            raise ItemReaderError(f"Line {number} is not JSON: {error}.") from error
        if end != len(text):
            raise ItemReaderError(f"Line {number} is not JSON: Extra data at column {end + 1}.")
        yield item


def json_members(body: bytes, path: Sequence[str]) -> Iterator[tuple[str | None, Any]]:
    """The members of the array or the object that a path leads to; at the root it must be an array.

    Parameters
    ----------
    body
        One JSON document.
    path
        The keys and indexes from its root, none for the root itself.

    Yields
    ------
    tuple
        The key, None in an array, and the value.

    Raises
    ------
    ItemReaderError
        What is there is no list, nothing is there, or the document is malformed at
        any place, also after the members, which have been handed out by then.
    """
    document = _Document(body)
    try:
        if not path and document.peek() == "{":
            # As recorded; that an object's entries are items is documented since ItemsPointer exists.
            raise ItemReaderError(NOT_ITERABLE)
        yield from _members_at(document, path)
        document.end()
    except json.JSONDecodeError as error:
        raise ItemReaderError(f"The file is not JSON: {error.msg} {document.place(error.pos)}.") from error
    except UnicodeDecodeError as error:
        raise ItemReaderError(f"The file is not UTF-8: {error.reason}.") from error
    except RecursionError as error:
        raise ItemReaderError(f"The file is nested too deeply {document.place()}.") from error
    except ValueError as error:
        raise ItemReaderError(f"The file is not JSON: {error} {document.place()}.") from error


def _members_at(document: "_Document", path: Sequence[str]) -> Iterator[tuple[str | None, Any]]:
    if not path:
        if document.peek() not in _CLOSING:
            document.value()
            raise ItemReaderError(NOT_ITERABLE)
        for name in document.names():
            yield (name if isinstance(name, str) else None), document.value()
        return
    found = False
    if document.peek() in _CLOSING:
        for name in document.names():
            if str(name) == path[0] and not found:
                found = True
                yield from _members_at(document, path[1:])
            else:
                document.skip()
    if not found:
        raise ItemReaderError(NO_SUCH_PATH)


class _Document:
    """A place in a JSON text, of which only what is being decoded is held as text."""

    def __init__(self, body: bytes) -> None:
        self._source = io.TextIOWrapper(io.BytesIO(body), encoding="utf-8", newline="")
        self._text = ""
        self._at = 0
        self._passed = 0

    def place(self, position: int | None = None) -> str:
        """Where the document is, or a position of the text held, for a message."""
        return f"at character {self._passed + (self._at if position is None else position) + 1}"

    def peek(self) -> str:
        """The next character that is not blank, "" at the end of the document."""
        while True:
            while self._at < len(self._text):
                mark = self._text[self._at]
                if mark not in _BLANKS:
                    return mark
                self._at += 1
            if not self._more(CHUNK_CHARS):
                return ""

    def names(self) -> Iterator[str | int]:
        """Go through an array or an object: its indexes or keys; the caller takes the value of each."""
        opening = self._text[self._at]
        closing = _CLOSING[opening]
        self._at += 1
        if self.peek() == closing:
            self._at += 1
            return
        index = 0
        while True:
            yield index if opening == "[" else self._key()
            mark = self.peek()
            if mark not in {",", closing}:
                raise self._unexpected(f"Expecting ',' or '{closing}'")
            self._at += 1
            if mark == closing:
                return
            index += 1

    def value(self) -> Any:
        """Decode the next value."""
        self.peek()
        chars = CHUNK_CHARS
        while True:
            try:
                value, end = _decode(self._text, self._at)
            except json.JSONDecodeError as error:
                if len(self._text) - self._at > MAX_ITEM_CHARS:
                    error.msg += ", or an item larger than 8 MB,"
                    raise
                if not self._more(chars):
                    raise
            else:
                # A number at the end of the text held may go on after it: 1|2, 1.|5, 1e-|5.
                if end + 2 < len(self._text) or not self._more(chars):
                    self._at = end
                    return value
            chars *= 2

    def skip(self) -> None:
        """Pass over the next value; of an array or an object one member at a time."""
        if self.peek() not in _CLOSING:
            self.value()
            return
        for _ in self.names():
            self.value()

    def end(self) -> None:
        """Check that nothing follows."""
        if self.peek():
            raise self._unexpected("Extra data")

    def _key(self) -> str:
        if self.peek() != '"':
            raise self._unexpected("Expecting a key in double quotes")
        key: str = self.value()
        if self.peek() != ":":
            raise self._unexpected("Expecting ':'")
        self._at += 1
        return key

    def _more(self, chars: int) -> bool:
        chunk = self._source.read(chars)
        if chunk:
            self._passed += self._at
            self._text = self._text[self._at :] + chunk
            self._at = 0
        return bool(chunk)

    def _unexpected(self, message: str) -> json.JSONDecodeError:
        return json.JSONDecodeError(message, self._text, self._at)
