"""Quotas of AWS and what follows from them for a workflow: formulas and sentences that call nothing.

The loaders, `run.py` and `estimate.py` warn by these functions and no others. Quotas that
prices_and_quotas.json has come from there; sources of the rest are the AWS pages "Quotas in Amazon DynamoDB"
and "DynamoDB item sizes and formats".
"""

from utils.aws_figures import quota

HISTORY_EVENTS_LIMIT = quota("historyEvents")
"""Events in the history of one Standard execution; it fails on reaching more."""

PAYLOAD_BYTES_LIMIT = quota("payloadBytes")
"""Input or result of a state, a task or an execution, as UTF-8 text: 256 KiB."""

TASK_METADATA_BYTES = 1_024
"""Reserve for SdkHttpMetadata and SdkResponseMetadata, which Step Functions adds to a task's result."""

BYTES_BESIDE_ITEM = 4 * 1024
"""Reserve for what goes to the queue with an item: a task token of up to 2,048 characters (SendTaskSuccess in
the Step Functions API), the queue's URL, the encoding. Less goes with an item to the function."""

DDB_ITEM_BYTES_LIMIT = quota("tableItemBytes")
"""Size of an item, names and values: 400 KB."""

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

LIST_FILE_BYTES_LIMIT = quota("listFileBytes")
"""A file of items that a Distributed Map reads from S3: 10 GB."""

ITEM_NESTING_LEVELS_LIMIT = 200
"""Arrays and objects around a value in an item or a result; `[[1]]` has 2 levels.

This project's own: Python's `json`, which every step after the upload uses, gives up before 1,000 levels.
"""

CSV_HEADER_BYTES_LIMIT = quota("csvHeaderBytes")
"""Header of a CSV file of items: 10 KiB."""

INLINE_ITERATIONS_LIMIT = quota("inlineIterations")
"""Iterations of an inline Map at once."""

CHILDREN_LIMIT = quota("childrenAtOnce")
"""Child workflow executions of a Distributed Map at once."""

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


def history_events(items: int, *, fixed: int, each: int) -> int:
    """Count the events of an execution in which nothing is retried: its own, and those of each item."""
    return fixed + items * each


def longest_list(*, fixed: int, each: int) -> int:
    """Give the length of the longest list that the history of one execution holds, of the same events."""
    return (HISTORY_EVENTS_LIMIT - fixed) // each


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
    return history_events(items, fixed=FAN_OUT_FIXED_EVENTS, each=_events_per_item(waits=waits))


def fan_out_largest_list(*, waits: bool) -> int:
    """Give the length of the longest list that the history of one `fanOut` execution holds."""
    return longest_list(fixed=FAN_OUT_FIXED_EVENTS, each=_events_per_item(waits=waits))


def _events_per_item(*, waits: bool) -> int:
    return FAN_OUT_ITEM_EVENTS + (WAIT_EVENTS if waits else 0)


def inline_concurrency(max_concurrency: int) -> int:
    """Give the iterations that an inline Map runs at once; 0 asks for as many as AWS allows."""
    return min(max_concurrency or INLINE_ITERATIONS_LIMIT, INLINE_ITERATIONS_LIMIT)


def map_concurrency(max_concurrency: int) -> int:
    """Give the children that a Distributed Map runs at once; 0 asks for as many as AWS allows."""
    return min(max_concurrency or CHILDREN_LIMIT, CHILDREN_LIMIT)


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


def history_sentence(items: int, events: int) -> str:
    """Say that the history of an execution cannot hold a list; empty if it can."""
    if events <= HISTORY_EVENTS_LIMIT:
        return ""
    return (
        f"{items:,} items make at least {events:,} history events, and an execution fails after "
        f"{HISTORY_EVENTS_LIMIT:,}"
    )


def table_item_sentence(item_bytes: int) -> str:
    """Say that a list is too large for an item of a table; empty if it is not."""
    if item_bytes <= DDB_ITEM_BYTES_LIMIT:
        return ""
    return (
        f"the list makes a table item of {item_bytes:,} bytes, and DynamoDB holds at most "
        f"{DDB_ITEM_BYTES_LIMIT:,}"
    )


def payload_sentence(payload_bytes: int) -> str:
    """Say that a list is too large to be passed between states; empty if it is not."""
    if payload_bytes <= PAYLOAD_BYTES_LIMIT:
        return ""
    return (
        f"the list makes {payload_bytes:,} bytes of typed JSON, and Step Functions passes at most "
        f"{PAYLOAD_BYTES_LIMIT:,} between states"
    )


def taken_input_sentence(
    item: str, input_bytes: int, limit: int, source: str, *, taker: str = "child"
) -> str:
    """Say that an item is too large by itself for what takes items; empty if it is not.

    Parameters
    ----------
    item
        What to call it.
    source
        What sets the limit: a key of config.json, or a limit of AWS.
    taker
        A child of a Map Run, or a message.
    """
    if input_bytes <= limit:
        return ""
    return f"{item} makes {input_bytes:,} bytes by itself, and a {taker} takes at most {limit:,} ({source})"


def timeout_sentence(what: str, seconds: float, timeout: float, *, at_least: bool = False) -> str:
    """Say that an execution ends before its items are done; empty if it does not.

    Parameters
    ----------
    what
        What takes the time, in the plural.
    at_least
        Whether more time than that is needed for sure, so that it is not enough if there is just as much.
    """
    if seconds < timeout or (seconds == timeout and not at_least):
        return ""
    more = "more than " if at_least else "about "
    return f"{what} take {more}{seconds:,.0f} s, and the execution ends TIMED_OUT after {timeout:,.0f} s"
