"""One line of control in an execution: its top level, a Parallel branch or a Map iteration."""

from collections import ChainMap
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from local.states import paths
from local.states.history import History
from local.states.progress import Progress

if TYPE_CHECKING:
    from local.states.executions import Execution


@dataclass
class Branch:
    """Where a line of control stands: its context object, its variables and its last event.

    Attributes
    ----------
    state_type
        Type of the state that is entered and not exited.
    """

    execution: "Execution"
    history: History
    context: dict[str, Any]
    variables: "ChainMap[str, Any]"
    query_language: str
    last_event_id: int = 0
    progress: Progress = field(default_factory=Progress)
    state_type: str | None = None

    def __post_init__(self) -> None:
        """Take over the variables of a line that a redrive goes on with."""
        if self.progress.variables is None:
            self.progress.variables = self.variables
        self.variables = self.progress.variables

    def fork(self, index: int, **context: Any) -> "Branch":
        """A line of control of this one's state: it sees this one's variables and keeps its own to itself.

        Parameters
        ----------
        index
            The line's place in the state; in a redrive, a line that was there before goes on.
        """
        return Branch(
            self.execution,
            self.history,
            {**self.context, **context},
            self.variables.new_child(),
            self.query_language,
            self.last_event_id,
            self.progress.lines.setdefault(index, Progress()),
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
