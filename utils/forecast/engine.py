"""How fast an AWS is: its quotas, and what a call takes beside the work."""

from dataclasses import dataclass

from utils.aws_figures import DEFAULT_REGION, quota


@dataclass(frozen=True)
class Engine:
    """What bounds the time of a run beside the workflow's own settings; the defaults are us-east-1's quotas.

    The seconds are what an engine takes itself. AWS documents none, so an estimate for it takes 0; the local
    AWS has its own, which the tests measure.

    Attributes
    ----------
    transitions_per_second
        Of Standard workflows; those of EXPRESS children are not limited.
    express_starts_per_second, standard_starts_per_second
        Children that a Distributed Map starts.
    functions_at_once
        Of the account.
    environments_per_ten_seconds
        By which one function grows; as many are there at once.
    queue_first_workers, queue_workers_per_minute
        Of an SQS event source: what it begins with, and by how much it grows.
    answers_per_second
        SendTaskSuccess.
    table_writes_per_second
        Of a new on-demand table.
    list_items_per_second
        Items that the function of `queueFanIn` sends to the queue, or reads and writes to its output.
    state_seconds, call_seconds, start_seconds
        Of a transition, of a call of a function, and of the start and the end of an execution.
    """

    transitions_per_second: float = quota("transitionsPerSecond")
    express_starts_per_second: float = quota("expressChildrenPerSecond")
    standard_starts_per_second: float = quota("standardChildrenPerSecond")
    functions_at_once: int = quota("functionsAtOnce")
    environments_per_ten_seconds: int = quota("environmentsPerTenSeconds")
    queue_first_workers: int = 5
    queue_workers_per_minute: float = quota("queueWorkersPerMinute")
    answers_per_second: float = quota("tokenAnswersPerSecond")
    table_writes_per_second: float = quota("tableWritesPerSecond")
    list_items_per_second: float = 10_000
    state_seconds: float = 0.0
    call_seconds: float = 0.0
    start_seconds: float = 0.0


def engine_of(region: str = DEFAULT_REGION) -> Engine:
    """Return AWS as it is in a region; KeyError for one that is not known."""
    return Engine(transitions_per_second=quota("transitionsPerSecond", region))
