"""Reads the mode of the workflow without a state machine, queueFanIn, from its template."""

from utils.forecast.mode import Messages, Mode, Route
from utils.forecast.template import Template, environment, event_source, find_function

WORKER_HANDLER = "job_handler.handle_messages"
SPLIT_HANDLER = "split_handler.split"
COUNT_HANDLER = "count_handler.count"
FINISH_HANDLER = "finish_handler.finish"
MESSAGE_BYTES = 64 * 1024
"""To which a message is filled: one request covers as much (Amazon SQS pricing)."""
LEAST_WORKERS = 2
"""No queue invokes fewer at once (Lambda guide, "Using Lambda with Amazon SQS")."""


def read_message_mode(template: Template, max_concurrency: int | None, memory_mb: int | None) -> Mode:
    """Read how full messages and calls are, and how many workers there are.

    Parameters
    ----------
    max_concurrency, memory_mb
        Of the workers, in place of what the template says; None keeps that.
    """
    source = event_source(template, WORKER_HANDLER)
    split = environment(template, SPLIT_HANDLER)
    worker = environment(template, WORKER_HANDLER)
    messages = Messages(
        items_per_message=int(split["MAX_ITEMS_PER_MESSAGE"]),
        messages_per_call=source["BatchSize"],
        records_per_count=event_source(template, COUNT_HANDLER)["BatchSize"],
        split=find_function(template, SPLIT_HANDLER),
        count=find_function(template, COUNT_HANDLER),
        finish=find_function(template, FINISH_HANDLER),
        deadline_seconds=float(split["DEADLINE_SECONDS"]),
    )
    asked = source["ScalingConfig"]["MaximumConcurrency"] if max_concurrency is None else max_concurrency
    workers = max(asked, LEAST_WORKERS)
    route = Route(
        "direct",
        unit_items=messages.items_per_message * messages.messages_per_call,
        unit_bytes=MESSAGE_BYTES * messages.messages_per_call,
        states=0,
        events=0,
        attempts=int(worker["MAX_RECEIVE_COUNT"]),
        function=find_function(template, WORKER_HANDLER, memory_mb),
        workers=workers,
    )
    return Mode(
        "queueFanIn",
        "messages",
        "MESSAGES",
        workers,
        asked,
        route,
        logs_all=False,
        traced=False,
        messages=messages,
        settings={"queueFanIn": {"workerMaxConcurrency": workers}},
    )
