"""What every command in this folder shares of AWS: the session, error lines, a stack's outputs."""

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager

import boto3
import botocore.session
from botocore import exceptions as botocore_errors
from botocore.config import Config
from botocore.parsers import ResponseParserError

from utils.command import CommandError

CLIENT_CONFIG = Config(
    connect_timeout=3,
    read_timeout=20,
    retries={"mode": "standard", "total_max_attempts": 4},
)
"""For every client: throttled calls are repeated, an unreachable endpoint is given up within 20 seconds."""

LOCAL_AWS = 'for the local AWS, `eval "$(python -m local env)"`'

UNUSABLE_URLS = ("Invalid endpoint", "Invalid IPv6 URL", "Port ")
"""How the ValueError begins that botocore and urllib raise for an endpoint URL."""

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


def add_session_arguments(parser: argparse.ArgumentParser) -> None:
    """Add ``--profile`` and ``--region``, both optional."""
    parser.add_argument("--profile", help="profile of the AWS credentials; default: as the AWS CLI chooses")
    parser.add_argument("--region", help="AWS region; default: as the AWS CLI chooses")


def session_arguments(options: argparse.Namespace) -> list[str]:
    """Repeat the options of the session, for the command lines that are shown."""
    profile = ["--profile", options.profile] if options.profile else []
    return profile + (["--region", options.region] if options.region else [])


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
    except (ResponseParserError, AttributeError, LookupError, TypeError, ValueError) as error:
        # An answer of another shape than AWS's fails in botocore's parser, or where the block reads it.
        said = _one_line(f"{type(error).__name__}: {error}")
        what = f"what answers is not AWS ({said})"
        if isinstance(error, ValueError) and str(error).startswith(UNUSABLE_URLS):
            what = f"the endpoint URL is no URL ({_one_line(str(error))})"
        raise CommandError(f"{doing}: {what}: check {_endpoint_hint()}") from error


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
                f"AWS_SECRET_ACCESS_KEY; {LOCAL_AWS}"
            )
        case botocore_errors.ProfileNotFound():
            profile = error.kwargs["profile"]
            reason = f"there is no profile {profile!r}: `aws configure list-profiles` shows those there are"
        case botocore_errors.NoRegionError():
            reason = (
                "no AWS region: give --region, set AWS_DEFAULT_REGION, or add one to the profile; "
                f"{LOCAL_AWS}"
            )
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


def stack_name(workflow: str) -> str:
    """Name the stack of a workflow: ``fanOut`` has ``FanOutStack``."""
    return f"{workflow[0].upper()}{workflow[1:]}Stack"


def stack_output(session: boto3.Session, name: str, key: str) -> str:
    """Look up an output of a deployed stack.

    Raises
    ------
    CommandError
        The stack is not deployed, has no such output, or AWS refuses.
    """
    doing = f"reading output {key} of stack {name}"
    with aws_errors(doing):
        try:
            stack = session.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
        except botocore_errors.ClientError as error:
            if "does not exist" not in str(error):
                raise
            raise CommandError(
                f"stack {name} does not exist in {session.region_name}: "
                f"deploy it first with `npx cdk deploy {name}`"
            ) from error
        for output in stack.get("Outputs", []):
            if output["OutputKey"] == key:
                return output["OutputValue"]
        raise CommandError(
            f"stack {name} ({stack['StackStatus']}) has no output {key}: "
            f"deploy it again with `npx cdk deploy {name}`"
        )
