"""Python functions: AWS's error names and messages, logs, environment variables, numbers."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from state_machines import StepFunctions, call_through_an_update, invoke, machine, wait_for


@pytest.fixture(scope="module")
def states(new_account: Callable[[], dict[str, str]]) -> StepFunctions:
    return StepFunctions(new_account())


@pytest.mark.parametrize(
    ("source", "error", "message"),
    [
        (
            "class Refused(Exception): pass\ndef handler(event, context):\n    raise Refused('näh')\n",
            "Refused",
            "näh",
        ),
        ("def handler(event, context):\n    return {}['gone']\n", "KeyError", "'gone'"),
        (
            "def handler(event, context):\n    return {1, 2}\n",
            "Runtime.MarshalError",
            "Unable to marshal response: Object of type set is not JSON serializable",
        ),
        ("import os\ndef handler(event, context):\n    os._exit(7)\n", "Runtime.ExitError", "exit status 7"),
        (
            "import os, signal\ndef handler(event, context):\n    os.kill(os.getpid(), signal.SIGKILL)\n",
            "Runtime.ExitError",
            "signal: killed",
        ),
        ("import sys\ndef handler(event, context):\n    sys.exit(3)\n", "Runtime.ExitError", "exit status 3"),
        ("import nowhere\n", "Runtime.ImportModuleError", "No module named 'nowhere'"),
        ("def other(event, context): pass\n", "Runtime.HandlerNotFound", "Handler 'handler' missing"),
        ("raise ValueError('at import')\n", "ValueError", "at import"),
        ("def handler(:\n", "Runtime.UserCodeSyntaxError", "Syntax error in module 'handler'"),
        ("import sys\nsys.exit(2)\n", "Runtime.ExitError", "exit status 2"),
        (
            "import os, time\ndef handler(event, context):\n    os.write(4, b'x')\n    time.sleep(30)\n",
            "Sandbox.Timedout",
            "Task timed out after 1.00 seconds",
        ),
        (
            "import time\ndef handler(event, context):\n    time.sleep(30)\n",
            "Sandbox.Timedout",
            "Task timed out after 1.00 seconds",
        ),
    ],
)
def test_errors(states: StepFunctions, source: str, error: str, message: str) -> None:
    """The error's own name reaches Retry and Catch, its document is the cause."""
    function = states.create_function(source, Timeout=1)
    catch = [{"ErrorEquals": [error], "Next": "Mend"}]
    outcome = states.run(machine(Work=invoke(function, Catch=catch), Mend={"Type": "Pass"}))
    assert outcome.status == "SUCCEEDED"
    assert outcome.output["Error"] == error
    document = json.loads(outcome.output["Cause"])
    assert document["errorType"] == error
    assert message in document["errorMessage"]


def test_function_works_again_after_an_error(states: StepFunctions) -> None:
    source = """
import os

def handler(event, context):
    if event == "die":
        os._exit(1)
    if event == "raise":
        raise ValueError(event)
    return os.getpid()
"""
    function = states.create_function(source)
    pids = [
        states.run(machine(Work=invoke(function)), data).output for data in ("a", "raise", "b", "die", "c")
    ]
    assert pids[0] == pids[2], "an exception ends no environment"
    assert pids[3] is None
    assert pids[4] not in {None, pids[0]}, "an exit does"


def test_answer_of_one_invocation_reaches_no_other(states: StepFunctions) -> None:
    """Not that of a copy which the handler forked, nor what it writes into the runtime's own pipe."""
    source = """
import os

def handler(event, context):
    if event == "fork":
        os.fork()
    if event == "write":
        for descriptor in range(3, 20):
            try:
                os.write(descriptor, b'{"request_id": "x", "status": "ok"}\\n"forged"\\n')
            except OSError:
                pass
    return event
"""
    function = states.create_function(source)
    events = ["a", "fork", "b", "c", "write", "d", "e"]
    outcomes = [states.run(machine(Work=invoke(function)), event) for event in events]
    assert [outcome.output for outcome in outcomes] == ["a", "fork", "b", "c", None, "d", "e"]
    assert outcomes[4].error == "Runtime.ExitError"


def test_import_has_ten_seconds(states: StepFunctions) -> None:
    function = states.create_function("import time\ntime.sleep(600)\n", Timeout=1)
    outcome = states.run(machine(Work=invoke(function)))
    assert outcome.error == "Sandbox.Timedout"


def test_stack_trace_is_as_on_aws(states: StepFunctions) -> None:
    function = states.create_function("def handler(event, context):\n    raise ValueError('x')\n")
    outcome = states.run(machine(Work=invoke(function)))
    (frame,) = json.loads(str(outcome.cause))["stackTrace"]
    assert frame.startswith('  File "/var/task/handler.py", line 2, in handler')


def test_throttled_function(states: StepFunctions) -> None:
    function = states.create_function("def handler(event, context):\n    return event\n")
    states.client("lambda").put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=0)
    outcome = states.run(machine(Work=invoke(function)))
    assert outcome.error == "Lambda.TooManyRequestsException"


