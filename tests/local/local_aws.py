"""The local AWS as the tests use it: through the real command line, with records and ports of their own."""

import os
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import boto3
import pytest

from local import instances
from local.instances import Instance
from local.tool_environment import ACCOUNT, tool_environment

ROOT = Path(__file__).resolve().parents[2]
COMMAND_SECONDS = 120
QUICK_SYNTHESIS = {"CDK_VALIDATION": "false"}
"""Without CDK's own check of each template, which takes as long as all else that a deployment does."""


@dataclass(frozen=True)
class LocalAws:
    """The local AWS with its records in one folder, and a port for its first emulator."""

    records: Path
    port: int

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def environ(self, **variables: str) -> dict[str, str]:
        """The test's own environment, with this records' folder."""
        return {**os.environ, "LOCAL_AWS_DIR": str(self.records), **variables}

    def run(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run ``python -m local`` to its end."""
        return subprocess.run(
            [sys.executable, "-m", "local", *arguments],
            cwd=ROOT,
            env=self.environ(**variables),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )

    def start(self, **variables: str) -> None:
        result = self.run("start", "--port", str(self.port), **variables)
        assert result.returncode == 0, result.stderr

    def instance(self) -> Instance:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("LOCAL_AWS_DIR", str(self.records))
            found = instances.find(self.port)
        assert found is not None
        return found

    def environment(self, account: str = ACCOUNT) -> dict[str, str]:
        """What the stock tools need to work in an account of this emulator; .venv comes first in PATH."""
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        quiet = {"JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "20", "NODE_NO_WARNINGS": "1"}
        tools = tool_environment(self.endpoint, account, os.environ)
        return {**tools, "PATH": path, **quiet, **QUICK_SYNTHESIS}

    def bootstrap(self, account: str) -> None:
        """Give an account the bootstrap stack that `cdk bootstrap` gave the first one at the start."""
        first, other = client(self, "cloudformation"), client(self, "cloudformation", account)
        other.create_stack(
            StackName="CDKToolkit",
            TemplateBody=first.get_template(StackName="CDKToolkit")["TemplateBody"],
            Parameters=first.describe_stacks(StackName="CDKToolkit")["Stacks"][0]["Parameters"],
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )
        other.get_waiter("stack_create_complete").wait(StackName="CDKToolkit", WaiterConfig={"Delay": 0.1})


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def client(local_aws: LocalAws, service: str, account: str = ACCOUNT):
    """Make a boto3 client of the emulator."""
    return boto3.client(
        service,
        endpoint_url=local_aws.endpoint,
        region_name="us-east-1",
        aws_access_key_id=account,
        aws_secret_access_key="any",
    )
