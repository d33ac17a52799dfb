"""Which item of which execution is being processed, for a ``process`` that must be idempotent.

``current_invocation()`` gives the same value each time that an item is repeated, alone or with its batch, and
no two items of any two executions share one (an execution's name is free again after 90 days). Use it as the
key of a conditional write, or as the idempotency key of the API that you call.
"""

from contextvars import ContextVar
from typing import NamedTuple


class Invocation(NamedTuple):
    """The execution's name and the item's index in the list, from 0."""

    execution: str
    item_index: int


_current: ContextVar[Invocation] = ContextVar("invocation")


def set_invocation(execution: str, item_index: int) -> None:
    """Remember what is being processed; for handlers."""
    _current.set(Invocation(execution, item_index))


def current_invocation() -> Invocation:
    """Return what is being processed.

    Raises
    ------
    LookupError
        No handler called this code.
    """
    return _current.get()
