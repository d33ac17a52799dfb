"""Starting, resetting and stopping the emulator's process."""

import http.client
import importlib.util
import os
import subprocess
import sys
import time
from collections.abc import Callable

from local import instances, ports, processes
from local.cdk_toolkit import bootstrap, cdk_command, is_bootstrapped
from local.errors import LocalAwsError
from local.instances import Instance

START_SECONDS = 60.0
POLL_SECONDS = 0.05
SHOWN_LINES = 10

INHERITED = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "AUTH", "LAMBDA_ACCOUNT_CONCURRENCY")
"""The variables that reach the emulator and its Lambda workers: nothing that knows the user's AWS account."""

Report = Callable[[str], None]


def start(port: int, report: Report) -> Instance:
    """Start an emulator, ready and bootstrapped for CDK; one that runs on the port is kept.

    Parameters
    ----------
    port
        TCP port on 127.0.0.1.
    report
        Gets one line for every step that takes time.

    Raises
    ------
    LocalAwsError
        It did not come up. Nothing of it is left but its log.
    """
    running = instances.find(port)
    if running is None:
        return _start_new(port, report)
    if not is_bootstrapped(running):
        report("Bootstrapping it for CDK …")
        bootstrap(running)
    return running


def choose_port() -> int:
    """Choose a port: the running emulator's, else 4566, else the next free one.

    Raises
    ------
    LocalAwsError
        None is free.
    """
    running = instances.find_all()
    if running:
        return running[0].port
    port = ports.first_free()
    if port is None:
        raise LocalAwsError(
            f"No port from {ports.DEFAULT_PORT} to {ports.LAST_PORT} is free: choose another with --port."
        )
    return port


def reset(instance: Instance, report: Report) -> None:
    """Empty an emulator: no stack, table, execution or Lambda worker remains; then bootstrap it again.

    Raises
    ------
    LocalAwsError
        The emulator does not answer, or bootstrapping failed.
    """
    report(f"Emptying the local AWS on port {instance.port} …")
    if _request(instance.port, "POST", "/_ministack/reset", timeout_seconds=60) != http.client.OK:
        log = instances.log_file(instance.port)
        raise LocalAwsError(f"The local AWS on port {instance.port} could not be emptied: see {log}")
    report("Bootstrapping it for CDK …")
    bootstrap(instance)


def stop(instance: Instance) -> None:
    """End an emulator and its Lambda workers.

    Raises
    ------
    LocalAwsError
        A process is left.
    """
    if not processes.end_group(instance.pid):
        raise LocalAwsError(f"The local AWS on port {instance.port} (pid {instance.pid}) cannot be ended.")
    instances.forget(instance.port)


def _start_new(port: int, report: Report) -> Instance:
    _require_tools()
    if not ports.is_free(port):
        owner = ports.describe_owner(port)
        raise LocalAwsError(f"Port {port} is in use by {owner}: choose another with --port, or --port auto.")
    instances.forget(port)
    report(f"Starting the local AWS on port {port} …")
    process = _spawn(port)
    try:
        instance = _wait_until_ready(port, process)
        report("Bootstrapping it for CDK …")
        bootstrap(instance)
    except BaseException:
        processes.end_group(process.pid)
        instances.forget(port)
        raise
    return instance


def _require_tools() -> None:
    if importlib.util.find_spec("ministack") is None:
        raise LocalAwsError(
            f"MiniStack is not installed for {sys.executable}: "
            "run `make setup`, then `source .venv/bin/activate`."
        )
    cdk_command()


def _spawn(port: int) -> subprocess.Popen[bytes]:
    folder = instances.run_folder(port)
    folder.mkdir(parents=True)
    environ = {name: os.environ[name] for name in INHERITED if name in os.environ}
    environ |= {
        "LOCAL_AWS_DIR": str(instances.records_folder()),
        "GATEWAY_PORT": str(port),
        "BIND_HOST": ports.HOST,
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "PYTHONUNBUFFERED": "1",
        # AWS's seconds before an event is given again to a function that failed at it: 60, then 120.
        "LAMBDA_ASYNC_RETRY_BASE_SECONDS": "60",
        "LAMBDA_ASYNC_RETRY_MAX_SECONDS": "120",
        # Two more ports that MiniStack would open, and the Docker containers that it would look after.
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "DOCKER_HOST": f"unix://{folder}/no-docker",
    }
    with instances.log_file(port).open("wb") as log:
        return subprocess.Popen(  # noqa: S603 - the command is this checkout's own
            [sys.executable, "-m", instances.MODULE],
            cwd=instances.ROOT,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _wait_until_ready(port: int, process: subprocess.Popen[bytes]) -> Instance:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            problem = f"ended while starting (exit code {process.returncode})"
            break
        instance = instances.find(port)
        if instance is not None and _request(port, "GET", "/_ministack/ready") == http.client.OK:
            return instance
        time.sleep(POLL_SECONDS)
    else:
        problem = f"was not ready after {START_SECONDS:.0f} s"
    log = instances.log_file(port)
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-SHOWN_LINES:]
    raise LocalAwsError(f"The local AWS {problem}. The end of {log}:", *lines)


def _request(port: int, method: str, path: str, timeout_seconds: float = 1.0) -> int | None:
    """Ask the emulator itself; None if it does not answer."""
    connection = http.client.HTTPConnection(ports.HOST, port, timeout=timeout_seconds)
    try:
        connection.request(method, path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
