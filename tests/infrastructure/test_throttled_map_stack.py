"""The throttled Map stack's template: the queue and its consumers, who may do what, what stays."""

import json

import pytest
from aws_cdk import App
from aws_cdk.assertions import Annotations, Match
from cfnlint.api import ManualArgs, lint
from templates import LOG_AND_TRACE, logical_id, objects_of, of_type, own_log, statements

from stacks.config import Config
from stacks.throttled_map.stack import ThrottledMapStack

PRODUCTION = {"production": True}
PACED = {"throttledMap": {"maxPerSecond": 2.5}}
FROM_TABLE = {"throttledMap": {"source": "dynamodb"}, "ddb": {"tableName": "Lists"}}
BATCH_HANDLER = {"Handler": "batch_handler.handle_batch"}
SUMMARISE_HANDLER = {"Handler": "summarise_handler.summarise"}
WORKER = {"Handler": "record_handler.handle_records"}
DEAD_LETTER_HANDLER = {"Handler": "dead_letter_handler.handle_dead_letters"}


@pytest.fixture
def template(synthesize):
    """Return the template with the defaults."""
    return synthesize(ThrottledMapStack)


def published(template, output):
    """Return the name of the resource that an output publishes."""
    return template["Outputs"][output]["Value"]["Ref"]


def function_of(template, handler):
    return template["Resources"][logical_id(template, "AWS::Lambda::Function", **handler)]["Properties"]


def arn(name):
    return {"Fn::GetAtt": [name, "Arn"]}


def test_outputs_are_those_that_commands_read(template):
    assert set(template["Outputs"]) == {
        "StateMachineArn",
        "StateMachineName",
        "ListsBucketName",
        "ResultsBucketName",
        "QueueUrl",
        "DeadLetterQueueUrl",
    }


def test_queues_are_encrypted_and_reached_over_tls_only(template):
    for output in ("QueueUrl", "DeadLetterQueueUrl"):
        # Given a queue, whose name is generated
        queue = published(template, output)
        properties = template["Resources"][queue]["Properties"]
        assert "QueueName" not in properties
        # Then it is encrypted with SQS's own key, and refuses who comes without TLS
        assert properties["SqsManagedSseEnabled"] is True
        policy = template["Resources"][logical_id(template, "AWS::SQS::QueuePolicy", Queues=[{"Ref": queue}])]
        (statement,) = policy["Properties"]["PolicyDocument"]["Statement"]
        assert (statement["Effect"], statement["Action"]) == ("Deny", "sqs:*")
        assert statement["Principal"] == {"AWS": "*"}
        assert statement["Resource"] == arn(queue)
        assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_message_that_was_received_too_often_goes_to_the_dead_letters(synthesize):
    # Given a count of its own
    template = synthesize(ThrottledMapStack, {"throttledMap": {"maxReceiveCount": 7}})
    dead_letters = published(template, "DeadLetterQueueUrl")
    # Then the queue moves a message there, which keeps it as long as SQS can
    queue = template["Resources"][published(template, "QueueUrl")]["Properties"]
    assert queue["RedrivePolicy"] == {"deadLetterTargetArn": arn(dead_letters), "maxReceiveCount": 7}
    properties = template["Resources"][dead_letters]["Properties"]
    assert properties["MessageRetentionPeriod"] == 14 * 24 * 3600
    assert "RedrivePolicy" not in properties


@pytest.mark.parametrize(("item_timeout", "worker_timeout"), [(61, 61), (300, 300), (900, 900), (901, 900)])
def test_worker_has_the_time_of_an_item_and_messages_are_hidden_six_times_that(
    synthesize, item_timeout, worker_timeout
):
    # When an item may take so long
    template = synthesize(ThrottledMapStack, {"throttledMap": {"itemTimeoutSeconds": item_timeout}})
    # Then so may the worker, within Lambda's limit, and its message is long enough its own
    assert function_of(template, WORKER)["Timeout"] == worker_timeout
    queue = template["Resources"][published(template, "QueueUrl")]["Properties"]
    assert queue["VisibilityTimeout"] == 6 * worker_timeout
    dead_letters = template["Resources"][published(template, "DeadLetterQueueUrl")]["Properties"]
    assert dead_letters["VisibilityTimeout"] == 6 * function_of(template, DEAD_LETTER_HANDLER)["Timeout"]


