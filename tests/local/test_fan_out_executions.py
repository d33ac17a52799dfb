"""Executions seen through the stock tools: history, log, metrics, names, and what utils/run.py shows."""

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from local_aws import LocalAws
from projects import Project

from local import processes

TABLE = "StepFunctionsProjectDDBTable"
LISTEN_STATE = "0A"
LOCALHOST = "0100007F"
"""As /proc/net/tcp writes them."""


@pytest.fixture(scope="module")
def project(
    tmp_path_factory: pytest.TempPathFactory, new_cdk_account: Callable[[], dict[str, str]]
) -> Project:
    """With a wait of a second for each item, two at once."""
    project = Project.copy(tmp_path_factory.mktemp("executions"), new_cdk_account())
    project.configure("stepfunc", maxConcurrency=2, waitDurationSeconds=1)
    project.deploy()
    return project


def start_command(project: Project, *options: str) -> list[str]:
    return ["stepfunctions", "start-execution", "--state-machine-arn", project.state_machine_arn, *options]


def test_history_has_every_event_in_the_order_of_aws(project: Project):
    # Given
    started = project.aws(*start_command(project, "--input", '{"items": ["a"]}'))
    project.wait(started["executionArn"])
    # When
    history = ["stepfunctions", "get-execution-history", "--execution-arn", started["executionArn"]]
    events = project.aws(*history)["events"]
    # Then
    assert [(event["type"], event["previousEventId"]) for event in events] == [
        ("ExecutionStarted", 0),
        ("ChoiceStateEntered", 0),
        ("ChoiceStateExited", 2),
        ("ChoiceStateEntered", 3),
        ("ChoiceStateExited", 4),
        ("MapStateEntered", 5),
        ("MapStateStarted", 6),
        ("MapIterationStarted", 7),
        ("WaitStateEntered", 8),
        ("WaitStateExited", 9),
        ("TaskStateEntered", 10),
        ("TaskScheduled", 11),
        ("TaskStarted", 12),
        ("TaskSucceeded", 13),
        ("TaskStateExited", 14),
        ("MapIterationSucceeded", 15),
        ("MapStateSucceeded", 16),
        ("MapStateExited", 16),
        ("ExecutionSucceeded", 18),
    ]
    described = project.aws("stepfunctions", "describe-execution", "--execution-arn", started["executionArn"])
    assert (described["status"], described["input"]) == ("SUCCEEDED", '{"items": ["a"]}')
    assert json.loads(described["output"]) == [{"item": "a", "status": "processed"}]


def test_log_group_of_the_state_machine_has_the_events_of_the_history(project: Project):
    # Given
    ended = project.execute({"items": ["a", "b", "c"]})
    # When
    (group,) = [name for name in project.resources("AWS::Logs::LogGroup") if name.startswith("/aws/vended")]
    logged = [line for line in project.log_lines(group) if line["execution_arn"] == ended.arn]
    # Then
    assert [(line["id"], line["type"], line["previous_event_id"]) for line in logged] == [
        (str(event["id"]), event["type"], str(event["previousEventId"])) for event in ended.events
    ]
    assert logged[0]["details"]["input"] == '{"items": ["a", "b", "c"]}'


def test_one_name_is_one_execution(project: Project):
    # Given
    first = project.start({"items": [1]}, name="once")
    # When the same is started again while it runs
    again = project.start({"items": [1]}, name="once")
    # Then
    assert again == first
    # When the name is used for other items
    with pytest.raises(ClientError, match="Execution Already Exists") as other:
        project.start({"items": [2]}, name="once")
    # Then
    assert other.value.response["Error"]["Code"] == "ExecutionAlreadyExists"
    assert project.wait(first).output == [{"item": 1, "status": "processed"}]
    # When it is used after the end
    late = project.run(
        "aws", *start_command(project, "--name", "once", "--input", '{"items": [1]}'), exit_code=255
    )
    run = project.run("python", "utils/run.py", "--name", "once", exit_code=1)
    # Then
    assert "(ExecutionAlreadyExists)" in late.stderr
    assert run.stderr.endswith("the name once is already taken: give another --name\n")


def test_executions_at_once_do_not_mix(project: Project):
    # Given
    lists = {name: [f"{name}-{index}" for index in range(4)] for name in ("left", "right")}
    # When
    started = {name: project.start({"items": items}, name=name) for name, items in lists.items()}
    ended = {name: project.wait(arn) for name, arn in started.items()}
    # Then they ran at once
    assert ended["right"].events[0]["timestamp"] < ended["left"].events[-1]["timestamp"]
    for name, items in lists.items():
        assert ended[name].output == [{"item": item, "status": "processed"} for item in items]
        payloads = [
            json.loads(event["taskScheduledEventDetails"]["parameters"])["Payload"]
            for event in ended[name].of_type("TaskScheduled")
        ]
        assert {payload["execution"] for payload in payloads} == {name}
        assert sorted(payload["item"] for payload in payloads) == items


