"""The loader of lists in S3 as its user runs it: paths, exit codes, lines."""

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
from functools import partial
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from utils.upload_list import main

ROOT = Path(__file__).parents[2]
LOADER = str(ROOT / "utils" / "load-s3.py")
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "111122223333", "AWS_SECRET_ACCESS_KEY": "secret"}
REGION = {"AWS_DEFAULT_REGION": "eu-west-1"}


@pytest.fixture
def config(tmp_path):
    def write(**distributed_map: object) -> str:
        path = tmp_path / "config.json"
        path.write_text(json.dumps({"workflows": ["distributedMap"], "distributedMap": distributed_map}))
        return str(path)

    return write


@pytest.fixture
def load(run_main):
    return partial(run_main, main)


@pytest.fixture
def list_file(tmp_path):
    def write(content: str = '"a"\n"b"\n', name: str = "list.jsonl") -> str:
        path = tmp_path / name
        path.write_text(content, encoding="utf-8")
        return str(path)

    return write


@pytest.mark.parametrize(
    ("folder", "arguments"),
    [
        ("utils", ["load-s3.py", "--config", "../config.json", "--file", "simplelist.jsonl"]),
        (".", ["utils/load-s3.py", "--config", "config.json", "--file", "utils/simplelist.jsonl"]),
        (".", ["utils/load-s3.py", "--file", "utils/simplelist.jsonl"]),
    ],
)
def test_it_runs_from_its_folder_and_from_the_root_without_credentials_or_bucket(
    run_process, folder, arguments
):
    done = run_process(*arguments, "--dry-run", cwd=ROOT / folder)
    assert done.returncode == 0
    assert done.stdout.startswith(
        "would write 3 items to s3://<ListsBucketName of DistributedMapStack>/lists/items.jsonl\n"
    )


def test_a_dry_run_shows_what_an_execution_makes_of_the_list(load, config, list_file):
    settings = config(maxItemsPerBatch=3, maxConcurrency=2, maxInputBytesPerBatch=1024)
    path = list_file("".join(f'"{"é" * number}"\n' for number in range(10)))
    done = load("--config", settings, "--file", path, "--dry-run")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[1:] == [
        "  file     jsonl, 120 bytes",
        "  largest  item [9], 20 bytes",
        "  batches  4, each of at most 3 items and 1,024 bytes",
        "  at once  2 of the batches (maxConcurrency 2)",
    ]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ([], "the following arguments are required: --file"),
        (["--file"], "argument --file: expected one argument"),
        (["--file", "list.jsonl", "--no-such"], "unrecognized arguments: --no-such"),
        (["--file", "list.jsonl", "--format", "xml"], "invalid choice: 'xml'"),
        (["--file", "list.jsonl", "--workflow", "fanOut"], "invalid choice: 'fanOut' (choose from "),
        (["--file", "list.txt"], "list.txt: its suffix names no format: give --format json, jsonl or csv"),
        (["--file", "list.csv.gz"], "list.csv.gz: is compressed with gzip: unpack it first, with gunzip"),
        (["--file", "-"], "-: its suffix names no format: give --format json, jsonl or csv"),
        (["--file", "list.jsonl", "--key", ""], "--key is text of 1 to 1,024 bytes in UTF-8"),
        (["--file", "list.jsonl", "--key", "é" * 513], "--key is text of 1 to 1,024 bytes in UTF-8"),
        (["--file", "list.jsonl", "--key", b"\xff"], "--key is text of 1 to 1,024 bytes in UTF-8"),
    ],
)
def test_a_usage_error_exits_2(load, arguments, line):
    done = load(*arguments)
    assert done.returncode == 2
    assert done.stderr.startswith("usage: load-s3.py")
    assert line in done.stderr


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("list.csv", []),
        ("LIST.CSV", []),
        ("list.jsonl", ["--format", "csv"]),
        ("list.txt", ["--format", "csv"]),
    ],
)
def test_another_format_than_the_configured_one_exits_2_with_both_ways_out(
    load, config, list_file, name, given
):
    settings = config()
    path = list_file(name=name)
    done = load("--config", settings, "--file", path, *given, "--dry-run")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == (
        f"load-s3.py: error: {path} is csv, and distributedMap.format of {settings} is jsonl: set that "
        "to csv and deploy with `npx cdk deploy DistributedMapStack`, or convert the list to jsonl "
        "(--format says what a file is whatever its suffix)"
    )


