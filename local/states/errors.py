"""Errors of an execution: a name that Retry and Catch match, and a cause for the reader."""

RUNTIME = "States.Runtime"
DATA_LIMIT_EXCEEDED = "States.DataLimitExceeded"
TIMEOUT = "States.Timeout"
QUERY_EVALUATION = "States.QueryEvaluationError"
INTRINSIC_FAILURE = "States.IntrinsicFailure"


class StatesError(Exception):
    """What ends a state: ``name`` and ``cause`` as AWS reports them, either may be None."""

    def __init__(self, name: str | None, cause: str | None = None) -> None:
        super().__init__(f"{name}: {cause}")
        self.name = name
        self.cause = cause

    def matches(self, error_equals: list[str]) -> bool:
        """Whether a retrier or a catcher with these names takes the error.

        Nothing takes States.Runtime. States.ALL takes every other error, as
        recorded on AWS (its guide excepts States.DataLimitExceeded), and
        States.TaskFailed all but timeouts.
        """
        if self.name == RUNTIME:
            return False
        if self.name in error_equals or "States.ALL" in error_equals:
            return True
        return "States.TaskFailed" in error_equals and self.name != TIMEOUT

    def output(self) -> dict[str, str]:
        """The error output that a catcher hands on; a timeout has an empty cause there."""
        cause = "" if self.name == TIMEOUT and self.cause is None else self.cause
        fields = {"Error": self.name, "Cause": cause}
        return {key: value for key, value in fields.items() if value is not None}


class HeartbeatTimeoutError(StatesError):
    """A task whose heartbeats stopped: reported like any timeout, and caught by a name of its own too."""

    def __init__(self) -> None:
        super().__init__(TIMEOUT)

    def matches(self, error_equals: list[str]) -> bool:
        """Whether a retrier or a catcher with these names takes the error."""
        return "States.HeartbeatTimeout" in error_equals or super().matches(error_equals)


class PathError(Exception):
    """A path or an expression that cannot be resolved; the state that holds it says where."""
