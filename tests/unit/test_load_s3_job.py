"""The loader of lists that are dropped for `queueFanIn`: their keys, their jobs, what is refused."""

import importlib
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import boto3
import pytest
from moto import mock_aws

from stacks.config import Config
from utils.command import CommandError
from utils.jobs.job import LONGEST_JOB_CHARACTERS, job_id
from utils.jobs.list_workflow import JobListWorkflow
from utils.list_bucket import PART_BYTES
from utils.upload_list import main

FAN_IN = Path(__file__).parents[2] / "lambdas" / "queue_fan_in" / "fan_in"
WORKFLOW = ["--workflow", "queueFanIn"]


@pytest.fixture
def given(tmp_path):
    """Write a configuration and a list; return the loader's arguments for them."""

    def write(content: str = "1\n2\n", *, name: str = "orders.jsonl", **settings: object) -> list[str]:
        config = {"workflows": ["queueFanIn"], "queueFanIn": settings}
        (tmp_path / "config.json").write_text(json.dumps(config))
        (tmp_path / name).write_text(content)
        return ["--config", str(tmp_path / "config.json"), "--file", str(tmp_path / name)]

    return write


@pytest.fixture
def s3(monkeypatch):
    """An account with the lists bucket, which keeps versions."""
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    outputs = {("QueueFanInStack", "ListsBucketName"): "the-lists"}
    monkeypatch.setattr("utils.upload_list.stack_output", lambda _, stack, key: outputs[stack, key])
    with mock_aws():
        client = boto3.client("s3", "us-east-1")
        client.create_bucket(Bucket="the-lists")
        client.put_bucket_versioning(Bucket="the-lists", VersioningConfiguration={"Status": "Enabled"})
        yield client


def versions(s3, key):
    return [each["VersionId"] for each in s3.list_object_versions(Bucket="the-lists", Prefix=key)["Versions"]]


def test_a_list_is_dropped_under_its_name_with_its_job_and_the_command_that_watches_it(s3, given, capsys):
    main([*given(), "--region", "us-east-1"])
    said = capsys.readouterr()
    (version,) = versions(s3, "lists/orders.jsonl")
    job = job_id("lists/orders.jsonl", version)
    assert said.out.splitlines() == [
        "wrote 2 items to s3://the-lists/lists/orders.jsonl (4 bytes)",
        "  file     jsonl, 4 bytes",
        "  largest  item [0], 1 byte",
        "  messages at least 1, each of at most 10 items and 65,536 bytes, or one larger item",
        f"job {job}",
        f"watch it: python utils/job.py {job} --region us-east-1",
    ]
    assert said.err == ""


