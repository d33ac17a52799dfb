"""A list of the items to process again, in the format that the state machine reads."""

import csv
import io
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import IO, BinaryIO

from utils.command import CommandError
from utils.rows.disk import temporary_file_errors
from utils.watch.plain_json import parse

DELIMITERS = {"COMMA": ",", "PIPE": "|", "SEMICOLON": ";", "SPACE": " ", "TAB": "\t"}


@contextmanager
def list_file(items: Iterable[str], list_format: str, csv_delimiter: str) -> Iterator[BinaryIO]:
    """Write a list to a temporary file without a name.

    Parameters
    ----------
    items
        JSON texts on one line.
    list_format
        ``json``, ``jsonl`` or ``csv``.
    csv_delimiter
        As a definition's ReaderConfig names it.

    Yields
    ------
    BinaryIO
        The file, at its start.

    Raises
    ------
    CommandError
        The format is another one, an item does not fit it, or the file cannot be written.
    """
    writers: dict[str, Callable[[Iterable[str], IO[str]], None]] = {
        "json": _write_json,
        "jsonl": _write_json_lines,
        "csv": lambda items, file: _write_csv(items, file, DELIMITERS[csv_delimiter]),
    }
    if list_format not in writers:
        raise CommandError(
            f"the state machine reads a list of the format {list_format}: "
            f"deploy it again with one of {', '.join(writers)}"
        )
    with temporary_file_errors(), tempfile.TemporaryFile() as file:
        text = io.TextIOWrapper(file, encoding="utf-8", errors="backslashreplace", newline="")
        writers[list_format](items, text)
        text.flush()
        file.seek(0)
        yield file


def _write_json(items: Iterable[str], file: IO[str]) -> None:
    file.write("[")
    for number, item in enumerate(items):
        file.write(f",\n{item}" if number else f"\n{item}")
    file.write("\n]\n")


def _write_json_lines(items: Iterable[str], file: IO[str]) -> None:
    for item in items:
        file.write(f"{item}\n")


def _write_csv(items: Iterable[str], file: IO[str], delimiter: str) -> None:
    writer = csv.writer(file, delimiter=delimiter)
    columns: list[str] | None = None
    for item in items:
        row = parse(item)
        if not isinstance(row, dict) or not all(isinstance(value, str) for value in row.values()):
            raise CommandError(
                "the state machine reads CSV, and an item is not an object of texts: the format was changed "
                "since: set it back and deploy, or load the list again"
            )
        if columns is None:
            columns = list(row)
            writer.writerow(map(_escape, columns))
        # Every row has the header's columns: Step Functions fills up and cuts them.
        writer.writerow(_escape(row.get(column, "")) for column in columns)


def _escape(value: str) -> str:
    """Double a backslash, which Step Functions takes as an escape."""
    return value.replace("\\", "\\\\")
