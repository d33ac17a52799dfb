"""The command: its arguments, its exit codes, its lines, and executions on a simulated AWS."""

import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError
from history_builder import HistoryBuilder
from moto import mock_aws
from rich.console import Console

from utils.aws import stack_name
from utils.command import CommandError
from utils.run import commands_to_go_on, main, parse_arguments, show, start
from utils.watch.executions import start_execution

PROJECT_ROOT = Path(__file__).parents[2]
REGION = "eu-west-1"
ARN = f"arn:aws:states:{REGION}:123456789012:stateMachine:Missing"
EXECUTION_ARN = f"arn:aws:states:{REGION}:123456789012:execution:FanOut:run-1"

DEFINITION = {
    "StartAt": "Process Items",
    "States": {
        "Process Items": {
            "Type": "Map",
            "ItemsPath": "$.items",
            "MaxConcurrency": 1,
            "ItemSelector": {
                "item.$": "$$.Map.Item.Value",
                "index.$": "$$.Map.Item.Index",
                "execution.$": "$$.Execution.Name",
                "encoding": "json",
            },
            "ItemProcessor": {
                "ProcessorConfig": {"Mode": "INLINE"},
                "StartAt": "Reject?",
                "States": {
                    "Reject?": {
                        "Type": "Choice",
                        "Choices": [{"Variable": "$.item", "StringEquals": "bad", "Next": "Reject"}],
                        "Default": "Process Item",
                    },
                    "Process Item": {"Type": "Pass", "InputPath": "$.item", "End": True},
                    "Reject": {"Type": "Fail", "Error": "BadItem", "Cause": "the item is bad"},
                },
            },
            "End": True,
        }
    },
}


@pytest.fixture
def aws(monkeypatch):
    """Simulate AWS with its Step Functions engine."""
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    with mock_aws(config={"stepfunctions": {"execute_state_machine": True}}):
        yield boto3.client("stepfunctions")


@pytest.fixture
def state_machine_arn(aws):
    return aws.create_state_machine(
        name="FanOut", definition=json.dumps(DEFINITION), roleArn="arn:aws:iam::123456789012:role/r"
    )["stateMachineArn"]


def test_an_execution_is_started_followed_and_shown(state_machine_arn, capsys, tmp_path):
    # When two items are run through a state machine
    picture = tmp_path / "run.svg"
    run = ["--state-machine-arn", state_machine_arn, "--input", '{"items": ["a", "數"]}']
    code = main([*run, "--svg", str(picture)])

    # Then both have a row with item and result, the last line says how it ended, and there is a picture
    lines = capsys.readouterr().out.splitlines()
    assert code == 0
    execution = state_machine_arn.replace(":stateMachine:", ":execution:")
    assert re.fullmatch(rf"Execution {execution}:run-\d{{8}}-\d{{6}}-\w{{6}}", lines[0])
    assert any(re.fullmatch(r'0  "a" .* succeeded  "a"\s*', line) for line in lines)
    assert any(re.fullmatch(r'1  "數" .* succeeded  "數"\s*', line) for line in lines)
    assert re.fullmatch(r"SUCCEEDED in .* s \(2 of 2 items succeeded\)", lines[-3])
    assert lines[-2] == "on AWS: about $0.0001 (Step Functions $0.0001), eu-west-1 prices of 2026"
    assert lines[-1] == f"wrote {picture}"
    assert "succeeded" in "".join(ET.parse(picture).getroot().itertext())


def test_a_failed_execution_ends_with_1_and_its_reason(state_machine_arn, capsys):
    code = main(["--state-machine-arn", state_machine_arn, "--input", '{"items": ["a", "bad"]}'])

    last, _ = capsys.readouterr().out.splitlines()[-2:]
    assert code == 1
    assert last.startswith("FAILED after ")
    assert last.endswith(" (1 of 2 items succeeded, 1 failed): BadItem: the item is bad")


