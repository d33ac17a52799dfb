"""Reads the mode of the workflow without a state machine, queueFanIn, from its template."""

from stacks.config_maps import MAX_WORKERS_AT_ONCE
from utils.forecast.function_code import read_numbers
from utils.forecast.mode import Messages, Mode, Route
from utils.forecast.packing import Packing
from utils.forecast.template import Template, environment, event_source, find_function

WORKER_HANDLER = "job_handler.handle_messages"
SPLIT_HANDLER = "split_handler.split"
COUNT_HANDLER = "count_handler.count"
FINISH_HANDLER = "finish_handler.finish"
LEAST_WORKERS = 2
"""No queue invokes fewer at once (Lambda guide, "Using Lambda with Amazon SQS")."""


def read_message_mode(template: Template, max_concurrency: int | None, memory_mb: int | None) -> Mode:
    """Read how full messages and calls are, and how many workers there are.

    Parameters
    ----------
    max_concurrency, memory_mb
        Of the workers, in place of what the template says; None keeps that.
    """
    source, counting = event_source(template, WORKER_HANDLER), event_source(template, COUNT_HANDLER)
    split = environment(template, SPLIT_HANDLER)
    worker = environment(template, WORKER_HANDLER)
    messages = Messages(
        items_per_message=int(split["MAX_ITEMS_PER_MESSAGE"]),
        messages_per_call=source["BatchSize"],
        records_per_count=counting["BatchSize"],
        window_seconds=counting.get("MaximumBatchingWindowInSeconds", 0),
        split=find_function(template, SPLIT_HANDLER),
        count=find_function(template, COUNT_HANDLER),
        finish=find_function(template, FINISH_HANDLER),
        deadline_seconds=float(split["DEADLINE_SECONDS"]),
        packing=read_packing(),
    )
    asked = source["ScalingConfig"]["MaximumConcurrency"] if max_concurrency is None else max_concurrency
    workers = min(max(asked, LEAST_WORKERS), MAX_WORKERS_AT_ONCE)
    route = Route(
        "direct",
        unit_items=messages.items_per_message * messages.messages_per_call,
        unit_bytes=messages.packing.message_bytes * messages.messages_per_call,
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
        keeps_at_once=max_concurrency is not None,
        settings={"queueFanIn": {"workerMaxConcurrency": workers}},
    )


def read_packing() -> Packing:
    """Read from the functions' code how much they take at once."""
    read = {
        name: read_numbers(f"queue_fan_in/fan_in/{name}.py")
        for name in ("messages", "split", "positions", "results", "rows", "list_reader")
    }
    return Packing(
        message_bytes=read["messages"]["SHARED_BYTES"],
        request_messages=read["messages"]["BATCH_MESSAGES"],
        stretch_items=read["split"]["STRETCH_ITEMS"],
        block_items=read["positions"]["BLOCK_POSITIONS"],
        page_items=read["results"]["PAGE_RESULTS"],
        file_rows=read["rows"]["FILE_ROWS"],
        file_bytes=read["rows"]["FILE_BYTES"],
        part_bytes=read["list_reader"]["PART_BYTES"],
    )
