"""The numbers that a function's module names, read from its text: what it imports is only there on AWS."""

import ast
import operator
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

FUNCTIONS = Path(__file__).parents[2] / "lambdas"
OPERATIONS: Mapping[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.LShift: operator.lshift,
}


@cache
def read_numbers(module: str) -> Mapping[str, int]:
    """Read the whole numbers that a module gives names in capitals.

    Parameters
    ----------
    module
        Its path in the folder of the functions.
    """
    numbers = {}
    for statement in ast.parse((FUNCTIONS / module).read_text(encoding="utf-8")).body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if name.isupper():
                number = _number(value)
                if number is not None:
                    numbers[name] = number
    return numbers


def _number(value: ast.expr) -> int | None:
    match value:
        case ast.Constant(value=int(number)):
            return number
        case ast.BinOp(left=left, op=operation, right=right) if type(operation) in OPERATIONS:
            one, other = _number(left), _number(right)
            return None if one is None or other is None else OPERATIONS[type(operation)](one, other)
    return None
