"""python -m local: start, stop, status, reset, env and logs, as a user runs them."""

import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import boto3
import pytest
from local_aws import ROOT, LocalAws, free_port

from local import processes

EMULATOR_ROLE = "arn:aws:iam::000000000000:role/any"
DESCRIBE_TOOLKIT = "aws cloudformation describe-stacks --stack-name CDKToolkit"


def client(local_aws: LocalAws, service: str, account: str = "000000000000"):
    return boto3.client(
        service,
        endpoint_url=local_aws.endpoint,
        region_name="us-east-1",
        aws_access_key_id=account,
        aws_secret_access_key="any",
    )


def run_shell(local_aws: LocalAws, script: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run lines as a user with the project's .venv would type them."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environ = local_aws.environ(PATH=path, **variables)
    return subprocess.run(
        ["bash", "-c", script], cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60, check=False
    )


def create_function(local_aws: LocalAws, source: str) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("handler.py", source)
    client(local_aws, "lambda").create_function(
        FunctionName="f",
        Runtime="python3.11",
        Handler="handler.handle",
        Role=EMULATOR_ROLE,
        Code={"ZipFile": archive.getvalue()},
    )


def invoke(local_aws: LocalAws):
    return json.load(client(local_aws, "lambda").invoke(FunctionName="f", Payload=b"{}")["Payload"])


def wait_until(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def left_behind(local_aws: LocalAws) -> set[str]:
    return {file.name for file in local_aws.records.iterdir()}


@contextmanager
def listening(port: int) -> Iterator[None]:
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("127.0.0.1", port))
        server.listen()
        yield


def test_stock_tools_find_a_bootstrapped_account_through_env(local_aws: LocalAws):
    # Given a shell that is set up for the user's own account
    own = {
        "AWS_PROFILE": "mine",
        "AWS_SESSION_TOKEN": "mine",
        "AWS_ENDPOINT_URL_CLOUDFORMATION": "http://127.0.0.1:9",
        "AWS_USE_FIPS_ENDPOINT": "true",
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
        "http_proxy": "http://127.0.0.1:9",
    }
    # When
    result = run_shell(local_aws, f'eval "$(python -m local env)" && {DESCRIBE_TOOLKIT}', **own)
    # Then
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE"


def test_second_start_says_that_it_runs(local_aws: LocalAws):
    for port in (str(local_aws.port), "auto"):
        result = local_aws.run("start", "--port", port)
        assert result.returncode == 0
        assert f"already runs on {local_aws.endpoint} (port {local_aws.port}, pid " in result.stdout


def test_start_bootstraps_an_emulator_that_is_not(own_local_aws: LocalAws):
    # Given one that is emptied behind the command's back
    own_local_aws.start()
    urllib.request.urlopen(f"{own_local_aws.endpoint}/_ministack/reset", data=b"").close()
    # When
    own_local_aws.start()
    # Then
    stacks = client(own_local_aws, "cloudformation").describe_stacks()["Stacks"]
    assert [stack["StackStatus"] for stack in stacks] == ["CREATE_COMPLETE"]


def test_status_tells_where_it_runs(local_aws: LocalAws):
    result = local_aws.run("status")
    pid = local_aws.instance().pid
    assert result.returncode == 0
    assert result.stdout.startswith(
        f"The local AWS runs on {local_aws.endpoint} (port {local_aws.port}, pid {pid}): up "
    )
    assert "memory 0 MB" not in result.stdout


def test_only_this_machine_reaches_it(local_aws: LocalAws):
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", local_aws.port)) == 0
    with socket.socket() as probe:
        probe.settimeout(5)
        assert probe.connect_ex(("127.0.0.2", local_aws.port)) != 0


def test_logs_prints_the_log(local_aws: LocalAws):
    result = local_aws.run("logs")
    assert result.returncode == 0
    assert f"on port {local_aws.port}" in result.stdout


def test_accounts_are_apart(local_aws: LocalAws, new_account: Callable[[], dict[str, str]]):
    first, second = new_account()["AWS_ACCESS_KEY_ID"], new_account()["AWS_ACCESS_KEY_ID"]

    client(local_aws, "sqs", first).create_queue(QueueName="q")

    assert len(client(local_aws, "sqs", first).list_queues()["QueueUrls"]) == 1
    assert not client(local_aws, "sqs", second).list_queues().get("QueueUrls")


@pytest.mark.parametrize(
    ("command", "exit_code", "stdout", "stderr"),
    [
        ("stop", 0, "The local AWS is not running.\n", ""),
        ("status", 1, "The local AWS is not running.\n", ""),
        ("reset", 1, "", "The local AWS is not running. Start it with: python -m local start\n"),
        ("logs", 1, "", "The local AWS is not running. Start it with: python -m local start\n"),
        ("env", 1, "false\n", "The local AWS is not running. Start it with: python -m local start\n"),
        ("stop --port 9", 0, "The local AWS is not running on port 9.\n", ""),
        ("status --port 9", 1, "The local AWS is not running on port 9.\n", ""),
    ],
)
def test_commands_when_nothing_runs(own_local_aws: LocalAws, command, exit_code, stdout, stderr):
    result = own_local_aws.run(*command.split())
    assert (result.returncode, result.stdout, result.stderr) == (exit_code, stdout, stderr)


def test_eval_of_env_fails_when_nothing_runs(own_local_aws: LocalAws):
    """Or what follows it would go to the user's own account."""
    result = run_shell(own_local_aws, 'eval "$(python -m local env)" && echo deploying')
    assert (result.returncode, result.stdout) == (1, "")


@pytest.mark.parametrize("port", ["0", "65536", "-1", "http", "4566.0", ""])
def test_what_is_no_port_is_a_usage_error(own_local_aws: LocalAws, port):
    result = own_local_aws.run("start", f"--port={port}")
    assert result.returncode == 2
    assert result.stderr.endswith(f"argument --port: {port!r} is not a port: 1 to 65535\n")


def test_busy_port_is_named(own_local_aws: LocalAws):
    with listening(own_local_aws.port):
        result = own_local_aws.run("start", "--port", str(own_local_aws.port))
    assert result.returncode == 1
    assert result.stderr.startswith(f"Port {own_local_aws.port} is in use by ")
    assert result.stderr.endswith(": choose another with --port, or --port auto.\n")
    assert own_local_aws.run("status").returncode == 1


def test_start_that_cannot_bootstrap_leaves_nothing_running(own_local_aws: LocalAws, tmp_path: Path):
    # Given no Node.js
    result = own_local_aws.run("start", "--port", str(own_local_aws.port), PATH=str(tmp_path))
    # Then
    assert result.returncode == 1
    assert result.stderr.startswith("`cdk bootstrap` failed:\n    ")
    assert "node" in result.stderr
    assert own_local_aws.run("status").returncode == 1
    with listening(own_local_aws.port):
        assert left_behind(own_local_aws) == {f"{own_local_aws.port}.log", "commands.lock"}


def test_start_of_an_emulator_that_fails_shows_the_end_of_its_log(own_local_aws: LocalAws):
    # Given a folder in the place of the record that the emulator writes
    (own_local_aws.records / f"{own_local_aws.port}.new").mkdir(parents=True)
    # When
    result = own_local_aws.run("start", "--port", str(own_local_aws.port))
    # Then
    log = own_local_aws.records / f"{own_local_aws.port}.log"
    assert result.returncode == 1
    assert result.stderr.startswith(
        f"The local AWS ended while starting (exit code 1). The end of {log}:\n    "
    )
    assert "IsADirectoryError" in result.stderr.splitlines()[-1]


def test_stop_ends_everything_and_nothing_of_the_user_reaches_a_function(own_local_aws: LocalAws):
    # Given a function that has run
    own_local_aws.start(
        AWS_SECRET_ACCESS_KEY="mine", AWS_PROFILE="mine", AWS_SESSION_TOKEN="mine", MINE="mine"
    )
    create_function(own_local_aws, "import os\ndef handle(event, context):\n    return dict(os.environ)\n")
    variables = invoke(own_local_aws)
    assert "mine" not in variables.values()
    assert variables["HOME"] == str(own_local_aws.records / str(own_local_aws.port))
    pid = own_local_aws.instance().pid
    assert len(processes.list_group(pid)) == 2
    # When
    result = own_local_aws.run("stop")
    # Then
    stopped = f"Stopped the local AWS on port {own_local_aws.port} (pid {pid}).\n"
    assert (result.returncode, result.stdout) == (0, stopped)
    assert processes.list_group(pid) == {}
    assert left_behind(own_local_aws) == {f"{own_local_aws.port}.log", "commands.lock"}


def test_logs_follow_until_it_ends(own_local_aws: LocalAws):
    # Given
    own_local_aws.start()
    command = [sys.executable, "-m", "local", "logs", "--follow"]
    with subprocess.Popen(command, cwd=ROOT, env=own_local_aws.environ(), stdout=subprocess.PIPE) as reader:
        try:
            first_line = reader.stdout.readline()
            # When
            own_local_aws.run("stop")
            # Then
            assert b"shutting down" in reader.communicate(timeout=20)[0]
            assert (bool(first_line), reader.returncode) == (True, 0)
        finally:
            reader.kill()


def test_stop_ends_a_function_that_is_busy(own_local_aws: LocalAws):
    own_local_aws.start()
    create_function(own_local_aws, "import time\ndef handle(event, context):\n    time.sleep(600)\n")
    client(own_local_aws, "lambda").invoke(FunctionName="f", InvocationType="Event", Payload=b"{}")
    pid = own_local_aws.instance().pid
    wait_until(lambda: len(processes.list_group(pid)) == 2)

    result = own_local_aws.run("stop")

    assert result.returncode == 0
    assert processes.list_group(pid) == {}


def test_reset_empties_it_and_keeps_it_ready_for_cdk(own_local_aws: LocalAws):
    # Given
    own_local_aws.start()
    client(own_local_aws, "sqs").create_queue(QueueName="q")
    create_function(own_local_aws, "def handle(event, context):\n    return 1\n")
    assert invoke(own_local_aws) == 1
    pid = own_local_aws.instance().pid
    # When
    result = own_local_aws.run("reset")
    # Then
    assert result.returncode == 0
    assert not client(own_local_aws, "sqs").list_queues().get("QueueUrls")
    assert list(processes.list_group(pid)) == [pid]
    stacks = client(own_local_aws, "cloudformation").describe_stacks()["Stacks"]
    assert [stack["StackName"] for stack in stacks] == ["CDKToolkit"]


def test_what_a_killed_emulator_left_is_removed(own_local_aws: LocalAws):
    own_local_aws.start()
    os.killpg(own_local_aws.instance().pid, signal.SIGKILL)

    result = own_local_aws.run("status")

    assert (result.returncode, result.stdout) == (1, "The local AWS is not running.\n")
    assert left_behind(own_local_aws) == {f"{own_local_aws.port}.log", "commands.lock"}
    own_local_aws.start()


@pytest.mark.parametrize("damaged", ["", "{", "[]", '{"port": 1}'])
def test_a_damaged_record_is_removed(own_local_aws: LocalAws, damaged):
    own_local_aws.records.mkdir()
    (own_local_aws.records / "4599.json").write_text(damaged)

    result = own_local_aws.run("status")

    assert (result.returncode, result.stdout) == (1, "The local AWS is not running.\n")
    assert left_behind(own_local_aws) == set()


def test_a_process_that_has_taken_over_the_recorded_id_is_left_alone(own_local_aws: LocalAws):
    # Given a record of an emulator that ended long ago, and its process id in other hands
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as other:
        own_local_aws.records.mkdir()
        record = {"port": own_local_aws.port, "pid": other.pid, "started": 0.0}
        (own_local_aws.records / f"{own_local_aws.port}.json").write_text(json.dumps(record))
        (own_local_aws.records / f"{own_local_aws.port}.lock").touch()
        # When
        result = own_local_aws.run("stop")
        survived = other.poll() is None
        other.kill()
    # Then
    assert (result.returncode, result.stdout) == (0, "The local AWS is not running.\n")
    assert survived


def test_records_that_are_deleted_while_it_runs(own_local_aws: LocalAws):
    # Given
    own_local_aws.start()
    pid = own_local_aws.instance().pid
    for file in own_local_aws.records.rglob("*"):
        if file.is_file():
            file.unlink()
    # When
    status = own_local_aws.run("status")
    start = own_local_aws.run("start", "--port", str(own_local_aws.port))
    # Then
    assert (status.returncode, status.stdout) == (1, "The local AWS is not running.\n")
    assert start.returncode == 1
    assert start.stderr.startswith(f"Port {own_local_aws.port} is in use by ")
    assert processes.end_group(pid)


def test_of_several_one_must_be_chosen(own_local_aws: LocalAws):
    # Given two
    other = LocalAws(own_local_aws.records, free_port())
    own_local_aws.start()
    other.start()
    client(other, "sqs").create_queue(QueueName="q")
    ports = sorted([own_local_aws.port, other.port])
    # When and then
    for command in ("stop", "reset", "env", "logs"):
        result = own_local_aws.run(command)
        assert result.returncode == 2
        assert result.stderr == f"Several run, on ports {ports[0]}, {ports[1]}: choose one with --port.\n"
    status = own_local_aws.run("status")
    assert [
        f"port {port}," in line for port, line in zip(ports, status.stdout.splitlines(), strict=True)
    ] == [
        True,
        True,
    ]
    assert f"export AWS_ENDPOINT_URL={other.endpoint}\n" in other.run("env", "--port", str(other.port)).stdout
    assert own_local_aws.run("stop", "--port", str(own_local_aws.port)).returncode == 0
    assert len(client(other, "sqs").list_queues()["QueueUrls"]) == 1
