"""The worker of the queue fan-in as Lambda loads it, with a processor of the test's own."""

import importlib
import json
import shutil
import sys
import zlib
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

FOLDER = Path(__file__).parents[2] / "lambdas" / "process_item"
JOB = "list-0123456789ab"
EXPIRES_AT = 1_900_000_000


@contextmanager
def load_worker(folder, process, *names):
    """Copy the worker's folder with another processor, and import modules of it by their names."""
    copy = folder / "process_item"
    shutil.copytree(FOLDER, copy, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "process.py").write_text(process, encoding="utf-8")
    modules = [file.stem for file in copy.glob("*.py")]
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(copy)
        for module in modules:
            patch.delitem(sys.modules, module, raising=False)
        yield SimpleNamespace(**{name: importlib.import_module(name) for name in names})
        for module in modules:
            sys.modules.pop(module, None)


def body(*items, attempts=0, job=JOB):
    """Write the body of a message: items from position 0 on, or pairs of position and item as they are."""
    pairs = [item if isinstance(item, tuple) else (position, item) for position, item in enumerate(items)]
    content = {"job": job, "expiresAt": EXPIRES_AT, "attempts": attempts, "items": pairs}
    return json.dumps(content, ensure_ascii=False)


def event(*bodies, receipts=1):
    """Build the event of an SQS event source; a body with its own receipts is a pair."""
    received = [each if isinstance(each, tuple) else (each, receipts) for each in bodies]
    return {
        "Records": [
            {
                "messageId": f"message {number}",
                "receiptHandle": f"handle {number}",
                "body": text,
                "attributes": {"ApproximateReceiveCount": str(count)},
                "messageAttributes": {},
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:items",
                "awsRegion": "eu-west-1",
            }
            for number, (text, count) in enumerate(received)
        ]
    }


def failed(answer):
    """Return the ids of the messages that an answer names as failed."""
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def context(seconds):
    """Lambda's context, with so much time left."""
    return SimpleNamespace(get_remaining_time_in_millis=lambda: seconds * 1000)


def records(aws, job=JOB):
    """Return what the results table has of a job, by position: kind, value, attempts."""
    found = {}
    pages = aws.results_table.meta.client.get_paginator("scan").paginate(TableName="results")
    for item in (item for page in pages for item in page["Items"]):
        position = int(item["position"])
        if item["part"] == f"{job}/{position // 250 % 16}":
            (kind,) = {"result", "error", "missing"} & item.keys()
            value = None if kind == "missing" else json.loads(zlib.decompress(item[kind].value))
            found[position] = (kind, value, int(item.get("attempts", 1)))
    return found


class Queue:
    """An SQS client that keeps what is sent: contents with their delays in seconds."""

    def __init__(self):
        self.sent = []
        self.refuses = False

    def send_message(self, *, QueueUrl, MessageBody, DelaySeconds):  # noqa: N803 - boto3's names
        assert QueueUrl == "the-queue"
        if self.refuses:
            raise ConnectionError("no network")
        self.sent.append((json.loads(MessageBody), DelaySeconds))


class Results:
    """A DynamoDB client that refuses statements as a test says, and makes the other calls."""

    def __init__(self, dynamodb):
        self._dynamodb = dynamodb
        self.refusals = []
        """For each of the next requests: an error of the whole, or a code for each statement or None."""

    def __getattr__(self, name):
        return getattr(self._dynamodb, name)

    def batch_execute_statement(self, *, Statements):  # noqa: N803 - boto3's name
        refusal = self.refusals.pop(0) if self.refusals else None
        if isinstance(refusal, Exception):
            raise refusal
        if refusal is None:
            return self._dynamodb.batch_execute_statement(Statements=Statements)
        return {
            "Responses": [
                {"Error": {"Code": code, "Message": "because"}}
                if code
                else self._dynamodb.batch_execute_statement(Statements=[statement])["Responses"][0]
                for statement, code in zip(Statements, refusal, strict=True)
            ]
        }