def test_a_finished_execution_is_shown_again(state_machine_arn, capsys):
    main(["--state-machine-arn", state_machine_arn, "--input", '{"items": ["a"]}', "--name", "first"])
    first = capsys.readouterr().out

    code = main(["--execution-arn", state_machine_arn.replace("stateMachine", "execution") + ":first"])

    assert code == 0
    assert [line for line in capsys.readouterr().out.splitlines() if "done," not in line] == [
        line for line in first.splitlines() if "done," not in line
    ]


class DeployedStack:
    """A session whose CloudFormation knows one stack, with one output."""

    region_name = REGION

    def __init__(self, name, state_machine_arn):
        self._name = name
        self._output = {"OutputKey": "StateMachineArn", "OutputValue": state_machine_arn}

    def client(self, service):
        assert service == "cloudformation"
        return self

    def describe_stacks(self, *, StackName):  # noqa: N803 - boto3's name
        assert StackName == self._name
        return {"Stacks": [{"StackStatus": "CREATE_COMPLETE", "Outputs": [self._output]}]}


@pytest.mark.parametrize("configured", ["fanOut", "queueFanIn"])
def test_a_workflow_without_executions_is_refused_with_what_to_do(monkeypatch, tmp_path, configured):
    # Given a configuration that names it first, or another one while the command names it
    (tmp_path / "config.json").write_text(json.dumps({"workflows": [configured]}))
    monkeypatch.setattr("utils.run.PROJECT_ROOT", tmp_path)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    arguments = ["--workflow", "queueFanIn"] if configured == "fanOut" else []
    with pytest.raises(CommandError) as caught:
        main(arguments)
    assert str(caught.value) == (
        "queueFanIn has no executions: drop a list with `python utils/load-s3.py --workflow queueFanIn "
        "--file FILE`, which names its job, and watch that with `python utils/job.py JOB`"
    )


@pytest.mark.parametrize("arguments", [[], ["--workflow", "fanOut"]])
def test_without_an_arn_the_workflows_stack_names_the_state_machine(aws, state_machine_arn, arguments):
    options = parse_arguments([*arguments, "--name", "first", "--input", '{"items": []}'])

    execution_arn = start(options, DeployedStack("FanOutStack", state_machine_arn), aws)

    described = aws.describe_execution(executionArn=execution_arn)
    assert (described["stateMachineArn"], described["name"]) == (state_machine_arn, "first")
    assert described["input"] == '{"items": []}'


def test_an_empty_execution_arn_starts_nothing(aws, state_machine_arn):
    # Given a shell variable that is not set
    with pytest.raises(CommandError, match="reading the history of : Parameter validation failed"):
        main(["--execution-arn", ""])

    assert aws.list_executions(stateMachineArn=state_machine_arn)["executions"] == []


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--state-machine-arn", ARN], f"{ARN}: there is no such state machine: check the ARN"),
        (["--state-machine-arn", "FanOut"], "FanOut: this is not the ARN of a state machine in this region"),
        (["--execution-arn", EXECUTION_ARN], f"there is no execution {EXECUTION_ARN}: check the ARN"),
        (
            ["--state-machine-arn", ARN, "--input", json.dumps("é" * 131_072, ensure_ascii=False)],
            "the input has 262,146 bytes; Step Functions takes at most 262,144",
        ),
    ],
)
def test_what_cannot_be_run_is_said_in_one_line(arguments, line):
    with pytest.raises(CommandError, match=re.escape(line)) as caught:
        main(arguments)

    assert "\n" not in str(caught.value)


