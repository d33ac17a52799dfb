"""Intrinsic functions such as ``States.Format('{}', $.name)``.

MiniStack parses the calls and has the functions; here their arguments are
looked up and given the form in which AWS hands them over.
"""

import math
from collections.abc import Callable
from typing import Any

from ministack.services import stepfunctions

from local.states.errors import INTRINSIC_FAILURE, StatesError

Resolve = Callable[[str], Any]


def evaluate(expression: str, resolve: Resolve) -> Any:
    """The value of a call.

    Parameters
    ----------
    resolve
        Looks up an argument that is a path.

    Raises
    ------
    StatesError
        States.IntrinsicFailure: the function does not take these arguments.
    """
    node, _ = stepfunctions._parse_intrinsic_call(expression, 0)
    return _call(node, resolve)


def _call(node: tuple[Any, ...], resolve: Resolve) -> Any:
    _, name, arguments = node
    values = [_argument(argument, resolve) for argument in arguments]
    try:
        prepared = _PREPARE.get(name, list)(values)
        # "str" is MiniStack's tag of a literal, which it hands over as it is.
        return stepfunctions._exec_intrinsic(
            ("call", name, [("str", value) for value in prepared]), None, None
        )
    except (ValueError, TypeError, IndexError, KeyError, AttributeError) as error:
        raise StatesError(INTRINSIC_FAILURE, f"Invalid arguments in {name}") from error


def _argument(node: tuple[Any, ...], resolve: Resolve) -> Any:
    kind, value = node[0], node[1]
    if kind == "call":
        return _call(node, resolve)
    return resolve(value) if kind == "path" else value


def _as_text(value: Any) -> str:
    """A value as States.Format writes it, which is how Java prints it."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}={_as_text(element)}" for key, element in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_as_text, value)) + "]"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)


def _round_half_up(value: float) -> int:
    return math.floor(value + 0.5)


_PREPARE: dict[str, Callable[[list[Any]], list[Any]]] = {
    "States.Format": lambda values: [values[0], *map(_as_text, values[1:])],
    "States.MathAdd": lambda values: [_round_half_up(value) for value in values],
    "States.MathRandom": lambda values: [_round_half_up(value) for value in values[:2]],
}
