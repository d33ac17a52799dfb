"""Each replacement of a part of MiniStack is needed: the stock part still falls short of AWS.

A test that fails here says that MiniStack has caught up: drop the replacement.
"""

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.error import HTTPError

import pytest
from botocore.exceptions import ClientError
from distributed_states import KEEP, distributed
from local_aws import free_port
from state_machines import (
    ROLE,
    StepFunctions,
    call_through_an_update,
    invoke,
    machine,
    map_over,
    wait_for,
)
from triggers import event_of_a_drop, failures_of_an_event, wait_for_records

from local.replacements import REPLACEMENTS

LINGER = machine(Linger={"Type": "Wait", "Seconds": 3600})


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StepFunctions]:
    """MiniStack as it is installed, without any replacement."""
    folder = tmp_path_factory.mktemp("stock")
    port = str(free_port())
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "GATEWAY_PORT": port,
        "BIND_HOST": "127.0.0.1",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
    }
    endpoint = f"http://127.0.0.1:{port}"
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen([sys.executable, "-m", "ministack"], env=environ, stdout=log, stderr=log) as process,
    ):
        try:
            wait_for(lambda: is_ready(endpoint), "the stock MiniStack")
            yield StepFunctions(
                {
                    "AWS_ENDPOINT_URL": endpoint,
                    "AWS_REGION": "us-east-1",
                    "AWS_ACCESS_KEY_ID": "000000000001",
                    "AWS_SECRET_ACCESS_KEY": "any",
                }
            )
        finally:
            process.kill()


def is_ready(endpoint: str) -> bool | None:
    try:
        with urllib.request.urlopen(f"{endpoint}/_ministack/ready") as response:
            return response.status == 200 or None
    except OSError:
        return None


def history_lacks_iterations(stock: StepFunctions) -> bool:
    outcome = stock.run(machine(Each=map_over(machine(Keep={"Type": "Pass"}))), ["a"])
    return "MapIterationStarted" not in outcome.types


def create_takes_any_definition(stock: StepFunctions) -> bool:
    return bool(stock.create({"StartAt": "Nowhere", "States": {}}))


def update_takes_any_definition(stock: StepFunctions) -> bool:
    arn = stock.create(LINGER)
    return bool(stock.api.update_state_machine(stateMachineArn=arn, definition="{}"))


def start_takes_any_name(stock: StepFunctions) -> bool:
    arn = stock.create(machine(Keep={"Type": "Pass"}))
    return bool(stock.api.start_execution(stateMachineArn=arn, name="not a name"))


def stop_leaves_previous_event_out(stock: StepFunctions) -> bool:
    arn = stock.start(LINGER)
    stock.wait_for_event(arn, "WaitStateEntered")
    stock.api.stop_execution(executionArn=arn)
    return "previousEventId" not in stock.wait(arn).events[-1]


def nothing_can_be_redriven(stock: StepFunctions) -> bool:
    failed = stock.run(machine(Break={"Type": "Fail"}))
    with pytest.raises(ClientError) as refusal:
        stock.api.redrive_execution(executionArn=failed.arn)
    return refusal.value.response["Error"]["Code"] == "InvalidAction"


def description_tells_of_no_redrives(stock: StepFunctions) -> bool:
    failed = stock.run(machine(Break={"Type": "Fail"}))
    return "redriveStatus" not in stock.api.describe_execution(executionArn=failed.arn)


def map_run_of_stock(stock: StepFunctions) -> str:
    outcome = stock.run(machine(Each=distributed(KEEP, "EXPRESS")), ["a"])
    (run,) = stock.api.list_map_runs(executionArn=outcome.arn)["mapRuns"]
    return str(run["mapRunArn"])


def executions_of_nothing_are_listed(stock: StepFunctions) -> bool:
    stock.run(machine(Keep={"Type": "Pass"}))
    return bool(stock.api.list_executions()["executions"])


def map_run_that_has_ended_is_updated(stock: StepFunctions) -> bool:
    arn = map_run_of_stock(stock)
    stock.api.update_map_run(mapRunArn=arn, maxConcurrency=7)
    return bool(stock.api.describe_map_run(mapRunArn=arn)["maxConcurrency"] == 7)


