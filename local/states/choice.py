"""Choice states: which rule holds."""

import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

from local.states import paths
from local.states.branch import Branch
from local.states.dataflow import Flow, JsonataFlow
from local.states.errors import PathError, StatesError
from local.states.wait import parse_timestamp


class NoChoiceMatchedError(StatesError):
    """No rule holds and there is no default."""

    def __init__(self) -> None:
        super().__init__(
            "States.NoChoiceMatched",
            "Failed to transition out of the state. The state does not point to a next state.",
        )


_COMPARE = {
    "Equals": operator.eq,
    "LessThan": operator.lt,
    "GreaterThan": operator.gt,
    "LessThanEquals": operator.le,
    "GreaterThanEquals": operator.ge,
}


def choose(flow: Flow, state: Mapping[str, Any], branch: Branch) -> tuple[Any, dict[str, Any], str]:
    """The output, the variables and the next state of a Choice.

    Raises
    ------
    NoChoiceMatchedError
        No rule holds and there is no default.
    PathError
        A rule compares a variable that is not there.
    """
    for index, rule in enumerate(state["Choices"]):
        if _holds(flow, rule, f"Choices[{index}]/Condition", branch):
            return (*flow.chosen(rule), rule["Next"])
    if "Default" not in state:
        raise NoChoiceMatchedError
    return (*flow.chosen(None), state["Default"])


def _holds(flow: Flow, rule: Mapping[str, Any], location: str, branch: Branch) -> bool:
    if isinstance(flow, JsonataFlow):
        return flow.condition(rule, location)
    return _rule_holds(rule, branch.scope(flow.read()))


def _rule_holds(rule: Mapping[str, Any], scope: paths.Scope) -> bool:
    if "And" in rule:
        return all(_rule_holds(part, scope) for part in rule["And"])
    if "Or" in rule:
        return any(_rule_holds(part, scope) for part in rule["Or"])
    if "Not" in rule:
        return not _rule_holds(rule["Not"], scope)
    name = next(key for key in rule if key not in {"Variable", "Next", "Comment", "Assign"})
    if name == "IsPresent":
        return paths.exists(rule["Variable"], scope) is rule[name]
    value = _lookup(rule["Variable"], scope)
    if name in _TYPE_TESTS:
        return _TYPE_TESTS[name](value) is rule[name]
    expected = _lookup(rule[name], scope) if name.endswith("Path") else rule[name]
    return _compare(name.removesuffix("Path"), value, expected)


def _lookup(path: str, scope: paths.Scope) -> Any:
    try:
        return paths.resolve(path, scope)
    except PathError as error:
        raise PathError(
            f"Invalid path '{path}': The choice state's condition path references an invalid value."
        ) from error


def _compare(name: str, value: Any, expected: Any) -> bool:
    if name == "StringMatches":
        return isinstance(value, str) and _wildcard(expected).fullmatch(value) is not None
    for kind, convert in _COMPARABLE.items():
        if name.startswith(kind):
            left, right = convert(value), convert(expected)
            holds: bool = left is not None and right is not None and _COMPARE[name[len(kind) :]](left, right)
            return holds
    raise PathError(f"Unknown comparison {name}")


def _wildcard(pattern: str) -> re.Pattern[str]:
    r"""``*`` matches anything; ``\*`` and ``\\`` stand for themselves."""
    parts = re.split(r"(\\\\|\\\*|\*)", pattern)
    literal = {"\\\\": re.escape("\\"), "\\*": re.escape("*"), "*": ".*"}
    return re.compile("".join(literal.get(part, re.escape(part)) for part in parts), re.DOTALL)


def _of_type(*types: type) -> Callable[[Any], Any]:
    return lambda value: (
        value if isinstance(value, types) and (bool in types or not isinstance(value, bool)) else None
    )


_COMPARABLE: dict[str, Callable[[Any], Any]] = {
    "String": _of_type(str),
    "Numeric": _of_type(int, float),
    "Boolean": _of_type(bool),
    "Timestamp": parse_timestamp,
}
_TYPE_TESTS: dict[str, Callable[[Any], bool]] = {
    "IsNull": lambda value: value is None,
    "IsString": lambda value: isinstance(value, str),
    "IsNumeric": lambda value: _COMPARABLE["Numeric"](value) is not None,
    "IsBoolean": lambda value: isinstance(value, bool),
    "IsTimestamp": lambda value: parse_timestamp(value) is not None,
}
