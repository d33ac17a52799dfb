"""What invokes functions, tried out: on this project's local AWS, and on the stock MiniStack."""

import itertools
import json
import time
from typing import Any

from state_machines import StepFunctions, wait_for

_numbers = itertools.count()

TELL = (
    "import json, os, boto3\n"
    "def handler(event, context):\n"
    "    body = json.dumps(event)\n"
    "    boto3.client('sqs').send_message(QueueUrl=os.environ['QUEUE'], MessageBody=body)\n"
)
"""A function that sends its events to a queue."""


def event_of_a_drop(aws: StepFunctions) -> tuple[str, Any]:
    """Put an object into a bucket with versions; returns its version, and the event that EventBridge gets."""
    s3, events = aws.client("s3"), aws.client("events")
    name = f"dropped-{next(_numbers)}"
    s3.create_bucket(Bucket=name)
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_notification_configuration(
        Bucket=name, NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    url, arn = _create_queue(aws, name)
    pattern = {"source": ["aws.s3"], "detail": {"bucket": {"name": [name]}}}
    events.put_rule(Name=name, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn}])
    version = s3.put_object(Bucket=name, Key="list", Body=b"")["VersionId"]
    (event,) = wait_for(lambda: _receive(aws, url) or None, "the event")
    return version, event


def failures_of_an_event(aws: StepFunctions, *, wait_seconds: int) -> list[Any]:
    """Give an event to a function that fails, with no attempt left; returns what is kept of it."""
    name = f"failing-{next(_numbers)}"
    seen_url, _ = _create_queue(aws, f"{name}-seen")
    failed_url, failed_arn = _create_queue(aws, f"{name}-failed")
    function = _create_function(aws, f"{TELL}    raise ValueError('always')\n", seen_url)
    aws.client("lambda").put_function_event_invoke_config(
        FunctionName=function,
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": failed_arn}},
    )
    events = aws.client("events")
    events.put_rule(Name=name, EventPattern=json.dumps({"source": [name]}))
    events.put_targets(Rule=name, Targets=[{"Id": "function", "Arn": function}])
    events.put_events(Entries=[{"Source": name, "DetailType": "Any", "Detail": "{}"}])
    wait_for(lambda: _receive(aws, seen_url) or None, "the invocation")
    return _receive(aws, failed_url, WaitTimeSeconds=wait_seconds)


def wait_for_records(
    aws: StepFunctions, *, records: int, window_seconds: int, batch_size: int = 100
) -> tuple[float, int]:
    """Write records to a stream that invokes a function; returns after how many seconds it had how many."""
    name = f"windowed-{next(_numbers)}"
    url, _ = _create_queue(aws, name)
    dynamodb, key = aws.client("dynamodb"), {"AttributeName": "id"}
    table = dynamodb.create_table(
        TableName=name,
        KeySchema=[{**key, "KeyType": "HASH"}],
        AttributeDefinitions=[{**key, "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"},
    )["TableDescription"]
    aws.client("lambda").create_event_source_mapping(
        FunctionName=_create_function(aws, TELL, url),
        EventSourceArn=table["LatestStreamArn"],
        StartingPosition="TRIM_HORIZON",
        BatchSize=batch_size,
        MaximumBatchingWindowInSeconds=window_seconds,
    )
    started = time.monotonic()
    for number in range(records):
        dynamodb.put_item(TableName=name, Item={"id": {"S": str(number)}})
    (event,) = wait_for(lambda: _receive(aws, url) or None, "the invocation")
    return time.monotonic() - started, len(event["Records"])


def _create_function(aws: StepFunctions, source: str, queue_url: str) -> str:
    return aws.create_function(source, Environment={"Variables": {"QUEUE": queue_url}}, Timeout=30)


def _create_queue(aws: StepFunctions, name: str) -> tuple[str, str]:
    """Create a queue; returns its URL and its ARN."""
    sqs = aws.client("sqs")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    return url, attributes["QueueArn"]


def _receive(aws: StepFunctions, queue_url: str, **options: Any) -> list[Any]:
    answer = aws.client("sqs").receive_message(QueueUrl=queue_url, **options)
    return [json.loads(message["Body"]) for message in answer.get("Messages", [])]
