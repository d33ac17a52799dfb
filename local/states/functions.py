"""Calls to Lambda functions, with the results and errors that Step Functions sees."""

import json
from typing import Any

from ministack.core.responses import new_uuid
from ministack.services import cloudwatch, lambda_svc, stepfunctions

from local.states import responses
from local.states.errors import StatesError
from local.states.paths import compact

MAX_CAUSE_CHARACTERS = 32_768
"""Longest cause that Step Functions reports (API reference)."""


def invoke(arguments: dict[str, Any]) -> dict[str, Any]:
    """The optimised integration ``lambda:invoke``: call a function and describe the response.

    Raises
    ------
    StatesError
        The function failed, is throttled, or is not there.
    """
    reference = arguments.get("FunctionName", "")
    result = _call(reference, arguments.get("Payload", {}))
    if result.get("error"):
        body = result["body"]
        raise StatesError(body["errorType"], compact(body)[:MAX_CAUSE_CHARACTERS])
    payload = _payload(result)
    response = {"ExecutedVersion": "$LATEST", "Payload": payload, "StatusCode": 200}
    return responses.described(response, responses.LAMBDA_HEADERS, payload)


def invoke_by_arn(arn: str, payload: Any) -> Any:
    """A function's ARN as the resource of a task: call it and hand on what it returns.

    Raises
    ------
    StatesError
        The function failed, is throttled, or is not there.
    """
    result = _call(arn, payload)
    if result.get("error"):
        body = result["body"]
        raise StatesError(body["errorType"], json.dumps(body, ensure_ascii=False)[:MAX_CAUSE_CHARACTERS])
    return _payload(result)


def _payload(result: dict[str, Any]) -> Any:
    """What a function returned, if it is JSON."""
    payload = result["body"]
    try:
        text = compact(payload)
    except ValueError:
        text = None
    if text is None or result.get("raw_payload"):
        raise StatesError(
            "Lambda.Unknown",
            "The cause could not be determined because Lambda did not return an error type. "
            f"Returned payload: {payload if result.get('raw_payload') else json.dumps(payload)}",
        )
    return payload


def _call(reference: str, payload: Any) -> dict[str, Any]:
    try:
        resolved = stepfunctions._resolve_lambda_function_ref(reference, optimized=True)
    except stepfunctions._ExecutionError as error:
        raise StatesError(error.error, error.cause) from error
    function, config, name = lambda_svc._get_func_record_for_ref(resolved)
    if not function or not config:
        raise StatesError(
            "Lambda.ResourceNotFoundException",
            f"Function not found: {lambda_svc._func_arn(name)} (Service: AWSLambda; Status Code: 404; Error "
            f"Code: ResourceNotFoundException; Request ID: {new_uuid()}; Proxy: null)",
        )
    record = lambda_svc._execution_record_for_config(function, config)
    result: dict[str, Any] = lambda_svc._execute_function_with_config_scope(record, payload)
    if result.get("throttle"):
        raise StatesError(
            "Lambda.TooManyRequestsException",
            f"{result['body']['message']} (Service: AWSLambda; Status Code: 429; Error Code: "
            f"TooManyRequestsException; Request ID: {new_uuid()}; Proxy: null)",
        )
    _count("Invocations", name, 1)
    _count("Errors", name, 1 if result.get("error") else 0)
    return result


def _count(metric: str, function_name: str, value: int) -> None:
    """Add a value to a CloudWatch metric of a function, as a call through Lambda's own API does."""
    cloudwatch.record_metric("AWS/Lambda", metric, value, "Count", {"FunctionName": function_name})
