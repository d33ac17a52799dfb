"""Calls to AWS services, with the results and errors that Step Functions sees."""

import re
from typing import Any

from ministack.services import stepfunctions

from local.states import functions, loop, nested, responses
from local.states.service_errors import service_error

_SNS_ERROR = re.compile(r"<Code>(.*?)</Code>\s*<Message>(.*?)</Message>", re.DOTALL)


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
    if resource.endswith(":::sns:publish"):
        arguments = _flatten_attributes(arguments)
    return await loop.call_blocking(_invoke_resource, resource, arguments)


def _flatten_attributes(arguments: dict[str, Any]) -> dict[str, Any]:
    """Name the attributes of a message as MiniStack reads them: those of a query, each by its number."""
    flat = dict(arguments)
    for number, (name, value) in enumerate(flat.pop("MessageAttributes", {}).items(), start=1):
        entry = f"MessageAttributes.entry.{number}"
        flat[f"{entry}.Name"] = name
        flat |= {f"{entry}.Value.{field}": content for field, content in value.items()}
    return flat


def _invoke_resource(resource: str, arguments: Any) -> Any:
    try:
        result = stepfunctions._invoke_resource(resource, arguments)
    except stepfunctions._ExecutionError as error:
        # MiniStack hands on the whole answer of SNS as the cause.
        said = _SNS_ERROR.search(error.cause) if error.error == "SNS.PublishFailed" else None
        code, message = said.groups() if said else (error.error, error.cause)
        raise service_error(resource, code, message) from error
    if ":aws-sdk:" in resource:
        return result
    headers = responses.DYNAMODB_HEADERS if ":dynamodb:" in resource else responses.JSON_HEADERS
    return responses.described(result, headers, result)
