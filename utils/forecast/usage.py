"""What a run uses of AWS, in the units that AWS charges: counts only, no prices."""

import math
from dataclasses import dataclass, field
from typing import Literal

from utils.aws_figures import READ_UNIT_BYTES, REQUEST_BYTES, WRITE_UNIT_BYTES
from utils.forecast.message_usage import count_messages
from utils.forecast.mode import Function, Mode
from utils.forecast.units import (
    PART_BYTES,
    SUMMARY_ITEMS_PER_SECOND,
    Units,
    count_calls,
    count_executions,
    count_further_calls,
    count_repeats,
    pause_seconds,
    split_units,
    work_seconds,
)
from utils.forecast.work import Work

Charge = Literal["start_plus_states", "start_only"]
"""What a STANDARD child is charged for: its start and each state, as AWS's guide reads, or that alone."""

LOG_EVENT_BYTES = 1000
"""An event in an execution's log; and what the platform writes of a call in a function's. An assumption."""
TRACED_SHARE = 0.05
"""Of children, by X-Ray's default sampling; of executions, which are few, all (X-Ray guide, "Sampling")."""
EXPRESS_STEP_SECONDS = 0.1
EXPRESS_GB = 64 / 1024
"""To which time and memory of an Express execution are rounded up (Step Functions pricing)."""
ROW_BYTES = 150
"""What a row of results has beside its item and its result. An assumption."""


@dataclass
class Usage:
    """Counts; GB-seconds of functions by architecture."""

    transitions: float = 0.0
    express_requests: float = 0.0
    express_gb_seconds: float = 0.0
    invocations: float = 0.0
    gb_seconds: dict[str, float] = field(default_factory=dict)
    read_units: float = 0.0
    write_units: float = 0.0
    queue_requests: float = 0.0
    puts: float = 0.0
    gets: float = 0.0
    log_bytes: float = 0.0
    traces: float = 0.0

    def invoke(self, function: Function, calls: float, seconds: float) -> None:
        """Add calls of a function that take so long all together."""
        self.invocations += calls
        gb_seconds = seconds * function.memory_mb / 1024
        self.gb_seconds[function.architecture] = self.gb_seconds.get(function.architecture, 0.0) + gb_seconds
        self.log_bytes += calls * LOG_EVENT_BYTES


def count_usage(mode: Mode, work: Work, charge: Charge = "start_plus_states") -> Usage:
    """Count what a run over all items uses; it is loaded, processed, and nothing is read afterwards."""
    usage = Usage()
    if mode.messages:
        count_messages(usage, mode, mode.messages, work)
        return usage
    executions = count_executions(mode, work)
    usage.transitions = executions * mode.states
    usage.traces = executions * mode.traced
    events = float(executions * mode.events)
    for units in split_units(mode, work):
        _count_units(usage, mode, units, work, charge)
        events += units.count * units.route.events
    usage.log_bytes += events * LOG_EVENT_BYTES * mode.logs_all
    if mode.reads_table:
        usage.read_units = executions * math.ceil(work.list_bytes / executions / READ_UNIT_BYTES)
        usage.write_units = executions * math.ceil(work.list_bytes / executions / WRITE_UNIT_BYTES)
    if mode.summary:
        _count_files(usage, work)
        usage.invoke(mode.summary, 1, work.items / SUMMARY_ITEMS_PER_SECOND)
    return usage


def _count_units(usage: Usage, mode: Mode, units: Units, work: Work, charge: Charge) -> None:
    route, count = units.route, units.count
    repeats = count_repeats(units, work)
    failed = units.items * work.failed_share(route.attempts)
    # Without states that lead back, it is the task itself that is tried again.
    states = route.states + failed * route.failure_states
    states += count_further_calls(units, work) * route.repeat_states + repeats * (route.repeat_states or 1)
    seconds = work_seconds(units, work)
    if mode.kind == "INLINE":
        usage.transitions += count * states
    else:
        usage.traces += count * TRACED_SHARE * mode.traced
        usage.transitions += count
        if mode.kind == "STANDARD" and charge == "start_plus_states":
            usage.transitions += count * states
    if mode.kind == "EXPRESS":
        usage.express_requests += count
        # A child takes a little longer than the work in it.
        steps = math.floor(round((seconds + pause_seconds(units, work)) / EXPRESS_STEP_SECONDS, 6)) + 1
        usage.express_gb_seconds += count * steps * EXPRESS_STEP_SECONDS * EXPRESS_GB
    if route.name == "queue":
        _count_queue(usage, units, work)
    else:
        usage.invoke(route.function, count * count_calls(units, work), count * seconds)


def _count_queue(usage: Usage, units: Units, work: Work) -> None:
    """Count the messages of marked items: each is sent, and with others of its call received and deleted."""
    route = units.route
    messages = units.count * work.attempts(route.attempts)
    calls = messages / route.messages_per_call
    usage.queue_requests += (messages + calls) * math.ceil(work.item_bytes / REQUEST_BYTES) + calls
    seconds = work.seconds
    if route.starts_per_second:
        # A worker that waits for its turn is paid as one that works.
        seconds = max(seconds, (route.workers or 1) / route.starts_per_second)
        usage.write_units += 2 * messages
    usage.invoke(route.function, calls, messages * seconds)


def _count_files(usage: Usage, work: Work) -> None:
    """Count the requests for a list and for the results of a Distributed Map, and those of its summary."""
    list_parts = math.ceil(work.list_bytes / PART_BYTES)
    rows = work.items * (work.item_bytes + work.result_bytes + ROW_BYTES)
    row_parts = math.ceil(rows / PART_BYTES)
    usage.puts += list_parts + row_parts + 2
    usage.gets += list_parts + row_parts + 1
