"""CDK's bootstrap stack on the local AWS, which ``cdk deploy`` needs, made by the stock ``cdk bootstrap``."""

import os
import subprocess
from pathlib import Path

from local.errors import LocalAwsError
from local.instances import ROOT, Instance, run_folder
from local.tool_environment import ACCOUNT, REGION, tool_environment

BOOTSTRAP_SECONDS = 180
SHOWN_LINES = 12


def cdk_command() -> Path:
    """Find the CDK command line that package.json pins.

    Raises
    ------
    LocalAwsError
        It is not installed.
    """
    command = ROOT / "node_modules" / ".bin" / "cdk"
    if not command.exists():
        raise LocalAwsError("The CDK command line is not installed: run `make setup` first.")
    return command


def is_bootstrapped(instance: Instance) -> bool:
    """Say whether the account that the tools use has its bootstrap stack."""
    # Imported here, because boto3 is slow to import and most commands do not ask.
    import boto3  # noqa: PLC0415
    from botocore.exceptions import ClientError  # noqa: PLC0415

    client = boto3.client(
        "cloudformation",
        endpoint_url=instance.endpoint,
        region_name=REGION,
        aws_access_key_id=ACCOUNT,
        aws_secret_access_key="local",  # noqa: S106 - the local AWS takes any
    )
    try:
        stacks = client.describe_stacks(StackName="CDKToolkit")["Stacks"]
    except ClientError:
        return False
    return stacks[0]["StackStatus"] in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}


def bootstrap(instance: Instance, account: str = ACCOUNT) -> None:
    """Bootstrap an account of the local AWS for CDK.

    Raises
    ------
    LocalAwsError
        ``cdk bootstrap`` failed: its last lines.
    """
    environ = tool_environment(instance.endpoint, account, os.environ)
    environ |= {
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        "CDK_DISABLE_VERSION_CHECK": "true",
        "NODE_NO_WARNINGS": "1",
    }
    command = [str(cdk_command()), "bootstrap", f"aws://{account}/{REGION}", "--no-notices"]
    try:
        # In a folder without cdk.json, or cdk would synthesize the app, which bootstrapping does not need.
        result = subprocess.run(  # noqa: S603 - the command is this checkout's own
            command,
            cwd=run_folder(instance.port),
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            timeout=BOOTSTRAP_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise LocalAwsError(f"`cdk bootstrap` did not finish within {BOOTSTRAP_SECONDS} s.") from None
    if result.returncode != 0:
        raise LocalAwsError("`cdk bootstrap` failed:", *result.stdout.splitlines()[-SHOWN_LINES:])
