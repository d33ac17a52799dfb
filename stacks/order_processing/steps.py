"""A state that runs a step of the order."""

from collections.abc import Mapping
from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from stacks.expressions import jsonata
from stacks.functions import TASK_TIMEOUT_SECONDS
from stacks.order_processing.expressions import PAYLOAD
from stacks.retries import add_retry

# Another attempt would end alike. The names are those of lambdas/order_processing/order_steps.
FINAL_FOR_ORDER = ["OrderInvalid", "OrderAlreadyStarted", "OrderConflict"]
UNREADABLE = "Runtime.UnmarshalError"
"""What Lambda's runtime says of an order that is nested too deeply for Python's `json`."""
FINAL_FOR_ITEM = [
    "OutOfStock",
    "ProductUnknown",
    "PreparationRefused",
    "DeliveryRefused",
    "OrderBeingCancelled",
]

EVERY_ERROR = ("States.DataLimitExceeded", "States.ALL")
"""Each in a catcher of its own. The first is that of data over 256 KiB, which States.ALL leaves out by AWS's
guide."""


def run_step(  # noqa: PLR0913 - all but the first three are named
    scope: Construct,
    name: str,
    function: lambda_.IFunction,
    *,
    payload: Mapping[str, str],
    outputs: str = PAYLOAD,
    assign: Mapping[str, str] | None = None,
    final: list[str] | None = None,
    max_retries: int = 6,
    wait_seconds: int | None = None,
) -> tasks.LambdaInvoke:
    """Return a state that invokes a function, and again after any error: every step is idempotent.

    Parameters
    ----------
    payload, assign
        Expressions by name.
    final
        Errors that are not worth another attempt.
    wait_seconds
        How long the state waits for the answer to the task token that its payload has; None if the result is
        what the function returns.
    """
    pattern = sfn.IntegrationPattern.WAIT_FOR_TASK_TOKEN
    task = tasks.LambdaInvoke.jsonata(
        scope,
        name,
        lambda_function=function,
        payload=sfn.TaskInput.from_object(expressions(payload)),
        outputs=jsonata(outputs),
        assign=expressions(assign) if assign else None,
        integration_pattern=pattern if wait_seconds else None,
        task_timeout=sfn.Timeout.duration(Duration.seconds(wait_seconds or TASK_TIMEOUT_SECONDS)),
        retry_on_service_exceptions=False,
    )
    if final:
        add_retry(task, final, max_retries=0)
    add_retry(task, ["States.ALL"], max_retries=max_retries)
    return task


def expressions(fields: Mapping[str, str]) -> dict[str, Any]:
    """Mark each field as JSONata."""
    return {name: jsonata(expression) for name, expression in fields.items()}


def condition(expression: str) -> sfn.Condition:
    """Return a condition in JSONata."""
    return sfn.Condition.jsonata(jsonata(expression))
