"""The `orderProcessing` workflow as a user works with it, its books, and a reader of its messages."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

from boto3.dynamodb.conditions import Key
from projects import Ended, Project, wait_until

HEADER = "order"
"""The part of an order in its table that says how it stands."""


@dataclass(frozen=True)
class OrderProject(Project):
    """The app with the stack of this workflow."""

    stack: str = "OrderProcessingStack"

    @property
    def state_machine_arn(self) -> str:
        return self.outputs["StateMachineArn"]

    def load_stock(self, counts: Mapping[str, int]) -> str:
        """Fill the stock with the command for it; returns what it says."""
        file = self.folder / "stock.json"
        file.write_text(json.dumps(counts), encoding="utf-8")
        return self.run("python", "utils/load-inventory.py", "--json", str(file)).stdout

    def approve(self, *arguments: str, exit_code: int = 0) -> str:
        """Run the command that approves and rejects; returns what it says."""
        result = self.run("python", "utils/approve.py", *arguments, exit_code=exit_code)
        return result.stderr if exit_code else result.stdout

    def execute_batch(self, batch: Any, **options: str) -> Ended:
        """Run a batch of orders to its end."""
        return self.wait(self.start_batch(batch, **options))

    def start_batch(self, batch: Any, **options: str) -> str:
        answer = self.client("stepfunctions").start_execution(
            stateMachineArn=self.outputs["BatchStateMachineArn"], input=json.dumps(batch), **options
        )
        arn: str = answer["executionArn"]
        return arn

    def table(self, name: str) -> Any:
        """Open one of the stack's tables by its role: Orders, Inventory, Payments."""
        return self._dynamodb.Table(self.outputs[f"{name}TableName"])

    @cached_property
    def _dynamodb(self) -> Any:
        return self.resource("dynamodb")

    def available(self, product: str) -> int:
        """Copies of a product that are not reserved."""
        return int(self.table("Inventory").get_item(Key={"productName": product})["Item"]["available"])

    def parts(self, order_id: str) -> dict[str, dict[str, Any]]:
        """What the orders table has of an order: the header and the items, by part."""
        answer = self.table("Orders").query(KeyConditionExpression=Key("orderId").eq(order_id))
        return {part["part"]: part for part in answer["Items"]}

    def header(self, order_id: str) -> dict[str, Any]:
        return self.parts(order_id)[HEADER]

    def wait_for_status(self, order_id: str, status: str) -> None:
        wait_until(lambda: self.parts(order_id).get(HEADER, {}).get("status") == status)

    def ledger(self, order_id: str) -> dict[str, Decimal]:
        """The ledger's entries of an order: amounts by name."""
        answer = self.table("Payments").query(KeyConditionExpression=Key("orderId").eq(order_id))
        return {entry["entry"]: entry["amount"] for entry in answer["Items"]}

    def charged(self, order_id: str) -> Decimal:
        """What an order cost its customer in the end."""
        entries = self.ledger(order_id)
        return entries.pop("charge", Decimal(0)) - sum(entries.values())

    @cached_property
    def mailbox(self) -> "Mailbox":
        """Subscribe to the topic; the first use must come before the messages."""
        return Mailbox(self)


class Mailbox:
    """A queue that gets every message of the topic."""

    def __init__(self, project: OrderProject) -> None:
        self._sqs = project.client("sqs")
        self._url = self._sqs.create_queue(QueueName="mailbox")["QueueUrl"]
        self._read: list[dict[str, Any]] = []
        self.subscribe(project)

    def subscribe(self, project: OrderProject) -> None:
        """Have the topic send its messages from now on; again if it was made anew."""
        attributes = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])
        project.client("sns").subscribe(
            TopicArn=project.outputs["TopicArn"],
            Protocol="sqs",
            Endpoint=attributes["Attributes"]["QueueArn"],
        )

    def messages(self, order_id: str, event: str) -> list[dict[str, Any]]:
        """Give what came so far about an order: messages of SNS."""
        while True:
            batch = self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10).get("Messages", [])
            if not batch:
                break
            for message in batch:
                self._read.append(json.loads(message["Body"]))
                self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
        wanted = {"orderId": order_id, "event": event}
        return [each for each in self._read if wanted.items() <= attributes(each).items()]


def attributes(message: Mapping[str, Any]) -> dict[str, str]:
    return {name: each["Value"] for name, each in message["MessageAttributes"].items()}


def make_order(order_id: str, *items: Mapping[str, Any], **detail: Any) -> dict[str, Any]:
    """Make an order like the sample; each item has at least its product and price."""
    return {
        "orderId": order_id,
        "orderDate": "20190820101213",
        "detail": {
            "customerId": "1234",
            "deliveryAddress": "123, Seattle, WA",
            "deliverySpeed": "1-day",
            "paymentMethod": "aCreditCard",
            "items": [{"category": "book", "quantity": 1, **item} for item in items],
            **detail,
        },
    }
