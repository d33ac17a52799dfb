"""The command on executions with a Map Run: what it prints, its exit code, the commands it names."""

import json
import sys

import boto3
import pytest
from botocore.exceptions import ClientError
from history_builder import SUMMARY, HistoryBuilder, item_counts
from moto import mock_aws
from rich.console import Console

from utils.command import CommandError
from utils.run import main, parse_arguments, show

REGION = "eu-west-1"
ARN = f"arn:aws:states:{REGION}:111122223333:execution:Machine:run-1"
ROWS = f"  the rows:         python utils/results.py {ARN}"
FAILED_AGAIN = f"  the failed again: python utils/redrive.py {ARN} --failed-items"
GO_ON = f"  go on with it:    python utils/redrive.py {ARN}"
LEFT = f"  what is left:     python utils/redrive.py {ARN} --failed-items"

DEFINITION = {
    "StartAt": "Process Items",
    "States": {
        "Process Items": {
            "Type": "Map",
            "ItemsPath": "$.items",
            "MaxConcurrency": 1,
            "ItemProcessor": {
                "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                "StartAt": "Process Item",
                "States": {"Process Item": {"Type": "Pass", "End": True}},
            },
            "End": True,
        }
    },
}


class EndedExecution:
    """Answers with the whole of a history, and with one description of a Map Run."""

    def __init__(self, events, description):
        self._events = events
        self._description = description

    def get_execution_history(self, **_):
        return {"events": self._events[::-1]}

    def describe_map_run(self, **_):
        if isinstance(self._description, BaseException):
            raise self._description
        return self._description


def ended(run="Succeeded", outcome="Succeeded", summary=None, counts=None, error=None):
    """Build an ended execution of one Map Run."""
    builder = HistoryBuilder()
    builder.end_run(builder.map_run(), run)
    if summary:
        builder.summarise(summary)
    events = builder.finish(outcome, **({"error": error} if error else {}))
    counts = counts or {"total": 1_000, "succeeded": 1_000}
    return EndedExecution(events, {"status": run.upper(), "itemCounts": item_counts(**counts)})


@pytest.fixture(autouse=True)
def command_name(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["utils/run.py"])


def show_ended(client, *arguments):
    options = parse_arguments(["--execution-arn", ARN, *arguments])
    return show(options, client, ARN, Console(highlight=False))


CLEAN = SUMMARY | {"succeeded": 1_000, "failed": 0, "errors": {}}
PARTLY = {"total": 10, "succeeded": 4, "failed": 6}
THRESHOLD = "States.ExceedToleratedFailureThreshold"


@pytest.mark.parametrize(
    ("client", "code", "commands"),
    [
        (ended(summary=CLEAN), 0, [ROWS]),
        (ended(summary=SUMMARY), 0, [ROWS, FAILED_AGAIN]),
        (
            ended(outcome="Failed", summary=SUMMARY, error="ToleratedFailureExceeded"),
            1,
            [ROWS, FAILED_AGAIN],
        ),
        (ended("Failed", "Failed", counts=PARTLY, error=THRESHOLD), 1, [ROWS, GO_ON]),
        (ended("Aborted", "TimedOut", counts=PARTLY), 1, [ROWS, GO_ON]),
        (ended("Aborted", "Aborted", counts=PARTLY), 1, [ROWS, GO_ON]),
        (ended(outcome="Failed", counts=PARTLY, error="Lambda.Unknown"), 1, [ROWS, GO_ON]),
        (ended("Failed", "Failed", counts={"total": 0}, error="States.ItemReaderFailed"), 1, [GO_ON]),
        (ended("Failed", "Failed", counts=PARTLY, error="States.DataLimitExceeded"), 1, [ROWS, LEFT]),
        (ended(), 0, []),
    ],
    ids=[
        "all succeeded",
        "some failed, tolerated",
        "some failed, not tolerated",
        "batches failed",
        "timed out",
        "aborted",
        "the summary failed",
        "the list cannot be read",
        "an item is too large",
        "another definition",
    ],
)
def test_the_outcome_ends_with_what_can_be_done_next(client, code, commands, capsys):
    assert show_ended(client) == code

    lines = capsys.readouterr().out.splitlines()
    assert lines[len(lines) - len(commands) :] == commands
    last = lines[-1 - len(commands)]
    assert last.startswith(("SUCCEEDED in", "FAILED after", "TIMED_OUT after", "ABORTED after"))


def test_the_commands_carry_profile_and_region(capsys):
    show_ended(ended(summary=CLEAN), "--profile", "my profile", "--region", REGION)

    assert capsys.readouterr().out.splitlines()[-1] == f"{ROWS} --profile 'my profile' --region {REGION}"


def test_an_inline_map_names_no_further_command(capsys):
    builder = HistoryBuilder()
    builder.map(1)
    builder.whole_item(0, "a")

    show_ended(EndedExecution(builder.finish("Failed", error="ValueError"), None))

    assert capsys.readouterr().out.splitlines()[-1].startswith("FAILED after")


def test_a_picture_of_a_run_that_had_ended_has_its_summary(tmp_path):
    picture = tmp_path / "run.svg"

    show_ended(ended(summary=SUMMARY), "--svg", str(picture))

    assert "ItemTimedOut" in picture.read_text(encoding="utf-8")


def test_ctrl_c_after_the_end_does_not_say_that_the_execution_goes_on(capsys):
    client = EndedExecution(ended(outcome="Failed", error=THRESHOLD)._events, KeyboardInterrupt())

    assert show_ended(client) == 130

    assert capsys.readouterr().out.splitlines()[-2:] == [
        "Stopped watching: the execution has ended FAILED",
        f"  see it: python utils/run.py --execution-arn {ARN}",
    ]


def test_ctrl_c_while_the_map_run_goes_on_says_how_to_come_back(capsys):
    builder = HistoryBuilder()
    builder.map_run()

    assert show_ended(EndedExecution(builder.events, KeyboardInterrupt())) == 130

    lines = capsys.readouterr().out.splitlines()
    assert lines[-3] == "Stopped watching: the execution goes on"
    assert lines[-2] == f"  follow it: python utils/run.py --execution-arn {ARN}"


def test_a_map_run_that_may_not_be_described_is_said_with_what_became_of_the_execution():
    denied = ClientError({"Error": {"Code": "AccessDeniedException", "Message": "…"}}, "DescribeMapRun")

    with pytest.raises(CommandError) as caught:
        show_ended(EndedExecution(ended()._events, denied))

    first, ending, again = caught.value.lines
    assert first.startswith("reading Map Run arn:aws:states:")
    assert "no permission" in first
    assert ending == "the execution has ended SUCCEEDED"
    assert again == f"  see it: python utils/run.py --execution-arn {ARN}"


def test_a_distributed_map_of_another_definition_is_run_and_shown(monkeypatch, capsys):
    # Given a state machine with a Distributed Map, on a simulated AWS
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    with mock_aws(config={"stepfunctions": {"execute_state_machine": True}}):
        arn = boto3.client("stepfunctions").create_state_machine(
            name="Distributed",
            definition=json.dumps(DEFINITION),
            roleArn="arn:aws:iam::123456789012:role/r",
        )["stateMachineArn"]

        code = main(["--state-machine-arn", arn, "--input", '{"items": ["a", "b", "c"]}'])

    lines = capsys.readouterr().out.splitlines()
    assert code == 0
    assert any(line.split()[:4] == ["Process", "Items", "3", "3"] for line in lines)
    assert lines[-1].endswith('s (3 of 3 items processed): output ["a", "b", "c"]')
