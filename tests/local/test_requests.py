"""The local AWS counts what is asked of it, for each account and operation."""

import json
import urllib.request
from collections.abc import Callable
from typing import Any

import boto3
from local_aws import LocalAws


def served(local_aws: LocalAws, environment: dict[str, str]) -> Any:
    with urllib.request.urlopen(f"{local_aws.endpoint}/_local/requests") as answer:
        return json.load(answer).get(environment["AWS_ACCESS_KEY_ID"], {})


def test_requests_of_an_account_are_counted_by_operation(
    local_aws: LocalAws, new_account: Callable[[], dict[str, str]]
):
    # Given two accounts
    used, other = new_account(), new_account()
    session = boto3.Session(
        aws_access_key_id=used["AWS_ACCESS_KEY_ID"], aws_secret_access_key="any", region_name="us-east-1"
    )
    sqs, s3, sfn = (
        session.client(name, endpoint_url=local_aws.endpoint) for name in ("sqs", "s3", "stepfunctions")
    )
    # When one asks services of each protocol
    url = sqs.create_queue(QueueName="counted")["QueueUrl"]
    for _ in range(3):
        sqs.send_message(QueueUrl=url, MessageBody="x" * 1_000)
    s3.create_bucket(Bucket="counted")
    s3.put_object(Bucket="counted", Key="key", Body=b"12345")
    sfn.list_state_machines()
    # Then
    counts = served(local_aws, used)
    assert counts["sqs:SendMessage"]["requests"] == 3
    assert counts["sqs:SendMessage"]["bytes"] > 3_000
    assert counts["s3:PutObject"]["requests"] == 1
    assert counts["s3:PutObject"]["bytes"] >= 5
    assert counts["states:ListStateMachines"]["requests"] == 1
    assert served(local_aws, other) == {}
