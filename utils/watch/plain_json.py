"""Execution data as one line of plain text: JSON with exact numbers, whatever way it came."""

import json
from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import TypeDeserializer

from utils.command import visible

SELECTED_KEYS = {"item", "index", "encoding"}
"""Keys by which this project's ItemSelector is told from another's."""


def parse(text: str | None) -> Any:
    """Read JSON without rounding its numbers; None when there is no text or it is not JSON."""
    if text is None:
        return None
    try:
        return json.loads(text, parse_float=Decimal)
    except (ValueError, ArithmeticError, RecursionError):
        return None


def one_line(text: str) -> str:
    """Put a text on one visible line."""
    return visible(" ".join(text.split()))


def plain_text(value: object) -> str:
    """Write a value as JSON on one line; sets become arrays, binary its repr, numbers keep every digit.

    Raises
    ------
    RecursionError
        The value is nested more than a few hundred levels deep.
    """
    match value:
        case dict():
            parts = [f"{plain_text(key)}: {plain_text(part)}" for key, part in value.items()]
            return "{" + ", ".join(parts) + "}"
        case list() | set():
            return "[" + ", ".join(plain_text(part) for part in value) + "]"
        case Decimal():
            return format(value, "f") if abs(value.adjusted()) < 30 else str(value)
        case _:
            return visible(json.dumps(value, ensure_ascii=False, default=str))


def item_text(state_input: str | None) -> str:
    """Show the item in the input of an iteration's first state.

    Parameters
    ----------
    state_input
        What this project's ItemSelector made, ``{"item": …, "index": …,
        "encoding": "dynamodb" | "json"}``, or any other JSON, which is shown
        whole. None when the history carries no data.

    Returns
    -------
    str
        One line; empty without data.
    """
    if state_input is None:
        return ""
    selected = parse(state_input)
    if not (isinstance(selected, dict) and selected.keys() >= SELECTED_KEYS):
        return json_text(state_input)
    item = selected["item"]
    if selected["encoding"] == "dynamodb":
        try:
            item = TypeDeserializer().deserialize(item)
        except (TypeError, AttributeError, ArithmeticError, RecursionError):
            return _shown(item, state_input)
    return _shown(item, state_input)


def json_text(text: str | None) -> str:
    """Show a JSON text on one line; one that is not JSON as it is; empty when there is none."""
    if text is None:
        return ""
    value = parse(text)
    return one_line(text) if value is None and text.strip() != "null" else _shown(value, text)


def _shown(value: object, text: str) -> str:
    """Show a value, or the text that it comes from if it is nested too deeply for that."""
    try:
        return plain_text(value)
    except RecursionError:
        return one_line(text)


def cause_text(cause: str | None) -> str:
    """Show why something failed: of a Lambda function's JSON its message, anything else as it is."""
    content = parse(cause)
    if isinstance(content, dict) and isinstance(content.get("errorMessage"), str):
        return one_line(content["errorMessage"])
    return one_line(cause or "")


def error_text(error: str | None, cause: str | None) -> str:
    """Join an error's name and its cause; either may be missing."""
    return ": ".join(part for part in (one_line(error or ""), cause_text(cause)) if part)
