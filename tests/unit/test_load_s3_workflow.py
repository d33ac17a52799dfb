"""The loader of lists in S3, for each workflow that reads one: which it takes, and what it says."""

import io
import json
import shlex

import boto3
import pytest
from moto import mock_aws

from stacks.config import Config
from utils.command import CommandError
from utils.list_check import check_list
from utils.list_text import ListText
from utils.list_workflow import S3_WORKFLOWS, ListWorkflow, choose_workflow
from utils.load_plan import items_text
from utils.upload_list import main

DYNAMODB = {"source": "dynamodb"}
BYTES_AROUND_TEXT = len('{"BatchInput":{"execution":""},"Items":[{"index":0,"item":""}]}') + 80
"""Of a child's input whose one item is a text, with the longest name of an execution."""


@pytest.fixture
def given(tmp_path):
    """Write a configuration and a list; return the loader's arguments for them."""

    def write(content: str = "1\n2\n", *, name: str = "list.jsonl", **config: object) -> list[str]:
        (tmp_path / "config.json").write_text(json.dumps(config))
        (tmp_path / name).write_text(content)
        return ["--config", str(tmp_path / "config.json"), "--file", str(tmp_path / name)]

    return write


def test_the_workflows_that_read_s3_can_be_chosen():
    assert set(S3_WORKFLOWS) == {"distributedMap", "throttledMap", "queueFanIn"}


@pytest.mark.parametrize(
    ("workflows", "throttled_map", "chosen"),
    [
        (["fanOut"], {}, "distributedMap"),
        (["distributedMap"], {}, "distributedMap"),
        (["throttledMap"], {}, "throttledMap"),
        (["throttledMap", "distributedMap"], {}, "throttledMap"),
        (["fanOut", "distributedMap", "throttledMap"], {}, "distributedMap"),
        (["throttledMap", "fanOut"], DYNAMODB, "distributedMap"),
        (["throttledMap", "queueFanIn", "distributedMap"], DYNAMODB, "queueFanIn"),
        (["throttledMap", "fanOut", "distributedMap"], DYNAMODB, "distributedMap"),
    ],
)
def test_the_first_configured_workflow_that_reads_s3_is_taken(workflows, throttled_map, chosen):
    config = Config.model_validate({"workflows": workflows, "throttledMap": throttled_map})
    workflow = choose_workflow(config, None)
    assert (workflow.name, workflow.settings) == (chosen, getattr(config, chosen))


@pytest.mark.parametrize(
    ("name", "stack"), [("distributedMap", "DistributedMapStack"), ("throttledMap", "ThrottledMapStack")]
)
def test_a_named_workflow_goes_before_the_configured_ones(given, capsys, name, stack):
    other = next(workflow for workflow in S3_WORKFLOWS if workflow != name)
    arguments = given(workflows=[other, name], **{name: {"key": "lists/its-own.jsonl"}})
    main([*arguments, "--workflow", name, "--dry-run"])
    said = capsys.readouterr()
    assert said.out.startswith(
        f"would write 2 items to s3://<ListsBucketName of {stack}>/lists/its-own.jsonl\n"
    )
    assert said.err == ""


@pytest.mark.parametrize(
    ("count", "max_concurrency", "lines"),
    [
        (1, 1000, ["children 1, each for one item", "at once  1 of the children (maxConcurrency 1,000)"]),
        (205, 40, ["children 205, each for one item", "at once  40 of the children (maxConcurrency 40)"]),
        (
            12_000,
            0,
            ["children 12,000, each for one item", "at once  10,000 of the children (maxConcurrency 0)"],
        ),
    ],
)
def test_each_item_of_a_throttled_map_has_a_child(given, capsys, count, max_concurrency, lines):
    arguments = given(
        "7\n" * count, workflows=["throttledMap"], throttledMap={"maxConcurrency": max_concurrency}
    )
    main([*arguments, "--dry-run"])
    assert capsys.readouterr().out.splitlines() == [
        f"would write {items_text(count)} to s3://<ListsBucketName of ThrottledMapStack>/lists/items.jsonl",
        f"  file     jsonl, {2 * count:,} bytes",
        "  largest  item [0], 1 byte",
        *(f"  {line}" for line in lines),
    ]


@pytest.mark.parametrize(
    ("name", "largest", "source"),
    [
        ("distributedMap", 204_800, "distributedMap.maxInputBytesPerBatch"),
        ("throttledMap", 258_048, "262,144 of Step Functions, less 4,096 for its message"),
    ],
)
def test_an_item_that_no_child_takes_is_refused_with_what_sets_the_limit(given, name, largest, source):
    # Given the largest item that is taken
    arguments = ["--workflow", name, "--dry-run"]
    longest = largest - BYTES_AROUND_TEXT
    main([*given(json.dumps("x" * longest)), *arguments])
    # When it is one byte longer
    with pytest.raises(CommandError) as caught:
        main([*given(json.dumps("x" * (longest + 1))), *arguments])
    # Then
    assert str(caught.value).endswith(
        f"list.jsonl:1: item [0] makes {largest + 1:,} bytes by itself, "
        f"and a child takes at most {largest:,} ({source})"
    )


