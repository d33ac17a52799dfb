"""The command on jobs: what it prints, its exit code, what it says if there is nothing to watch."""

import re
import sys
from decimal import Decimal
from functools import partial

import pytest
from botocore.exceptions import ClientError
from job_builder import JOB, RESULTS, TABLE, ended, put, record, simulate_aws, summary

from utils import job as job_command
from utils import redrive
from utils.aws import stack_output
from utils.command import CommandError
from utils.job import main
from utils.jobs.watcher import JobWatcher

ARN = "arn:aws:states:eu-west-1:123456789012:execution:Batches:run-1"
HEAD = f"Job {JOB} of s3://the-lists/lists/orders.jsonl, started 2026-03-02 09:00:00 UTC"
ROWS = f"  the rows: python utils/results.py {JOB}"


@pytest.fixture
def aws():
    with simulate_aws() as aws:
        yield aws


@pytest.fixture(autouse=True)
def without_waiting(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["utils/job.py"])
    monkeypatch.setattr(job_command, "START_SECONDS", 0.0)


def printed(capsys):
    return [" ".join(line.split()) for line in capsys.readouterr().out.splitlines() if line]


def test_a_job_that_is_done_ends_with_0_and_the_command_for_its_rows(aws, capsys):
    put(aws.table, ended(of=summary(succeeded=9_998, failed=2, rows=3, TypeError=2)))
    assert main([JOB]) == 0
    assert printed(capsys) == [
        HEAD,
        "Items 10,000",
        "Succeeded 9,998",
        "Failed 2",
        "TypeError 2",
        "Attempts 10,004",
        "Time 20.0 s, 500 items/s",
        "From, to 2026-03-02 09:00:00 UTC to 2026-03-02 09:00:20 UTC",
        f"Rows s3://{RESULTS}/jobs/{JOB}/rows-00000.jsonl and 2 more",
        f"Summary s3://{RESULTS}/jobs/{JOB}/summary.json",
        "DONE in 20.0 s (9,998 of 10,000 items succeeded, 2 failed)",
        ROWS.strip(),
    ]


@pytest.mark.parametrize(
    ("stored", "line", "has_rows"),
    [
        (
            ended("INCOMPLETE", summary(succeeded=5, failed=1, missing=3, ValueError=1)),
            "INCOMPLETE after 20.0 s, its deadline (5 of 9 items succeeded, 1 failed, 3 missing)",
            True,
        ),
        (
            ended("FAILED", error={"name": "ListInvalid", "message": "line 3: item [2] is not JSON"}),
            "FAILED after 20.0 s: ListInvalid: line 3: item [2] is not JSON",
            False,
        ),
        (
            ended(
                "INCOMPLETE",
                summary(missing=3),
                sent=0,
                splitFailure={"name": "Refused", "message": "no"},
            ),
            (
                "INCOMPLETE after 20.0 s, its deadline (0 of 3 items succeeded, 3 missing): "
                "0 were sent, because Split failed, see its log: Refused: no"
            ),
            True,
        ),
        (
            ended(splitFailure={"name": "MessagesRefusedError", "message": "not taken, at first"}),
            "DONE in 20.0 s (2 of 2 items succeeded)",
            True,
        ),
        (ended(of=summary(rows=0)), "DONE in 20.0 s (0 of 0 items succeeded)", True),
        (ended(of=summary(succeeded=1)), "DONE in 20.0 s (1 of 1 item succeeded)", True),
    ],
    ids=[
        "its deadline passed",
        "its list is not valid",
        "Split failed",
        "Split failed at first",
        "an empty list",
        "one item",
    ],
)
def test_the_last_line_says_how_the_job_ended(aws, capsys, stored, line, has_rows):
    if stored["status"] == "FAILED":
        del stored["summary"], stored["total"]
    put(aws.table, stored)
    assert main([JOB]) == (0 if stored["status"] == "DONE" else 1)
    lines = capsys.readouterr().out.splitlines()
    assert lines[-2 if has_rows else -1] == line
    assert (lines[-1] == ROWS) is has_rows


def test_missing_items_are_counted_in_the_summary(aws, capsys):
    put(aws.table, ended("INCOMPLETE", summary(succeeded=5, missing=3)))
    main([JOB])
    assert "Missing 3" in printed(capsys)


def test_the_job_that_started_last_is_the_latest(aws, capsys):
    put(aws.table, ended(job="late-000000000001", startedAt="2026-03-02T09:00:00.001Z"))
    put(aws.table, ended(job="early-ffffffffffff"))
    aws.table.put_item(Item={"job": "late-000000000001/0-0", "places": {Decimal(0)}})
    assert main(["--latest"]) == 0
    assert "Job late-000000000001 of " in capsys.readouterr().out


def test_the_commands_that_are_shown_repeat_profile_and_region(aws, capsys):
    put(aws.table, ended())
    main([JOB, "--region", "eu-west-1"])
    assert capsys.readouterr().out.endswith(f"{ROWS} --region eu-west-1\n")


def error_of(*arguments):
    with pytest.raises(CommandError) as caught:
        main(list(arguments))
    return str(caught.value)


@pytest.mark.usefixtures("aws")
def test_without_any_job_the_latest_is_one_line():
    assert error_of("--latest") == (
        "there is no job yet: drop a list with `python utils/load-s3.py --workflow queueFanIn --file FILE`; "
        "its job starts within seconds"
    )


@pytest.mark.usefixtures("aws")
def test_a_job_that_has_not_started_is_one_line():
    assert error_of(JOB) == (
        f"job {JOB} has not started within 0 s: check its name, --profile and --region; "
        "if its list was dropped just now, run the command again"
    )


