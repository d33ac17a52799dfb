"""DynamoDB's typed JSON: conversion from a list file, comparison, and size as DynamoDB counts it."""

import json
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, InvalidOperation
from typing import Any

from utils.limits import (
    DDB_NAME_BYTES_LIMIT,
    DDB_NESTING_LEVELS_LIMIT,
    DDB_NUMBER_DIGITS_LIMIT,
    DDB_NUMBER_EXPONENTS,
)
from utils.list_file import JsonConstant, JsonNumber, JsonObject, ListError

AttributeValue = dict[str, Any]
"""One typed value, such as ``{"S": "Economics"}``."""

_Path = tuple[str | int, ...]


def list_attribute(items: list[object]) -> AttributeValue:
    """Convert the items of a list file to a top-level attribute of type list.

    Parameters
    ----------
    items
        As `utils.list_file.read_list` returns them.

    Raises
    ------
    ListError
        A value that DynamoDB cannot hold exactly; the message names the item
        by its index, which counts from 0.
    """
    return {"L": [_attribute(item, (index,)) for index, item in enumerate(items)]}


def _attribute(value: object, path: _Path) -> AttributeValue:
    if len(path) + 1 > DDB_NESTING_LEVELS_LIMIT:
        raise ListError(f"{_place(path[:1])} is nested deeper than the 32 levels of DynamoDB")
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case JsonConstant():
            raise ListError(f"{_place(path)}: {value} is not JSON: use null or a string")
        case JsonNumber():
            return {"N": _number(value, path)}
        case str():
            return {"S": _text(value, path)}
        case JsonObject():
            return {"M": _map(value, path)}
        case list():
            return {"L": [_attribute(element, (*path, index)) for index, element in enumerate(value)]}
    raise TypeError(f"not from a list file: {value!r}")


def _map(pairs: JsonObject, path: _Path) -> dict[str, AttributeValue]:
    attributes: dict[str, AttributeValue] = {}
    for key, value in pairs:
        name = _text(key, path)
        if name in attributes:
            raise ListError(f"{_place(path)}: key {_quote(key)} occurs twice")
        if not 1 <= len(name.encode()) <= DDB_NAME_BYTES_LIMIT:
            raise ListError(
                f"{_place(path)}: key {_quote(key)} is {len(name.encode()):,} bytes long: "
                f"DynamoDB takes 1 to {DDB_NAME_BYTES_LIMIT:,}"
            )
        attributes[name] = _attribute(value, (*path, name))
    return attributes


def _text(text: str, path: _Path) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        half = f"\\u{ord(text[error.start]):04x}"
        raise ListError(
            f"{_place(path)}: holds {half}, half of a surrogate pair, which is no character"
        ) from error
    return text


def _number(text: str, path: _Path) -> str:
    """Give a number in the form that DynamoDB returns: no exponent, no needless zeros."""
    try:
        number = _normalized(text)
    except InvalidOperation:
        number = Decimal("Infinity")
    digits = len(number.as_tuple().digits)
    if not number.is_finite() or (number and number.adjusted() not in DDB_NUMBER_EXPONENTS):
        raise ListError(
            f"{_place(path)}: {_quote(text)} is outside what DynamoDB holds, "
            f"0 and 1E-130 to 9.9E+125: make it a string"
        )
    if digits > DDB_NUMBER_DIGITS_LIMIT:
        raise ListError(
            f"{_place(path)}: {_quote(text)} has {digits} significant digits, "
            f"DynamoDB keeps {DDB_NUMBER_DIGITS_LIMIT}: make it a string"
        )
    return _plain(number)


def _normalized(text: str) -> Decimal:
    exact = Context(prec=len(text) + 1, Emin=MIN_EMIN, Emax=MAX_EMAX)
    return Decimal(text).normalize(exact)


def _plain(number: Decimal) -> str:
    return format(number, "f") if number else "0"


def _place(path: _Path) -> str:
    """Name a place in the list: ``item [2].scores[4]``."""
    return "item " + "".join(f"[{part}]" if isinstance(part, int) else f".{part:.40}" for part in path)


def _quote(text: str) -> str:
    return json.dumps(abbreviate(text, 40), ensure_ascii=False)


def abbreviate(text: str, length: int) -> str:
    """Cut a text to a length, with an ellipsis as its last character if it was longer."""
    return text if len(text) <= length else text[: length - 1] + "…"


def canonical(attribute: AttributeValue) -> AttributeValue:
    """Write every number of a value in one form, so that equal values compare equal.

    DynamoDB stores 1.0 and 1 as the same number, and 1 and true as different values.
    """
    match attribute:
        case {"N": text}:
            return {"N": _plain(_normalized(text))}
        case {"L": elements}:
            return {"L": [canonical(element) for element in elements]}
        case {"M": members}:
            return {"M": {name: canonical(member) for name, member in members.items()}}
    return attribute


def item_bytes(item: dict[str, AttributeValue]) -> int:
    """Count an item as DynamoDB does ("DynamoDB item sizes and formats"), in bytes.

    Its page calls the size of a number approximate: one byte for two digits,
    and one; a minus sign is counted as one more here.
    """
    return sum(len(name.encode()) + _value_bytes(attribute) for name, attribute in item.items())


def _value_bytes(attribute: AttributeValue) -> int:
    match attribute:
        case {"S": text}:
            size = len(str(text).encode())
        case {"N": text}:
            digits = len(_normalized(text).as_tuple().digits)
            size = (digits + 1) // 2 + 1 + int(text.startswith("-"))
        case {"B": data}:
            size = len(data)
        case {"SS": texts}:
            size = sum(_value_bytes({"S": text}) for text in texts)
        case {"NS": numbers}:
            size = sum(_value_bytes({"N": number}) for number in numbers)
        case {"L": elements}:
            size = 3 + sum(1 + _value_bytes(element) for element in elements)
        case {"M": members}:
            size = 3 + sum(1 + len(name.encode()) + _value_bytes(member) for name, member in members.items())
        case _:
            size = 1
    return size


def json_bytes(content: object) -> int:
    """Count a value as compact JSON in UTF-8, as Step Functions does, in bytes."""
    return len(json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode())
