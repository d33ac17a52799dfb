"""The text of a list file in pieces, with the count and the checksum of the bytes that it came from."""

import codecs
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from utils.limits import ITEM_NESTING_LEVELS_LIMIT, PAYLOAD_BYTES_LIMIT
from utils.list_file import GZIP_START, IS_GZIP, ListError

CHUNK_BYTES = 1 << 20

LONGEST_ITEM_CHARACTERS = 8 * PAYLOAD_BYTES_LIMIT
"""Text of one item: room for escapes and white space around what a batch may hold."""

TOO_DEEP = f"is nested deeper than {ITEM_NESTING_LEVELS_LIMIT} levels: flatten it"

Items = Iterator[tuple[int, object]]
"""The items of a list, each after the line that it starts in; lines count from 1."""


@dataclass
class Oddity:
    """Something that is read without an error and may surprise."""

    first_line: int
    last_line: int = 0
    lines: int = 0


@dataclass
class ListText:
    """A file whose bytes are read once, from where it stands to its end.

    A byte order mark at the start is left out of the text, the count and the
    checksum.
    """

    name: str
    file: BinaryIO
    advance: Callable[[int], object] = field(default=lambda _: None)
    """Called with the number of bytes of each read."""
    bytes_read: int = 0
    has_byte_order_mark: bool = False
    oddities: dict[str, Oddity] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.checksum = hashlib.sha256()

    def error(self, problem: str, line: int | None = None) -> ListError:
        """Make the error that names file, line and problem."""
        return ListError(f"{self.name}: {problem}" if line is None else f"{self.name}:{line}: {problem}")

    def note(self, kind: str, line: int) -> None:
        """Count a line that has an oddity."""
        oddity = self.oddities.setdefault(kind, Oddity(line))
        oddity.lines += line != oddity.last_line
        oddity.last_line = line

    def __iter__(self) -> Iterator[str]:
        """Read the text in pieces of about a MiB.

        Raises
        ------
        ListError
            The bytes are not UTF-8, or compressed.
        """
        rest = b""
        while chunk := self.file.read(CHUNK_BYTES):
            self.advance(len(chunk))
            if not self.bytes_read and chunk.startswith(GZIP_START):
                raise self.error(IS_GZIP)
            if not self.bytes_read and chunk.startswith(codecs.BOM_UTF8):
                self.has_byte_order_mark = True
                chunk = chunk.removeprefix(codecs.BOM_UTF8)
            self.checksum.update(chunk)
            self.bytes_read += len(chunk)
            text, rest = self._decode(rest + chunk)
            if text:
                yield text
        if rest:
            self._refuse_bytes(self.bytes_read - len(rest))

    def lines(self) -> Iterator[str]:
        """Read the text line by line, each without its line feed.

        Raises
        ------
        ListError
            A line is longer than an item may be.
        """
        rest, count = "", 0
        for piece in self:
            lines = (rest + piece).split("\n")
            rest = lines.pop()
            yield from lines
            count += len(lines)
            if len(rest) > LONGEST_ITEM_CHARACTERS:
                raise self.error(f"is longer than {LONGEST_ITEM_CHARACTERS:,} characters", count + 1)
        if rest:
            yield rest

    def _decode(self, data: bytes) -> tuple[str, bytes]:
        """Decode all but a character that the next chunk completes."""
        try:
            return data.decode(), b""
        except UnicodeDecodeError as error:
            if error.reason != "unexpected end of data":
                self._refuse_bytes(self.bytes_read - len(data) + error.start)
            return data[: error.start].decode(), data[error.start :]

    def _refuse_bytes(self, offset: int) -> None:
        # Counted as an editor does that shows the byte order mark.
        offset += len(codecs.BOM_UTF8) if self.has_byte_order_mark else 0
        raise self.error(f"is not UTF-8 text, at byte {offset}: save it as UTF-8")
