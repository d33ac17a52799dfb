"""Read a file of JSON strictly: what Python would silently accept or lose is a mistake with a place."""

import json
from pathlib import Path
from typing import Any

from stacks.config_errors import show_key

MAX_NUMBER_DIGITS = 100
"""Longest whole number that is read; far more than any key allows."""


class JsonFileError(Exception):
    """The file cannot be used; the message names it, the place and what is wrong."""


def read_json(path: Path) -> Any:
    """Read a file of JSON in UTF-8, with or without a byte order mark.

    Raises
    ------
    JsonFileError
        It cannot be read, is not JSON, or holds a key twice or a number of more than 100 digits.
    RecursionError
        It is nested too deeply.
    """
    try:
        # Notepad puts a byte order mark before the text, which utf-8-sig takes away.
        return json.loads(
            path.read_text(encoding="utf-8-sig"), object_pairs_hook=_unique_keys, parse_int=_whole_number
        )
    except OSError as error:
        raise JsonFileError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise JsonFileError(f"{path}: is not UTF-8 text, at byte {error.start}") from error
    except json.JSONDecodeError as error:
        raise JsonFileError(f"{path}:{error.lineno}:{error.colno}: is not JSON: {error.msg}") from error
    except ValueError as error:
        raise JsonFileError(f"{path}: {error}") from error


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a key that is there twice, of which Python would silently take the last."""
    content = dict(pairs)
    if len(content) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = sorted({key for key in keys if keys.count(key) > 1})
        raise ValueError(
            f"{', '.join(map(show_key, twice))} is there more than once; allowed is once in an object"
        )
    return content


def _whole_number(text: str) -> int:
    """Refuse a number that Python would convert slowly, or not at all."""
    if len(text) > MAX_NUMBER_DIGITS:
        raise ValueError(
            f"holds a whole number of {len(text):,} digits; allowed are at most {MAX_NUMBER_DIGITS}"
        )
    return int(text)