def test_calls_and_errors_are_counted_for_each_function(states: StepFunctions) -> None:
    # Given
    well = states.create_function("def handler(event, context):\n    return event\n")
    failing = states.create_function("def handler(event, context):\n    return 1 / 0\n")
    for function in (well, well, failing):
        states.run(machine(Work=invoke(function)))

    # When
    def measured(metric: str, function: str) -> list[float]:
        answer = states.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/Lambda",
            MetricName=metric,
            Dimensions=[{"Name": "FunctionName", "Value": function.rpartition(":")[2]}],
            StartTime=datetime.now(UTC) - timedelta(days=1),
            EndTime=datetime.now(UTC) + timedelta(days=1),
            Period=86_400,
            Statistics=["Sum"],
        )
        return [point["Sum"] for point in answer["Datapoints"]]

    # Then
    assert (sum(measured("Invocations", well)), sum(measured("Errors", well))) == (2, 0)
    assert (sum(measured("Invocations", failing)), sum(measured("Errors", failing))) == (1, 1)


def test_function_that_is_not_there(states: StepFunctions) -> None:
    outcome = states.run(machine(Work=invoke("nobody")))
    assert outcome.error == "Lambda.ResourceNotFoundException"
    assert str(outcome.cause).startswith("Function not found: arn:aws:lambda:us-east-1:")


@pytest.mark.parametrize(
    ("result", "shown"), [("float('nan')", "NaN"), ("b'two\\nlines'", "two\nlines"), ("b'1'", "1")]
)
def test_result_that_is_not_json(states: StepFunctions, result: str, shown: str) -> None:
    """It leaves AWS's runtime unharmed, and is no JSON for Step Functions."""
    function = states.create_function(f"def handler(event, context):\n    return {result}\n")
    outcome = states.run(machine(Work=invoke(function)))
    assert outcome.error == "Lambda.Unknown"
    assert str(outcome.cause).endswith(f"Returned payload: {shown}")


def test_decimals_are_numbers(states: StepFunctions) -> None:
    source = """
from decimal import Decimal

def handler(event, context):
    return [Decimal("0.1"), Decimal(12)]
"""
    assert states.run(machine(Work=invoke(states.create_function(source)))).output == [0.1, 12]


def test_json_log_lines(states: StepFunctions) -> None:
    source = """
import logging

logging.getLogger().setLevel("INFO")

def handler(event, context):
    print("printed")
    logging.info({"event": event})
    print("without an end of line", end="")
    return context.aws_request_id
"""
    function = states.create_function(source, LoggingConfig={"LogFormat": "JSON", "LogGroup": "/mine"})
    request_id = states.run(machine(Work=invoke(function)), {"S": "ü"}).output
    lines = read_log(states, "/mine", 5)
    assert lines[1] == "printed"
    logged = json.loads(lines[2])
    assert logged["message"] == {"event": {"S": "ü"}}
    assert (logged["level"], logged["requestId"]) == ("INFO", request_id)
    assert lines[3] == "without an end of line"


def test_log_of_a_timeout_is_not_lost(states: StepFunctions) -> None:
    source = "import time\ndef handler(event, context):\n    print('begun')\n    time.sleep(30)\n"
    function = states.create_function(source, Timeout=1, LoggingConfig={"LogGroup": "/late"})
    states.run(machine(Work=invoke(function)))
    lines = read_log(states, "/late", 4)
    assert lines[1] == "begun"
    assert lines[2].endswith("Task timed out after 1.00 seconds")


def test_environment(states: StepFunctions) -> None:
    source = """
import os

def handler(event, context):
    names = ["AWS_EXECUTION_ENV", "AWS_REGION", "AWS_LAMBDA_FUNCTION_NAME", "MINE"]
    return {
        **{name: os.environ.get(name) for name in names},
        "seconds": context.get_remaining_time_in_millis() / 1000,
        "arn": context.invoked_function_arn,
    }
"""
    function = states.create_function(source, Timeout=20, Environment={"Variables": {"MINE": "1"}})
    output = states.run(machine(Work=invoke(function))).output
    assert output["AWS_EXECUTION_ENV"] == "AWS_Lambda_python3.14"
    assert output["AWS_REGION"] == "us-east-1"
    assert output["AWS_LAMBDA_FUNCTION_NAME"] == function.rpartition(":")[2]
    assert output["MINE"] == "1"
    assert 10 < output["seconds"] <= 20
    assert output["arn"] == function


def read_log(states: StepFunctions, group: str, lines: int) -> list[str]:
    """The messages of a log group, once there are as many as expected."""
    logs = states.client("logs")

    def read() -> list[Any] | None:
        try:
            messages = [event["message"] for event in logs.filter_log_events(logGroupName=group)["events"]]
        except logs.exceptions.ResourceNotFoundException:
            return None
        return messages if len(messages) >= lines else None

    return wait_for(read, f"{lines} lines in {group}")


def test_a_call_ends_on_the_code_that_it_began_with(states: StepFunctions, tmp_path: Path) -> None:
    """As on AWS, deploying new code does no harm to what runs."""
    outcome = call_through_an_update(states, tmp_path)
    assert outcome == {"error": None, "answers": ["old code", "new code"]}
