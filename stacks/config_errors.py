"""Words for what a configuration has wrong: what is allowed is read from the JSON schema of the models."""

import json
from pathlib import Path
from typing import Any

_MAX_VALUE_CHARACTERS = 80

Schema = dict[str, Any]


def describe(path: Path, location: tuple[str | int, ...], value: object, schema: Schema) -> str:
    """Return one line that names the file, the key, its value and what is allowed.

    Parameters
    ----------
    location
        Keys and list positions that lead to the value; empty for the whole file.
    schema
        JSON schema of the whole file.
    """
    place = f"{path}: {_key(location)} = {_shorten(value)}" if location else f"{path}: {_shorten(value)}"
    try:
        allowed = _allowed(_find(schema, location))
    except KeyError:
        known = ", ".join(_find(schema, location[:-1])["properties"])
        return f"{place}: there is no such key; allowed are {known}"
    return f"{place}: allowed is {allowed}"


def _key(location: tuple[str | int, ...]) -> str:
    parts = (f"[{part}]" if isinstance(part, int) else f".{show_key(part)}" for part in location)
    return "".join(parts).removeprefix(".")


def show_key(key: str) -> str:
    """Show a key, with escapes if a terminal would obey or hide a character of it."""
    return key if key.isprintable() else json.dumps(key)


def _shorten(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    if not text.isprintable():
        text = json.dumps(value)
    return text if len(text) <= _MAX_VALUE_CHARACTERS else text[: _MAX_VALUE_CHARACTERS - 3] + "..."


def _find(schema: Schema, location: tuple[str | int, ...]) -> Schema:
    """Return the part of a schema for the value at a location, with its reference followed."""
    part = schema
    for step in location:
        part = part["items"] if isinstance(step, int) else part["properties"][step]
        if "$ref" in part:
            part = schema["$defs"][part["$ref"].rpartition("/")[2]]
    return part


def _allowed(part: Schema) -> str:
    """Say what a part of a schema allows."""
    if "errorMessage" in part:
        return str(part["errorMessage"])
    if "const" in part or "enum" in part:
        return f"one of {_choices(part)}"
    match part["type"]:
        case "integer" | "number" as kind:
            number = "a whole number" if kind == "integer" else "a number"
            to = f" to {part['maximum']}" if "maximum" in part else ""
            return f"{number} from {part['minimum']}{to}"
        case "boolean":
            return "true or false"
        case "array":
            return f"a list of one or more of {_choices(part['items'])}, each once"
    return "an object with the keys " + ", ".join(part["properties"])


def _choices(part: Schema) -> str:
    return ", ".join(part["enum"] if "enum" in part else [part["const"]])
