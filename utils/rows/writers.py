"""Where rows go: JSON Lines, CSV, or a table on the terminal."""

import csv
import os
import secrets
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Protocol

from utils.command import CommandError
from utils.rows.row import Row
from utils.rows.table import RowTable

CSV_COLUMNS = ("index", "item", "status", "result", "error_name", "error_message", "attempts", "route")

SUFFIXES = (".jsonl", ".csv")


class RowWriter(Protocol):
    """Takes the rows one after the other."""

    def write(self, row: Row) -> None:
        """Write a row."""


class JsonLinesWriter:
    """A row a line."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def write(self, row: Row) -> None:
        """Write a row."""
        # Half of a surrogate pair is no character of UTF-8, and its escape is the same JSON.
        self._file.write(f"{row.as_json()}\n".encode(errors="backslashreplace"))


class CsvWriter:
    """A row a record, after a header; item and result are JSON text."""

    def __init__(self, file: IO[str]) -> None:
        self._writer = csv.writer(file)
        self._writer.writerow(CSV_COLUMNS)

    def write(self, row: Row) -> None:
        """Write a row."""
        name, message = row.error()
        result = row.outcome if row.status == "succeeded" else None
        self._writer.writerow(
            (row.index, row.item, row.status, result, name, message, row.attempts, row.route)
        )


@contextmanager
def open_writer(out: str | None) -> Iterator[RowWriter]:
    """Open what rows are written to.

    Parameters
    ----------
    out
        A file ``.jsonl`` or ``.csv``, ``-`` for JSON Lines on standard
        output, or None for a table there.

    Raises
    ------
    CommandError
        The file cannot be written.
    """
    if out is None:
        table = RowTable()
        yield table
        table.print()
    elif out == "-":
        yield JsonLinesWriter(sys.stdout.buffer)
    else:
        with whole_file(Path(out)) as part:
            if part.name.endswith(".csv"):
                with part.open("w", encoding="utf-8", errors="backslashreplace", newline="") as text:
                    yield CsvWriter(text)
            else:
                with part.open("wb") as file:
                    yield JsonLinesWriter(file)


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a new file beside a path, which takes its place when all of it is written, and else goes.

    Raises
    ------
    CommandError
        The file cannot be written.
    """
    path = Path(os.path.realpath(path))
    part = path.with_name(f".{secrets.token_hex(4)}.part{path.suffix.lower()}")
    try:
        mode = _mode_of(path)
        part.touch(exist_ok=False)
        if mode is not None:
            part.chmod(mode)
        yield part
        part.replace(path)
    except OSError as error:
        raise CommandError(f"{path}: cannot be written: {error.strerror}") from error
    finally:
        with suppress(OSError):
            os.unlink(part)  # noqa: PTH108 - missing when all went well


def _mode_of(path: Path) -> int | None:
    """Get the permissions of the file that is replaced; None if there is none."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(mode):
        kind = "a folder" if stat.S_ISDIR(mode) else "no file"
        raise CommandError(f"{path}: cannot be written: it is {kind}; give the name of a file")
    return stat.S_IMODE(mode)
