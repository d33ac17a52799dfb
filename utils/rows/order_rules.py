"""Which executions of the `orderProcessing` workflow are redriven, and what to do about the others."""

import json
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from utils.aws import aws_errors
from utils.rows.execution import WATCH, Execution
from utils.watch.executions import follow
from utils.watch.history import History

if TYPE_CHECKING:
    from types_boto3_stepfunctions import SFNClient

START = "python utils/run.py --workflow orderProcessing --input file://FILE"

CLOSED = "send what is still wanted as another order, with an orderId of its own"

_INSTEAD = {
    "OrderInvalid": f"correct the order, and start it with `{START}`",
    "OrderConflict": f"give the order an orderId of its own, and start it with `{START}`",
    "OrderAlreadyStarted": "watch that execution, and redrive it if it fails",
    "CompensationFailed": f"start the same order with `{START}`: that goes on with what is not undone",
}
"""Of an error that ended an order for good: what to do; after any other its customer was told."""


def find_order_refusal(client: "SFNClient", execution: Execution, *, failed_items: bool) -> str | None:
    """Say why an order or a batch of orders is not redriven, and what to do instead.

    Parameters
    ----------
    execution
        One that has ended.
    failed_items
        Whether its failed items are to be processed again, instead of redriving it.

    Returns
    -------
    str or None
        None where nothing of an order speaks against it.

    Raises
    ------
    CommandError
        The definition or the history cannot be read.
    """
    definition = _read_definition(client, execution)
    if "startExecution.sync:2" in definition:
        return _find_batch_refusal(execution, failed_items=failed_items)
    if "Fulfil Items" not in json.loads(definition)["States"]:
        return None
    return _find_order_refusal(client, execution, failed_items=failed_items)


def _read_definition(client: "SFNClient", execution: Execution) -> str:
    """Read the definition that the execution ran; an empty one if the state machine is gone."""
    with aws_errors(f"reading the definition of {execution.arn}"):
        try:
            answer = client.describe_state_machine_for_execution(executionArn=execution.arn)
        except ClientError as error:
            if error.response["Error"].get("Code") == "StateMachineDoesNotExist":
                return '{"States": {}}'
            raise
        return answer["definition"]


def _find_order_refusal(client: "SFNClient", execution: Execution, *, failed_items: bool) -> str | None:
    name = execution.name
    if execution.status == "SUCCEEDED":
        return f"execution {name} has succeeded, so the order is closed: {CLOSED}"
    history = History()
    for events in follow(client, execution.arn, just_started=False):
        history.add(events)
    if history.order.gave_up:
        instead = _INSTEAD.get(execution.error or "", CLOSED)
        return f"execution {name} ended {execution.end_text}; redriving it would only repeat that: {instead}"
    if execution.redrive_status == "NOT_REDRIVABLE":
        return (
            f"execution {name} cannot be redriven ({execution.redrive_reason}): its order stays as it is in "
            "the orders table, until somebody ends it there by hand"
        )
    if failed_items:
        return (
            "the items of an order are not processed again by themselves: "
            f"`python utils/redrive.py {execution.arn}` goes on with the order"
        )
    return None


def _find_batch_refusal(execution: Execution, *, failed_items: bool) -> str | None:
    if not failed_items and execution.status != "SUCCEEDED":
        return None
    return (
        f"execution {execution.name} is a batch, of which each order has an execution of its own: "
        f"`{WATCH} {execution.arn}` names those that failed, and each can be redriven"
    )
