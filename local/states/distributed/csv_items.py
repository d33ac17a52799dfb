"""The items of CSV, read by the rules of Step Functions.

All values are strings. A short row is filled with empty strings, the surplus
of a long one is dropped. A double quote is written twice, also in a field
without quotes around it. A backslash keeps a backslash, a quote or a delimiter
after it as text and is dropped before anything else. Blanks are part of the
value; a line with nothing in it, of which AWS says nothing, is no item.
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from typing import Any

from local.states.distributed.reader_errors import ItemReaderError

MAX_FIELD_CHARS = 8 * 1024 * 1024
"""The largest item that AWS reads from a file (Step Functions guide, ItemReader: 8 MB)."""

DUPLICATE_HEADERS = "CSV headers cannot contain duplicates."
"""AWS's words, as recorded."""

DELIMITERS = {"COMMA": ",", "PIPE": "|", "SEMICOLON": ";", "SPACE": " ", "TAB": "\t"}

_ESCAPED = re.compile(r'["\\](?P<kept>.)', re.DOTALL)
_LAST_BACKSLASH = re.compile(r"(?<!\\)((?:\\\\)*)\\(?=[\r\n]*\Z)")


def csv_items(body: bytes, config: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """The rows of a CSV file as objects.

    Parameters
    ----------
    body
        The file.
    config
        CSVHeaderLocation, CSVHeaders and CSVDelimiter of the ReaderConfig.

    Raises
    ------
    ItemReaderError
        The headers are missing or not unique, a quote is never closed, or the file is not UTF-8.
    """
    rows = _rows(body, _delimiter(config))
    try:
        columns = _columns(_headers(config, rows))
        width = len(columns)
        for row in rows:
            row.extend([""] * (width - len(row)))
            yield {name: row[index] for name, index in columns}
    except UnicodeDecodeError as error:
        raise ItemReaderError(f"The file is not UTF-8: {error.reason}.") from error


def _delimiter(config: Mapping[str, Any]) -> str:
    name = config.get("CSVDelimiter", "COMMA")
    if name not in DELIMITERS:
        raise ItemReaderError(f"CSVDelimiter must be one of {', '.join(DELIMITERS)} but was: {name}")
    return DELIMITERS[name]


def _headers(config: Mapping[str, Any], rows: Iterator[list[str]]) -> list[str]:
    location = config.get("CSVHeaderLocation")
    if location == "FIRST_ROW":
        headers = next(rows, None)
        if headers is None:
            raise ItemReaderError("The CSV file is empty: its first row must hold the headers.")
    elif location == "GIVEN":
        headers = config.get("CSVHeaders")
        if not isinstance(headers, list) or not headers or not all(isinstance(name, str) for name in headers):
            raise ItemReaderError("CSVHeaderLocation GIVEN needs CSVHeaders: a list of strings.")
    else:
        raise ItemReaderError(f"CSVHeaderLocation must be FIRST_ROW or GIVEN but was: {location}")
    if len(set(headers)) < len(headers):
        raise ItemReaderError(DUPLICATE_HEADERS)
    return headers


def _columns(headers: list[str]) -> list[tuple[str, int]]:
    """Names and positions in the order in which AWS writes them: that of a hash table, as recorded."""
    buckets = 16
    while len(headers) > buckets * 3 // 4:
        buckets *= 2
    return sorted(
        ((name, index) for index, name in enumerate(headers)),
        key=lambda column: _string_hash(column[0]) % buckets,
    )


def _string_hash(text: str) -> int:
    """The hash of Java's String, spread as its HashMap does."""
    units = text.encode("utf-16-be", "surrogatepass")
    value = 0
    for high, low in zip(units[::2], units[1::2], strict=True):
        value = (31 * value + (high << 8 | low)) & 0xFFFFFFFF
    return value ^ value >> 16


def _rows(body: bytes, delimiter: str) -> Iterator[list[str]]:
    """The rows of a file without its empty lines."""
    csv.field_size_limit(MAX_FIELD_CHARS)
    lines = _Lines(body)
    fields = _Fields(delimiter)
    reader = csv.reader(lines, delimiter=delimiter, escapechar="\\")
    while True:
        lines.of_row.clear()
        first_line = reader.line_num + 1
        try:
            row = next(reader, None)
        except csv.Error as error:
            raise ItemReaderError(f"The CSV row at line {first_line} cannot be read: {error}.") from error
        if row is None:
            return
        if lines.ended:
            raise ItemReaderError(
                f"The CSV row at line {first_line} has a double quote that is never closed."
            )
        if any('""' in field for field in row):
            row = fields.split("".join(lines.of_row)) or row
        if row:
            yield row


class _Lines:
    """The lines of a file, with those of the row being read."""

    def __init__(self, body: bytes) -> None:
        self._text = io.TextIOWrapper(io.BytesIO(body), encoding="utf-8", newline="")
        self.of_row: list[str] = []
        self.ended = False
        """Whether a row went on to the end of the file, which one with closed quotes never does."""

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._text.readline()
        if not line:
            self.ended = True
            raise StopIteration
        if "\\" in line[-3:]:
            line = _LAST_BACKSLASH.sub(r"\1", line)
        self.of_row.append(line)
        return line


class _Fields:
    """The fields of a row with doubled quotes, which `csv` keeps so in a field without quotes around it."""

    def __init__(self, delimiter: str) -> None:
        mark = re.escape(delimiter)
        self._field = re.compile(
            rf'(?:"((?:[^"\\]|""|\\.)*+)"|((?:[^"\\\r\n{mark}]|""|\\.)*+))({mark}|[\r\n]*\Z)', re.DOTALL
        )

    def split(self, row: str) -> list[str] | None:
        """The fields of a row, None where its quotes follow no rule."""
        fields = []
        at = 0
        while match := self._field.match(row, at):
            quoted, plain, end = match.groups()
            fields.append(_ESCAPED.sub(r"\g<kept>", plain if quoted is None else quoted))
            if end.strip("\r\n") == "":
                return fields
            at = match.end()
        return None
