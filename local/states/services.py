"""Calls to AWS services, with the results and errors that Step Functions sees."""

from typing import Any

from ministack.core.responses import new_uuid
from ministack.services import stepfunctions

from local.states import functions, loop, nested, responses
from local.states.errors import StatesError


async def call(resource: str, arguments: Any) -> Any:
    """Call the service that a task's resource names, such as ``arn:aws:states:::sqs:sendMessage``.

    Raises
    ------
    StatesError
        The service refused, or the function failed.
    """
    if resource.endswith(":lambda:invoke"):
        return await loop.call_blocking(functions.invoke, arguments)
    if resource.endswith(":states:startExecution"):
        return await nested.start(arguments)
    return await loop.call_blocking(_invoke_resource, resource, arguments)


def _invoke_resource(resource: str, arguments: Any) -> Any:
    try:
        result = stepfunctions._invoke_resource(resource, arguments)
    except stepfunctions._ExecutionError as error:
        raise StatesError(error.error, _cause(resource, error)) from error
    if ":aws-sdk:" in resource:
        return result
    headers = responses.DYNAMODB_HEADERS if ":dynamodb:" in resource else responses.JSON_HEADERS
    return responses.described(result, headers, result)


def _cause(resource: str, error: Any) -> str:
    """The cause of a service's error as AWS words it."""
    if not resource.startswith("arn:aws:states:::dynamodb:"):
        return str(error.cause)
    return (
        f"{error.cause} (Service: AmazonDynamoDBv2; Status Code: 400; "
        f"Error Code: {error.error.removeprefix('DynamoDB.')}; Request ID: {new_uuid()}; Proxy: null)"
    )
