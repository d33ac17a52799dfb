"""Builds jobs of the `queueFanIn` workflow as its functions leave them: records, files, the table."""

import json
from contextlib import contextmanager
from decimal import Decimal
from types import SimpleNamespace

import boto3
import pytest
from moto import mock_aws

REGION = "eu-west-1"
TABLE, LISTS, RESULTS = "the-jobs", "the-lists", "the-results"
JOB = "orders-0123456789ab"
STARTED = "2026-03-02T09:00:00.000Z"
OUTPUTS = {("QueueFanInStack", "JobsTableName"): TABLE}


def record(status="RUNNING", job=JOB, **more):
    """Build the record of a job."""
    return {
        "job": job,
        "kind": "job",
        "bucket": LISTS,
        "key": "lists/orders.jsonl",
        "versionId": "v1",
        "format": "jsonl",
        "status": status,
        "startedAt": STARTED,
        "deadline": 1_772_445_600,
        "sent": 0,
        "checkpoint": {"phase": "check"},
        "incomplete": False,
        **more,
    }


def summary(succeeded=0, failed=0, missing=0, rows=1, **errors):
    """Build a job's summary."""
    items = succeeded + failed + missing
    return {
        "items": items,
        "succeeded": succeeded,
        "failed": failed,
        "missing": missing,
        "errors": errors,
        "attempts": succeeded + 3 * failed,
        "status": "DONE",
        "startedAt": STARTED,
        "endedAt": "2026-03-02T09:00:20.000Z",
        "list": {"bucket": LISTS, "key": "lists/orders.jsonl", "versionId": "v1"},
        "results": {
            "bucket": RESULTS,
            "rows": [f"jobs/{JOB}/rows-{number:05}.jsonl" for number in range(rows)],
            "summary": f"jobs/{JOB}/summary.json",
        },
    }


def ended(status="DONE", of=None, **more):
    """Build the record of a job that has ended, 20 s after its start."""
    of = of or summary(succeeded=2)
    more = {"total": of["items"], "sent": of["items"], "summary": of, **more}
    return record(status, endedAt="2026-03-02T09:00:20.000Z", **more)


def row(index, status="succeeded", **more):
    """Build a row."""
    outcome = {
        "succeeded": {"result": {"of": index}},
        "failed": {"error": {"name": "ValueError", "message": "bad"}},
        "missing": {},
    }[status]
    attempts = {"succeeded": 1, "failed": 3, "missing": 0}[status]
    return {
        "index": index,
        "item": f"item {index}",
        "status": status,
        **outcome,
        "attempts": attempts,
        **more,
    }


@contextmanager
def simulate_aws():
    """Simulate an account with the jobs table and the buckets of the stack."""
    with pytest.MonkeyPatch.context() as environment, mock_aws():
        for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_REGION"):
            environment.delenv(name, raising=False)
        environment.setenv("AWS_DEFAULT_REGION", REGION)
        table = boto3.resource("dynamodb").create_table(
            TableName=TABLE,
            AttributeDefinitions=[
                {"AttributeName": name, "AttributeType": "S"} for name in ("job", "kind", "startedAt")
            ],
            KeySchema=[{"AttributeName": "job", "KeyType": "HASH"}],
            GlobalSecondaryIndexes=[
                {
                    "IndexName": "JobsByStart",
                    "KeySchema": [
                        {"AttributeName": "kind", "KeyType": "HASH"},
                        {"AttributeName": "startedAt", "KeyType": "RANGE"},
                    ],
                    "Projection": {"ProjectionType": "ALL"},
                }
            ],
            BillingMode="PAY_PER_REQUEST",
        )
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket=RESULTS, CreateBucketConfiguration={"LocationConstraint": REGION})
        environment.setattr("utils.jobs.table.stack_output", lambda _, stack, key: OUTPUTS[stack, key])
        yield SimpleNamespace(table=table, s3=s3)


def put(table, item):
    """Write a record."""
    table.put_item(Item=json.loads(json.dumps(item, default=list), parse_float=Decimal) | _sets(item))


def put_rows(s3, *files):
    """Write the files of a job's rows."""
    for number, rows in enumerate(files):
        body = "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows)
        s3.put_object(Bucket=RESULTS, Key=f"jobs/{JOB}/rows-{number:05}.jsonl", Body=body.encode())


def _sets(item):
    return {name: value for name, value in item.items() if isinstance(value, set)}
