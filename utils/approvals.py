"""The orders that wait for approval: which they are, and the answer to one of them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

import boto3
from boto3.dynamodb.types import TypeDeserializer
from botocore.exceptions import ClientError

from utils.aws import aws_errors, stack_output
from utils.command import CommandError
from utils.orders_stack import ORDERS_STACK, table_errors

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

WAITING_INDEX = "WaitingForApproval"

TOKEN_CLOSED = {"TaskTimedOut", "TaskDoesNotExist", "InvalidToken"}
"""What SendTaskSuccess says of a token that nobody waits for any more (Step Functions API reference)."""

_HEADER = "approval, #execution, #status, decision, taskToken"
"""What is read of an order."""

_Header = Mapping[str, Any]


@dataclass(frozen=True)
class WaitingOrder:
    """An order above the threshold; its times are written as the user reads them."""

    order_id: str
    customer_id: str
    total: str
    since: str
    answer_by: str


@dataclass(frozen=True)
class Answer:
    """What somebody says to an order that waits; ``by`` is the ARN of who it was."""

    approved: bool
    reason: str | None
    by: str

    @property
    def text(self) -> str:
        """The answer as the execution gets it, JSON."""
        return json.dumps({"approved": self.approved, "reason": self.reason, "by": self.by})


class Approvals:
    """The orders table of a deployed stack, as far as approvals go.

    Raises
    ------
    CommandError
        The stack is not deployed, or AWS refuses.
    """

    def __init__(self, session: boto3.Session) -> None:
        self._session = session
        self._table = stack_output(session, ORDERS_STACK, "OrdersTableName")
        with aws_errors("opening the AWS session"):
            self._client: DynamoDBClient = session.client("dynamodb")

    def waiting(self) -> list[WaitingOrder]:
        """List the orders that wait, the longest waiting first.

        Raises
        ------
        CommandError
            The table cannot be read.
        """
        with table_errors(self._session, self._table, "listing the orders that wait"):
            pages = self._client.get_paginator("query").paginate(
                TableName=self._table,
                IndexName=WAITING_INDEX,
                KeyConditionExpression="approval = :waiting",
                ExpressionAttributeValues={":waiting": {"S": "waiting"}},
            )
            return [_waiting_order(_plain(record)) for page in pages for record in page["Items"]]

    def answer(self, order_id: str, answer: Answer) -> str:
        """Give the waiting execution its answer.

        Returns
        -------
        str
            ARN of the execution.

        Raises
        ------
        CommandError
            The order is unknown or does not wait, the answer came too late, or AWS refuses.
        """
        header = self._read(order_id)
        if header.get("approval") != "waiting" or "taskToken" not in header:
            raise CommandError(_not_waiting(order_id, header))
        with aws_errors(f"answering for order {order_id}"):
            states = self._session.client("stepfunctions")
            try:
                states.send_task_success(taskToken=header["taskToken"], output=answer.text)
            except ClientError as error:
                if error.response["Error"].get("Code") in TOKEN_CLOSED:
                    raise CommandError(_too_late(order_id, self._read(order_id))) from error
                raise
        return str(header["execution"])

    def _read(self, order_id: str) -> _Header:
        """Read what an approval needs of an order's header."""
        with table_errors(self._session, self._table, f"reading order {order_id}"):
            found = self._client.get_item(
                TableName=self._table,
                Key={"orderId": {"S": order_id}, "part": {"S": "order"}},
                ProjectionExpression=_HEADER,
                ExpressionAttributeNames={"#execution": "execution", "#status": "status"},
                ConsistentRead=True,
            )
            if record := found.get("Item"):
                return _plain(record)
        raise CommandError(
            f"there is no order {order_id} in {self._session.region_name}: "
            "`python utils/approve.py` lists those that wait"
        )


def caller_arn(session: boto3.Session) -> str:
    """Ask AWS who gives the answer."""
    with aws_errors("asking AWS whose credentials these are"):
        return session.client("sts").get_caller_identity()["Arn"]


def _plain(record: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", TypeDeserializer().deserialize({"M": record}))


def _waiting_order(record: _Header) -> WaitingOrder:
    return WaitingOrder(
        order_id=record["orderId"],
        customer_id=record["customerId"],
        total=f"{record['total']:,.2f}",
        since=_time_text(record["waitingSince"]),
        answer_by=_time_text(record["answerBy"]),
    )


def _time_text(moment: str) -> str:
    """Write a time of a record as a person reads it."""
    return f"{datetime.fromisoformat(moment).astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _not_waiting(order_id: str, header: _Header) -> str:
    """Say what became of an order that does not wait."""
    decided = _decision_text(header)
    became = f"it was {decided}, and is {header['status']} now" if decided else f"it is {header['status']}"
    return f"order {order_id} does not wait for approval: {became}"


def _too_late(order_id: str, header: _Header) -> str:
    """Say why the execution did not take the answer."""
    see = f"see it with `python utils/run.py --execution-arn {header['execution']}`"
    if decided := _decision_text(header):
        return f"too late: order {order_id} was {decided}, and is {header['status']} now; {see}"
    return (
        f"too late: nobody waits for an answer about order {order_id} any more: it was answered just now, "
        f"the time for it is over, or its execution was stopped; {see}"
    )


def _decision_text(header: _Header) -> str:
    """Say how an order was decided, by whom, when and why; empty if it was not."""
    decision = header.get("decision")
    if not decision:
        return ""
    text = "approved" if decision["approved"] else "rejected"
    text += f" by {decision['by']}" if decision.get("by") else ""
    text += f" at {_time_text(decision['at'])}"
    return text + (f" ({decision['reason']})" if decision.get("reason") else "")
