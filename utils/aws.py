"""What every command in this folder shares: the AWS session, plain error lines, exit codes.

A command's ``main`` raises `CommandError` with the one line that its user
reads; `run_command` prints it and ends the process.
"""

import argparse
import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

import boto3
import botocore.session
from botocore import exceptions as botocore_errors
from botocore.config import Config
from botocore.parsers import ResponseParserError

CLIENT_CONFIG = Config(
    connect_timeout=3,
    read_timeout=20,
    retries={"mode": "standard", "total_max_attempts": 4},
)
"""For every client: throttled calls are repeated, an unreachable endpoint is given up within 20 seconds."""

SIGN_IN = "sign in again, for example with `aws sso login`, or set fresh credentials"

_CODES_BY_REASON = {
    f"the AWS credentials have expired: {SIGN_IN}": "ExpiredToken ExpiredTokenException RequestExpired",
    "AWS does not accept these credentials: check --profile, the access key and this machine's clock": (
        "AuthFailure IncompleteSignature IncompleteSignatureException InvalidAccessKeyId "
        "InvalidClientTokenId InvalidSignatureException MissingAuthenticationToken "
        "MissingAuthenticationTokenException SignatureDoesNotMatch UnrecognizedClientException"
    ),
    "no permission: use a profile that may do this": (
        "AccessDenied AccessDeniedException NotAuthorized UnauthorizedOperation"
    ),
    "AWS throttles these calls: wait a minute and run the command again": (
        "ProvisionedThroughputExceededException RequestLimitExceeded SlowDown Throttling ThrottlingException "
        "TooManyRequestsException"
    ),
    "the AWS service failed: run the command again": (
        "InternalError InternalFailure InternalServerError ServiceUnavailable"
    ),
}

REASON_BY_CODE = {code: reason for reason, codes in _CODES_BY_REASON.items() for code in codes.split()}
"""What a user does about an AWS error code."""


class CommandError(Exception):
    """A command cannot go on; the message says what is wrong and what to do, each line on its own."""


def add_session_arguments(parser: argparse.ArgumentParser) -> None:
    """Add ``--profile`` and ``--region``, both optional."""
    parser.add_argument("--profile", help="profile of the AWS credentials; default: as the AWS CLI chooses")
    parser.add_argument("--region", help="AWS region; default: as the AWS CLI chooses")


def open_session(profile: str | None, region: str | None) -> boto3.Session:
    """Open a session whose clients retry, and fail within seconds when the endpoint does not answer.

    Parameters
    ----------
    profile, region
        What the user gave; None leaves the choice to boto3 (environment,
        then configuration files).

    Raises
    ------
    CommandError
        The profile is unknown, a configuration file is broken, or there is
        no region.
    """
    with aws_errors("opening the AWS session"):
        core = botocore.session.Session(profile=profile)
        core.set_default_client_config(CLIENT_CONFIG)
        # boto3 alone would not read AWS_REGION, which the CDK and the newer AWS CLI do.
        region_name = region or os.environ.get("AWS_REGION")
        session = boto3.Session(botocore_session=core, region_name=region_name)
        if session.region_name is None:
            raise botocore_errors.NoRegionError
    return session


@contextmanager
def aws_errors(doing: str) -> Iterator[None]:
    """Turn what boto3 raises inside the block into a `CommandError`.

    Parameters
    ----------
    doing
        What is attempted, as the start of the line: ``"reading table Lists"``.

    Raises
    ------
    CommandError
        One line: what was attempted, what is wrong, what to do.
    """
    try:
        yield
    except (botocore_errors.BotoCoreError, botocore_errors.ClientError) as error:
        raise CommandError(f"{doing}: {_one_line(_reason(error))}") from error
    except ResponseParserError as error:
        raise CommandError(f"{doing}: what answers is not AWS: check {_endpoint_hint()}") from error
    except ValueError as error:
        # botocore reports an AWS_ENDPOINT_URL that is no URL as a bare ValueError.
        if not str(error).startswith("Invalid endpoint"):
            raise
        raise CommandError(f"{doing}: {error}; check AWS_ENDPOINT_URL") from error


