"""Takes JSON text apart without converting it: a value stays its text, so that numbers stay exact."""

import json
import re

_decode = json.JSONDecoder(parse_int=str, parse_float=str).raw_decode
_BRACKET_OR_STRING = re.compile(r'[\[{]|[\]}]|"(?:[^"\\]|\\.)*+"')
_OBJECT = re.compile(r"\s*\{\s*(\}\s*)?")
_ARRAY = re.compile(r"\s*\[\s*(\]\s*)?")
_KEY = re.compile(r'"((?:[^"\\]|\\.)*)"\s*:\s*')
# Many values are a whole number or a text without escapes, and are taken with their key, which is faster.
_MEMBER = re.compile(_KEY.pattern + r'(?:(\d+|"[^"\\\x00-\x1f]*")\s*([,}])\s*)?')
_AFTER_VALUE = re.compile(r"\s*([,}\]])\s*")
_LINE_BREAKS = re.compile(r"[\n\r\t]")


def flatten(text: str) -> str:
    """Put JSON on one line without tabs; inside its strings there can be neither."""
    return _LINE_BREAKS.sub(" ", text) if _LINE_BREAKS.search(text) else text


def members(text: str) -> dict[str, str]:
    """Split an object into the texts of its values.

    Raises
    ------
    ValueError
        The text is not a JSON object.
    """
    return _members_at(text, 0)[0]


def elements(text: str) -> list[str]:
    """Split an array into the texts of its values.

    Raises
    ------
    ValueError
        The text is not a JSON array.
    """
    found: list[str] = []
    opened = _match(_ARRAY, text, 0)
    position, closed = opened.end(), opened[1]
    while not closed:
        end = _value_end(text, position)
        found.append(text[position:end])
        after = _match(_AFTER_VALUE, text, end)
        position, closed = after.end(), after[1] != ","
    return found


def objects_of(text: str, key: str) -> list[dict[str, str]]:
    """Split the objects of an array, which is a member of an object, into the texts of their values.

    Raises
    ------
    KeyError
        There is no such member.
    ValueError
        The text is not such JSON.
    """
    opened = _match(_OBJECT, text, 0)
    position, mark = opened.end(), opened[1]
    while not mark or mark == ",":
        member = _match(_KEY, text, position)
        if member[1] == key:
            return _objects_at(text, member.end())
        after = _match(_AFTER_VALUE, text, _value_end(text, member.end()))
        position, mark = after.end(), after[1]
    raise KeyError(key)


def _objects_at(text: str, position: int) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    opened = _match(_ARRAY, text, position)
    position, closed = opened.end(), opened[1]
    while not closed:
        values, position = _members_at(text, position)
        found.append(values)
        after = _match(_AFTER_VALUE, text, position)
        position, closed = after.end(), after[1] != ","
    return found


def _members_at(text: str, position: int) -> tuple[dict[str, str], int]:
    """Split the object at a position; gives the position after it, too."""
    found: dict[str, str] = {}
    opened = _match(_OBJECT, text, position)
    position, mark = opened.end(), opened[1] or ","
    while mark == ",":
        member = _MEMBER.match(text, position) or _match(_MEMBER, text, position)
        key, value, mark = member.groups()
        end = member.end()
        if value is None:
            position, end = end, _value_end(text, end)
            value = text[position:end]
            after = _AFTER_VALUE.match(text, end) or _match(_AFTER_VALUE, text, end)
            end, mark = after.end(), after[1]
        found[key] = value
        position = end
    return found, position


def _value_end(text: str, position: int) -> int:
    """Find where the value at a position ends."""
    try:
        return _decode(text, position)[1]
    except RecursionError:
        return _nested_end(text, position)


def _nested_end(text: str, position: int) -> int:
    """Find where a value ends that is nested too deeply to be decoded, by its brackets."""
    depth = 0
    for token in _BRACKET_OR_STRING.finditer(text, position):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(token[0], 0)
        if not depth:
            return token.end()
    raise ValueError("a value without its end")


def _match(pattern: re.Pattern[str], text: str, position: int) -> re.Match[str]:
    match = pattern.match(text, position)
    if match is None:
        raise ValueError(f"not the JSON that is expected, at character {position}")
    return match