@pytest.mark.parametrize("content", ["1\n", '"' + "x" * 99 + '"\n'], ids=["one request", "parts"])
def test_the_same_list_dropped_again_is_a_new_job(s3, given, capsys, content):
    arguments = given(content * (2 * PART_BYTES // len(content) if len(content) > 9 else 2))
    jobs = []
    for _ in range(2):
        main(arguments)
        first, *_, job, _ = capsys.readouterr().out.splitlines()
        assert first.startswith("wrote ")
        assert "replacing" not in first
        jobs.append(job.removeprefix("job "))
    assert len(set(jobs)) == 2
    key = "lists/orders.jsonl"
    assert {job_id(key, version) for version in versions(s3, key)} == set(jobs)


@pytest.mark.parametrize(
    ("name", "options", "key"),
    [
        ("orders.json", [], "lists/orders.json"),
        ("Orders.CSV", [], "lists/Orders.csv"),
        ("orders.ndjson", [], "lists/orders.jsonl"),
        ("orders.of.may.jsonl", [], "lists/orders.of.may.jsonl"),
        ("orders.txt", ["--format", "csv"], "lists/orders.csv"),
        ("orders.json", ["--format", "jsonl"], "lists/orders.jsonl"),
        ("orders.csv", ["--key", "lists/2026/may.csv"], "lists/2026/may.csv"),
    ],
)
def test_the_suffix_of_the_key_is_the_format(given, capsys, name, options, key):
    content = {"jsonl": "1\n", "csv": "t\n1\n", "json": "[1]"}[key.rpartition(".")[2]]
    main([*given(content, name=name), *options, "--dry-run"])
    said = capsys.readouterr()
    assert said.out.startswith(f"would write 1 item to s3://<ListsBucketName of QueueFanInStack>/{key}\n")
    assert "job" not in said.out
    assert said.err == ""


@pytest.mark.parametrize("key", ["orders.jsonl", "lists/orders", "lists/orders.csv", "lists/orders.JSONL"])
def test_a_key_that_begins_no_job_over_the_list_exits_2(given, capsys, key):
    with pytest.raises(SystemExit) as caught:
        main([*given(), "--key", key])
    assert caught.value.code == 2
    assert capsys.readouterr().err.splitlines()[-1] == (
        f"load-s3.py: error: --key {key}: for queueFanIn the key of this list must begin with lists/ "
        "and end in .jsonl"
    )


def test_a_file_whose_name_is_no_key_exits_2(given, capsys):
    with pytest.raises(SystemExit) as caught:
        main([*given()[:2], "--file", "\udcff.jsonl"])
    assert caught.value.code == 2
    assert (
        "the file's name is not UTF-8 text, and makes no key of an object: give --key"
        in capsys.readouterr().err
    )


@pytest.mark.parametrize("name", ["empty.jsonl", "empty.json", "empty.csv"])
def test_an_empty_list_is_warned_of_and_dropped(s3, given, capsys, name):
    arguments = given({"jsonl": "", "json": "[]", "csv": "id\n"}[name.partition(".")[2]], name=name)
    main(arguments)
    said = capsys.readouterr()
    assert said.err == f"warning: {arguments[-1]}: the list is empty: its job ends at once, without rows\n"
    assert len(versions(s3, f"lists/{name}")) == 1
    assert said.out.splitlines()[2].startswith("job empty-")


def test_a_bucket_without_versions_is_refused(s3, given):
    s3.create_bucket(Bucket="others")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("utils.upload_list.stack_output", lambda *_: "others")
        with pytest.raises(CommandError) as caught:
            main(given())
    assert str(caught.value) == (
        "bucket others keeps no versions, which name what is made of a list: "
        "deploy it again with `npx cdk deploy QueueFanInStack`"
    )


@pytest.fixture
def messages(monkeypatch):
    """The module of the functions that packs messages."""
    monkeypatch.syspath_prepend(FAN_IN)
    monkeypatch.delitem(sys.modules, "messages", raising=False)
    return importlib.import_module("messages")


JOB = SimpleNamespace(name="x" * LONGEST_JOB_CHARACTERS, results_expire_at=1_772_445_600)


@pytest.mark.parametrize("character", ["x", "é", "€", "\ufdd0", "\U0001ffff", "\ufffe", "\uffff"])
def test_the_largest_item_is_that_of_the_functions_to_the_byte(given, messages, character):
    limits = JobListWorkflow(Config().queueFanIn).batch_limits
    around = messages.message_bytes(JOB, 0, '""')
    sent_bytes = messages.message_bytes(JOB, 0, f'"{character}"') - around
    longest = (limits.largest_bytes - around) // sent_bytes
    main([*given(json.dumps(character * longest, ensure_ascii=False)), "--dry-run"])
    # When it is a character longer
    item = json.dumps(character * (longest + 1), ensure_ascii=False)
    size = messages.message_bytes(JOB, 0, item)
    assert size > messages.MESSAGE_BYTES_LIMIT
    with pytest.raises(CommandError) as caught:
        main([*given(item), "--dry-run"])
    assert str(caught.value).endswith(
        f"orders.jsonl:1: item [0] makes {size:,} bytes by itself, and a message takes at most 262,144 "
        "(the queue's maximum message size)"
    )


def test_messages_are_counted_as_the_functions_pack_them(given, messages, capsys):
    # Given items of which few share a message, many do, and one has one for itself
    items = ["x" * 20_000] * 7 + ["x"] * 25 + ["y" * 100_000] + ["z"] + ["\uffff" * 6_000] * 4
    texts = [json.dumps(item, ensure_ascii=False) for item in items]
    main([*given("\n".join(texts), maxItemsPerMessage=10), "--dry-run"])
    count = len(list(messages.pack_messages(JOB, 0, texts, 10)))
    assert f"  messages at least {count:,}, each of at most 10 items" in capsys.readouterr().out
