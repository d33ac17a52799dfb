"""What an execution that has ended would have cost on AWS, from its own history and the settings it ran with.

The line says what of it is not known. What the functions themselves call and log is in none of this, as it is
not in an estimate; nor is what was there before the execution, as the load of its list.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from utils.aws import aws_errors
from utils.aws_figures import DEFAULT_REGION, prices_year, regions
from utils.command import CommandError
from utils.forecast import definition as asl
from utils.forecast.cost import price_usage, services_text
from utils.forecast.mode import Function
from utils.forecast.usage import EXPRESS_GB, EXPRESS_STEP_SECONDS, LOG_EVENT_BYTES, TRACED_SHARE, Usage
from utils.forecast.words import dollars_text
from utils.watch.history import History
from utils.watch.plain_json import parse
from utils.watch.summary import Summary

if TYPE_CHECKING:
    import boto3

QUEUE = "queue"
"""The route that a summary names for items that went through one."""
REQUESTS_OF_MESSAGE = 3
FILES_WRITTEN, FILES_READ = 3, 3
"""Of a Map Run: its manifest, a file of results and the summary; the list, the manifest, the file. Long lists
have more of the files, each of thousands of items."""


class UnknownCostError(Exception):
    """The history does not say enough."""


def cost_line(session: "boto3.Session", history: History, execution_arn: str) -> str | None:
    """Say in one line what the execution would have cost; None where that cannot be known."""
    try:
        with aws_errors("reading what the execution used"):
            usage, left_out = count_run(session, history, execution_arn)
    except (CommandError, UnknownCostError):
        return None
    return write_line(session.region_name, usage, left_out)


def write_line(region_name: str | None, usage: Usage, left_out: list[str]) -> str:
    """Price a usage in a region, or in us-east-1 where that one's prices are not known, and say it."""
    region = region_name if region_name in regions() else DEFAULT_REGION
    dollars = price_usage(usage, region)
    services, without = services_text(dollars), " and ".join(left_out)
    parts = f" ({services})" if services else ""
    parts += f" without {without}" if without else ""
    return f"on AWS: about {dollars_text(dollars.total)}{parts}, {region} prices of {prices_year()}"


def count_run(session: "boto3.Session", history: History, execution_arn: str) -> tuple[Usage, list[str]]:
    """Count what an execution used, and name what is not known of it.

    Raises
    ------
    UnknownCostError
        What is not known is most of it.
    """
    tally = history.tally
    usage = Usage(transitions=tally.transitions, read_units=tally.read_units)
    for name, calls in tally.calls.items():
        usage.invoke(_function(session, name), calls.count, calls.seconds)
    events, children, left_out = float(tally.events), 0, list[str]()
    if history.map_runs:
        processor, summary = _processor(session, execution_arn), history.summary
        if summary is None or summary.child_seconds is None:
            raise UnknownCostError
        events += _count_children(usage, summary, processor)
        children = summary.batches
        left_out += _count_functions(session, usage, summary, processor)
        usage.puts, usage.gets = FILES_WRITTEN, FILES_READ
    machine = _describe_machine(session, execution_arn)
    if machine is None:
        return usage, [*left_out, "logs and traces"]
    if machine.get("loggingConfiguration", {}).get("level") == "ALL":
        usage.log_bytes += events * LOG_EVENT_BYTES
    if machine.get("tracingConfiguration", {}).get("enabled"):
        usage.traces = 1 + TRACED_SHARE * children
    return usage, left_out


def _describe_machine(session: "boto3.Session", execution_arn: str) -> Mapping[str, Any] | None:
    """Describe what the execution is of; None for who may not read that."""
    arn = execution_arn.replace(":execution:", ":stateMachine:").rpartition(":")[0]
    try:
        with aws_errors("reading the state machine"):
            return session.client("stepfunctions").describe_state_machine(stateMachineArn=arn)
    except CommandError:
        return None


def _processor(session: "boto3.Session", execution_arn: str) -> Mapping[str, Any]:
    """Read the states of the children from the definition that the execution ran with."""
    client = session.client("stepfunctions")
    answer = client.describe_state_machine_for_execution(executionArn=execution_arn)
    definition: Any = parse(answer["definition"])
    states = definition.get("States", {}).values() if isinstance(definition, dict) else ()
    maps = [state for state in states if state.get("Type") == "Map"]
    if len(maps) != 1:
        raise UnknownCostError
    processor: Mapping[str, Any] = maps[0]["ItemProcessor"]
    return processor


def _count_children(usage: Usage, summary: Summary, processor: Mapping[str, Any]) -> float:
    """Add the children of a Map Run, of which the history has nothing and the summary their sums.

    Returns
    -------
    float
        Events in their histories.
    """
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
        rounded = (summary.child_seconds or 0.0) + summary.batches * EXPRESS_STEP_SECONDS / 2
        usage.express_gb_seconds += rounded * EXPRESS_GB
    usage.queue_requests += REQUESTS_OF_MESSAGE * queued
    events = (summary.batches - queued) * asl.way_events(processor, direct)
    events += queued * asl.way_events(processor, waiting or ())
    return events + summary.batches * asl.EXECUTION_EVENTS


def _count_functions(
    session: "boto3.Session", usage: Usage, summary: Summary, processor: Mapping[str, Any]
) -> list[str]:
    """Add the calls of what processes items, and name what of them is not known."""
    direct, waiting = asl.split_ways(processor)
    queued = summary.routes.get(QUEUE, 0)
    tasks = [state for name in direct if (state := processor["States"][name])["Type"] == "Task"]
    if len(tasks) != 1:
        raise UnknownCostError
    if calls := summary.batches - queued:
        function = _function(session, tasks[0]["Arguments"]["FunctionName"])
        usage.invoke(function, calls, 0 if queued else summary.child_seconds or 0.0)
    if not queued:
        return []
    # The children of these have mostly waited.
    token = next(state for name in waiting or () if asl.is_callback(state := processor["States"][name]))
    for source in _sources(session, token["Arguments"]["QueueUrl"]):
        worker = source["FunctionArn"]
        usage.invoke(_function(session, worker), queued / source["BatchSize"], 0)
        usage.write_units += 2 * queued * _is_paced(session, worker)
    return ["the time of the functions"]


def _sources(session: "boto3.Session", queue_url: str) -> list[Any]:
    """List what has a queue's messages; nothing for who may not read that."""
    try:
        with aws_errors("reading the queue's functions"):
            sqs = session.client("sqs")
            answer = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])
            queue = answer["Attributes"]["QueueArn"]
            found = session.client("lambda").list_event_source_mappings(EventSourceArn=queue)
            return list(found["EventSourceMappings"])
    except CommandError:
        return []


def _is_paced(session: "boto3.Session", name: str) -> bool:
    """Whether a worker takes a slot of the pace for each item, which is written up to two times."""
    settings = session.client("lambda").get_function_configuration(FunctionName=name)
    return "MAX_PER_SECOND" in settings.get("Environment", {}).get("Variables", {})


def _function(session: "boto3.Session", name: str) -> Function:
    if not name:
        raise UnknownCostError
    settings = session.client("lambda").get_function_configuration(FunctionName=name)
    timeout = settings["Timeout"]
    return Function(settings["MemorySize"], settings["Architectures"][0], timeout, timeout)
