"""The tables of the `orderProcessing` stack on a simulated AWS, as far as the commands know them."""

from contextlib import contextmanager

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

REGION = "eu-west-1"
STACK = "OrderProcessingStack"
ORDERS, INVENTORY = "the-orders", "the-inventory"


@contextmanager
def simulate_aws():
    """Simulate an AWS in which there is nothing."""
    with pytest.MonkeyPatch.context() as environment, mock_aws():
        for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_REGION"):
            environment.delenv(name, raising=False)
        environment.setenv("AWS_DEFAULT_REGION", REGION)
        yield boto3.Session(region_name=REGION)


def create_tables(session):
    """Create both tables, with the keys and the index that the stack gives them."""
    keys = [_key("orderId", "HASH"), _key("part", "RANGE")]
    waiting = {
        "IndexName": "WaitingForApproval",
        "KeySchema": [_key("approval", "HASH"), _key("waitingSince", "RANGE")],
        "Projection": {
            "ProjectionType": "INCLUDE",
            "NonKeyAttributes": ["customerId", "total", "answerBy"],
        },
    }
    _create(session, ORDERS, keys, GlobalSecondaryIndexes=[waiting])
    _create(session, INVENTORY, [_key("productName", "HASH")])


def _key(name, kind):
    return {"AttributeName": name, "KeyType": kind}


def _create(session, name, keys, **more):
    indexed = [key for index in more.get("GlobalSecondaryIndexes", []) for key in index["KeySchema"]]
    session.client("dynamodb").create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=keys,
        AttributeDefinitions=[
            {"AttributeName": key["AttributeName"], "AttributeType": "S"} for key in [*keys, *indexed]
        ],
        **more,
    )


class Stacks:
    """CloudFormation with the stack, or without any."""

    def __init__(self, *, deployed):
        self._deployed = deployed

    def describe_stacks(self, *, StackName):  # noqa: N803 - boto3's name
        assert StackName == STACK
        if not self._deployed:
            error = {"Error": {"Code": "ValidationError", "Message": f"{StackName} does not exist"}}
            raise ClientError(error, "DescribeStacks")
        names = {"OrdersTableName": ORDERS, "InventoryTableName": INVENTORY}
        outputs = [{"OutputKey": key, "OutputValue": value} for key, value in names.items()]
        return {"Stacks": [{"StackStatus": "CREATE_COMPLETE", "Outputs": outputs}]}


class SessionWith:
    """A session some of whose clients are others."""

    region_name = REGION

    def __init__(self, session, **clients):
        self._session = session
        self._clients = clients

    def client(self, service):
        return self._clients.get(service) or self._session.client(service)