def unknown_token_is_no_invalid_token(
    call: Callable[[StepFunctions], Any],
) -> Callable[[StepFunctions], bool]:
    def check(stock: StepFunctions) -> bool:
        with pytest.raises(ClientError) as refusal:
            call(stock)
        return refusal.value.response["Error"]["Code"] != "InvalidToken"

    return check


def taken_activity_leaves_no_event(stock: StepFunctions) -> bool:
    activity = stock.api.create_activity(name="a")["activityArn"]
    arn = stock.start(machine(Work={"Type": "Task", "Resource": activity}))
    stock.api.get_activity_task(activityArn=activity, workerName="me")
    return "ActivityStarted" not in [event["type"] for event in stock.events(arn)]


def reset_lets_executions_run_on(stock: StepFunctions) -> bool:
    """After a reset an execution of before still sends its message."""
    sqs = stock.client("sqs")
    url = sqs.create_queue(QueueName="after-reset")["QueueUrl"]
    send = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage",
        "Parameters": {"QueueUrl": url, "MessageBody": "late"},
    }
    arn = stock.start(machine(Pause={"Type": "Wait", "Seconds": 2}, Send=send))
    stock.wait_for_event(arn, "WaitStateEntered")
    endpoint = stock.api.meta.endpoint_url
    request = urllib.request.Request(f"{endpoint}/_ministack/reset", method="POST")
    urllib.request.urlopen(request).close()
    sqs.create_queue(QueueName="after-reset")
    return (
        wait_for(lambda: sqs.receive_message(QueueUrl=url).get("Messages"), "the message")[0]["Body"]
        == "late"
    )


def logging_of_a_template_is_lost(stock: StepFunctions) -> bool:
    machine_properties = {
        "StateMachineName": "logged",
        "RoleArn": ROLE,
        "DefinitionString": json.dumps(LINGER),
        "LoggingConfiguration": {"Level": "ALL", "IncludeExecutionData": True},
    }
    resource = {"Type": "AWS::StepFunctions::StateMachine", "Properties": machine_properties}
    cloudformation = stock.client("cloudformation")
    cloudformation.create_stack(
        StackName="logged",
        TemplateBody=json.dumps({"Resources": {"Machine": resource}}),
    )
    cloudformation.get_waiter("stack_create_complete").wait(StackName="logged", WaiterConfig={"Delay": 1})
    (machine_arn,) = (
        found["stateMachineArn"]
        for found in stock.api.list_state_machines()["stateMachines"]
        if found["name"] == "logged"
    )
    description = stock.api.describe_state_machine(stateMachineArn=machine_arn)
    return description["loggingConfiguration"].get("level") != "ALL"


def handler_errors_have_no_name(stock: StepFunctions) -> bool:
    function = stock.create_function("def handler(event, context):\n    raise ValueError('x')\n")
    return stock.run(machine(Work=invoke(function))).error != "ValueError"


def definition_of_an_execution_changes(states: StepFunctions) -> bool:
    arn = states.create(machine(Before={"Type": "Pass"}))
    execution_arn = states.api.start_execution(stateMachineArn=arn)["executionArn"]
    states.api.update_state_machine(
        stateMachineArn=arn, definition=json.dumps(machine(After={"Type": "Pass"}))
    )
    described = states.api.describe_state_machine_for_execution(executionArn=execution_arn)
    return "After" in described["definition"]


def update_ends_what_runs(states: StepFunctions) -> bool:
    with TemporaryDirectory() as folder:
        return call_through_an_update(states, Path(folder))["error"] is not None


