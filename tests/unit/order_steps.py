"""The order's steps as Lambda loads them, on the tables of a simulated AWS."""

import importlib
import json
import sys
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import boto3
import pytest
from awslambdaric.lambda_runtime_marshaller import to_json
from boto3.dynamodb.conditions import Key
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from moto import mock_aws

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "lambdas" / "order_processing" / "order_steps"
EVENTS = ROOT / "tests" / "events"
REGION = "eu-west-1"

ORDERS, INVENTORY, PAYMENTS = "the-orders", "the-inventory", "the-payments"
KEYS = {ORDERS: ("orderId", "part"), INVENTORY: ("productName",), PAYMENTS: ("orderId", "entry")}

AGILE, DOMAIN = "Agile Software Development", "Domain-Driven Design"
FIRST, SECOND = "arn:…:orders:first", "arn:…:orders:second"


def read_event(file):
    return json.loads((EVENTS / file).read_text(encoding="utf-8"))


def raw_order(**changes):
    """Return the sample order as a user sends it, with other fields of its detail."""
    order = read_event("order_check.json")["order"]
    order["detail"] |= changes
    return order


def largest_order(modules):
    """Return an order that is as large as one may be."""
    item = {"productName": "日" * 100, "category": "b" * 50, "price": 47.99, "quantity": 2}
    return raw_order(items=[item] * modules.order.MAX_ITEMS) | {"orderId": "o" * 64}


@contextmanager
def load_steps():
    """Put the steps' folder on the path, and none of its modules into memory."""
    names = [file.stem for file in FOLDER.glob("*.py")]
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(FOLDER)
        for name in names:
            patch.delitem(sys.modules, name, raising=False)
        yield SimpleNamespace(**{name: importlib.import_module(name) for name in names})
        for name in names:
            del sys.modules[name]


@contextmanager
def start_steps():
    """Simulate an AWS with empty tables."""
    with mock_aws(), pytest.MonkeyPatch.context() as environment:
        for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_REGION"):
            environment.delenv(name, raising=False)
        environment.setenv("AWS_DEFAULT_REGION", REGION)
        for variable, table in zip(("ORDERS", "INVENTORY", "PAYMENTS"), KEYS, strict=True):
            environment.setenv(f"{variable}_TABLE", table)
        topic = f"arn:aws:sns:{REGION}:123456789012:orders"
        environment.setenv("TOPIC_ARN", topic)
        dynamodb = boto3.resource("dynamodb")
        for table, keys in KEYS.items():
            _create_table(dynamodb, table, keys)
        with load_steps() as modules:
            yield Steps(modules, dynamodb)


def _create_table(dynamodb, name, keys):
    dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[
            {"AttributeName": key, "KeyType": kind}
            for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)
        ],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
    )


class Steps:
    """Calls the handlers as Step Functions does, with JSON, and reads the books."""

    def __init__(self, modules, dynamodb):
        self.modules = modules
        self.orders, self.inventory, self.payments = map(dynamodb.Table, KEYS)

    def __getattr__(self, name):
        """Return a handler that is called with its event's fields."""
        module = self.modules.check_handler if name == "check_order" else self.modules.step_handlers
        handler = getattr(module, name)
        return lambda **event: json.loads(to_json(handler(json.loads(to_json(event)), None)))

    def error(self, name):
        return getattr(self.modules.errors, name)

    def checked(self, execution=FIRST, **changes):
        """Take an order, and return it as the steps get it."""
        return self.check_order(order=raw_order(**changes), execution=execution)["order"]

    def stock(self, **counts):
        """Set what is available; returns it if none is given."""
        for product, count in counts.items():
            self.inventory.put_item(Item={"productName": product, "available": count})

    def available(self, product):
        return self.inventory.get_item(Key={"productName": product})["Item"]["available"]

    def header(self, order_id="12345678"):
        return self.orders.get_item(Key={"orderId": order_id, "part": "order"}).get("Item")

    def item(self, index, order_id="12345678"):
        return self.orders.get_item(Key={"orderId": order_id, "part": f"item#{index:03d}"}).get("Item")

    def ledger(self, order_id="12345678"):
        entries = self.payments.query(KeyConditionExpression=Key("orderId").eq(order_id))["Items"]
        return {entry["entry"]: entry["amount"] for entry in entries}


class Mailbox:
    """A queue that hears what is published on the topic."""

    def __init__(self):
        sns, self._sqs = boto3.client("sns"), boto3.client("sqs")
        topic = sns.create_topic(Name="orders")["TopicArn"]
        self._queue = self._sqs.create_queue(QueueName="mailbox")["QueueUrl"]
        arn = self._sqs.get_queue_attributes(QueueUrl=self._queue, AttributeNames=["QueueArn"])
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn["Attributes"]["QueueArn"])

    def messages(self):
        """Give what was published since the last look."""
        found = self._sqs.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10)
        return [json.loads(message["Body"]) for message in found.get("Messages", [])]


class Lost(BaseException):
    """The function is killed: no handler can catch it."""


class Calls:
    """Fails AWS calls by their number: before they are made, or after."""

    def __init__(self, monkeypatch):
        self.made = []
        self._faults = {}
        original = BaseClient._make_api_call

        def make(client, operation, arguments):
            fault = self._faults.pop(len(self.made), None)
            self.made.append(operation)
            if fault == "throttled":
                raise throttled(operation)
            if fault == "lost before":
                raise Lost
            try:
                return original(client, operation, arguments)
            finally:
                if fault == "lost after":
                    raise Lost

        monkeypatch.setattr(BaseClient, "_make_api_call", make)

    def fail(self, number, fault):
        """Fail the call that comes after so many others from now on."""
        self._faults = {len(self.made) + number: fault}


def throttled(operation):
    return ClientError({"Error": {"Code": "ThrottlingException", "Message": "Slow down"}}, operation)


FAULTS = ["throttled", "lost before", "lost after"]


def run_with_faults(calls, step, check):
    """Run a step with each fault at each of its AWS calls, and then again as often as it has to.

    Parameters
    ----------
    step
        Called with the number of the run, so that each has an order of its own.
    check
        Called after each run with its number and what the step answered in the end, twice.
    """
    before = len(calls.made)
    first = step(0)
    plan = [(number, fault) for number in range(len(calls.made) - before) for fault in FAULTS]
    check(0, [first, step(0)])
    for run, (number, fault) in enumerate(plan, start=1):
        calls.fail(number, fault)
        with pytest.raises((Lost, ClientError)):
            step(run)
        check(run, [step(run), step(run)])
