"""Quotas of AWS and what follows from them for a workflow: formulas that call nothing.

Sources are the AWS pages "Step Functions service quotas", "Quotas in Amazon
DynamoDB" and "DynamoDB item sizes and formats".
"""

from stacks.config import INLINE_MAP_CONCURRENCY_LIMIT

HISTORY_EVENTS_LIMIT = 25_000
"""Events in the history of one Standard execution; it fails on reaching more (Step Functions quotas)."""

PAYLOAD_BYTES_LIMIT = 262_144
"""Input or result of a state, a task or an execution, as UTF-8 text: 256 KiB (Step Functions quotas)."""

TASK_METADATA_BYTES = 1_024
"""Reserve for SdkHttpMetadata and SdkResponseMetadata, which Step Functions adds to a task's result."""

DDB_ITEM_BYTES_LIMIT = 409_600
"""Size of an item, names and values: 400 KB (DynamoDB quotas)."""

DDB_KEY_BYTES_LIMIT = 2_048
"""Value of a partition key, as UTF-8 text (DynamoDB quotas)."""

DDB_NAME_BYTES_LIMIT = 65_535
"""Name of an attribute, as UTF-8 text (AttributeName in the DynamoDB API)."""

DDB_NESTING_LEVELS_LIMIT = 32
"""Levels of nested attributes; the attribute itself is level 1 (DynamoDB quotas)."""

DDB_NUMBER_DIGITS_LIMIT = 38
"""Significant digits of a number (DynamoDB data types)."""

DDB_NUMBER_EXPONENTS = range(-130, 126)
"""Power of ten of a number's first digit, 1E-130 to 9.99…E+125 (DynamoDB data types)."""

LIST_FILE_BYTES_LIMIT = 10 * 1000**3
"""A file of items that a Distributed Map reads from S3: 10 GB (Step Functions quotas)."""

ITEM_NESTING_LEVELS_LIMIT = 200
"""Arrays and objects around a value in an item or a result; `[[1]]` has 2 levels.

This project's own: Python's `json`, which every step after the upload uses, gives up before 1,000 levels.
"""

CSV_HEADER_BYTES_LIMIT = 10_240
"""Header of a CSV file of items: 10 KiB ("ItemReader (Map)" in the Step Functions guide)."""

FAN_OUT_FIXED_EVENTS = 15
"""Events of a `fanOut` execution with an empty list.

ExecutionStarted and ExecutionSucceeded; two Choice states at two each; the
task that reads the list at five (TaskStateEntered, TaskScheduled,
TaskStarted, TaskSucceeded, TaskStateExited); MapStateEntered,
MapStateStarted, MapStateSucceeded, MapStateExited.
"""

FAN_OUT_ITEM_EVENTS = 7
"""Events of an item that does not wait and is processed at the first attempt.

MapIterationStarted, five of the task that invokes the function, and
MapIterationSucceeded.
"""

WAIT_EVENTS = 2
"""WaitStateEntered and WaitStateExited."""


def fan_out_events(items: int, *, waits: bool) -> int:
    """Count the history events of a `fanOut` execution in which nothing is retried.

    Parameters
    ----------
    items
        Length of the list.
    waits
        Whether each item waits before it is processed.

    Returns
    -------
    int
        Events; more than `HISTORY_EVENTS_LIMIT` fails the execution.
    """
    return FAN_OUT_FIXED_EVENTS + items * _events_per_item(waits=waits)


def fan_out_largest_list(*, waits: bool) -> int:
    """Give the length of the longest list that the history of one `fanOut` execution holds."""
    return (HISTORY_EVENTS_LIMIT - FAN_OUT_FIXED_EVENTS) // _events_per_item(waits=waits)


def _events_per_item(*, waits: bool) -> int:
    return FAN_OUT_ITEM_EVENTS + (WAIT_EVENTS if waits else 0)


def inline_concurrency(max_concurrency: int) -> int:
    """Give the iterations that an inline Map runs at once; 0 asks for as many as AWS allows."""
    return min(max_concurrency or INLINE_MAP_CONCURRENCY_LIMIT, INLINE_MAP_CONCURRENCY_LIMIT)


def fan_out_shortest_seconds(items: int, *, max_concurrency: int, wait_seconds: int) -> int:
    """Bound a `fanOut` execution's duration from below by its waits alone.

    Parameters
    ----------
    items
        Length of the list.
    max_concurrency
        As configured; 0 or more than 40 means 40.
    wait_seconds
        Wait of each item, in seconds.

    Returns
    -------
    int
        Seconds: ceil(items / concurrency) rounds of one wait each. A real
        execution takes longer, by what the items themselves take.
    """
    rounds = -(-items // inline_concurrency(max_concurrency))
    return rounds * wait_seconds
