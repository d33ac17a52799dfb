"""Reads lists of CSV by the rules of Step Functions, so that a list means the same in every workflow."""

import csv
import json
from collections.abc import Iterator
from json.encoder import encode_basestring

# Lambda puts this folder, and not the project, on the path.
from list_text import (  # type: ignore[import-not-found]
    LONGEST_ITEM_BYTES,
    Checkpoint,
    Lines,
    ListInvalid,
    ReadBytes,
    invalid,
)

FIELD_CHARACTERS = 262_144
"""Longer than any field of an item that fits a message."""

HEADER_BYTES_LIMIT = 10_240
"""Of a header for Step Functions ("ItemReader (Map)" in its guide); it is part of every checkpoint."""

CSV_ERRORS = {
    "field larger": f"a field is longer than {FIELD_CHARACTERS:,} characters: close its quotation mark",
    "unexpected end": "the file ends inside quotation marks that are not closed",
    "new-line": "holds a carriage return outside quotation marks: save it with line ends LF or CRLF",
    "',' expected": "text follows a closing quotation mark: close quoted fields, and double each mark inside",
}
"""How a message of Python's `csv` begins, and what a user does about it."""


class CsvRows:
    """Reads one item a row: an object of strings, whose keys are the first row; empty lines are no items.

    Step Functions fills short rows up and cuts long ones. Iterating gives the items' texts. It raises
    `ListInvalid` if there is no header, it names a column twice, or quotation marks do not match.
    """

    def __init__(self, read: ReadBytes, checkpoint: Checkpoint) -> None:
        csv.field_size_limit(FIELD_CHARACTERS)
        self._lines = Lines(read, checkpoint["offset"], checkpoint["line"])
        self._position = checkpoint["position"]
        self._header: list[str] = checkpoint.get("header", [])
        self._row_offset, self._row_line = self._lines.offset, self._lines.line + 1

    def __iter__(self) -> Iterator[str]:
        # As Step Functions does, a backslash is taken as an escape.
        rows = csv.reader(self._row_lines(), strict=True, escapechar="\\")
        try:
            if not self._header:
                self._header = next(rows, [])
                _check_header(self._header)
            keys = [f"{encode_basestring(name)}:" for name in self._header]
            self._begin_row()
            for row in rows:
                if row:
                    row.extend([""] * (len(keys) - len(row)))
                    self._position += 1
                    fields = [key + encode_basestring(value) for key, value in zip(keys, row, strict=False)]
                    yield f"{{{','.join(fields)}}}"
                self._begin_row()
        except csv.Error as error:
            said = str(error)
            reason = next((reason for start, reason in CSV_ERRORS.items() if said.startswith(start)), said)
            raise invalid(reason, self._row_line) from error

    def checkpoint(self) -> Checkpoint:
        """Say where to go on after the last item."""
        place = {"offset": self._lines.offset, "position": self._position, "line": self._lines.line}
        return {**place, "header": self._header}

    def refusal(self, problem: str) -> ListInvalid:
        """Make the error about the last item."""
        return invalid(f"item [{self._position - 1}] {problem}", self._row_line)

    def _begin_row(self) -> None:
        self._row_offset, self._row_line = self._lines.offset, self._lines.line + 1

    def _row_lines(self) -> Iterator[str]:
        line = ""
        for line in self._lines:
            if self._lines.offset - self._row_offset > LONGEST_ITEM_BYTES:
                raise invalid(f"a row is longer than {LONGEST_ITEM_BYTES:,} bytes", self._row_line)
            yield f"{line}\n"
        if (len(line) - len(line.rstrip("\\"))) % 2:
            raise invalid(
                "the file ends in a backslash, which is taken as an escape: double it", self._lines.line
            )


def _check_header(header: list[str]) -> None:
    if not header:
        raise invalid("has no header: the first line must name the columns", 1)
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise invalid(f"column {json.dumps(twice[0], ensure_ascii=False)} is in the header twice", 1)
    header_bytes = len(",".join(header).encode())
    if header_bytes > HEADER_BYTES_LIMIT:
        raise invalid(
            f"the header is {header_bytes:,} bytes long: at most {HEADER_BYTES_LIMIT:,} are taken", 1
        )
