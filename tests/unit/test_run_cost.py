"""What run.py says that an execution would have cost on AWS."""

import json
from datetime import timedelta
from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError
from forecast_templates import QUEUE_URL, child, distributed_map, throttled_map
from history_builder import SUMMARY, HistoryBuilder

from stacks.templates import read_definition
from utils.forecast.run_cost import cost_line, count_run
from utils.watch.history import History
from utils.watch.tally import Calls, Tally

ARN = "arn:aws:states:us-east-1:111122223333:execution:Machine:run"
FUNCTIONS = {
    "Item": (128, "arm64"),
    "Batch": (1024, "x86_64"),
    "Summarise": (2048, "arm64"),
    "Worker": (128, "arm64", "MAX_PER_SECOND"),
}
SETTINGS = {"loggingConfiguration": {"level": "OFF"}, "tracingConfiguration": {"enabled": False}}
LOGGED = {"loggingConfiguration": {"level": "ALL"}, "tracingConfiguration": {"enabled": True}}
CLEAN = SUMMARY | {"items": 1_000, "succeeded": 1_000, "failed": 0, "errors": {}, "attempts": 1_000}


class Aws:
    """A session's clients, for a machine and functions."""

    def __init__(
        self, definition=None, region="us-east-1", functions=FUNCTIONS, settings=SETTINGS, refuses=()
    ):
        self.region_name = region
        self._definition = definition
        self._functions = functions
        self._settings = settings
        self._refuses = refuses

    def client(self, _service):
        return self

    def describe_state_machine_for_execution(self, **_):
        return {"definition": json.dumps(self._definition)}

    def describe_state_machine(self, stateMachineArn):  # noqa: N803 - boto3's names
        self._check("DescribeStateMachine")
        assert stateMachineArn == "arn:aws:states:us-east-1:111122223333:stateMachine:Machine"
        return self._settings

    def get_function_configuration(self, FunctionName):  # noqa: N803
        if FunctionName not in self._functions:
            self._refuse("GetFunctionConfiguration")
        memory, architecture, *variables = self._functions[FunctionName]
        return {
            "MemorySize": memory,
            "Architectures": [architecture],
            "Timeout": 60,
            "Environment": {"Variables": dict.fromkeys(variables, "4")},
        }

    def get_queue_attributes(self, QueueUrl, AttributeNames):  # noqa: N803
        assert (QueueUrl, AttributeNames) == (QUEUE_URL, ["QueueArn"])
        return {"Attributes": {"QueueArn": "arn:queue"}}

    def list_event_source_mappings(self, EventSourceArn):  # noqa: N803
        self._check("ListEventSourceMappings")
        assert EventSourceArn == "arn:queue"
        return {"EventSourceMappings": [{"FunctionArn": "Worker", "BatchSize": 5}]}

    def _check(self, operation):
        if operation in self._refuses:
            self._refuse(operation)

    def _refuse(self, operation):
        raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, operation)


def invoke(builder, index, seconds, function="Item"):
    """Let the task of an iteration run for so long."""
    parameters = json.dumps({"FunctionName": function, "Payload": {}})
    builder.item(index, "TaskScheduled", {"resourceType": "lambda", "parameters": parameters})
    builder.item(index, "TaskStarted", {"resourceType": "lambda"})
    builder.at += seconds


def inline(function="Item"):
    """Build an execution of two items that wait; the second is tried twice."""
    builder = HistoryBuilder()
    builder.map(2)
    for index, tries in ((0, 1), (1, 2)):
        builder.start(index)
        builder.enter(index, "Wait", "Wait Before Item")
        builder.exit(index, "Wait", "Wait Before Item")
        builder.enter(index)
        for attempt in range(1, tries + 1):
            invoke(builder, index, 10.0, function)
            outcome = "TaskSucceeded" if attempt == tries else "TaskFailed"
            builder.item(index, outcome, {"resourceType": "lambda"})
        builder.exit(index)
        builder.end(index)
    return builder.finish()


def map_run(summary):
    builder = HistoryBuilder()
    builder.end_run(builder.map_run())
    if summary:
        builder.summarise(summary)
    return builder.finish()


def line(events, aws=None):
    history = History()
    history.add(events)
    return cost_line(aws or Aws(), history, ARN)


def used(events, aws):
    history = History()
    history.add(events)
    return count_run(aws, history, ARN)


def test_transitions_are_states_entered_and_tasks_tried_again():
    tally = Tally()
    for event in inline():
        tally.add(event)
    # The Map, two waits, two tasks, and one retry
    assert tally.transitions == 6
    assert tally.calls == {"Item": Calls(3, pytest.approx(30.0))}


def test_cost_of_an_inline_map():
    # 6 transitions; 3 calls, 30 s of 128 MB on arm64
    assert line(inline()) == (
        "on AWS: about $0.0002 (Step Functions $0.0002, Lambda $0.0001), us-east-1 prices of 2026"
    )


def test_prices_are_those_of_the_session_where_they_are_known():
    assert line(inline(), Aws(region="eu-central-1")).endswith(", eu-central-1 prices of 2026")
    assert line(inline(), Aws(region="sa-east-1")).endswith(", us-east-1 prices of 2026")