def test_failed_execution_counts_in_the_metric_of_the_alarm(project: Project):
    # Given
    project.execute({"items": "no list"})
    # When
    alarms = project.aws("cloudwatch", "describe-alarms")["MetricAlarms"]
    # Then
    assert sorted(alarm["MetricName"] for alarm in alarms) == ["ExecutionsFailed", "ExecutionsTimedOut"]
    for alarm in alarms:
        assert alarm["Dimensions"] == [{"Name": "StateMachineArn", "Value": project.state_machine_arn}]
        assert (alarm["Namespace"], alarm["Threshold"]) == ("AWS/States", 1.0)
    series = project.aws("cloudwatch", "list-metrics", "--namespace", "AWS/States")["Metrics"]
    assert {"ExecutionsFailed", "ExecutionsSucceeded"} <= {metric["MetricName"] for metric in series}


def test_run_shows_table_and_timeline_and_writes_a_picture(project: Project):
    # Given
    project.load(["Zürich", "数学"])
    # When
    run = project.run("python", "utils/run.py", "--svg", "run.svg")
    # Then
    assert re.search(r'^1  "?数学"? .* succeeded +{"item"', run.stdout, re.MULTILINE)
    assert "(2 of 2 items succeeded)" in run.stdout
    assert "━━ work, succeeded" in run.stdout
    picture = ET.parse(project.folder / "run.svg").getroot()
    assert picture.tag == "{http://www.w3.org/2000/svg}svg"
    assert "数学" in "".join(picture.itertext())
    # When the ended execution is shown again
    arn = run.stdout.partition("Execution ")[2].split()[0]
    shown = project.run("python", "utils/run.py", "--execution-arn", arn)
    # Then
    table = run.stdout[run.stdout.index("#  Item") :].removesuffix("wrote run.svg\n")
    assert shown.stdout.endswith(table)


def test_run_of_an_execution_that_fails_ends_with_1(project: Project):
    run = project.run("python", "utils/run.py", "--input", '{"items": 3}', exit_code=1)
    assert "FAILED after " in run.stdout
    assert "ItemListInvalid: The input is not like" in run.stdout


def test_input_over_256_kib_is_refused(project: Project):
    # Given
    text = json.dumps({"items": ["x" * 262_144]})
    file = project.folder / "large.json"
    file.write_text(text)
    # When
    run = project.run("python", "utils/run.py", "--input", "file://large.json", exit_code=1)
    started = project.run("aws", *start_command(project, "--input", f"file://{file}"), exit_code=255)
    # Then
    assert run.stderr == (
        f"error: the input has {len(text):,} bytes; Step Functions takes at most 262,144: "
        "give fewer or smaller items\n"
    )
    assert "(InvalidExecutionInput)" in started.stderr
    assert "exceeds 262144 bytes" in started.stderr


def test_with_a_stack_and_executions_only_this_machine_reaches_it(project: Project, local_aws: LocalAws):
    # Given functions that have run
    assert project.execute({"items": [1, 2]}).status == "SUCCEEDED"
    # When
    pids = processes.list_group(local_aws.instance().pid)
    sockets = {inode for pid in pids for inode in open_sockets(pid)}
    # Then
    listeners = {address for inode, address in listening_addresses() if inode in sockets}
    assert listeners == {f"{LOCALHOST}:{local_aws.port:04X}"}


@pytest.mark.parametrize(
    ("action", "resource", "decision"),
    [
        ("dynamodb:GetItem", "{table}", "allowed"),
        ("dynamodb:GetItem", "{table}-other", "implicitDeny"),
        ("dynamodb:PutItem", "{table}", "implicitDeny"),
        ("dynamodb:Scan", "{table}", "implicitDeny"),
        ("lambda:InvokeFunction", "{function}", "allowed"),
        ("lambda:InvokeFunction", "{function}-other", "implicitDeny"),
        ("lambda:UpdateFunctionCode", "{function}", "implicitDeny"),
        ("states:StartExecution", "*", "implicitDeny"),
        ("iam:PassRole", "*", "implicitDeny"),
    ],
)
def test_role_of_the_state_machine_decides(project: Project, action: str, resource: str, decision: str):
    """IAM's own evaluation of the deployed policies."""
    # Given
    description = project.client("lambda").get_function_configuration(FunctionName=project.function_name)
    table = project.client("dynamodb").describe_table(TableName=TABLE)["Table"]["TableArn"]
    machine = project.client("stepfunctions").describe_state_machine(
        stateMachineArn=project.state_machine_arn
    )
    # When
    (result,) = project.client("iam").simulate_principal_policy(
        PolicySourceArn=machine["roleArn"],
        ActionNames=[action],
        ResourceArns=[resource.format(table=table, function=description["FunctionArn"])],
    )["EvaluationResults"]
    # Then
    assert result["EvalDecision"] == decision


def open_sockets(pid: int) -> Iterator[str]:
    """Inodes of a process's sockets."""
    for file in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed since it was listed
            yield str(file.readlink()).removeprefix("socket:[").removesuffix("]")


def listening_addresses() -> list[tuple[str, str]]:
    """Inode and local address of every listening socket of this machine, in hexadecimal."""
    tables = [Path("/proc/net/tcp").read_text(), Path("/proc/net/tcp6").read_text()]
    rows = [line.split() for table in tables for line in table.splitlines()[1:]]
    return [(row[9], row[1]) for row in rows if row[3] == LISTEN_STATE]
