"""The loader as its user runs it: paths, exit codes, lines."""

import json
import signal
import socket
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from utils.load_list import main

ROOT = Path(__file__).parents[2]
LOADER = str(ROOT / "utils" / "load-ddb.py")
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "111122223333", "AWS_SECRET_ACCESS_KEY": "secret"}
REGION = {"AWS_DEFAULT_REGION": "eu-west-1"}


@pytest.fixture
def load(run_main):
    return partial(run_main, main)


@pytest.fixture
def list_file(tmp_path):
    def write(content: object) -> str:
        path = tmp_path / "list.json"
        path.write_text(json.dumps(content), encoding="utf-8")
        return str(path)

    return write


@pytest.mark.parametrize(
    ("folder", "arguments"),
    [
        ("utils", ["load-ddb.py", "--config", "../config.json", "--json", "simplelist.json"]),
        (".", ["utils/load-ddb.py", "--config", "config.json", "--json", "utils/simplelist.json"]),
        (".", ["utils/load-ddb.py", "--json", "utils/simplelist.json"]),
    ],
)
def test_it_runs_from_its_folder_and_from_the_root_without_credentials_or_table(
    run_process, folder, arguments
):
    done = run_process(*arguments, "--dry-run", cwd=ROOT / folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("would write 3 items to table StepFunctionsProjectDDBTable\n")
    assert '[2] {"S": "Mathematics"}' in done.stdout


@pytest.mark.parametrize("arguments", [[], ["--json"], ["--json", "x", "--no-such"], ["x"]])
def test_a_usage_error_exits_2(load, arguments):
    done = load(*arguments)
    assert done.returncode == 2
    assert done.stderr.startswith("usage: load-ddb.py")


@pytest.mark.usefixtures("no_pauses")
@pytest.mark.parametrize(
    ("arguments", "settings", "line"),
    [
        ([], REGION, "no AWS credentials: give --profile, run `aws configure`"),
        ([], CREDENTIALS, "no AWS region: give --region"),
        (["--profile", "nobody"], REGION, "there is no profile 'nobody'"),
        (
            ["--region", "eu-west-1"],
            {**CREDENTIALS, "AWS_ENDPOINT_URL": "http://127.0.0.1:1"},
            "check the network, the region and AWS_ENDPOINT_URL, which is http://127.0.0.1:1",
        ),
        (
            [],
            {**CREDENTIALS, **REGION, "AWS_ENDPOINT_URL": "here"},
            "the endpoint URL is no URL (Invalid endpoint: here): check AWS_ENDPOINT_URL, which is here",
        ),
    ],
)
def test_what_keeps_it_from_aws_is_one_line(load, list_file, arguments, settings, line):
    done = load("--json", list_file(["a"]), *arguments, **settings)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert line in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("dry_run", [[], ["--dry-run"]])
@pytest.mark.parametrize(
    ("content", "line"),
    [
        ({"a": 1}, "list.json: holds an object, not a list"),
        (["é" * 131_072], "bytes of typed JSON, and Step Functions passes at most 262,144"),
        ([{"n": 10**40 + 1}], 'list.json: item [0].n: "1'),
    ],
)
def test_what_must_not_be_written_is_refused_before_aws_is_asked(load, list_file, content, line, dry_run):
    done = load("--json", list_file(content), *dry_run)
    assert done.returncode == 1
    assert line in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


def test_a_key_with_control_characters_is_shown_with_escapes(load, list_file):
    done = load("--json", list_file([{"a\x1b[2J\nerror: b": 1e200}]), "--dry-run")
    assert done.returncode == 1
    assert "list.json: item [0].a\\x1b[2J\\nerror: b: " in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_configuration_that_cannot_be_used_is_named(load, list_file, tmp_path):
    config = tmp_path / "config.json"
    config.write_text('{"dbd": {}}')
    done = load("--config", str(config), "--json", list_file([]))
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: {config}: ")
    assert "dbd" in done.stderr


def test_a_list_that_cannot_succeed_is_warned_of_and_goes_on(load, list_file):
    done = load("--json", list_file([1] * 10_000), "--dry-run")
    assert done.returncode == 0
    history, time = done.stderr.splitlines()
    assert history.startswith("warning: 10,000 items make at least 90,015 history events")
    assert time.startswith("warning: 10,000 items with a wait of 2 s, 1 at once, take more than 20,000 s")
    assert "would write 10,000 items" in done.stdout


def test_an_empty_list_loads_with_a_note(load, list_file):
    done = load("--json", list_file([]), "--dry-run")
    assert done.returncode == 0
    assert done.stdout.startswith(
        "note: the list is empty: an execution succeeds with no results\nwould write 0 items"
    )


def test_a_terminal_without_unicode_still_shows_the_list(run_process, list_file):
    ascii_only = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = run_process(LOADER, "--json", list_file(["é😀"]), "--dry-run", **ascii_only)
    assert done.returncode == 0
    assert '[0] {"S": "\\xe9\\U0001f600"}' in done.stdout


def test_ctrl_c_ends_with_130_and_a_line(environment, list_file):
    # Given an endpoint that takes the request and never answers
    with socket.create_server(("127.0.0.1", 0)) as endpoint:
        endpoint.settimeout(30)
        url = f"http://127.0.0.1:{endpoint.getsockname()[1]}"
        loader = subprocess.Popen(
            [sys.executable, LOADER, "--json", list_file(["a"])],
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
