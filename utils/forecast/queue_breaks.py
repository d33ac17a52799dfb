"""The limits of the modes whose items go through a queue."""

import math
from collections.abc import Iterator

from stacks.config_maps import MAX_WORKERS_AT_ONCE
from stacks.config_queue import MAX_DEADLINE_MINUTES
from stacks.config_section import MAX_SECONDS
from utils.aws_figures import quota
from utils.forecast.broken import Break
from utils.forecast.makespan import Makespan
from utils.forecast.mode import Mode, Setting
from utils.forecast.units import marked_items
from utils.forecast.work import Work

MESSAGE_ITEM_BYTES = 262_144 - 256
"""Largest item of a message, which has 256 KiB, less what goes around it (lambdas/queue_fan_in/fan_in)."""
RECORD_RESULT_BYTES = 350 * 1024
"""Largest result, compressed, of the 400 KB that an item of a table has (lambdas/process_item)."""


def find_queue_breaks(mode: Mode, work: Work) -> Iterator[Break]:
    """Find what a wait in the queue breaks; nothing in a mode without one."""
    queue, marked = mode.queue, marked_items(mode, work)
    if queue is None or not marked:
        return
    rate = (queue.workers or 1) / work.seconds
    if queue.starts_per_second:
        rate = min(rate, queue.starts_per_second)
    arriving = quota("standardChildrenPerSecond") * work.throttled_share
    if arriving <= rate:
        return
    # The queue grows as long as children are started, and then holds back further ones.
    waiting = min(round(marked * (1 - rate / arriving)), mode.at_once)
    seconds = waiting / rate
    cure = {"heartbeatSeconds": math.ceil(seconds * 2), "itemTimeoutSeconds": math.ceil(seconds * 4)}
    limits = (("heartbeatSeconds", mode.heartbeat_seconds), ("itemTimeoutSeconds", mode.item_timeout_seconds))
    for name, limit in limits:
        if seconds > limit:
            # The first must be less than the second.
            cured = cure if name == "heartbeatSeconds" else {name: cure[name]}
            yield Break(
                f"up to {waiting:,} items are in the queue, where one waits about {seconds:,.0f} s, and "
                f"{name} is {limit:,.0f}",
                cured if max(cured.values()) <= MAX_SECONDS else None,
            )


def find_message_breaks(mode: Mode, work: Work, makespan: Makespan) -> Iterator[Break]:
    """Find what the workflow without a state machine cannot take."""
    if mode.asked_at_once > mode.at_once:
        yield Break(
            f"{mode.asked_at_once:,} at once, and a queue has at most {mode.at_once:,} workers",
            {"workerMaxConcurrency": mode.at_once},
            ends=False,
        )
    if work.largest > MESSAGE_ITEM_BYTES:
        yield Break(
            f"the largest item has {work.largest:,.0f} bytes, and a message takes one of at most "
            f"{MESSAGE_ITEM_BYTES:,}"
        )
    if work.result_bytes > RECORD_RESULT_BYTES:
        yield Break(
            f"a result has {work.result_bytes:,.0f} bytes, and a table's item takes one of at most "
            f"{RECORD_RESULT_BYTES:,}, compressed"
        )
    deadline = mode.messages.deadline_seconds if mode.messages else math.inf
    if makespan.seconds >= deadline:
        yield Break(
            f"it takes about {makespan.seconds:,.0f} s, and a job ends INCOMPLETE after {deadline:,.0f} s",
            _cure_deadline(mode, makespan, deadline),
        )


def _cure_deadline(mode: Mode, makespan: Makespan, deadline: float) -> dict[str, Setting] | None:
    """Have enough workers for half of the time; where so many may not be, raise the deadline."""
    cured: dict[str, Setting] = {}
    seconds, most = makespan.seconds, min(MAX_WORKERS_AT_ONCE, quota("functionsAtOnce"))
    if makespan.bound == "concurrency" and mode.at_once < most and not mode.keeps_at_once:
        workers = min(math.ceil(mode.at_once * seconds / deadline * 2), most)
        cured["workerMaxConcurrency"] = workers
        seconds *= mode.at_once / workers
        if seconds < deadline:
            return cured
    minutes = math.ceil(seconds / 30)
    return {**cured, "deadlineMinutes": minutes} if minutes <= MAX_DEADLINE_MINUTES else None
