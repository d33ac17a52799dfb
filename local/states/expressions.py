"""JSONata: expressions and templates of the Amazon States Language.

Evaluated by jsonata-python with the functions that MiniStack adds for Step
Functions; compiled once for each expression.
"""

import functools
import re
import threading
from collections.abc import Mapping
from typing import Any

import jsonata
import regex
from jsonata.regex_engine import RegexFlags
from jsonata.utils import Utils
from ministack.services import stepfunctions

from local.states.errors import QUERY_EVALUATION, StatesError

EVALUATION_TIMEOUT_MILLISECONDS = 1000
"""The longest that AWS evaluates one expression."""

_FIELD = re.compile(r"\$states((?:\.[A-Za-z_]\w*)+)")
_ABSENT = object()
_lock = threading.Lock()
"""A compiled expression holds what it is evaluated over; selectors are evaluated beside the event loop."""


class EvaluationError(StatesError):
    """A JSONata failure, with the field of the state that holds the expression."""

    def __init__(self, cause: str, location: str) -> None:
        super().__init__(QUERY_EVALUATION, cause)
        self.location = location


class UnusableValueError(EvaluationError):
    """An expression that works but whose value the state cannot use."""


class _BoundedPattern:
    """A regular expression that gives up in time, where Python's own would hold up everything."""

    def __init__(self, pattern: str, flags: int) -> None:
        self._pattern = regex.compile(pattern, flags)

    def search(self, string: str) -> Any:
        return self._pattern.search(string, timeout=EVALUATION_TIMEOUT_MILLISECONDS / 1000)

    def finditer(self, string: str) -> Any:
        return self._pattern.finditer(string, timeout=EVALUATION_TIMEOUT_MILLISECONDS / 1000)

    def sub(self, replacement: Any, string: str, count: int = 0) -> str:
        timeout = EVALUATION_TIMEOUT_MILLISECONDS / 1000
        replaced: str = self._pattern.sub(replacement, string, count=count, timeout=timeout)
        return replaced

    def split(self, string: str, maxsplit: int = 0) -> list[str]:
        timeout = EVALUATION_TIMEOUT_MILLISECONDS / 1000
        parts: list[str] = self._pattern.split(string, maxsplit=maxsplit, timeout=timeout)
        return parts


def _bounded_pattern(pattern: str, flags: RegexFlags) -> _BoundedPattern:
    chosen = regex.IGNORECASE if flags.case_insensitive else 0
    return _BoundedPattern(pattern, chosen | (regex.MULTILINE if flags.multiline else 0))


@functools.lru_cache(maxsize=4096)
def _compile(expression: str) -> Any:
    compiled = jsonata.Jsonata.jsonata(expression, _bounded_pattern)
    stepfunctions._register_sfn_jsonata_functions(compiled)
    return compiled


def is_expression(value: Any) -> bool:
    """Whether a field's value is a JSONata expression."""
    return isinstance(value, str) and value.startswith("{%") and value.endswith("%}")


def evaluate(text: str, location: str, states: Mapping[str, Any], variables: Mapping[str, Any]) -> Any:
    """The value of a field such as ``{% $states.input.x %}``.

    Parameters
    ----------
    location
        The field's path in the state, for the error.
    states
        What ``$states`` holds: input, context and, where there is one, result or errorOutput.
    variables
        The workflow's variables.

    Raises
    ------
    EvaluationError
        The expression fails or yields nothing.
    """
    expression = text[2:-2].strip()
    field = _look_up(expression, states)
    if field is not _ABSENT:
        return field
    bindings = {name: Utils.NULL_VALUE if value is None else value for name, value in variables.items()}
    bindings["states"] = states
    try:
        value = _run(expression, bindings)
    except Exception as error:
        code = getattr(error, "error", None)
        detail = f"{code}: {error}" if isinstance(code, str) and code else str(error)
        raise EvaluationError(
            f"The JSONata expression '{expression}' specified for the field '{location}' "
            f"threw an error during evaluation. {detail}",
            location,
        ) from error
    if value is None and not _run(f"$exists(({expression}))", bindings):
        raise EvaluationError(
            f"The JSONata expression '{expression}' specified for the field '{location}' returned nothing "
            "(undefined).",
            location,
        )
    return value


def _look_up(expression: str, states: Mapping[str, Any]) -> Any:
    """The value of a plain ``$states.a.b``, without an evaluation: a selector has one for every item."""
    match = _FIELD.fullmatch(expression)
    if match is None:
        return _ABSENT
    value: Any = states
    for name in match[1].split(".")[1:]:
        if not isinstance(value, dict) or name not in value:
            return _ABSENT
        value = value[name]
    return value


def _run(expression: str, bindings: Mapping[str, Any]) -> Any:
    with _lock:
        compiled = _compile(expression)
        compiled.environment.set_runtime_bounds(EVALUATION_TIMEOUT_MILLISECONDS, None)
        return compiled.evaluate(None, bindings)


def fill(template: Any, location: str, states: Mapping[str, Any], variables: Mapping[str, Any]) -> Any:
    """Evaluate every expression inside a template."""
    if is_expression(template):
        return evaluate(template, location, states, variables)
    if isinstance(template, dict):
        return {key: fill(value, f"{location}/{key}", states, variables) for key, value in template.items()}
    if isinstance(template, list):
        return [
            fill(value, f"{location}[{index}]", states, variables) for index, value in enumerate(template)
        ]
    return template
