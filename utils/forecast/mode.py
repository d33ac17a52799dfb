"""A mode: one way of running a list on AWS, as its definition and its functions say. Data only."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from utils.forecast.packing import Overheads, Packing

Kind = Literal["INLINE", "EXPRESS", "STANDARD", "MESSAGES"]
"""What runs a unit: an iteration of an inline Map, a child execution of either type, a call for messages."""


Setting = int | float | str
"""The value of a key of config.json."""


@dataclass(frozen=True)
class Function:
    """A Lambda function.

    Attributes
    ----------
    call_seconds
        How long one call goes on taking items; a batch that needs longer has further calls.
    """

    memory_mb: int
    architecture: str
    timeout_seconds: float
    call_seconds: float


@dataclass(frozen=True)
class Route:
    """A way that units of items take through a mode.

    A unit is what one iteration, child execution or call takes on: its items run one after the other.

    Attributes
    ----------
    name
        ``direct``, or ``queue`` for items that go through one.
    unit_items, unit_bytes
        Items of a full unit, and how many bytes they have at most; infinite where only their number counts.
    states
        State transitions of a unit in which nothing fails, without the start of a child.
    repeat_states, failure_states
        Further ones each time that failed items are tried again, and for an item that failed for good.
    events
        Events of a unit in the log, and in the history of an inline Map.
    wait_seconds
        What the unit's Wait states take; it keeps its place meanwhile, and needs no function.
    attempts
        How often an item is tried, at most.
    function
        What processes the items.
    workers
        Units that are processed at once, at most, where a queue limits them; None where nothing does
        but `Mode.at_once`.
    starts_per_second
        Items that are started in a second, at most, by the configured pace; None without one.
    messages_per_call
        Messages of a queue that one call of the function gets.
    """

    name: Literal["direct", "queue"]
    unit_items: int
    states: int
    events: int
    function: Function
    unit_bytes: float = float("inf")
    repeat_states: int = 0
    failure_states: int = 0
    wait_seconds: float = 0.0
    attempts: int = 1
    workers: int | None = None
    starts_per_second: float | None = None
    messages_per_call: int = 1


@dataclass(frozen=True)
class Messages:
    """What a workflow without a state machine is made of, beside its worker.

    Attributes
    ----------
    items_per_message, messages_per_call
        How full messages and the worker's calls are.
    records_per_count, window_seconds
        Records of the table's stream that one call counts, and how long they are collected for it.
    split, count, finish
        The functions that read the list, count the results, and write the output.
    deadline_seconds
        After which a job ends incomplete.
    packing, overheads
        How much the functions take at once, and what they take beside `process`.
    shards
        Of the table's stream, each of which is counted for itself: an assumption for a new table that is paid
        on demand, which takes 4,000 writes a second, of which a shard has 1,000.
    """

    items_per_message: int
    messages_per_call: int
    records_per_count: int
    window_seconds: float
    split: Function
    count: Function
    finish: Function
    deadline_seconds: float
    packing: Packing
    overheads: Overheads = field(default_factory=Overheads)
    shards: int = 4


@dataclass(frozen=True)
class Mode:
    """A workflow in one of its settings.

    Attributes
    ----------
    workflow
        As config.json names it.
    name
        Tells it from the workflow's other modes.
    kind
        What runs a unit.
    at_once
        Units at once, at most, as configured and as AWS allows.
    asked_at_once
        What was configured.
    keeps_at_once
        Whether no more at once may be proposed: how many was said for this estimate, and may be what a
        dependency bears.
    direct, queue
        The routes; the second has the marked items, and takes places of `at_once` as the first does.
    states, events
        Of an execution itself: transitions, and events in its history.
    timeout_seconds
        After which an execution ends TIMED_OUT; infinite where there is none.
    logs_all, traced
        Whether each event is logged, and whether executions are traced.
    summary
        The function that sums up the results; None where there is none.
    reads_table
        Whether the list is one item of a table.
    fails_on_failure
        Whether one failed item ends the execution.
    tolerated
        Failed items that an execution tolerates: a count and a percentage, of which 0 beside the other is
        no limit.
    heartbeat_seconds, item_timeout_seconds
        Of an item of the queue, its wait included.
    messages
        Of the workflow without a state machine.
    settings
        What config.json must say for this mode: section, and its keys.
    """

    workflow: str
    name: str
    kind: Kind
    at_once: int
    asked_at_once: int
    direct: Route
    queue: Route | None = None
    states: int = 0
    events: int = 0
    timeout_seconds: float = float("inf")
    logs_all: bool = True
    traced: bool = True
    summary: Function | None = None
    reads_table: bool = False
    fails_on_failure: bool = False
    tolerated: tuple[int, float] = (0, 0.0)
    heartbeat_seconds: float = 0.0
    item_timeout_seconds: float = 0.0
    messages: Messages | None = None
    keeps_at_once: bool = False
    settings: Mapping[str, Mapping[str, Setting]] = field(default_factory=dict, hash=False)

    @property
    def title(self) -> str:
        """Name it among the modes of all workflows."""
        return f"{self.workflow}, {self.name}"
