"""The local AWS and stock MiniStack, started as a user starts them: on free ports, with their own files."""

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from benchmarks.errors import BenchmarkError

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient
    from types_boto3_stepfunctions import SFNClient

ROOT = Path(__file__).resolve().parent.parent
LOCAL_AWS = "local AWS"
STOCK = "stock MiniStack"
HOST = "127.0.0.1"
REGION = "us-east-1"
START_SECONDS = 30.0
STOP_SECONDS = 10.0
POLL_SECONDS = 0.05
CHANGES_EMULATOR = {"AUTH", "LAMBDA_ACCOUNT_CONCURRENCY"}


@dataclass(frozen=True)
class Emulator:
    """A running emulator."""

    name: str
    port: int
    pid: int
    """Process id, and the process group that the Lambda workers share."""

    @cached_property
    def lambda_client(self) -> "LambdaClient":
        """Client of its Lambda."""
        return self.client("lambda")  # type: ignore[no-any-return]

    @cached_property
    def states_client(self) -> "SFNClient":
        """Client of its Step Functions."""
        return self.client("stepfunctions")  # type: ignore[no-any-return]

    @property
    def endpoint(self) -> str:
        """URL of all its services."""
        return f"http://{HOST}:{self.port}"

    def client(self, service: str) -> Any:
        """Make a client of one of its services, as boto3 names them."""
        session = boto3.Session(
            aws_access_key_id="000000000000", aws_secret_access_key="local", region_name=REGION
        )
        return session.client(service, endpoint_url=self.endpoint, config=_CLIENT)  # type: ignore[call-overload]


_CLIENT = Config(proxies={}, retries={"total_max_attempts": 1})


@contextmanager
def local_aws() -> Iterator[Emulator]:
    """Run the local AWS of this project."""
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        port = _free_port()
        environ = {**base_environment(), "LOCAL_AWS_DIR": folder}
        output = run_command([sys.executable, "-m", "local", "start", "--port", str(port)], environ)
        try:
            # The last line of `start` is meant for people, and has it.
            pid = int(re.findall(r"pid (\d+)", output)[-1])
            yield Emulator(LOCAL_AWS, port, pid)
        finally:
            run_command([sys.executable, "-m", "local", "stop", "--port", str(port)], environ)


@contextmanager
def stock_ministack() -> Iterator[Emulator]:
    """Run the MiniStack that is installed, as it comes."""
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        port = _free_port()
        environ = {
            **base_environment(),
            "GATEWAY_PORT": str(port),
            "BIND_HOST": HOST,
            "HOME": folder,
            "TMPDIR": folder,
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "DOCKER_HOST": f"unix://{folder}/no-docker",
        }
        log = Path(folder, "log")
        with log.open("wb") as stream:
            process = subprocess.Popen(
                [sys.executable, "-m", "ministack"],
                cwd=folder,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                start_new_session=True,
            )
        try:
            _wait_until_ready(port, process, log)
            yield Emulator(STOCK, port, process.pid)
        finally:
            _end_group(process)


@contextmanager
def both() -> Iterator[tuple[Emulator, Emulator]]:
    """Run the local AWS and stock MiniStack, in this order, beside each other."""
    with local_aws() as ours, stock_ministack() as stock:
        yield ours, stock


def base_environment() -> dict[str, str]:
    """Copy the environment without what would change an emulator or point a tool elsewhere."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("AWS_") and name not in CHANGES_EMULATOR
    }


def run_command(command: list[str], environ: dict[str, str], folder: Path = ROOT) -> str:
    """Run a command in a folder, the project's root if none is given, and return what it printed.

    Raises
    ------
    BenchmarkError
        It failed; the message ends with the last line that it wrote.
    """
    result = subprocess.run(
        command,
        cwd=folder,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if result.returncode:
        last = (result.stdout.strip() or "no output").splitlines()[-1]
        raise BenchmarkError(f"`{' '.join(command)}` failed (exit code {result.returncode}): {last}")
    return result.stdout


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
    return port


def _wait_until_ready(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        connection = http.client.HTTPConnection(HOST, port, timeout=1)
        try:
            connection.request("GET", "/_ministack/ready")
            if connection.getresponse().status == http.client.OK:
                return
        except OSError:
            pass  # not listening yet
        finally:
            connection.close()
        time.sleep(POLL_SECONDS)
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() or ["it wrote nothing"]
    raise BenchmarkError(f"{STOCK} did not start on port {port} within {START_SECONDS:.0f} s: {lines[-1]}")


def _end_group(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
        # Workers may outlive their emulator.
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
