"""The record handler as Lambda loads it, with an SQS of moto and a Step Functions of stubs."""

import importlib
import json
import sys
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "lambdas" / "process_item"
EVENTS = ROOT / "tests" / "events"
MODULES = (
    *("record_handler", "record", "task_token", "pace", "batch", "outcomes"),
    *("time_limit", "process", "invocation", "item_encoding"),
)
REGION = "eu-west-1"
QUEUE = "items"
TOKEN = "the-token-of-item-4"
TASK = {"taskToken": TOKEN}


@contextmanager
def load_record_modules(monkeypatch):
    """Put the handler's folder on the path, and none of its modules into memory."""
    monkeypatch.syspath_prepend(FOLDER)
    for name in MODULES:
        monkeypatch.delitem(sys.modules, name, raising=False)
    yield
    for name in MODULES:
        sys.modules.pop(name, None)


def read_event(file):
    return json.loads((EVENTS / file).read_text(encoding="utf-8"))


def context(seconds=60.0):
    """Lambda's context, with so much time left."""
    return SimpleNamespace(get_remaining_time_in_millis=lambda: seconds * 1000)


class Worker:
    """The handler with clients whose answers a test decides on."""

    def __init__(self, handler, monkeypatch, sqs):
        self.handler = handler
        self.sqs = sqs
        client = boto3.client("stepfunctions", region_name=REGION)
        self.answers = Stubber(client)
        self.answers.activate()
        self.hearts = Hearts()
        clients = {handler.ANSWER_RETRIES: client, handler.ONE_TRY: self.hearts}
        monkeypatch.setattr(handler, "_step_functions", clients.__getitem__)
        self._monkeypatch = monkeypatch

    def process_with(self, process):
        self._monkeypatch.setattr(self.handler, "process", process)

    def expect(self, operation, **arguments):
        """Expect a call, which succeeds."""
        self.answers.add_response(f"send_task_{operation}", {}, TASK | arguments)

    def refuse(self, operation, code):
        """Expect a call, which fails."""
        self.answers.add_client_error(f"send_task_{operation}", code, f"{code}: 'because'")

    def handle(self, event=None, seconds=60.0):
        """Call the handler; all calls that were expected must have come."""
        answer = self.handler.handle_records(event or read_event("queue_record.json"), context(seconds))
        self.answers.assert_no_pending_responses()
        return answer

    def receive(self, body):
        """Send a message, receive it, and return the event that its event source would make."""
        url = self.sqs.get_queue_url(QueueName=QUEUE)["QueueUrl"]
        self.sqs.send_message(QueueUrl=url, MessageBody=body)
        (message,) = self.sqs.receive_message(QueueUrl=url, AttributeNames=["All"])["Messages"]
        event = read_event("queue_record.json")
        (record,) = event["Records"]
        record |= {"messageId": message["MessageId"], "receiptHandle": message["ReceiptHandle"]}
        record |= {"body": message["Body"], "attributes": message["Attributes"]}
        return event


class Hearts:
    """A Step Functions client that takes heartbeats, from any thread."""

    def __init__(self):
        self.tokens = []
        self.react = lambda: None

    def send_task_heartbeat(self, *, taskToken):  # noqa: N803 - boto3's name
        self.tokens.append(taskToken)
        self.react()


@contextmanager
def start_worker(monkeypatch):
    """Load the handler in an environment with its queue; heartbeats are 0.02 s apart."""
    with load_record_modules(monkeypatch), mock_aws(), pytest.MonkeyPatch.context() as environment:
        environment.delenv("AWS_ENDPOINT_URL", raising=False)
        environment.delenv("MAX_PER_SECOND", raising=False)
        environment.setenv("AWS_DEFAULT_REGION", REGION)
        environment.setenv("HEARTBEAT_SECONDS", "0.06")
        sqs = boto3.client("sqs")
        sqs.create_queue(QueueName=QUEUE, Attributes={"VisibilityTimeout": "360"})
        yield Worker(importlib.import_module("record_handler"), monkeypatch, sqs)


def success(result, attempts=2):
    """Write what a task is answered with."""
    return json.dumps(
        {"index": 4, "status": "succeeded", "result": result, "attempts": attempts}, ensure_ascii=False
    )
