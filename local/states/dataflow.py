"""How data moves through a state: what it gets, what it hands on, which variables it sets.

There is one class for each query language; both answer the same questions.
"""

from collections.abc import Mapping
from typing import Any

from local.states import expressions, paths
from local.states.branch import Branch
from local.states.errors import PathError, StatesError

_ABSENT = object()

HandedOn = tuple[Any, dict[str, Any]]
"""A state's output, and the variables that it set."""


class JsonPathFlow:
    """InputPath, Parameters, ResultSelector, ResultPath, OutputPath and fields that end in Path."""

    def __init__(self, branch: Branch, state: Mapping[str, Any], state_input: Any) -> None:
        self._branch = branch
        self._state = state
        self.raw_input = state_input

    def read(self) -> Any:
        """The input after InputPath."""
        return self._select("InputPath", self.raw_input)

    def arguments(self) -> Any:
        """What the state's work is given: the input after InputPath and Parameters."""
        data = self.read()
        return self.fill(self._state["Parameters"], data) if "Parameters" in self._state else data

    def select(self, field: str) -> Any:
        """What a path field such as ItemsPath selects from the input after InputPath."""
        return self._select(field, self.read())

    def fill(self, template: Any, data: Any = _ABSENT) -> Any:
        """Evaluate a payload template over the state's input, or over other data."""
        return paths.fill(template, self._branch.scope(self.read() if data is _ABSENT else data))

    def item(self, template: Any, context: Mapping[str, Any]) -> Any:
        """Evaluate an item selector; the context object holds the item."""
        return paths.fill(template, paths.Scope(self.read(), context, self._branch.variables))

    def field(self, name: str, expected: str, default: Any = None, noun: str = "integer") -> Any:
        """A field of a JSON type, given as a value or, with Path at the end of its name, as a path.

        Parameters
        ----------
        noun
            What the message calls a value that is expected.
        """
        path = self._state.get(f"{name}Path")
        if path is None:
            return self._state.get(name, default)
        value = self._resolve(path, f"{name}Path")
        if _json_type(value) != expected:
            raise PathError(self.not_a(name, noun, show(value)))
        return value

    def not_a(self, name: str, noun: str, value: str) -> str:
        """Say that the value which a path field selects is of another kind."""
        path = self._state.get(f"{name}Path", self._state.get(name))
        return f'The {name}Path field refers to value "{value}" which is not a valid {noun}: {path}'

    def has(self, path: str) -> bool:
        """Whether a path selects anything in the state's input."""
        return paths.exists(path, self._branch.scope(self.read()))

    def _resolve(self, path: str, field: str) -> Any:
        scope = self._branch.scope(self.read())
        if path.startswith("States."):
            return paths.intrinsic(path, scope)
        try:
            return paths.resolve(path, scope)
        except PathError as error:
            if field in {"ErrorPath", "CausePath"}:
                raise PathError(paths.not_found(path, field, scope.data)) from error
            raise PathError(paths.no_results(path, scope.data)) from error

    def output(self, result: Any) -> HandedOn:
        """What the state hands on for a result of its work; sets its variables."""
        if "ResultSelector" in self._state:
            result = self.fill(self._state["ResultSelector"], result)
        output = self._place(self._state, result)
        return self._hand_on(self._state, result, output)

    def pass_on(self) -> HandedOn:
        """What a state without work hands on; sets its variables."""
        data = self.read()
        return self._hand_on(self._state, data, data)

    def chosen(self, rule: Mapping[str, Any] | None) -> HandedOn:
        """What a Choice hands on with one of its rules, or None for its default."""
        data = self.read()
        return self._hand_on(self._state if rule is None else rule, data, data)

    def caught(self, catcher: Mapping[str, Any], error: StatesError) -> HandedOn:
        """What the state hands on when a catcher takes its error; sets the catcher's variables."""
        assigned = self._assign(catcher, error.output())
        return self._place(catcher, error.output()), assigned

    def _hand_on(self, holder: Mapping[str, Any], data: Any, output: Any) -> HandedOn:
        output = self._select("OutputPath", output)
        return output, self._assign(holder, data)

    def _assign(self, holder: Mapping[str, Any], data: Any) -> dict[str, Any]:
        assigned: dict[str, Any] = self.fill(holder.get("Assign", {}), data)
        self._branch.variables.update(assigned)
        return assigned

    def _place(self, holder: Mapping[str, Any], result: Any) -> Any:
        path = holder.get("ResultPath", "$")
        if path is None:
            return self.raw_input
        return result if path == "$" else paths.insert(path, self.raw_input, result)

    def _select(self, field: str, data: Any) -> Any:
        path = self._state.get(field, "$")
        if path is None:
            return {}
        try:
            return paths.resolve(path, self._branch.scope(data))
        except PathError as error:
            raise PathError(paths.no_results(path, data)) from error


