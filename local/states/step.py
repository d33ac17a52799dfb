"""One state on its way through a line of control."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from local.states.branch import Branch
from local.states.dataflow import Flow


class Step(NamedTuple):
    """A state that has been entered."""

    branch: Branch
    name: str
    definition: Mapping[str, Any]
    flow: Flow
    previous_event_id: int
    entered_event_id: int

    def located(self, cause: str) -> str:
        """A cause with AWS's words for where it happened."""
        return (
            f"An error occurred while executing the state '{self.name}' "
            f"(entered at the event id #{self.entered_event_id}). {cause}"
        )


class Handed(NamedTuple):
    """What a state hands on: its output, the variables it set, and the next state or None."""

    output: Any
    assigned: Mapping[str, Any]
    next_state: str | None
