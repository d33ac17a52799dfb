"""StartExecution's checks, execution names, and the log group of a state machine."""

import json
import re
import uuid
from collections.abc import Callable

import pytest
from botocore.exceptions import ClientError
from state_machines import ROLE, StepFunctions, machine, wait_for

PASS = machine(Keep={"Type": "Pass"})
LINGER = machine(Linger={"Type": "Wait", "Seconds": 3600})


@pytest.fixture(scope="module")
def states(new_account: Callable[[], dict[str, str]]) -> StepFunctions:
    return StepFunctions(new_account())


@pytest.mark.parametrize(
    ("request_fields", "code", "message"),
    [
        ({"input": "not json"}, "InvalidExecutionInput", "Invalid State Machine Execution Input"),
        ({"input": ""}, "InvalidExecutionInput", "Invalid State Machine Execution Input"),
        ({"input": json.dumps("x" * 262_144)}, "InvalidExecutionInput", "exceeds 262144 bytes"),
        ({"input": "[NaN]"}, "InvalidExecutionInput", "Non-standard token 'NaN'"),
        ({"input": "[1e400]"}, "InvalidExecutionInput", "Non-standard token '1e400'"),
        ({"input": "[" * 100_000}, "InvalidExecutionInput", "nested too deeply"),
        ({"name": "with blank"}, "InvalidName", "Invalid Name: 'with blank'"),
        ({"name": "a*b"}, "InvalidName", "Invalid Name"),
        ({"name": "x" * 81}, "InvalidName", "Invalid Name"),
        (
            {"stateMachineArn": "arn:aws:states:us-east-1:000000000001:stateMachine:none"},
            "StateMachineDoesNotExist",
            "State Machine Does Not Exist",
        ),
    ],
)
def test_refused_start(
    states: StepFunctions, request_fields: dict[str, str], code: str, message: str
) -> None:
    arn = states.create(PASS)
    with pytest.raises(ClientError, match=message) as refusal:
        states.api.start_execution(**{"stateMachineArn": arn, **request_fields})
    assert refusal.value.response["Error"]["Code"] == code


@pytest.mark.parametrize(
    ("definition", "problem"),
    [
        ("not json", "The definition is not JSON"),
        ("[]", "An object is required at /"),
        ('{"StartAt": "A"}', "These fields are required: [States] at /"),
        ('{"StartAt": "B", "States": {"A": {"Type": "Succeed"}}}', "Missing 'Next' target: B at /StartAt"),
        ('{"StartAt": "A", "States": {"A": {"Type": "Pas"}}}', "at /States/A/Type"),
        ('{"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "B"}}}', "target: B at /States/A/Next"),
        (
            '{"StartAt": "A", "States": {"A": {"Type": "Map", "ItemProcessor": {}, "End": true}}}',
            "[StartAt, States] at /States/A/ItemProcessor",
        ),
        (
            '{"StartAt": "A", "TimeoutSeconds": "5", "States": {"A": {"Type": "Succeed"}}}',
            "TimeoutSeconds must be a whole number from 1",
        ),
    ],
)
def test_refused_definition(states: StepFunctions, definition: str, problem: str) -> None:
    arn = states.create(PASS)
    for refused in (
        lambda: states.api.create_state_machine(name="refused", definition=definition, roleArn=ROLE),
        lambda: states.api.update_state_machine(stateMachineArn=arn, definition=definition),
    ):
        with pytest.raises(ClientError, match=re.escape(problem)) as refusal:
            refused()
        assert refusal.value.response["Error"]["Code"] == "InvalidDefinition"


@pytest.mark.parametrize("text", ['"\\ud800"', "2", '"text"', "null", "[]"])
def test_any_json_is_an_input(states: StepFunctions, text: str) -> None:
    arn = states.create(PASS)
    execution = states.api.start_execution(stateMachineArn=arn, input=text)["executionArn"]
    assert states.wait(execution).output == json.loads(text)


def test_unnamed_execution_has_a_uuid(states: StepFunctions) -> None:
    outcome = states.run(PASS)
    name = outcome.arn.rpartition(":")[2]
    assert str(uuid.UUID(name)) == name
    assert states.api.describe_execution(executionArn=outcome.arn)["name"] == name


def test_same_name_and_input_while_it_runs_is_the_same_execution(states: StepFunctions) -> None:
    arn = states.create(LINGER)
    first = states.api.start_execution(stateMachineArn=arn, name="once", input="{}")
    second = states.api.start_execution(stateMachineArn=arn, name="once", input="{}")
    assert first["executionArn"] == second["executionArn"]
    assert first["startDate"] == second["startDate"]
    with pytest.raises(ClientError, match="ExecutionAlreadyExists"):
        states.api.start_execution(stateMachineArn=arn, name="once", input='{"other": 1}')
    states.api.stop_execution(executionArn=first["executionArn"])
    with pytest.raises(ClientError, match="ExecutionAlreadyExists"):
        states.api.start_execution(stateMachineArn=arn, name="once", input="{}")


def test_stop_twice_keeps_the_first(states: StepFunctions) -> None:
    execution = states.start(LINGER)
    states.api.stop_execution(executionArn=execution, cause="first")
    states.api.stop_execution(executionArn=execution, cause="second")
    assert states.wait(execution).cause == "first"


def test_input_is_kept_as_it_was_written(states: StepFunctions) -> None:
    arn = states.create(PASS)
    text = '{ "a" : 1.0,\n "b" : "ü" }'
    execution = states.api.start_execution(stateMachineArn=arn, input=text)["executionArn"]
    outcome = states.wait(execution)
    assert outcome.details("ExecutionStarted")[0]["input"] == text
    assert outcome.details("PassStateEntered")[0]["input"] == text


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        (
            "ALL",
            [
                "ExecutionStarted",
                "PassStateEntered",
                "PassStateExited",
                "FailStateEntered",
                "ExecutionFailed",
            ],
        ),
        ("ERROR", ["FailStateEntered", "ExecutionFailed"]),
        ("FATAL", ["ExecutionFailed"]),
        ("OFF", []),
    ],
)
@pytest.mark.parametrize("with_data", [True, False])
def test_logs(states: StepFunctions, level: str, expected: list[str], *, with_data: bool) -> None:
    logs = states.client("logs")
    group = f"/states/{level}-{with_data}"
    logs.create_log_group(logGroupName=group)
    group_arn = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"][0]["arn"]
    destination = {"cloudWatchLogsLogGroup": {"logGroupArn": group_arn}}
    definition = machine(Begin={"Type": "Pass"}, Break={"Type": "Fail", "Error": "Broken"})
    arn = states.create(
        definition,
        loggingConfiguration={
            "level": level,
            "includeExecutionData": with_data,
            "destinations": [destination],
        },
    )
    execution = states.api.start_execution(stateMachineArn=arn, input='{"n": 1}')["executionArn"]
    outcome = states.wait(execution)

    def read() -> list[dict[str, str]] | None:
        lines = [json.loads(e["message"]) for e in logs.filter_log_events(logGroupName=group)["events"]]
        return lines if len(lines) >= len(expected) else None

    lines = wait_for(read, "the log")
    assert [line["type"] for line in lines] == expected
    for line in lines:
        event = outcome.events[int(line["id"]) - 1]
        assert line["previous_event_id"] == str(event["previousEventId"])
        assert line["execution_arn"] == execution
        has_input = line["type"].endswith(("Started", "Entered"))
        assert ("input" in line["details"]) is (with_data and has_input)