def inserted_item_is_not_in_the_stream(stock: StepFunctions) -> bool:
    key = {"AttributeName": "id"}
    stock.client("dynamodb").create_table(
        TableName="streamed",
        KeySchema=[{**key, "KeyType": "HASH"}],
        AttributeDefinitions=[{**key, "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"},
    )
    insert = "INSERT INTO \"streamed\" VALUE {'id': 'a'}"
    stock.client("dynamodb").batch_execute_statement(Statements=[{"Statement": insert}])
    stock.client("dynamodb").put_item(TableName="streamed", Item={"id": {"S": "b"}})
    streams = stock.client("dynamodbstreams")
    arn = streams.list_streams(TableName="streamed")["Streams"][0]["StreamArn"]
    (shard,) = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    iterator = streams.get_shard_iterator(
        StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    records = streams.get_records(ShardIterator=iterator)["Records"]
    return [record["dynamodb"]["Keys"] for record in records] == [{"id": {"S": "b"}}]


def range_of_a_version_is_the_whole(stock: StepFunctions) -> bool:
    s3 = stock.client("s3")
    s3.create_bucket(Bucket="versions")
    s3.put_bucket_versioning(Bucket="versions", VersioningConfiguration={"Status": "Enabled"})
    version = s3.put_object(Bucket="versions", Key="list", Body=b"0123456789")["VersionId"]
    answer = s3.get_object(Bucket="versions", Key="list", VersionId=version, Range="bytes=2-4")
    return bool(answer["ContentLength"] == 10)


def event_of_s3_tells_no_version(stock: StepFunctions) -> bool:
    _, event = event_of_a_drop(stock)
    return "version-id" not in event["detail"]["object"]


def event_that_fails_is_lost(stock: StepFunctions) -> bool:
    return not failures_of_an_event(stock, wait_seconds=3)


def batching_window_is_ignored(stock: StepFunctions) -> bool:
    seconds, _ = wait_for_records(stock, records=1, window_seconds=30)
    return seconds < 30


def requests_are_not_counted(stock: StepFunctions) -> bool:
    with pytest.raises(HTTPError, match="404"):
        urllib.request.urlopen(f"{stock.api.meta.endpoint_url}/_local/requests")
    return True


NEEDED: dict[str, Callable[[StepFunctions], bool]] = {
    "app._dispatch_service_request": requests_are_not_counted,
    "services.stepfunctions.handle_request": nothing_can_be_redriven,
    "services.stepfunctions._create_state_machine": create_takes_any_definition,
    "services.stepfunctions._update_state_machine": update_takes_any_definition,
    "services.stepfunctions._run_execution": history_lacks_iterations,
    "services.stepfunctions._start_execution": start_takes_any_name,
    "services.stepfunctions._stop_execution": stop_leaves_previous_event_out,
    "services.stepfunctions._describe_execution": description_tells_of_no_redrives,
    "services.stepfunctions._describe_state_machine_for_execution": definition_of_an_execution_changes,
    "services.stepfunctions._list_executions": executions_of_nothing_are_listed,
    "services.stepfunctions._update_map_run": map_run_that_has_ended_is_updated,
    "services.stepfunctions._send_task_success": unknown_token_is_no_invalid_token(
        lambda stock: stock.api.send_task_success(taskToken="x", output="1")
    ),
    "services.stepfunctions._send_task_failure": unknown_token_is_no_invalid_token(
        lambda stock: stock.api.send_task_failure(taskToken="x")
    ),
    "services.stepfunctions._send_task_heartbeat": unknown_token_is_no_invalid_token(
        lambda stock: stock.api.send_task_heartbeat(taskToken="x")
    ),
    "services.stepfunctions._get_activity_task": taken_activity_leaves_no_event,
    "services.stepfunctions.reset": reset_lets_executions_run_on,
    "services.cloudformation.provisioners._RESOURCE_HANDLERS": logging_of_a_template_is_lost,
    "services.s3._get_object": range_of_a_version_is_the_whole,
    "services.dynamodb._partiql_insert": inserted_item_is_not_in_the_stream,
    "services.s3._fire_s3_event": event_of_s3_tells_no_version,
    "services.eventbridge._dispatch_event": event_of_s3_tells_no_version,
    "services.eventbridge._dispatch_to_lambda": event_that_fails_is_lost,
    "services.lambda_svc._poll_dynamodb_streams": batching_window_is_ignored,
    "services.lambda_svc._execute_function_warm": handler_errors_have_no_name,
    "services.lambda_svc.invalidate_worker": update_ends_what_runs,
    "core.lambda_runtime._worker_class_for": handler_errors_have_no_name,
    "core.lambda_runtime._PYTHON_WORKER_SCRIPT": handler_errors_have_no_name,
}


def test_every_replacement_has_its_check() -> None:
    assert NEEDED.keys() == REPLACEMENTS.keys()


@pytest.mark.parametrize("name", [name for name in NEEDED if not name.endswith(".reset")])
def test_stock_ministack_falls_short(stock: StepFunctions, name: str) -> None:
    assert NEEDED[name](stock)


def test_stock_ministack_falls_short_on_reset(stock: StepFunctions) -> None:
    """By itself, because it empties the stock MiniStack."""
    assert NEEDED["services.stepfunctions.reset"](stock)
