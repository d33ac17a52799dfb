"""One line of control in an execution: its top level, a Parallel branch or a Map iteration."""

from collections import ChainMap
from typing import Any

from local.states import paths
from local.states.history import History


class Branch:
    """Where a line of control stands: its context object, its variables and its last event."""

    def __init__(
        self,
        history: History,
        context: dict[str, Any],
        variables: "ChainMap[str, Any]",
        query_language: str,
        last_event_id: int = 0,
    ) -> None:
        self.history = history
        self.context = context
        self.variables = variables
        self.query_language = query_language
        self.last_event_id = last_event_id
        self.state_type: str | None = None
        """Type of the state that is entered and not exited."""

    def fork(self, **context: Any) -> "Branch":
        """A line of control that starts here: it sees this one's variables and keeps its own to itself."""
        return Branch(
            self.history,
            {**self.context, **context},
            self.variables.new_child(),
            self.query_language,
            self.last_event_id,
        )

    def record(self, event_type: str, details: dict[str, Any] | None = None) -> int:
        """Add the next event of this line of control to the history."""
        self.last_event_id = self.history.add(event_type, self.last_event_id, details)
        return self.last_event_id

    def record_aside(self, event_type: str, details: dict[str, Any] | None = None) -> int:
        """Add an event that the next one does not point back to."""
        return self.history.add(event_type, self.last_event_id, details)

    def scope(self, data: Any) -> paths.Scope:
        """What a JSONPath in this line of control can reach."""
        return paths.Scope(data, self.context, self.variables)


def included(name: str, value: Any) -> dict[str, Any]:
    """The two fields in which an event carries data."""
    return {name: paths.compact(value), f"{name}Details": {"truncated": False}}