@pytest.mark.parametrize(
    ("name", "list_format"),
    [("list.ndjson", "jsonl"), ("LIST.JSONL", "jsonl"), ("list.csv", "csv"), ("list.json", "json")],
)
def test_the_suffix_names_the_format(load, config, list_file, name, list_format):
    content = {"jsonl": "1\n2\n", "csv": "t\n1\n2\n", "json": "[1, 2]"}[list_format]
    settings = config(format=list_format, key=f"lists/{name}")
    done = load("--config", settings, "--file", list_file(content, name), "--dry-run")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("would write 2 items ")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", ": is empty: it needs one item at least"),
        ("1\n{", ":2: item [1] is not JSON: Expecting property name enclosed in double quotes"),
        ("NaN", ":1: item [0]: NaN is not JSON: use null or a string"),
        ("[" + "1," * 600 + "1]", ":1: item [0] makes 1,344 bytes by itself, and a child takes"),
    ],
)
def test_what_must_not_be_uploaded_is_refused_before_aws_is_asked(load, config, list_file, content, problem):
    settings, path = config(maxInputBytesPerBatch=1024), list_file(content)
    for dry_run in ([], ["--dry-run"]):
        done = load("--config", settings, "--file", path, *dry_run)
        assert done.returncode == 1
        assert done.stderr.startswith(f"error: {path}{problem}")
        assert (done.stderr.count("\n"), done.stdout) == (1, "")


def test_a_key_with_control_characters_is_shown_with_escapes(load, config, list_file):
    twice = r'"\u001b[2J\nerror: b": 1'
    done = load("--config", config(), "--file", list_file(f"{{{twice}, {twice}}}"))
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "\x1b" not in done.stderr


def test_a_file_that_is_not_there_or_no_file_is_named(load, config, tmp_path):
    os.mkfifo(tmp_path / "pipe.jsonl")
    (tmp_path / "folder.jsonl").mkdir()
    for name, problem in [
        ("none.jsonl", "cannot be read: No such file or directory"),
        ("folder.jsonl", "is not a file: give the path of one"),
        ("pipe.jsonl", "is not a file: give the path of one"),
        ("x" * 300 + ".jsonl", "cannot be read: File name too long"),
    ]:
        done = load("--config", config(), "--file", name)
        assert (done.returncode, done.stderr) == (1, f"error: {name}: {problem}\n")


def test_a_file_larger_than_step_functions_reads_is_refused_unread(load, config, tmp_path):
    with (tmp_path / "list.jsonl").open("wb") as file:
        file.truncate(10_000_000_001)
    done = load("--config", config(), "--file", "list.jsonl", "--dry-run")
    assert done.returncode == 1
    assert done.stderr == (
        "error: list.jsonl: has 10,000,000,001 bytes, and Step Functions reads at most 10,000,000,000: "
        "split the list\n"
    )


def test_a_configuration_that_cannot_be_used_is_named(load, config, list_file):
    settings = config(fromat="csv")
    done = load("--config", settings, "--file", list_file())
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: {settings}: ")
    assert "fromat" in done.stderr