@pytest.mark.parametrize(
    ("argument", "line"),
    [
        (ARN, f"{ARN} is an ARN, and a job has none: an execution is watched with `python utils/run.py "),
        ("", "an empty text is not a job, which looks like orders-0123456789ab: "),
        ("lists/orders.jsonl", "lists/orders.jsonl is not a job, "),
        ("orders", "orders is not a job, "),
        (f"{JOB}/0-0", f"{JOB}/0-0 is not a job, "),
        (JOB.upper(), f"{JOB.upper()} is not a job, "),
        ("x" * 41 + "-0123456789ab", "x" * 41 + "-0123456789ab is not a job, "),
        ("x" * 3000 + "-0123456789ab", "x" * 199 + "… is not a job, "),
    ],
)
def test_what_is_no_job_is_one_line_before_aws_is_asked(argument, line):
    said = error_of(argument)
    assert said.startswith(line)
    assert "\n" not in said


@pytest.mark.parametrize("arguments", [[], [JOB, "--latest"]])
def test_a_job_or_the_latest_is_named_or_it_is_wrong_usage(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert capsys.readouterr().err.startswith("usage: job.py")


@pytest.mark.usefixtures("aws")
def test_a_stack_that_is_not_deployed_is_named(monkeypatch):
    # Given a CloudFormation without stacks, as moto's needs packages that are not there
    def find_no_stack(_, operation, parameters):
        assert (operation, parameters) == ("DescribeStacks", {"StackName": "QueueFanInStack"})
        message = "Stack with id QueueFanInStack does not exist"
        raise ClientError({"Error": {"Code": "ValidationError", "Message": message}}, operation)

    monkeypatch.setattr("utils.jobs.table.stack_output", stack_output)
    monkeypatch.setattr("botocore.client.BaseClient._make_api_call", find_no_stack)
    assert error_of(JOB) == (
        "stack QueueFanInStack does not exist in eu-west-1: "
        "deploy it first with `npx cdk deploy QueueFanInStack`"
    )


@pytest.mark.parametrize("arguments", [[JOB], ["--latest"]])
def test_a_table_that_is_gone_is_named(aws, arguments):
    aws.table.delete()
    assert error_of(*arguments).endswith(
        f": table {TABLE} does not exist: deploy it again with `npx cdk deploy QueueFanInStack`"
    )


@pytest.mark.parametrize(
    ("arguments", "doing"), [([JOB], f"reading job {JOB}"), (["--latest"], "reading the latest job")]
)
@pytest.mark.usefixtures("aws")
def test_no_permission_is_one_line(monkeypatch, arguments, doing):
    def refuse(*_, **__):
        raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "m"}}, "GetItem")

    monkeypatch.setattr("botocore.client.BaseClient._make_api_call", refuse)
    assert error_of(*arguments) == (
        f"{doing}: no permission: use a profile that may do this (AccessDeniedException: m)"
    )


@pytest.mark.usefixtures("aws")
def test_while_a_job_has_not_started_that_is_said(capsys):
    error_of(JOB)
    assert capsys.readouterr().out == f"Job {JOB} has not started yet\n"


def interrupt(*_):
    raise KeyboardInterrupt


def test_ctrl_c_stops_the_watching_only(aws, monkeypatch, capsys):
    put(aws.table, record(total=10, sent=10))
    monkeypatch.setattr(job_command.JobReading, "of", interrupt)
    assert main([JOB]) == 130
    assert capsys.readouterr().out.splitlines() == [
        HEAD,
        f"Stopped watching: job {JOB} goes on: python utils/job.py {JOB}",
    ]


def test_a_job_that_cannot_be_read_any_more_says_how_it_is_watched_again(aws, monkeypatch):
    # Given a running job whose table goes while it is watched
    put(aws.table, record(total=10, sent=10))
    monkeypatch.setattr(job_command.JobReading, "of", lambda *_: aws.table.delete())
    monkeypatch.setattr("utils.watch.progress.PlainView.show", lambda *_: None)
    # Then
    reason, go_on = error_of(JOB).splitlines()
    assert reason.startswith(f"reading job {JOB}: table the-jobs does not exist")
    assert go_on == f"job {JOB} goes on: python utils/job.py {JOB}"


def test_a_log_gets_a_line_at_each_tenth(aws, monkeypatch, capsys):
    # Given a job that has one more of its ten items done at each read
    put(aws.table, record(total=10, sent=10))
    reads = iter(range(11))

    def go_on(_):
        if (done := next(reads, None)) is None:
            put(aws.table, ended(of=summary(succeeded=10)))
        elif done:
            aws.table.put_item(Item={"job": f"{JOB}/0-0", "places": set(range(done))})

    monkeypatch.setattr(job_command, "JobWatcher", partial(JobWatcher, sleep=go_on))
    main([JOB])
    lines = capsys.readouterr().out.splitlines()
    done = [line.split()[0] for line in lines if re.match(r"\d+/10 done, ", line)]
    assert done == [f"{number}/10" for number in range(11)]
    # and at the end how they grew
    assert "Items done" in lines


def test_a_job_is_not_redriven_and_the_line_says_what_to_do_instead():
    with pytest.raises(CommandError) as caught:
        redrive.main([JOB, "--failed-items"])
    assert str(caught.value) == (
        f"{JOB} is a job, and only executions are redriven: write its rows with "
        f"`python utils/results.py {JOB} --out rows.jsonl`, and drop a list of the items to process again "
        "with `python utils/load-s3.py --workflow queueFanIn --file FILE`"
    )
