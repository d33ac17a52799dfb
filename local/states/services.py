"""Calls to AWS services, with the results and errors that Step Functions sees."""

from typing import Any

from ministack.services import stepfunctions

from local.states import functions, loop, nested, responses
from local.states.service_errors import service_error


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
        raise service_error(resource, error.error, error.cause) from error
    if ":aws-sdk:" in resource:
        return result
    headers = responses.DYNAMODB_HEADERS if ":dynamodb:" in resource else responses.JSON_HEADERS
    return responses.described(result, headers, result)