def test_a_name_that_is_taken_is_named(state_machine_arn):
    run = ["--state-machine-arn", state_machine_arn, "--name", "first", "--input"]
    main([*run, '{"items": ["a"]}'])

    with pytest.raises(CommandError, match="the name first is already taken: give another --name"):
        main([*run, '{"items": ["b"]}'])


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "it is a folder; give the name of a file"),
        ("absent/run.svg", "there is no folder {folder}/absent; make it first"),
        ("file/run.svg", "there is no folder {folder}/file; make it first"),
    ],
)
def test_a_picture_that_cannot_be_written_is_said_before_anything_starts(
    aws, state_machine_arn, tmp_path, name, reason
):
    (tmp_path / "file").touch()
    picture = tmp_path / name

    with pytest.raises(CommandError) as caught:
        main(["--state-machine-arn", state_machine_arn, "--svg", str(picture)])

    assert str(caught.value) == f"{picture}: cannot be written: {reason.format(folder=tmp_path)}"
    assert aws.list_executions(stateMachineArn=state_machine_arn)["executions"] == []


def test_a_picture_that_cannot_be_written_after_all_is_one_line(state_machine_arn):
    with pytest.raises(CommandError, match=r"^/dev/full: cannot be written: No space left on device$"):
        main(["--state-machine-arn", state_machine_arn, "--input", '{"items": ["a"]}', "--svg", "/dev/full"])


class RefusingClient:
    """Refuses to start an execution, as AWS does with a name that is not allowed."""

    def start_execution(self, **_):
        raise ClientError(
            {"Error": {"Code": "InvalidName", "Message": "Invalid Name: ..."}}, "StartExecution"
        )


def test_a_name_that_is_not_allowed_is_answered_with_the_rule():
    with pytest.raises(CommandError) as caught:
        start_execution(RefusingClient(), ARN, "{}", "a b")

    assert str(caught.value) == (
        f"starting an execution of {ARN}: 'a b' is no name of an execution: allowed are "
        '1 to 80 characters, no blanks, none of < > { } [ ] ? * " # % \\ ^ | ~ ` $ & , ; : /'
    )


class GarbledClient:
    """Answers with what is not AWS's."""

    def __init__(self, answer):
        self._answer = answer

    def get_execution_history(self, **_):
        return self._answer

    start_execution = get_execution_history


def test_a_start_without_an_arn_is_one_line(monkeypatch):
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with pytest.raises(CommandError) as caught:
        start_execution(GarbledClient({}), ARN, "{}", "first")

    assert str(caught.value) == (
        f"starting an execution of {ARN}: what answers is not AWS (KeyError: 'executionArn'): "
        "check the proxy settings"
    )


@pytest.mark.parametrize(
    ("answer", "said"),
    [({}, "KeyError: 'events'"), ({"events": [{}]}, "KeyError: 'id'"), ({"events": None}, "TypeError: ")],
)
def test_a_history_that_is_none_is_one_line(monkeypatch, answer, said):
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    options = parse_arguments(["--execution-arn", EXECUTION_ARN])

    with pytest.raises(CommandError) as caught:
        show(options, GarbledClient(answer), EXECUTION_ARN, Console(highlight=False))

    line = str(caught.value)
    assert line.startswith(f"reading the history of {EXECUTION_ARN}: what answers is not AWS ({said}")
    assert line.endswith("): check the proxy settings")


class InterruptedClient:
    """Lets the user press Ctrl-C, or the service refuse, at the second read."""

    def __init__(self, end):
        self._reads = [{"events": HistoryBuilder().events}, end]

    def get_execution_history(self, **_):
        answer = self._reads.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer


GO_ON = f"""\
the execution goes on
  follow it: python utils/run.py --execution-arn {EXECUTION_ARN} --profile 'my profile' --region {REGION}
  stop it:   aws stepfunctions stop-execution --execution-arn {EXECUTION_ARN} \
--profile 'my profile' --region {REGION}"""


def test_ctrl_c_says_that_the_execution_goes_on_and_how_to_stop_it(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["utils/run.py"])
    options = parse_arguments(["--profile", "my profile", "--region", REGION])

    code = show(options, InterruptedClient(KeyboardInterrupt()), EXECUTION_ARN, Console(highlight=False))

    assert code == 130
    assert capsys.readouterr().out.endswith("Stopped watching: " + GO_ON + "\n")


