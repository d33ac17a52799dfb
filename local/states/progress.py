"""How far a line of control has come: where a redrive goes on."""

from typing import Any


class Progress:
    """The state that a line of control is in, and what that state has done so far.

    Attributes
    ----------
    state
        Name of the state that was entered and not exited; None before the first.
    lines
        Of a Parallel or an inline Map in that state: its lines by index.
    map_run
        Of a Distributed Map in that state: its Map Run.
    ended, output
        Whether the line has ended well, and with what.
    """

    __slots__ = ("ended", "lines", "map_run", "output", "state", "state_input", "variables")

    def __init__(self) -> None:
        self.state: str | None = None
        self.state_input: Any = None
        self.variables: Any = None
        self.lines: dict[int, Progress] = {}
        self.map_run: Any = None
        self.ended = False
        self.output: Any = None

    def enter(self, state: str, state_input: Any) -> None:
        """Note that a state was entered."""
        self.state, self.state_input = state, state_input
        self.restart()

    def restart(self) -> None:
        """Forget what the state has done: it is tried again from its start."""
        self.lines, self.map_run = {}, None

    def end(self, output: Any) -> None:
        """Note that the line has ended well."""
        self.ended, self.output = True, output
        self.state_input = self.variables = None
        self.restart()
