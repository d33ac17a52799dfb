"""Reads the JSON file of a list without losing anything of it.

Python's `json` would turn a fraction into a float, keep only the last of two
equal keys and accept NaN. Here numbers stay text, objects stay pairs, and
whoever converts them decides.
"""

import json
from pathlib import Path

GZIP_START = b"\x1f\x8b"
"""Of every file that gzip made (RFC 1952)."""

IS_GZIP = "is compressed with gzip: unpack it first, with gunzip"


class ListError(Exception):
    """The list cannot be loaded; the message is one line that names the place and what is wrong."""


class JsonNumber(str):
    """A number, as the file writes it."""

    __slots__ = ()


class JsonConstant(str):
    """NaN, Infinity or -Infinity, which Python accepts and JSON does not know."""

    __slots__ = ()


class JsonObject(list[tuple[str, object]]):
    """An object: its keys and values in the file's order, equal keys included."""

    __slots__ = ()


def read_list(path: Path) -> list[object]:
    """Read a file that holds one JSON array.

    A byte order mark at the start is skipped: some editors write one.

    Returns
    -------
    list
        The items, made of None, bool, str, list, `JsonNumber`,
        `JsonConstant` and `JsonObject`.

    Raises
    ------
    ListError
        The file cannot be read, is compressed, is not UTF-8, is not JSON, or holds
        something other than an array.
    """
    try:
        data = path.read_bytes()
        if data.startswith(GZIP_START):
            raise ListError(f"{path}: {IS_GZIP}")
        text = data.decode("utf-8-sig")
        content: object = json.loads(
            text,
            parse_float=JsonNumber,
            parse_int=JsonNumber,
            parse_constant=JsonConstant,
            object_pairs_hook=JsonObject,
        )
    except OSError as error:
        raise ListError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ListError(f"{path}: is not UTF-8 text, at byte {error.start}: save it as UTF-8") from error
    except json.JSONDecodeError as error:
        raise ListError(f"{path}:{error.lineno}:{error.colno}: is not JSON: {error.msg}") from error
    except RecursionError as error:
        raise ListError(f"{path}: is nested too deeply to be read") from error
    if isinstance(content, list) and not isinstance(content, JsonObject):
        return content
    raise ListError(f"{path}: holds {_type_name(content)}, not a list: put the items in [ and ]")


def _type_name(content: object) -> str:
    match content:
        case JsonObject():
            return "an object"
        case JsonNumber() | JsonConstant():
            return f"the number {content:.20}"
        case str():
            return "a string"
        case None:
            return "null"
    return "true or false"
