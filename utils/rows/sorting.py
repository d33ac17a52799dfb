"""Rows in the order of their index, however many: an external merge sort in bounded memory."""

import heapq
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from types import TracebackType
from typing import Self, cast

from utils.rows.disk import temporary_file_errors
from utils.rows.row import Route, Row, RowStatus

CHUNK_BYTES = 32 << 20
"""Rows are sorted in memory in chunks of this size; more chunks than one go to a temporary file."""

LINE_OVERHEAD_BYTES = 48
"""What Python needs for a line besides its text, about."""

INDEX_DIGITS = 15
MIN_BLOCK_BYTES = 4096


class SortedRows(AbstractContextManager["SortedRows"]):
    """Takes rows in any order and gives them back by index, each index once.

    The temporary file has no name, so nothing of it stays behind however the
    process ends.

    Parameters
    ----------
    chunk_bytes
        Memory for rows, about; merging takes no more.
    """

    def __init__(self, chunk_bytes: int = CHUNK_BYTES) -> None:
        self._chunk_bytes = chunk_bytes
        self._lines: list[bytes] = []
        self._lines_bytes = 0
        self._runs: list[tuple[int, int]] = []
        with temporary_file_errors():
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by __exit__

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # What a full disk did not take is refused once more.
        with suppress(OSError):
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def add(self, row: Row, ended: str) -> None:
        """Take in a row.

        Parameters
        ----------
        row
            Its texts hold no line break and no tab.
        ended
            When its outcome was there, ISO 8601 in UTC; of two rows of an
            index the later one is kept, and one without a time gives way.
        """
        attempts = "" if row.attempts is None else row.attempts
        outcome = row.outcome or ""
        start = f"{row.index:0{INDEX_DIGITS}}\t{ended}\t{row.status}\t{attempts}\t{row.route or ''}"
        text = f"{start}\t{row.item}\t{outcome}\n"
        # Half of a surrogate pair is no character of UTF-8, and its escape is the same JSON.
        line = text.encode(errors="backslashreplace")
        self._lines.append(line)
        self._lines_bytes += len(line) + LINE_OVERHEAD_BYTES
        if self._lines_bytes >= self._chunk_bytes:
            self._spill()

    def __iter__(self) -> Iterator[Row]:
        """Give the rows by index."""
        with temporary_file_errors():
            if self._runs and self._lines:
                self._spill()
            self._lines.sort()
            last = b""
            for line in self._merged() if self._runs else self._lines:
                if last and last[:INDEX_DIGITS] != line[:INDEX_DIGITS]:
                    yield _row(last)
                last = line
            if last:
                yield _row(last)

    def _spill(self) -> None:
        self._lines.sort()
        with temporary_file_errors():
            start = self._file.seek(0, 2)
            self._file.writelines(self._lines)
            self._file.flush()
            self._runs.append((start, self._file.tell()))
        self._lines.clear()
        self._lines_bytes = 0

    def _merged(self) -> Iterator[bytes]:
        block_bytes = max(self._chunk_bytes // 2 // len(self._runs), MIN_BLOCK_BYTES)
        return heapq.merge(*(self._read_run(start, end, block_bytes) for start, end in self._runs))

    def _read_run(self, position: int, end: int, block_bytes: int) -> Iterator[bytes]:
        rest = b""
        while position < end:
            self._file.seek(position)
            block = self._file.read(min(block_bytes, end - position))
            position += len(block)
            lines = (rest + block).splitlines(keepends=True)
            rest = b"" if lines[-1].endswith(b"\n") else lines.pop()
            yield from lines


def _row(line: bytes) -> Row:
    index, _, status, attempts, route, item, outcome = line[:-1].decode().split("\t")
    return Row(
        int(index),
        item,
        cast("RowStatus", status),
        outcome or None,
        int(attempts) if attempts else None,
        cast("Route", route) if route else None,
    )
