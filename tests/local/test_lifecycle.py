"""python -m local: an emulator's way from start to stop, and what may come between."""

import io
import json
import os
import signal
import socket
import subprocess
import time
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from local_aws import LocalAws, client

from local import processes


def create_function(local_aws: LocalAws, source: str) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("handler.py", source)
    client(local_aws, "lambda").create_function(
        FunctionName="f",
        Runtime="python3.11",
        Handler="handler.handle",
        Role="arn:aws:iam::000000000000:role/any",
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


def test_start_bootstraps_an_emulator_that_is_not(own_local_aws: LocalAws):
    # Given one that is emptied behind the command's back
    own_local_aws.start()
    urllib.request.urlopen(f"{own_local_aws.endpoint}/_ministack/reset", data=b"").close()
    # When
    own_local_aws.start()
    # Then
    stacks = client(own_local_aws, "cloudformation").describe_stacks()["Stacks"]
    assert [stack["StackStatus"] for stack in stacks] == ["CREATE_COMPLETE"]


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


@pytest.mark.parametrize("pid", ["1", None, "another's"])
def test_a_damaged_record_of_a_running_emulator_signals_nobody(local_aws: LocalAws, pid):
    # Given
    running = local_aws.instance()
    file = local_aws.records / f"{local_aws.port}.json"
    sound = file.read_text()
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as other:
        file.write_text(json.dumps({**json.loads(sound), "pid": other.pid if pid == "another's" else pid}))
        # When
        result = local_aws.run("stop")
        file.write_text(sound)
        survived = other.poll() is None
        other.kill()
    # Then
    assert result.returncode == 1
    assert result.stderr == (
        f"{file} is damaged, while an emulator runs on port {running.port}: "
        "end the process `python -m local.emulator` by hand.\n"
    )
    assert survived
    assert running.pid in processes.list_group(running.pid)


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