def test_no_more_items_are_processed_at_once_than_configured(synthesize):
    # Given a limit of its own
    template = synthesize(ThrottledMapStack, {"throttledMap": {"workerMaxConcurrency": 7}})
    worker = logical_id(template, "AWS::Lambda::Function", **WORKER)
    # When the event source is read
    name = logical_id(template, "AWS::Lambda::EventSourceMapping", FunctionName={"Ref": worker})
    # Then it invokes that many workers, each with one message, and hears which failed
    assert template["Resources"][name]["Properties"] == {
        "FunctionName": {"Ref": worker},
        "EventSourceArn": arn(published(template, "QueueUrl")),
        "BatchSize": 1,
        "ScalingConfig": {"MaximumConcurrency": 7},
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
    }


def test_dead_letters_have_their_own_consumer(template):
    handler = logical_id(template, "AWS::Lambda::Function", **DEAD_LETTER_HANDLER)
    name = logical_id(template, "AWS::Lambda::EventSourceMapping", FunctionName={"Ref": handler})
    properties = template["Resources"][name]["Properties"]
    assert properties["EventSourceArn"] == arn(published(template, "DeadLetterQueueUrl"))
    assert properties["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_worker_has_powertools_and_what_it_reads_from_its_environment(template):
    # Given the worker
    properties = function_of(template, WORKER)
    # Then the layer is AWS's own, of one version, for its runtime and architecture
    (layer,) = properties["Layers"]
    parts = ["arn:", {"Ref": "AWS::Partition"}, ":lambda:", {"Ref": "AWS::Region"}]
    name = ":017000801446:layer:AWSLambdaPowertoolsPythonV3-python314-arm64:36"
    assert layer == {"Fn::Join": ["", [*parts, name]]}
    assert (properties["Runtime"], properties["Architectures"]) == ("python3.14", ["arm64"])
    # And without a pace it knows the heartbeat alone
    assert properties["Environment"] == {"Variables": {"HEARTBEAT_SECONDS": "60"}}
    assert properties["MemorySize"] == 256


def test_other_functions_do_without_the_layer(template):
    for handler in (BATCH_HANDLER, SUMMARISE_HANDLER, DEAD_LETTER_HANDLER):
        assert "Layers" not in function_of(template, handler)
    environment = function_of(template, DEAD_LETTER_HANDLER)["Environment"]
    assert environment == {"Variables": {"RESULTS_BUCKET": {"Ref": published(template, "ResultsBucketName")}}}


def test_without_a_pace_there_is_no_table(template):
    assert of_type(template, "AWS::DynamoDB::GlobalTable") == []


@pytest.mark.parametrize(
    ("pace", "shown"), [(2.5, "2.5"), (5, "5"), (0.1, "0.1"), (1000, "1000"), (0.001, "0.001")]
)
def test_pace_is_kept_in_a_table_of_its_own(synthesize, pace, shown):
    # When there is a pace
    template = synthesize(ThrottledMapStack, {"throttledMap": {"maxPerSecond": pace}})
    # Then the worker knows it and the table
    table = logical_id(template, "AWS::DynamoDB::GlobalTable")
    variables = function_of(template, WORKER)["Environment"]["Variables"]
    assert variables == {
        "HEARTBEAT_SECONDS": "60",
        "PACE_TABLE": {"Ref": table},
        "MAX_PER_SECOND": shown,
    }
    assert float(shown) == pace


@pytest.mark.parametrize("production", [False, True])
def test_table_of_the_pace_is_on_demand_and_kept_in_production(synthesize, production):
    template = synthesize(ThrottledMapStack, {**PACED, "production": production})
    (table,) = of_type(template, "AWS::DynamoDB::GlobalTable")
    properties = table["Properties"]
    assert properties["BillingMode"] == "PAY_PER_REQUEST"
    assert properties["KeySchema"] == [{"AttributeName": "name", "KeyType": "HASH"}]
    assert properties["AttributeDefinitions"] == [{"AttributeName": "name", "AttributeType": "S"}]
    assert properties["SSESpecification"]["SSEEnabled"] is True
    (replica,) = properties["Replicas"]
    assert replica["DeletionProtectionEnabled"] is production
    assert replica["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": production}
    assert table["DeletionPolicy"] == ("Retain" if production else "Delete")


@pytest.mark.parametrize(("config", "policy"), [({}, "Delete"), (PRODUCTION, "Retain")])
def test_data_stays_only_in_production(synthesize, config, policy):
    template = synthesize(ThrottledMapStack, config)
    kept = of_type(template, "AWS::S3::Bucket") + of_type(template, "AWS::Logs::LogGroup")
    assert len(kept) == 7
    assert {it[field] for it in kept for field in ("DeletionPolicy", "UpdateReplacePolicy")} == {policy}


def test_nothing_is_deployed_that_is_not_the_workflows_own(template):
    assert len(of_type(template, "AWS::Lambda::Function")) == 4
    assert not [it for it in template["Resources"].values() if it["Type"].startswith("Custom::")]


def receive_from(queue):
    """Return the statement that CDK writes for an event source on a queue."""
    actions = [
        "ChangeMessageVisibility",
        "DeleteMessage",
        "GetQueueAttributes",
        "GetQueueUrl",
        "ReceiveMessage",
    ]
    return {"Action": [f"sqs:{it}" for it in actions], "Effect": "Allow", "Resource": arn(queue)}


def answers_to(template, *answers):
    """Return the statement that allows answers to the state machine and to its children, and to no other."""
    machine = {"Ref": logical_id(template, "AWS::StepFunctions::StateMachine")}
    actions = [f"states:SendTask{it}" for it in answers]
    return {
        "Action": actions if len(actions) > 1 else actions[0],
        "Effect": "Allow",
        "Resource": [{"Fn::Join": ["", [machine, "/ProcessItems"]]}, machine],
    }


def test_worker_may_answer_tokens_receive_messages_and_write_its_log(template):
    worker = logical_id(template, "AWS::Lambda::Function", **WORKER)
    assert statements(template, worker) == [
        own_log(template, worker),
        answers_to(template, "Failure", "Heartbeat", "Success"),
        receive_from(published(template, "QueueUrl")),
    ]


def test_worker_with_a_pace_may_also_update_its_table(synthesize):
    template = synthesize(ThrottledMapStack, PACED)
    worker = logical_id(template, "AWS::Lambda::Function", **WORKER)
    update = {
        "Action": "dynamodb:UpdateItem",
        "Effect": "Allow",
        "Resource": arn(logical_id(template, "AWS::DynamoDB::GlobalTable")),
    }
    assert update in statements(template, worker)
    assert len(statements(template, worker)) == 4


def test_dead_letter_handler_may_fail_items_and_keep_messages(template):
    # Given the handler and the bucket
    handler = logical_id(template, "AWS::Lambda::Function", **DEAD_LETTER_HANDLER)
    results = published(template, "ResultsBucketName")
    # Then it may do no more than that
    log, write, answer, receive = statements(template, handler)
    assert log == own_log(template, handler)
    assert write == {
        "Action": "s3:PutObject",
        "Effect": "Allow",
        "Resource": {"Fn::Join": ["", [arn(results), "/undeliverable/*"]]},
    }
    assert answer == answers_to(template, "Failure")
    assert receive == receive_from(published(template, "DeadLetterQueueUrl"))


def test_nobody_else_may_answer_tokens(template):
    # Given every policy
    policies = of_type(template, "AWS::IAM::Policy")
    all_statements = [it for each in policies for it in each["Properties"]["PolicyDocument"]["Statement"]]
    # Then there are the worker's statement and the dead letter handler's
    assert len([it for it in all_statements if "SendTask" in json.dumps(it["Action"])]) == 2


def test_item_processor_may_only_write_its_own_log(template):
    function = logical_id(template, "AWS::Lambda::Function", **BATCH_HANDLER)
    assert statements(template, function) == [own_log(template, function)]


def test_summary_may_read_results_and_write_only_summaries(template):
    function = logical_id(template, "AWS::Lambda::Function", **SUMMARISE_HANDLER)
    results = arn(published(template, "ResultsBucketName"))
    log, read, write = statements(template, function)
    assert log == own_log(template, function)
    assert (read["Action"], read["Resource"]) == ("s3:GetObject", {"Fn::Join": ["", [results, "/runs/*"]]})
    assert write["Action"] == "s3:PutObject"
    assert write["Resource"] == {"Fn::Join": ["", [results, "/runs/*/summary.json"]]}


def check_common(template, *, write, invoke, send, log_and_trace, children):
    """Check the statements of the state machine's role that do not depend on where the list is."""
    machine = logical_id(template, "AWS::StepFunctions::StateMachine")
    assert write["Resource"] == objects_of(published(template, "ResultsBucketName"))
    functions = [
        arn(logical_id(template, "AWS::Lambda::Function", **handler))
        for handler in (BATCH_HANDLER, SUMMARISE_HANDLER)
    ]
    assert invoke["Action"] == "lambda:InvokeFunction"
    assert invoke["Resource"] == functions + [{"Fn::Join": ["", [it, ":*"]]} for it in functions]
    assert (send["Action"], send["Resource"]) == ("sqs:SendMessage", arn(published(template, "QueueUrl")))
    assert (log_and_trace["Resource"], log_and_trace["Action"]) == ("*", LOG_AND_TRACE)
    start, watch, redrive = children
    assert (start["Action"], start["Resource"]) == ("states:StartExecution", {"Ref": machine})
    name = {"Fn::Select": [6, {"Fn::Split": [":", {"Ref": machine}]}]}
    assert watch["Action"] == ["states:DescribeExecution", "states:StopExecution"]
    assert watch["Resource"]["Fn::Join"][1][-3:] == [":execution:", name, ":*"]
    assert redrive["Action"] == "states:RedriveExecution"
    assert redrive["Resource"]["Fn::Join"][1][-3:] == [":execution:", name, "/ProcessItems:*"]


def test_state_machine_may_read_lists_send_messages_and_use_what_is_its_own(template):
    # When the statements of its role are read
    machine = logical_id(template, "AWS::StepFunctions::StateMachine")
    write, read, invoke, send, log_and_trace, find, *children = statements(template, machine)
    # Then it may read and find the lists
    lists = published(template, "ListsBucketName")
    assert (read["Action"], read["Resource"]) == ("s3:GetObject", objects_of(lists))
    assert (find["Action"], find["Resource"]) == ("s3:ListBucket", arn(lists))
    # And the rest is as in the Distributed Map, with the queue
    check_common(
        template, write=write, invoke=invoke, send=send, log_and_trace=log_and_trace, children=children
    )


def test_state_machine_with_a_list_in_the_table_may_read_that_table_and_no_bucket(synthesize):
    # When the statements of its role are read
    template = synthesize(ThrottledMapStack, FROM_TABLE)
    machine = logical_id(template, "AWS::StepFunctions::StateMachine")
    read, write, invoke, send, log_and_trace, *children = statements(template, machine)
    # Then it may read the table of that name, which is another stack's
    assert read["Action"] == "dynamodb:GetItem"
    assert read["Resource"]["Fn::Join"][1][-1] == ":table/Lists"
    assert of_type(template, "AWS::DynamoDB::GlobalTable") == []
    check_common(
        template, write=write, invoke=invoke, send=send, log_and_trace=log_and_trace, children=children
    )


def test_state_machine_is_standard_traced_and_logged_without_the_items_and_tokens(template):
    name = "/aws/vendedlogs/states/ThrottledMapStack"
    log_group = logical_id(template, "AWS::Logs::LogGroup", LogGroupName=name)
    (machine,) = of_type(template, "AWS::StepFunctions::StateMachine")
    assert machine["Properties"].get("StateMachineType", "STANDARD") == "STANDARD"
    assert machine["Properties"]["TracingConfiguration"] == {"Enabled": True}
    assert machine["Properties"]["LoggingConfiguration"] == {
        "Destinations": [{"CloudWatchLogsLogGroup": {"LogGroupArn": arn(log_group)}}],
        "IncludeExecutionData": False,
        "Level": "ALL",
    }


@pytest.mark.parametrize(
    ("metric", "what"), [("ExecutionsFailed", "failed"), ("ExecutionsTimedOut", "timed out")]
)
def test_alarm_goes_off_at_the_first_unsuccessful_execution(template, metric, what):
    found = {"Namespace": "AWS/States", "MetricName": metric}
    alarm = template["Resources"][logical_id(template, "AWS::CloudWatch::Alarm", **found)]["Properties"]
    machine = logical_id(template, "AWS::StepFunctions::StateMachine")
    assert alarm["Dimensions"] == [{"Name": "StateMachineArn", "Value": {"Ref": machine}}]
    assert alarm["AlarmDescription"] == f"An execution of the throttled Map workflow {what}"


TOO_MANY_AT_ONCE = (
    "throttledMap.maxConcurrency is 1001, up to 1001 items at once: an account runs 1000 functions at once, "
    "unless its quota was raised"
)
ITEM_OUTLASTS_EXECUTION = (
    "throttledMap.itemTimeoutSeconds is 300 and throttledMap.timeoutDurationSeconds 300: "
    "executions end TIMED_OUT before an item of the queue does"
)
TURN_TOO_LATE = (
    "throttledMap.maxPerSecond is 0.5 and throttledMap.workerMaxConcurrency 76: a worker's turn comes after "
    "up to 152 s, and it waits 150 s for it. Lower workerMaxConcurrency"
)


@pytest.mark.parametrize(
    ("section", "warnings"),
    [
        ({}, []),
        ({"maxConcurrency": 1001}, [TOO_MANY_AT_ONCE]),
        ({"timeoutDurationSeconds": 301}, []),
        ({"timeoutDurationSeconds": 300}, [ITEM_OUTLASTS_EXECUTION]),
        ({"maxPerSecond": 0.5, "workerMaxConcurrency": 75}, []),
        ({"maxPerSecond": 0.5, "workerMaxConcurrency": 76}, [TURN_TOO_LATE]),
    ],
)
def test_what_is_seldom_meant_is_warned_of_and_deploys(section, warnings):
    # When the stack is synthesized
    config = Config.model_validate({"throttledMap": section})
    stack = ThrottledMapStack(App(), "ThrottledMapStack", config=config)
    found = Annotations.from_stack(stack).find_warning("*", Match.any_value())
    # Then there is that warning and no other
    assert [str(entry.entry.data).partition(" [ack:")[0] for entry in found] == warnings


@pytest.mark.parametrize(
    "config",
    [{}, PRODUCTION, PACED, {**PACED, **PRODUCTION}, FROM_TABLE],
    ids=["default", "production", "paced", "paced in production", "from table"],
)
def test_template_passes_cfn_lint(synthesize, config):
    text = json.dumps(synthesize(ThrottledMapStack, config))
    # W3005 is a DependsOn that CDK adds to each function with a role of its own.
    args = ManualArgs(regions=["us-east-1", "eu-west-1"], ignore_checks=["W3005"])
    assert lint(text, config=args) == []
