"""python -m local: what its commands print, and how they end."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from local_aws import ROOT, LocalAws, client, free_port

DESCRIBE_TOOLKIT = "aws cloudformation describe-stacks --stack-name CDKToolkit"


def run_shell(local_aws: LocalAws, script: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run lines as a user with the project's .venv would type them."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environ = local_aws.environ(PATH=path, **variables)
    return subprocess.run(
        ["bash", "-c", script], cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60, check=False
    )


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


def test_what_has_ended_is_started_and_read_without_its_port(own_local_aws: LocalAws):
    # Given
    own_local_aws.start()
    # When
    again = own_local_aws.run("start")
    own_local_aws.run("stop")
    log = own_local_aws.run("logs")
    # Then
    assert again.stdout.startswith(f"The local AWS already runs on {own_local_aws.endpoint} ")
    assert (log.returncode, "shutting down" in log.stdout) == (0, True)


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
