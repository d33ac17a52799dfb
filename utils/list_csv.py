"""Reads lists of CSV as a stream, by the rules of Step Functions."""

import csv
import json
from collections.abc import Iterator

from utils.limits import CSV_HEADER_BYTES_LIMIT, PAYLOAD_BYTES_LIMIT
from utils.list_text import Items, ListText

CSV_ERRORS = {
    "field larger": f"a field is longer than {PAYLOAD_BYTES_LIMIT:,} characters: close its quotation mark",
    "unexpected end": "the file ends inside quotation marks that are not closed",
    "new-line": "holds a carriage return outside quotation marks: save it with line ends LF or CRLF",
    "',' expected": "text follows a closing quotation mark: close quoted fields, and double each mark inside",
}
"""How a message of Python's `csv` begins, and what a user does about it."""


def read_csv_rows(text: ListText) -> Items:
    """Read one item a row: an object of strings, whose keys are the first row.

    Step Functions fills short rows up and cuts long ones; they are noted as
    ``short`` and ``long``, lines with a backslash as ``backslash`` and empty
    ones, which are no items, as ``blank``. A header of one column that
    looks like several is noted as ``separator``.

    Raises
    ------
    ListError
        There is no header, it names a column twice, quotation marks do not
        match, or the file ends in a backslash.
    """
    # Longer than any field of an item that fits a batch.
    csv.field_size_limit(PAYLOAD_BYTES_LIMIT)
    # As Step Functions does, a backslash is taken as an escape.
    reader = csv.reader(_csv_lines(text), strict=True, escapechar="\\")
    line = 1
    try:
        header = next(reader, [])
        _check_header(text, header)
        line = reader.line_num + 1
        for row in reader:
            if row:
                yield line, _item(text, header, row, line)
            else:
                text.note("blank", line)
            line = reader.line_num + 1
    except csv.Error as error:
        said = str(error)
        reason = next((reason for start, reason in CSV_ERRORS.items() if said.startswith(start)), said)
        raise text.error(reason, line) from error


def _item(text: ListText, header: list[str], row: list[str], line: int) -> dict[str, str]:
    missing = len(header) - len(row)
    if missing:
        text.note("short" if missing > 0 else "long", line)
        row.extend([""] * missing)
    return dict(zip(header, row, strict=False))


def _csv_lines(text: ListText) -> Iterator[str]:
    number, line = 0, ""
    for number, line in enumerate(text.lines(), start=1):
        if "\\" in line:
            text.note("backslash", number)
        yield f"{line}\n"
    if (len(line) - len(line.rstrip("\\"))) % 2:
        raise text.error(
            "the file ends in a backslash, which the workflow takes as an escape: double it", number
        )


def _check_header(text: ListText, header: list[str]) -> None:
    if len(header) == 1 and any(separator in header[0] for separator in ";\t"):
        text.note("separator", 1)
    if not header:
        raise text.error("has no header: the first line must name the columns", 1)
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise text.error(f"column {json.dumps(twice[0], ensure_ascii=False)} is in the header twice", 1)
    header_bytes = len(",".join(header).encode())
    if header_bytes > CSV_HEADER_BYTES_LIMIT:
        raise text.error(
            f"the header is {header_bytes:,} bytes long, and may have {CSV_HEADER_BYTES_LIMIT:,}", 1
        )
