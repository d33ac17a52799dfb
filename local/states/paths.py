"""JSONPath: paths and payload templates of the Amazon States Language; python-jsonpath resolves the paths."""

import functools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jsonpath
from ministack.services import stepfunctions

from local.states import intrinsics
from local.states.errors import PathError

_VARIABLE = re.compile(r"\$([A-Za-z_]\w*)")


@dataclass(frozen=True)
class Scope:
    """What a path can reach: ``$`` (data), ``$$`` (context) and ``$name`` (variables)."""

    data: Any
    context: Mapping[str, Any]
    variables: Mapping[str, Any]


def compact(value: Any) -> str:
    """JSON text as events hold it; half a surrogate pair, which UTF-8 cannot hold, becomes an escape."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":"), allow_nan=False)
    return text


def utf8_bytes(text: str) -> int:
    """The length of a text in UTF-8, in which quotas are counted; half a surrogate pair counts, too."""
    return len(text.encode("utf-8", "surrogatepass"))


@functools.lru_cache(maxsize=4096)
def _compile(path: str) -> tuple[bool, jsonpath.JSONPath]:
    try:
        query = jsonpath.compile(path)
    except jsonpath.JSONPathError as error:
        raise PathError(f"Invalid path '{path}' : {str(error).splitlines()[0]}") from error
    if not isinstance(query, jsonpath.JSONPath):
        raise PathError(f"Invalid path '{path}'")
    return query.singular_query(), query


def resolve(path: str, scope: Scope) -> Any:
    """The value that a path selects; a list when the path can select several.

    Raises
    ------
    PathError
        The path is malformed, or selects nothing.
    """
    root, rest = _root(path, scope)
    singular, query = _compile("$" + rest)
    if isinstance(root, str):  # python-jsonpath would parse it
        values: list[Any] = [] if rest else [root]
    else:
        values = [match.obj for match in query.finditer(root)]
    if not singular:
        return values
    if not values:
        raise PathError(path)
    return values[0]


def _root(path: str, scope: Scope) -> tuple[Any, str]:
    if path.startswith("$$"):
        return scope.context, path[2:]
    variable = _VARIABLE.match(path)
    if variable is None:
        return scope.data, path[1:]
    if variable[1] not in scope.variables:
        raise PathError(path)
    return scope.variables[variable[1]], path[variable.end() :]


def exists(path: str, scope: Scope) -> bool:
    """Whether a path selects anything."""
    try:
        resolve(path, scope)
    except PathError:
        return False
    return True


def insert(path: str, document: Any, value: Any) -> Any:
    """A copy of the document with the value at a reference path such as ``$.a.b``."""
    tokens = stepfunctions._parse_jsonpath_tokens(path)
    if not tokens or any(kind != "field" for kind, _ in tokens):
        raise PathError(f"Invalid reference path '{path}'")
    copy = dict(document) if isinstance(document, dict) else {}
    parent = copy
    for _, field in tokens[:-1]:
        child = parent.get(field)
        parent[field] = dict(child) if isinstance(child, dict) else {}
        parent = parent[field]
    parent[tokens[-1][1]] = value
    return copy


def fill(template: Any, scope: Scope) -> Any:
    """Evaluate a payload template: every key that ends in ``.$`` holds a path or an intrinsic function."""
    if isinstance(template, list):
        return [fill(element, scope) for element in template]
    if not isinstance(template, dict):
        return template
    result = {}
    for key, value in template.items():
        if key.endswith(".$"):
            result[key[:-2]] = _field(key, value, scope)
        else:
            result[key] = fill(value, scope)
    return result


def _field(key: str, value: str, scope: Scope) -> Any:
    if value.startswith("States."):
        return intrinsic(value, scope)
    try:
        return resolve(value, scope)
    except PathError as error:
        raise PathError(not_found(value, key, scope.data)) from error


def intrinsic(expression: str, scope: Scope) -> Any:
    """Evaluate an intrinsic function such as ``States.Format('{}', $.name)``."""

    def look_up(path: str) -> Any:
        try:
            return resolve(path, scope)
        except PathError as error:
            raise PathError(
                f"The function '{expression}' had the following error: The JsonPath argument for the field "
                f"'{path}' could not be found in the input '{compact(scope.data)}'"
            ) from error

    return intrinsics.evaluate(expression, look_up)


def not_found(path: str, field: str, data: Any) -> str:
    """AWS's words for a path in a payload template that selects nothing."""
    return (
        f"The JSONPath '{path}' specified for the field '{field}' could not be found in the input "
        f"'{compact(data)}'"
    )


def no_results(path: str, data: Any) -> str:
    """AWS's words for a path in a field of the state that selects nothing."""
    tokens = stepfunctions._parse_jsonpath_tokens(path) or []
    steps = ""
    for position, (_, token) in enumerate(tokens, start=1):
        steps += f"[{token!r}]"
        data = data.get(token) if isinstance(data, dict) else None
        if data is None and position < len(tokens):
            return f"Invalid path '{path}' : Missing property in path ${steps}"
    return f"Invalid path '{path}' : No results for path: ${steps}"