def test_an_item_of_the_largest_size_fits_into_a_message_for_the_queue():
    # Given the largest item, and the longest of what the state machine sends with it
    workflow = ListWorkflow("throttledMap", Config().throttledMap)
    item = "x" * (workflow.batch_limits.input_bytes - BYTES_AROUND_TEXT)
    body = {"token": "t" * 2048, "execution": "e" * 80, "index": 99_999_999, "item": item, "encoding": "json"}
    sent = {
        "QueueUrl": "https://sqs.ap-southeast-1.amazonaws.com/111122223333/" + "q" * 80,
        "MessageBody": body,
    }
    report = check_list(
        ListText("list", io.BytesIO(json.dumps([item]).encode())), "json", workflow.batch_limits
    )
    # Then
    assert report.batches == 1
    assert len(json.dumps(sent)) <= 262_144


@pytest.mark.parametrize(
    ("name", "stack"), [("distributedMap", "DistributedMapStack"), ("throttledMap", "ThrottledMapStack")]
)
def test_messages_name_the_section_and_the_stack_of_the_workflow(given, capsys, name, stack):
    # Given a list of another format than the workflow's
    arguments = given("id\n", name="list.csv", workflows=["fanOut"])
    with pytest.raises(SystemExit) as caught:
        main([*arguments, "--workflow", name, "--dry-run"])
    assert caught.value.code == 2
    assert (
        f"list.csv is csv, and {name}.format of {arguments[1]} is jsonl: "
        f"set that to csv and deploy with `npx cdk deploy {stack}`, or convert" in capsys.readouterr().err
    )
    # And one of the workflow's format whose key has another suffix, of a workflow that is not deployed
    arguments = given("id\n1\n", name="list.csv", workflows=["fanOut"], **{name: {"format": "csv"}})
    main([*arguments, "--workflow", name, "--dry-run"])
    suffix, configured = capsys.readouterr().err.splitlines()
    assert suffix.endswith(f"its key lists/items.jsonl ends in .jsonl: give another --key, or set {name}.key")
    assert configured == f"warning: {arguments[1]}: workflows does not name {name}: add it, and deploy"


def test_a_throttled_map_that_reads_the_table_is_refused_with_the_other_loader(given, capsys):
    arguments = given(workflows=["fanOut", "throttledMap"], throttledMap=DYNAMODB)
    with pytest.raises(SystemExit) as caught:
        main([*arguments, "--workflow", "throttledMap", "--dry-run"])
    assert caught.value.code == 2
    *_, line = capsys.readouterr().err.splitlines()
    assert line == (
        f"load-s3.py: error: throttledMap.source of {arguments[1]} is dynamodb: load the list with "
        "`python utils/load-ddb.py --json FILE`, or set that to s3 and deploy with "
        "`npx cdk deploy ThrottledMapStack`"
    )


@pytest.fixture
def client(monkeypatch):
    """An account with the bucket that each workflow's stack names."""
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    buckets = {"DistributedMapStack": "distributed", "ThrottledMapStack": "throttled"}
    monkeypatch.setattr(
        "utils.upload_list.stack_output", lambda _, stack, key: {"ListsBucketName": buckets[stack]}[key]
    )
    with mock_aws():
        client = boto3.client("s3", "us-east-1")
        for bucket in buckets.values():
            client.create_bucket(Bucket=bucket)
        yield client


@pytest.mark.parametrize(
    ("name", "bucket"), [("distributedMap", "distributed"), ("throttledMap", "throttled")]
)
def test_the_list_goes_to_the_workflows_bucket_with_the_command_that_runs_it(
    client, given, capsys, name, bucket
):
    arguments = [*given(workflows=[name]), "--region", "us-east-1"]
    main([*arguments, "--key", "lists/other.jsonl"])
    first, *_, last = capsys.readouterr().out.splitlines()
    assert first == f"wrote 2 items to s3://{bucket}/lists/other.jsonl (4 bytes)"
    command = shlex.split(last.removeprefix("run it with: "))
    named = ["--workflow", name, "--input", '{"key": "lists/other.jsonl"}']
    assert command[1:] == ["utils/run.py", *named, "--region", "us-east-1"]
    assert client.get_object(Bucket=bucket, Key="lists/other.jsonl")["Body"].read() == b"1\n2\n"
