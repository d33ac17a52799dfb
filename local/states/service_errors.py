"""Errors of AWS services as Step Functions words them.

Optimised integrations call the services with the first AWS SDK for Java, the
``aws-sdk`` ones with the second; the names of errors and the form of causes
are theirs. An error that a service's model does not know has a general name.
"""

import functools
from typing import NamedTuple

import botocore.session
from ministack.core.responses import new_uuid

from local.states.errors import StatesError


class OptimisedService(NamedTuple):
    """How the first SDK names a service."""

    error_prefix: str
    service: str
    general_error: str


OPTIMISED = {
    "dynamodb": OptimisedService("DynamoDB", "AmazonDynamoDBv2", "AmazonDynamoDBException"),
    "sqs": OptimisedService("SQS", "AmazonSQS", "AmazonSQSException"),
    "sns": OptimisedService("SNS", "AmazonSNS", "AmazonSNSException"),
}


def service_error(resource: str, error: str, message: str) -> StatesError:
    """The error of a task for the error of a service.

    Parameters
    ----------
    resource
        The task's resource, such as ``arn:aws:states:::aws-sdk:s3:listObjects``.
    error
        The service's error code, which may follow a prefix and a dot.
    message
        What the service says.
    """
    code = error.rpartition(".")[2]
    service = resource.removeprefix("arn:aws:states:::").rpartition(":")[0].removeprefix("aws-sdk:")
    if error.startswith("States.") or (":aws-sdk:" not in resource and service not in OPTIMISED):
        return StatesError(error, message)
    status, known = _look_up(service, code)
    if ":aws-sdk:" in resource:
        prefix = error.partition(".")[0]
        name = _exception_name(code) if known else f"{prefix}Exception"
        cause = f"{message} (Service: {prefix}, Status Code: {status}, Request ID: {new_uuid()})"
        return StatesError(f"{prefix}.{name}", cause)
    sdk = OPTIMISED[service]
    name = _exception_name(code) if known else sdk.general_error
    cause = (
        f"{message} (Service: {sdk.service}; Status Code: {status}; Error Code: {code}; "
        f"Request ID: {new_uuid()}; Proxy: null)"
    )
    return StatesError(f"{sdk.error_prefix}.{name}", cause)


def _exception_name(code: str) -> str:
    return code if code.endswith("Exception") else f"{code}Exception"


@functools.lru_cache(maxsize=256)
def _look_up(service: str, code: str) -> tuple[int, bool]:
    """The HTTP status of an error, and whether the service's model knows it."""
    session = botocore.session.get_session()
    if service not in session.get_available_services():
        return 400, True
    for shape in session.get_service_model(service).error_shapes:
        if _exception_name(code) == _exception_name(shape.name):
            return int(shape.metadata.get("error", {}).get("httpStatusCode", 400)), True
    return 400, False
