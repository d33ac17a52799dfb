"""Reads a file of stock: how many of each product there are, ``{"Domain-Driven Design": 20, …}``."""

import json
from pathlib import Path

from stacks.json_file import JsonFileError, read_json
from utils.command import CommandError
from utils.limits import DDB_KEY_BYTES_LIMIT, DDB_NUMBER_DIGITS_LIMIT

MAX_PROBLEMS = 20
"""Lines said of one file."""

_SHOWN_CHARACTERS = 80


def read_stock(path: Path) -> dict[str, int]:
    """Read the count of each product.

    Raises
    ------
    CommandError
        The file cannot be read, is not JSON or no object, or names a product twice, by a text that is no
        key, or with what is no count: a line for each.
    """
    try:
        content = read_json(path)
    except JsonFileError as error:
        raise CommandError(str(error)) from error
    except RecursionError as error:
        raise CommandError(f"{path}: is nested too deeply to be read") from error
    if not isinstance(content, dict) or not content:
        raise CommandError(
            f'{path}: {_shown(content)}: allowed is an object of products with their counts, {{"a book": 20}}'
        )
    problems = [
        f"{path}: {_shown(name)}{problem}"
        for name, count in content.items()
        if (problem := _find_problem(name, count))
    ]
    if more := len(problems[MAX_PROBLEMS:]):
        problems[MAX_PROBLEMS:] = [f"{path}: and {more:,} more like these"]
    if problems:
        raise CommandError(*problems)
    return content


def _find_problem(name: str, count: object) -> str | None:
    """Say what is wrong with a product and its count; None if nothing is."""
    if not 1 <= len(name.encode(errors="replace")) <= DDB_KEY_BYTES_LIMIT or not _is_unicode(name):
        return f": allowed as the name of a product is text of 1 to {DDB_KEY_BYTES_LIMIT:,} bytes in UTF-8"
    if not isinstance(count, int) or isinstance(count, bool) or count < 0:
        return f" = {_shown(count)}: allowed is a whole number, 0 or more"
    if len(str(count)) > DDB_NUMBER_DIGITS_LIMIT:
        return f" = {_shown(count)}: DynamoDB keeps {DDB_NUMBER_DIGITS_LIMIT} digits, and this has more"
    return None


def _is_unicode(text: str) -> bool:
    return text == text.encode(errors="replace").decode()


def _shown(value: object) -> str:
    """Write a value as JSON, cut where it is long; half of a character comes as its escape."""
    text = json.dumps(value, ensure_ascii=False)
    if not _is_unicode(text):
        text = json.dumps(value)
    return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…"
