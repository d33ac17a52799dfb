"""What an execution that has ended would have cost on AWS, from its own history and the functions' settings.

Step Functions, the functions and the queue are counted; logs, traces and files come on top.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from utils.aws import aws_errors
from utils.aws_figures import DEFAULT_REGION, prices_year, regions
from utils.command import CommandError
from utils.forecast import definition as asl
from utils.forecast.cost import price_usage
from utils.forecast.mode import Function
from utils.forecast.table import SERVICES
from utils.forecast.usage import EXPRESS_GB, EXPRESS_STEP_SECONDS, Usage
from utils.forecast.words import dollars_text
from utils.watch.history import History
from utils.watch.plain_json import parse
from utils.watch.summary import Summary

if TYPE_CHECKING:
    import boto3

QUEUE = "queue"
"""The route that a summary names for items that went through one."""
REQUESTS_OF_MESSAGE = 3


class UnknownCostError(Exception):
    """The history does not say enough."""


def cost_line(session: "boto3.Session", history: History, execution_arn: str) -> str | None:
    """Say in one line what the execution would have cost; None where that cannot be known."""
    try:
        with aws_errors("reading what the execution used"):
            definition = _read_definition(session, execution_arn) if history.map_runs else {}
            usage = _count(session, history, definition)
    except (CommandError, UnknownCostError):
        return None
    region = session.region_name if session.region_name in regions() else DEFAULT_REGION
    dollars = price_usage(usage, region)
    parts = [
        f"{SERVICES[name]} {dollars_text(value)}" for name, value in dollars.by_service().items() if value
    ]
    total, year = dollars_text(dollars.total), prices_year()
    return f"on AWS: about {total} ({', '.join(parts)}), {region} prices of {year}"


def _read_definition(session: "boto3.Session", execution_arn: str) -> Mapping[str, Any]:
    client = session.client("stepfunctions")
    definition: Any = parse(
        client.describe_state_machine_for_execution(executionArn=execution_arn)["definition"]
    )
    return definition if isinstance(definition, dict) else {}


def _count(session: "boto3.Session", history: History, definition: Mapping[str, Any]) -> Usage:
    usage = Usage(transitions=history.tally.transitions)
    for name, calls in history.tally.calls.items():
        usage.invoke(_function(session, name), calls.count, calls.seconds)
    if history.map_runs:
        _count_children(session, usage, history.summary, definition)
    # Logs come on top: what a call writes there is an assumption, and no count.
    usage.log_bytes = 0.0
    return usage


def _count_children(
    session: "boto3.Session", usage: Usage, summary: Summary | None, definition: Mapping[str, Any]
) -> None:
    """Add the children of a Map Run, of which the history has nothing and the summary their sums."""
    maps = [state for state in definition.get("States", {}).values() if state.get("Type") == "Map"]
    if summary is None or summary.child_seconds is None or len(maps) != 1:
        raise UnknownCostError
    processor = maps[0]["ItemProcessor"]
    direct, waiting = asl.split_ways(processor)
    queued = summary.routes.get(QUEUE, 0)
    # An item of the queue has a child of its own. Each attempt but the first is taken for a turn of its own.
    further = max(summary.attempts - summary.items, 0)
    states = (summary.batches - queued) * len(direct) + queued * len(waiting or ())
    states += further * (asl.repeat_states(processor, direct) or 1)
    usage.transitions += summary.batches
    if processor["ProcessorConfig"]["ExecutionType"] == "STANDARD":
        usage.transitions += states
    else:
        usage.express_requests += summary.batches
        rounded = summary.child_seconds + summary.batches * EXPRESS_STEP_SECONDS / 2
        usage.express_gb_seconds += rounded * EXPRESS_GB
    usage.queue_requests += REQUESTS_OF_MESSAGE * queued
    if not queued:
        tasks = [state for name in direct if (state := processor["States"][name])["Type"] == "Task"]
        if len(tasks) != 1:
            raise UnknownCostError
        function = _function(session, tasks[0]["Arguments"]["FunctionName"])
        usage.invoke(function, summary.batches, summary.child_seconds)


def _function(session: "boto3.Session", name: str) -> Function:
    if not name:
        raise UnknownCostError
    settings = session.client("lambda").get_function_configuration(FunctionName=name)
    timeout = settings["Timeout"]
    return Function(settings["MemorySize"], settings["Architectures"][0], timeout, timeout)