def test_what_may_surprise_is_warned_of_and_goes_on(load, list_file, tmp_path):
    path = tmp_path / "config.json"
    path.write_text('{"distributedMap": {"format": "csv"}}')
    done = load("--config", str(path), "--file", list_file("\ufeffid,name\n", "list.csv"), "--dry-run")
    assert done.returncode == 0
    assert [line.partition("warning: ")[2] for line in done.stderr.splitlines()] == [
        f"{tmp_path}/list.csv: starts with a byte order mark, which is not uploaded",
        (
            f"{tmp_path}/list.csv is csv, and its key lists/items.jsonl ends in .jsonl: "
            "give another --key, or set distributedMap.key"
        ),
        f"{tmp_path}/list.csv: the list is empty: an execution succeeds with a summary of 0 items",
        f"{path}: workflows does not name distributedMap: add it, and deploy",
    ]
    assert done.stdout.splitlines()[1:] == ["  file     csv, 8 bytes"]


@pytest.mark.usefixtures("no_pauses")
@pytest.mark.parametrize(
    ("settings", "line"),
    [
        (REGION, "no AWS credentials: give --profile, run `aws configure`"),
        (CREDENTIALS, "no AWS region: give --region"),
        (
            {**CREDENTIALS, **REGION, "AWS_ENDPOINT_URL": "http://127.0.0.1:1"},
            "reading output ListsBucketName of stack DistributedMapStack: AWS does not answer",
        ),
    ],
)
def test_what_keeps_it_from_aws_is_one_line(load, config, list_file, settings, line):
    done = load("--config", config(), "--file", list_file(), **settings)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert line in done.stderr
    assert done.stderr.count("\n") == 1


def test_ctrl_c_ends_with_130_and_a_line(environment, config, list_file):
    # Given an endpoint that takes the request and never answers
    with socket.create_server(("127.0.0.1", 0)) as endpoint:
        endpoint.settimeout(30)
        url = f"http://127.0.0.1:{endpoint.getsockname()[1]}"
        loader = subprocess.Popen(
            [sys.executable, LOADER, "--config", config(), "--file", list_file()],
            env={**environment, **CREDENTIALS, **REGION, "AWS_ENDPOINT_URL": url},
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
        with endpoint.accept()[0] as connection:
            connection.recv(1)
            # When the user interrupts
            loader.send_signal(signal.SIGINT)
            _, stderr = loader.communicate(timeout=30)
    # Then
    assert (loader.returncode, stderr) == (130, "interrupted\n")


@pytest.fixture
def client(monkeypatch):
    """An account with the bucket that the workflow's stack names."""
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    outputs = {("us-east-1", "DistributedMapStack", "ListsBucketName"): "lists"}
    monkeypatch.setattr(
        "utils.upload_list.stack_output",
        lambda session, stack_name, key: outputs[session.region_name, stack_name, key],
    )
    with mock_aws():
        client = boto3.client("s3", "us-east-1")
        client.create_bucket(Bucket="lists")
        yield client


def test_a_list_is_uploaded_to_the_bucket_of_the_stack(client, config, list_file, capsys):
    arguments = ["--config", config(), "--file", list_file("\ufeff1\n2\n"), "--region", "us-east-1"]
    main(arguments)
    assert capsys.readouterr().out.splitlines() == [
        "wrote 2 items to s3://lists/lists/items.jsonl (4 bytes)",
        "  file     jsonl, 4 bytes",
        "  largest  item [0], 1 byte",
        "  batches  1, each of at most 100 items and 204,800 bytes",
        "  at once  1 of the batches (maxConcurrency 1,000)",
    ]
    assert client.get_object(Bucket="lists", Key="lists/items.jsonl")["Body"].read() == b"1\n2\n"
    # When it is loaded again
    main(arguments)
    # Then
    assert "already holds this list of 2 items: nothing written" in capsys.readouterr().out


def test_another_key_comes_with_the_command_that_runs_it(client, config, list_file, capsys):
    key = "it's/é.jsonl"
    main(["--config", config(), "--file", list_file(), "--region", "us-east-1", "--key", key])
    *_, last = capsys.readouterr().out.splitlines()
    command = shlex.split(last.removeprefix("run it with: "))
    assert command[:5] == ["python", "utils/run.py", "--workflow", "distributedMap", "--input"]
    assert json.loads(command[5]) == {"key": key}
    assert client.head_object(Bucket="lists", Key=key)["ContentLength"] == 8
