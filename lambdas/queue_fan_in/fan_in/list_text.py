"""The bytes of a list in order, from any offset on, and its lines."""

import codecs
import re
from collections.abc import Callable, Iterator
from typing import Any

ReadBytes = Callable[[int], bytes]
"""Gives some bytes of the list from an offset on; none at its end."""

Checkpoint = dict[str, Any]
"""Where a reader goes on: ``offset`` in bytes, ``position`` of the next item, ``line`` as lines read."""

LONGEST_ITEM_BYTES = 8 * 262_144
"""Text of one item: room for escapes and white space around what a message may hold."""

GZIP_START = b"\x1f\x8b"
"""Of every file that gzip made (RFC 1952)."""

_WHITE_SPACE = re.compile(r"[ \t\r\n]*")


class ListInvalid(Exception):  # noqa: N818 - the name that users read in the job's error
    """The list cannot be read; the message is one line that names the place and what is wrong."""


def invalid(problem: str, line: int | None = None) -> ListInvalid:
    """Make the error that names line and problem."""
    return ListInvalid(problem if line is None else f"line {line}: {problem}")


def read_chunks(read: ReadBytes, offset: int) -> Iterator[tuple[int, bytes]]:
    """Read the list from an offset on: each chunk after its offset, without a byte order mark.

    Raises
    ------
    ListInvalid
        It is compressed.
    """
    if offset == 0:
        start = b""
        while len(start) < len(codecs.BOM_UTF8) and (chunk := read(len(start))):
            start += chunk
        offset = len(start)
        if start.startswith(GZIP_START):
            raise invalid("is compressed with gzip: unpack it first, with gunzip")
        marked = start.startswith(codecs.BOM_UTF8)
        skipped = len(codecs.BOM_UTF8) if marked else 0
        if start[skipped:]:
            yield skipped, start[skipped:]
    while chunk := read(offset):
        yield offset, chunk
        offset += len(chunk)


def decode(data: bytes, offset: int) -> str:
    """Decode bytes that stand at an offset.

    Raises
    ------
    ListInvalid
        They are not UTF-8.
    """
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise invalid(f"is not UTF-8 text, at byte {offset + error.start}: save it as UTF-8") from error


class Lines:
    """The lines of a list, each without its line feed.

    Attributes
    ----------
    offset
        Bytes up to the end of the line that was read last.
    line
        Its number, from 1.
    """

    def __init__(self, read: ReadBytes, offset: int, line: int) -> None:
        self.offset = offset
        self.line = line
        self._read = read

    def __iter__(self) -> Iterator[str]:
        """Read on.

        Raises
        ------
        ListInvalid
            A line is not UTF-8, or longer than an item may be.
        """
        rest = b""
        for offset, chunk in read_chunks(self._read, self.offset):
            self.offset = offset - len(rest)
            lines = (rest + chunk).split(b"\n")
            rest = lines.pop()
            for data in lines:
                text = decode(data, self.offset)
                self.offset += len(data) + 1
                self.line += 1
                yield text
            if len(rest) > LONGEST_ITEM_BYTES:
                raise invalid(f"is longer than {LONGEST_ITEM_BYTES:,} bytes", self.line + 1)
        if rest:
            text = decode(rest, self.offset)
            self.offset += len(rest)
            self.line += 1
            yield text


class Window:
    """The part of a list's text that is looked at.

    Attributes
    ----------
    at
        Where in ``text`` to read on; what is before it is dropped when more is needed.
    """

    def __init__(self, read: ReadBytes, offset: int, line: int) -> None:
        self.text = ""
        self.at = 0
        self._chunks = read_chunks(read, offset)
        self._rest = b""
        self._marked, self._offset, self._line = 0, offset, line

    def peek(self) -> str:
        """Skip white space and give the next character; empty at the end."""
        while True:
            char = self.text[self.at : self.at + 1]
            if char and char not in " \t\r\n":
                return char
            self.at = _WHITE_SPACE.match(self.text, self.at).end()  # type: ignore[union-attr]
            if self.at == len(self.text) and not self.fill():
                return ""

    def fill(self) -> bool:
        """Drop what was read and add text; say whether there was some.

        Raises
        ------
        ListInvalid
            What comes is not UTF-8, or what is left is longer than an item may be.
        """
        if len(self.text) - self.at > LONGEST_ITEM_BYTES:
            problem = f"an item is longer than {LONGEST_ITEM_BYTES:,} characters"
            raise invalid(problem, self.place(self.at)[1] + 1)
        for offset, chunk in self._chunks:
            text = self._decode(chunk, offset)
            if text:
                self.mark()
                self.text = self.text[self.at :] + text
                self.at = self._marked = 0
                return True
        if self._rest:
            decode(self._rest, self.place(len(self.text))[0])
        return False

    def place(self, at: int) -> tuple[int, int]:
        """Count the bytes and the line feeds up to a place that is not before the last mark."""
        part = self.text[self._marked : at]
        length = len(part) if part.isascii() else len(part.encode())
        return self._offset + length, self._line + part.count("\n")

    def mark(self) -> tuple[int, int]:
        """Count up to where the window is read, so that it is not counted again."""
        self._offset, self._line = self.place(self.at)
        self._marked = self.at
        return self._offset, self._line

    def _decode(self, chunk: bytes, offset: int) -> str:
        """Decode all but a character that the next chunk completes."""
        data, offset = self._rest + chunk, offset - len(self._rest)
        if not self.text:
            self._offset = offset  # after a byte order mark
        try:
            self._rest = b""
            return data.decode()
        except UnicodeDecodeError as error:
            if error.reason == "unexpected end of data":
                self._rest = data[error.start :]
                data = data[: error.start]
            return decode(data, offset)