class JsonataFlow:
    """Arguments, Output and fields that hold ``{% expressions %}``."""

    def __init__(self, branch: Branch, state: Mapping[str, Any], state_input: Any) -> None:
        self._branch = branch
        self._state = state
        self.raw_input = state_input

    def read(self) -> Any:
        """The input as it came."""
        return self.raw_input

    def arguments(self) -> Any:
        """What the state's work is given: its Arguments, or the input."""
        return self.evaluate("Arguments", self.raw_input)

    def item(self, template: Any, context: Mapping[str, Any]) -> Any:
        """Evaluate an item selector; the context object holds the item."""
        states = {"input": self.raw_input, "context": context}
        return expressions.fill(template, "ItemSelector", states, self._branch.variables)

    def field(self, name: str, expected: str, default: Any = None, noun: str = "") -> Any:  # noqa: ARG002
        """A field of a JSON type, given as a value or as an expression."""
        if name not in self._state:
            return default
        value = self.evaluate(name)
        if _json_type(value) != expected:
            raise _unexpected_type(self._state[name], name, expected, value)
        return value

    def output(self, result: Any) -> HandedOn:
        """What the state hands on for a result of its work; sets its variables."""
        return self._hand_on(self._state, result, result=result)

    def pass_on(self) -> HandedOn:
        """What a state without work hands on; sets its variables."""
        return self._hand_on(self._state, self.raw_input)

    def chosen(self, rule: Mapping[str, Any] | None) -> HandedOn:
        """What a Choice hands on with one of its rules, or None for its default."""
        return self._hand_on(self._state if rule is None else rule, self.raw_input)

    def caught(self, catcher: Mapping[str, Any], error: StatesError) -> HandedOn:
        """What the state hands on when a catcher takes its error; sets the catcher's variables."""
        return self._hand_on(catcher, error.output(), errorOutput=error.output())

    def not_a(self, name: str, noun: str, value: str) -> str:
        """Say that the value of an expression is of another kind."""
        return f"{name} must be a valid {noun} but was: {value}"

    def condition(self, rule: Mapping[str, Any], location: str) -> bool:
        """Whether a Choice rule's Condition holds."""
        value = expressions.fill(rule["Condition"], location, self._states(), self._branch.variables)
        if not isinstance(value, bool):
            raise _unexpected_type(rule["Condition"], location, "boolean", value)
        return value

    def evaluate(self, name: str, default: Any = None) -> Any:
        """A field of the state with its expressions evaluated."""
        if name not in self._state:
            return default
        return expressions.fill(self._state[name], name, self._states(), self._branch.variables)

    def _hand_on(self, holder: Mapping[str, Any], default: Any, **states: Any) -> HandedOn:
        scope = self._states(**states)
        variables = self._branch.variables
        assigned = expressions.fill(holder.get("Assign", {}), "Assign", scope, variables)
        output = default
        if "Output" in holder:
            output = expressions.fill(holder["Output"], "Output", scope, variables)
        self._branch.variables.update(assigned)
        return output, assigned

    def _states(self, **states: Any) -> dict[str, Any]:
        return {"input": self.raw_input, "context": self._branch.context, **states}


Flow = JsonPathFlow | JsonataFlow


def flow_of(branch: Branch, state: Mapping[str, Any], state_input: Any) -> Flow:
    """The data flow of a state in its query language."""
    language = state.get("QueryLanguage", branch.query_language)
    return (JsonataFlow if language == "JSONata" else JsonPathFlow)(branch, state, state_input)


def show(value: Any) -> str:
    """A value as AWS's messages quote it."""
    return value if isinstance(value, str) else paths.compact(value)


_JSON_TYPES: dict[str, type | tuple[type, ...]] = {
    "boolean": bool,
    "number": (int, float),
    "string": str,
    "array": list,
    "object": dict,
}


def _json_type(value: Any) -> str:
    return next((name for name, types in _JSON_TYPES.items() if isinstance(value, types)), "null")


def _unexpected_type(text: str, location: str, expected: str, value: Any) -> expressions.EvaluationError:
    return expressions.EvaluationError(
        f"The JSONata expression '{text[2:-2].strip()}' specified for the field '{location}' returned an "
        f"unexpected result type. Expected '{expected}', but was '{_json_type(value)}' for value: "
        f"{paths.compact(value)}",
        location,
    )
