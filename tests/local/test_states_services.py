"""Results and errors of service integrations, named as Step Functions names them."""

from collections.abc import Callable
from typing import Any

import pytest
from state_machines import StepFunctions, machine


@pytest.fixture(scope="module")
def states(new_account: Callable[[], dict[str, str]]) -> StepFunctions:
    return StepFunctions(new_account())


def call(resource: str, **parameters: Any) -> dict[str, Any]:
    return {"Type": "Task", "Resource": f"arn:aws:states:::{resource}", "Parameters": parameters}


@pytest.fixture(scope="module")
def table(states: StepFunctions) -> str:
    states.client("dynamodb").create_table(
        TableName="Things",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return "Things"


def test_dynamodb_item(states: StepFunctions, table: str) -> None:
    item = {"id": {"S": "a"}, "n": {"N": "0.1"}}
    put = call("dynamodb:putItem", TableName=table, Item=item)
    get = call("dynamodb:getItem", TableName=table, Key={"id": {"S": "a"}}, ConsistentRead=True)
    outcome = states.run(machine(Put={**put, "ResultPath": None}, Get=get))
    assert outcome.output["Item"] == item
    assert outcome.output["SdkHttpMetadata"]["HttpStatusCode"] == 200
    assert set(outcome.output) == {"Item", "SdkHttpMetadata", "SdkResponseMetadata"}
    scheduled = outcome.details("TaskScheduled")[1]
    assert (scheduled["resourceType"], scheduled["resource"]) == ("dynamodb", "getItem")


@pytest.mark.parametrize(
    ("task", "error", "cause"),
    [
        (
            call("dynamodb:getItem", TableName="Nowhere", Key={"id": {"S": "a"}}),
            "DynamoDB.ResourceNotFoundException",
            "(Service: AmazonDynamoDBv2; Status Code: 400; Error Code: ResourceNotFoundException; ",
        ),
        (
            call("dynamodb:getItem", TableName="Things", Key={"other": {"S": "a"}}),
            "DynamoDB.AmazonDynamoDBException",
            "Error Code: ValidationException;",
        ),
        (
            call("aws-sdk:dynamodb:getItem", TableName="Nowhere", Key={"id": {"S": "a"}}),
            "DynamoDb.ResourceNotFoundException",
            "(Service: DynamoDb, Status Code: 400, Request ID: ",
        ),
        (
            call("aws-sdk:dynamodb:getItem", TableName="Things", Key={"other": {"S": "a"}}),
            "DynamoDb.DynamoDbException",
            "(Service: DynamoDb, Status Code: 400, Request ID: ",
        ),
        (
            call("aws-sdk:s3:listObjects", Bucket="there-is-no-such-bucket"),
            "S3.NoSuchBucketException",
            "The specified bucket does not exist (Service: S3, ",
        ),
        (
            call("states:startExecution", StateMachineArn="arn:aws:states:us-east-1:1:stateMachine:no"),
            "StepFunctions.StateMachineDoesNotExistException",
            "State Machine Does Not Exist: 'arn:aws:states:us-east-1:1:stateMachine:no' (Service: ",
        ),
    ],
)
def test_errors(states: StepFunctions, table: str, task: dict[str, Any], error: str, cause: str) -> None:
    del table
    catch = [{"ErrorEquals": [error], "Next": "Mend"}]
    outcome = states.run(machine(Try={**task, "Catch": catch}, Mend={"Type": "Pass"}))
    assert outcome.status == "SUCCEEDED", outcome.error
    assert outcome.output["Error"] == error
    assert cause in outcome.output["Cause"]
