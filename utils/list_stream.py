"""Reads the file of a list as a stream: JSON, JSON Lines or CSV, in memory that does not grow."""

from collections.abc import Callable

from utils.list_csv import read_csv_rows
from utils.list_json import JsonArray, read_json_lines
from utils.list_text import Items, ListText

FORMATS = {".json": "json", ".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv"}
"""By the suffix of a file's name, in lower case."""


def read_items(text: ListText, list_format: str) -> Items:
    """Read the items of a list one after the other.

    Parameters
    ----------
    text
        The file.
    list_format
        ``json``, ``jsonl`` or ``csv``.

    Raises
    ------
    ListError
        The file is not of this format; the message names file and line.
    """
    readers: dict[str, Callable[[ListText], Items]] = {
        "json": lambda text: iter(JsonArray(text)),
        "jsonl": read_json_lines,
        "csv": read_csv_rows,
    }
    return readers[list_format](text)