def test_a_history_that_cannot_be_read_on_says_the_same(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["utils/run.py"])
    options = parse_arguments(["--profile", "my profile", "--region", REGION])
    expired = ClientError({"Error": {"Code": "ExpiredTokenException", "Message": "…"}}, "GetExecutionHistory")

    with pytest.raises(CommandError) as caught:
        show(options, InterruptedClient(expired), EXECUTION_ARN, Console(highlight=False))

    first, _, rest = str(caught.value).partition("\n")
    assert "the AWS credentials have expired" in first
    assert rest == GO_ON


def test_the_commands_carry_only_what_was_given(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["run.py"])

    assert commands_to_go_on(parse_arguments([]), "ARN").splitlines() == [
        "the execution goes on",
        "  follow it: python run.py --execution-arn ARN",
        "  stop it:   aws stepfunctions stop-execution --execution-arn ARN",
    ]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--input", "{items: 1}"], "argument --input: not JSON at line 1, column 2"),
        (["--input", "[" * 100_000], "argument --input: nested too deeply"),
        (["--input", '"\udcff"'], "argument --input: is not UTF-8 text"),
        (
            ["--input", '{"x": [1.5, -1e400]}'],
            "argument --input: holds -1e400, a number beyond 1.8E+308: make it a string",
        ),
        (["--input", "[NaN]"], "argument --input: holds NaN, which is not JSON: use null or a string"),
        (["--input", "file://no/such.json"], "argument --input: no/such.json: cannot be read: No such file"),
        (["--workflow", "fanout"], "argument --workflow: invalid choice: 'fanout'"),
        (["--workflow", "fanOut", "--execution-arn", "a"], "not allowed with argument --workflow"),
        (["--execution-arn", "a", "--input", "{}"], "--input and --name do not go with it"),
        (["--execution-arn", "a", "--name", "n"], "--input and --name do not go with it"),
        (["--svgg"], "unrecognized arguments"),
    ],
)
def test_a_usage_error_ends_with_2_and_says_what_is_wrong(arguments, line, capsys):
    with pytest.raises(SystemExit) as caught:
        parse_arguments(arguments)

    assert caught.value.code == 2
    assert line in capsys.readouterr().err.splitlines()[-1]


def test_the_input_may_hold_a_number_of_any_length():
    assert parse_arguments(["--input", "9" * 5000]).input == "9" * 5000


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_the_input_may_be_a_file_as_with_the_aws_cli(tmp_path, encoding):
    path = tmp_path / "input.json"
    path.write_text('{"items": ["é"]}', encoding=encoding)

    assert parse_arguments(["--input", f"file://{path}"]).input == '{"items": ["é"]}'


def test_a_file_that_is_no_json_is_named(tmp_path, capsys):
    path = tmp_path / "input.json"
    path.write_bytes(b"\xff\xfe")

    with pytest.raises(SystemExit):
        parse_arguments(["--input", f"file://{path}"])

    assert f"{path}: is not UTF-8 text, at byte 0" in capsys.readouterr().err


def test_a_number_of_a_file_that_nobody_could_read_is_named_with_the_file(tmp_path, capsys):
    path = tmp_path / "input.json"
    path.write_text('{"price":\n 1e400}')

    with pytest.raises(SystemExit):
        parse_arguments(["--input", f"file://{path}"])

    assert f"argument --input: {path}: holds 1e400, a number beyond 1.8E+308" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("workflow", "stack"), [("fanOut", "FanOutStack"), ("orderProcessing", "OrderProcessingStack")]
)
def test_a_workflow_names_its_stack(workflow, stack):
    assert stack_name(workflow) == stack


@pytest.mark.parametrize("folder", [".", "utils"])
def test_the_command_runs_from_the_root_and_from_its_folder(folder):
    command = [sys.executable, PROJECT_ROOT / "utils" / "run.py", "--help"]

    done = subprocess.run(command, cwd=PROJECT_ROOT / folder, capture_output=True, text=True, check=True)

    assert "--execution-arn ARN" in done.stdout