def test_children_are_counted_by_the_definition_and_the_summary():
    # Given ten children of an EXPRESS Map that took 120.5 s, of one state with a function of 1 GB on x86_64
    express = line(map_run(CLEAN), Aws(read_definition(distributed_map("EXPRESS"))))
    # Then: 2 + 10 transitions, ten requests, 121 s of 64 MB; ten calls, 120.5 GB-seconds; S3 with $0.00002
    assert express == (
        "on AWS: about $0.0025 (Step Functions $0.0004, Lambda $0.0020), us-east-1 prices of 2026"
    )
    # And a STANDARD one has ten more transitions
    standard = line(map_run(CLEAN), Aws(read_definition(distributed_map("STANDARD"))))
    assert standard == (
        "on AWS: about $0.0026 (Step Functions $0.0006, Lambda $0.0020), us-east-1 prices of 2026"
    )


def test_logs_and_traces_are_those_of_the_machine():
    # Given a machine that logs everything and is traced
    definition = read_definition(distributed_map("STANDARD"))
    usage, left_out = used(map_run(CLEAN), Aws(definition, settings=LOGGED))
    # Then each event of the execution and of its children is logged, and what the platform says of each call
    child_events = 10 * (5 + 2)
    assert usage.log_bytes == 1_000 * (len(map_run(CLEAN)) + child_events + usage.invocations)
    # And it is a trace, as are 5 % of its children
    assert usage.traces == 1 + 0.05 * 10
    assert left_out == []


def test_logs_and_traces_of_a_machine_that_may_not_be_read_are_left_out():
    assert line(inline(), Aws(refuses=["DescribeStateMachine"])) == (
        "on AWS: about $0.0002 (Step Functions $0.0002, Lambda $0.0001) without logs and traces, "
        "us-east-1 prices of 2026"
    )


def test_files_of_a_map_run_are_requests():
    usage, _ = used(map_run(CLEAN), Aws(read_definition(distributed_map("EXPRESS"))))
    assert (usage.puts, usage.gets) == (3, 3)
    assert used(inline(), Aws())[0].puts == 0


def test_functions_of_a_queue_are_known_but_for_their_time():
    # Given a run of which ten items went through the queue: the time of their children is mostly waiting
    summary = CLEAN | {"items": 20, "succeeded": 20, "attempts": 20, "batches": 20}
    events = map_run(summary | {"routes": {"direct": 10, "queue": 10}})
    aws = Aws(read_definition(throttled_map()))
    # Then: 2 + 20 + 20 times 2 transitions, 30 requests
    assert line(events, aws) == (
        "on AWS: about $0.0016 (Step Functions $0.0016) without the time of the functions, "
        "us-east-1 prices of 2026"
    )
    # And ten calls for batches and two for five messages each, which take two writes for a slot
    usage, _ = used(events, aws)
    assert (usage.queue_requests, usage.invocations, usage.write_units) == (30, 12, 20)
    # And without the right to look for the queue's functions only theirs are not counted
    usage, _ = used(events, Aws(read_definition(throttled_map()), refuses=["ListEventSourceMappings"]))
    assert (usage.queue_requests, usage.invocations, usage.write_units) == (30, 10, 0)


@pytest.mark.parametrize(("texts", "units"), [(1, 1), (40, 1), (41, 2), (400, 10)])
def test_an_item_that_is_read_costs_by_four_kilobytes(texts, units):
    # Given an execution that reads a list of texts of a hundred bytes
    item = {"values": {"L": [{"S": "x" * 100}] * texts}}
    builder = HistoryBuilder()
    details = {"resourceType": "dynamodb", "resource": "getItem", "output": json.dumps({"Item": item})}
    builder.event("TaskSucceeded", details)
    # Then
    assert used(builder.events, Aws())[0].read_units == units


def test_a_table_without_the_item_is_read_all_the_same():
    builder = HistoryBuilder()
    builder.event("TaskSucceeded", {"resourceType": "dynamodb", "resource": "getItem", "output": "{}"})
    assert used(builder.events, Aws())[0].read_units == 1


@pytest.mark.parametrize(
    ("events", "aws"),
    [
        (inline("Unknown"), Aws()),
        (inline(""), Aws()),
        (map_run(None), Aws(read_definition(distributed_map("EXPRESS")))),
        (
            map_run({key: value for key, value in CLEAN.items() if key != "childSeconds"}),
            Aws(read_definition(distributed_map("EXPRESS"))),
        ),
        (map_run(CLEAN), Aws({"States": {}})),
        (map_run(CLEAN), Aws(None)),
        (map_run(CLEAN), SimpleNamespace(client=lambda _: None, region_name=None)),
        (
            map_run(CLEAN),
            Aws(
                {"States": {"M": {"Type": "Map", "ItemProcessor": child("EXPRESS", {"A": {"Type": "Fail"}})}}}
            ),
        ),
    ],
    ids=[
        "a function that may not be read",
        "a function that is not named",
        "no summary",
        "a summary of before",
        "no Map",
        "no definition",
        "no client",
        "a child that cannot succeed",
    ],
)
def test_nothing_is_said_of_what_is_not_known(events, aws):
    assert line(events, aws) is None


def test_an_open_task_counts_no_time():
    builder = HistoryBuilder()
    builder.map(1)
    builder.start(0)
    builder.enter(0)
    invoke(builder, 0, 5)
    tally = Tally()
    for event in builder.finish("TimedOut"):
        tally.add(event)
    assert (tally.transitions, tally.calls) == (2, {})
    assert builder.events[-1]["timestamp"] - builder.events[0]["timestamp"] == timedelta(seconds=5)
