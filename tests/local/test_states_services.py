"""Results and errors of service integrations, named as Step Functions names them."""

import json
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
            call("sns:publish", TopicArn="arn:aws:sns:us-east-1:123456789012:nowhere", Message="Hello"),
            "SNS.NotFoundException",
            "(Service: AmazonSNS; Status Code: 404; Error Code: NotFound; ",
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


def test_message_with_attributes(states: StepFunctions) -> None:
    # Given a queue that subscribes to a topic
    sns, sqs = states.client("sns"), states.client("sqs")
    topic = sns.create_topic(Name="news")["TopicArn"]
    queue = sqs.create_queue(QueueName="mailbox")["QueueUrl"]
    queue_arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"][
        "QueueArn"
    ]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn)
    # When a task publishes
    attributes = {
        "event": {"DataType": "String", "StringValue": "closed"},
        "count": {"DataType": "Number", "StringValue": "7"},
    }
    publish = call("sns:publish", TopicArn=topic, Subject="S", Message="Hello", MessageAttributes=attributes)
    outcome = states.run(machine(Publish=publish))
    # Then the message has everything
    (message,) = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"]
    body = json.loads(message["Body"])
    assert (body["Subject"], body["Message"]) == ("S", "Hello")
    assert body["MessageAttributes"] == {
        "event": {"Type": "String", "Value": "closed"},
        "count": {"Type": "Number", "Value": "7"},
    }
    assert body["MessageId"] == outcome.output["MessageId"]


def test_execution_that_is_described(states: StepFunctions) -> None:
    # Given an execution that has ended
    ended = states.run(machine(Keep={"Type": "Pass"}), {"n": 1})
    # When a task describes it
    describe = call("aws-sdk:sfn:describeExecution", ExecutionArn=ended.arn)
    outcome = states.run(machine(Describe=describe))
    # Then it says how it ended, and nothing of an error that there was not
    described = outcome.output
    assert (described["Status"], described["Name"]) == ("SUCCEEDED", ended.arn.rpartition(":")[2])
    assert (json.loads(described["Input"]), json.loads(described["Output"])) == ({"n": 1}, {"n": 1})
    assert not {"Error", "Cause"} & set(described)


def test_execution_that_cannot_be_described(states: StepFunctions) -> None:
    arn = "arn:aws:states:us-east-1:123456789012:execution:no:such"
    catch = [{"ErrorEquals": ["Sfn.ExecutionDoesNotExistException"], "Next": "Mend"}]
    describe = {**call("aws-sdk:sfn:describeExecution", ExecutionArn=arn), "Catch": catch}
    outcome = states.run(machine(Describe=describe, Mend={"Type": "Pass"}))
    assert outcome.types[-1] == "ExecutionSucceeded", outcome.error
    assert outcome.output["Error"] == "Sfn.ExecutionDoesNotExistException"