def _reason(error: botocore_errors.BotoCoreError | botocore_errors.ClientError) -> str:
    """Say what is wrong and what to do about it."""
    if isinstance(error, botocore_errors.ClientError):
        return _answer_reason(error)
    return _botocore_reason(error)


def _botocore_reason(error: botocore_errors.BotoCoreError) -> str:
    """Explain a call that got no answer from AWS."""
    reason = str(error)
    match error:
        case botocore_errors.NoCredentialsError() | botocore_errors.PartialCredentialsError():
            reason = (
                "no AWS credentials: give --profile, run `aws configure`, or set AWS_ACCESS_KEY_ID and "
                'AWS_SECRET_ACCESS_KEY; for the local AWS, eval "$(python -m local env)"'
            )
        case botocore_errors.ProfileNotFound():
            profile = error.kwargs["profile"]
            reason = f"there is no profile {profile!r}: `aws configure list-profiles` shows those there are"
        case botocore_errors.NoRegionError():
            reason = "no AWS region: give --region, set AWS_DEFAULT_REGION, or add one to the profile"
        case (
            botocore_errors.SSOError()
            | botocore_errors.LoginError()
            | botocore_errors.TokenRetrievalError()
            | botocore_errors.CredentialRetrievalError()
            | botocore_errors.RefreshWithMFAUnsupportedError()
        ):
            reason = f"the AWS credentials cannot be loaded ({error}): {SIGN_IN}"
        case botocore_errors.ConnectionError() | botocore_errors.HTTPClientError():
            reason = f"AWS does not answer ({error}): check the network, the region and {_endpoint_hint()}"
    return reason


def _answer_reason(error: botocore_errors.ClientError) -> str:
    """Explain an error that AWS answered with."""
    code = error.response["Error"].get("Code", "Unknown")
    said = error.response["Error"].get("Message", "")
    if code.isdigit():
        return f"what answers is not AWS (HTTP status {code}): check {_endpoint_hint()}"
    reason = REASON_BY_CODE.get(code)
    answer = f"{code}: {said}" if said else code
    return f"{reason} ({answer})" if reason else answer


def _endpoint_hint() -> str:
    endpoint = os.environ.get("AWS_ENDPOINT_URL")
    if endpoint is None:
        return "the proxy settings"
    return f"AWS_ENDPOINT_URL, which is {endpoint} (the local AWS: `python -m local status`)"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def stack_output(session: boto3.Session, stack_name: str, key: str) -> str:
    """Look up an output of a deployed stack.

    Raises
    ------
    CommandError
        The stack is not deployed, has no such output, or AWS refuses.
    """
    doing = f"reading output {key} of stack {stack_name}"
    with aws_errors(doing):
        try:
            stack = session.client("cloudformation").describe_stacks(StackName=stack_name)["Stacks"][0]
        except botocore_errors.ClientError as error:
            if "does not exist" not in str(error):
                raise
            raise CommandError(
                f"stack {stack_name} does not exist in {session.region_name}: "
                f"deploy it first with `npx cdk deploy {stack_name}`"
            ) from error
    for output in stack.get("Outputs", []):
        if output["OutputKey"] == key:
            return output["OutputValue"]
    raise CommandError(
        f"stack {stack_name} ({stack['StackStatus']}) has no output {key}: "
        f"deploy it again with `npx cdk deploy {stack_name}`"
    )


def run_command(main: Callable[[], int | None]) -> NoReturn:
    """Run a command's ``main`` and end the process with its exit code.

    A `CommandError` is printed to stderr as ``error: …`` and ends with 1,
    Ctrl-C with 130; what ``main`` returns is the code otherwise, None being 0.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A terminal that cannot show a character of a list is no reason to fail.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        code = main() or 0
        sys.stdout.flush()
    except CommandError as error:
        for line in str(error).splitlines():
            print(f"error: {line}", file=sys.stderr)
        code = 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        code = 130
    except BrokenPipeError:
        # The reader of a pipe went away (`| head`); without this the interpreter complains at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    sys.exit(code)
