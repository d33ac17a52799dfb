"""The modules of the queue fan-in's functions as Lambda loads them, and their AWS as moto has it."""

import importlib
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from types import SimpleNamespace

import boto3
import pytest
from moto import mock_aws

FOLDER = Path(__file__).parents[2] / "lambdas" / "queue_fan_in" / "fan_in"
REGION = "eu-west-1"
LISTS, RESULTS = "the-lists", "the-results"


@contextmanager
def load_fan_in(*names: str) -> Iterator[SimpleNamespace]:
    """Import modules of the folder, by their names, with none of another folder in their place."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(FOLDER)
        for file in FOLDER.glob("*.py"):
            patch.delitem(sys.modules, file.stem, raising=False)
        yield SimpleNamespace(**{name: importlib.import_module(name) for name in names})
        for file in FOLDER.glob("*.py"):
            sys.modules.pop(file.stem, None)


class Clock:
    """Tells the time that a test sets, in seconds since 1970; sleeping lets it go by."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@contextmanager
def fan_in_aws() -> Iterator[SimpleNamespace]:
    """An AWS with the tables, the buckets and the queue of the workflow."""
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        patch.delenv("AWS_ENDPOINT_URL", raising=False)
        patch.delenv("AWS_PROFILE", raising=False)
        patch.setenv("AWS_DEFAULT_REGION", REGION)
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "testing")
        aws = SimpleNamespace(**_clients())
        for bucket in (LISTS, RESULTS):
            aws.s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        aws.s3.put_bucket_versioning(Bucket=LISTS, VersioningConfiguration={"Status": "Enabled"})
        aws.queue_url = aws.sqs.create_queue(QueueName="items")["QueueUrl"]
        aws.jobs_table = _create_jobs_table(aws.tables)
        aws.results_table = _create_results_table(aws.tables)
        yield aws


@cache
def _clients():
    """Make the clients once for all tests, which takes longer than most of these."""
    clients = {name: boto3.client(name) for name in ("s3", "sqs", "events", "dynamodb")}
    # moto needs a parser for PartiQL that is not in its own package.
    clients["dynamodb"].batch_execute_statement = partial(_insert, clients["dynamodb"])
    return {**clients, "tables": boto3.resource("dynamodb")}


def _insert(dynamodb, *, Statements):  # noqa: N803 - as boto3 names it
    """Run INSERT statements, of the one form that the functions write, as DynamoDB does: each for itself."""
    return {"Responses": [_insert_one(dynamodb, **statement) for statement in Statements]}


def _insert_one(dynamodb, *, Statement, Parameters):  # noqa: N803 - as boto3 names it
    table, names = re.fullmatch(r'INSERT INTO "([^"]+)" VALUE \{(.+)\}', Statement).groups()
    item = dict(zip(re.findall(r"'([^']+)': \?", names), Parameters, strict=True))
    try:
        dynamodb.put_item(TableName=table, Item=item, ConditionExpression="attribute_not_exists(part)")
    except dynamodb.exceptions.ConditionalCheckFailedException:
        return {"Error": {"Code": "DuplicateItem", "Message": "Duplicate primary key exists in table"}}
    return {"TableName": table}


def _create_jobs_table(tables):
    return tables.create_table(
        TableName="jobs",
        KeySchema=[{"AttributeName": "job", "KeyType": "HASH"}],
        AttributeDefinitions=[
            *({"AttributeName": name, "AttributeType": "S"} for name in ("job", "open")),
            {"AttributeName": "deadline", "AttributeType": "N"},
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "OpenJobs",
                "KeySchema": [
                    {"AttributeName": "open", "KeyType": "HASH"},
                    {"AttributeName": "deadline", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
        BillingMode="PAY_PER_REQUEST",
    )


def _create_results_table(tables):
    return tables.create_table(
        TableName="results",
        KeySchema=[
            {"AttributeName": "part", "KeyType": "HASH"},
            {"AttributeName": "position", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "part", "AttributeType": "S"},
            {"AttributeName": "position", "AttributeType": "N"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
