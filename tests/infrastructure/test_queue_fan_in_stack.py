"""The queue fan-in stack's template: what is deployed, what invokes what, what stays."""

import json

import pytest
from cfnlint.api import ManualArgs, lint
from fan_in_template import (
    HANDLERS,
    arn,
    event_source_of,
    failure_queue,
    function_name,
    function_of,
    published,
    table_of,
)
from templates import logical_id, of_type

from stacks.queue_fan_in.stack import QueueFanInStack

PRODUCTION = {"production": True}


@pytest.fixture
def template(synthesize):
    """Return the template with the defaults."""
    return synthesize(QueueFanInStack)


def configured(synthesize, **section):
    return synthesize(QueueFanInStack, {"queueFanIn": section})


def test_outputs_are_those_that_commands_read(template):
    assert set(template["Outputs"]) == {
        "ListsBucketName",
        "ResultsBucketName",
        "JobsTableName",
        "ResultsTableName",
        "QueueUrl",
        "DeadLetterQueueUrl",
    }


@pytest.mark.parametrize("config", [{}, PRODUCTION])
def test_lists_have_versions_that_are_told_to_eventbridge(synthesize, config):
    # Given the bucket that lists are dropped into
    template = synthesize(QueueFanInStack, config)
    properties = template["Resources"][published(template, "ListsBucketName")]["Properties"]
    # Then a list that is dropped again is another version, and each one an event
    assert properties["VersioningConfiguration"] == {"Status": "Enabled"}
    assert properties["NotificationConfiguration"] == {
        "EventBridgeConfiguration": {"EventBridgeEnabled": True}
    }
    # And what was replaced goes after a while
    rules = properties["LifecycleConfiguration"]["Rules"]
    assert {"NoncurrentDays": 30} in [rule.get("NoncurrentVersionExpiration") for rule in rules]


def test_output_expires_but_in_production(synthesize):
    for config, days in (({}, [30]), (PRODUCTION, [])):
        template = synthesize(QueueFanInStack, config)
        properties = template["Resources"][published(template, "ResultsBucketName")]["Properties"]
        rules = properties["LifecycleConfiguration"]["Rules"]
        assert [rule["ExpirationInDays"] for rule in rules if "ExpirationInDays" in rule] == days
        assert "NotificationConfiguration" not in properties


def test_jobs_are_found_by_name_by_start_and_by_deadline(template):
    # Given the table of the jobs
    table = table_of(template, "JobsTableName")["Properties"]
    # Then its keys are those that the functions and the commands use
    assert table["KeySchema"] == [{"AttributeName": "job", "KeyType": "HASH"}]
    indexes = {
        each["IndexName"]: ([key["AttributeName"] for key in each["KeySchema"]], each["Projection"])
        for each in table["GlobalSecondaryIndexes"]
    }
    keys_only = {"ProjectionType": "KEYS_ONLY"}
    assert indexes == {
        "JobsByStart": (["kind", "startedAt"], keys_only),
        "OpenJobs": (["open", "deadline"], keys_only),
    }
    types = {each["AttributeName"]: each["AttributeType"] for each in table["AttributeDefinitions"]}
    assert types == {"job": "S", "kind": "S", "startedAt": "S", "open": "S", "deadline": "N"}
    assert "StreamSpecification" not in table


def test_results_are_in_the_lists_order_and_stream_their_keys(template):
    table = table_of(template, "ResultsTableName")["Properties"]
    assert [key["AttributeName"] for key in table["KeySchema"]] == ["part", "position"]
    types = {each["AttributeName"]: each["AttributeType"] for each in table["AttributeDefinitions"]}
    assert types == {"part": "S", "position": "N"}
    assert table["StreamSpecification"] == {"StreamViewType": "KEYS_ONLY"}


@pytest.mark.parametrize("output", ["JobsTableName", "ResultsTableName"])
@pytest.mark.parametrize("production", [False, True])
def test_tables_are_on_demand_expire_and_are_kept_in_production(synthesize, output, production):
    table = table_of(synthesize(QueueFanInStack, {"production": production}), output)
    properties = table["Properties"]
    (replica,) = properties["Replicas"]
    assert properties["BillingMode"] == "PAY_PER_REQUEST"
    assert properties["SSESpecification"] == {"SSEEnabled": True, "SSEType": "KMS"}
    assert properties["TimeToLiveSpecification"] == {"AttributeName": "expiresAt", "Enabled": True}
    assert replica["DeletionProtectionEnabled"] is production
    assert replica["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": production}
    assert table["DeletionPolicy"] == ("Retain" if production else "Delete")


def test_every_queue_is_encrypted_and_reached_over_tls_only(template):
    queues = {name for name, it in template["Resources"].items() if it["Type"] == "AWS::SQS::Queue"}
    assert len(queues) == 4
    for queue in queues:
        properties = template["Resources"][queue]["Properties"]
        assert "QueueName" not in properties
        assert properties["SqsManagedSseEnabled"] is True
        policy = template["Resources"][logical_id(template, "AWS::SQS::QueuePolicy", Queues=[{"Ref": queue}])]
        deny, *others = policy["Properties"]["PolicyDocument"]["Statement"]
        assert (deny["Effect"], deny["Action"], deny["Resource"]) == ("Deny", "sqs:*", arn(queue))
        assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        # And nobody else is allowed in, but rules of this stack that keep an event they cannot deliver
        for each in others:
            assert each["Principal"] == {"Service": "events.amazonaws.com"}
            assert each["Condition"]["ArnEquals"]["aws:SourceArn"]["Fn::GetAtt"][0] in rules_of(template)
        assert bool(others) == (queue == failure_queue(template, "split"))


def rules_of(template):
    return {
        name: it["Properties"]
        for name, it in template["Resources"].items()
        if it["Type"] == "AWS::Events::Rule"
    }


def test_message_that_was_received_too_often_goes_to_the_dead_letters(synthesize):
    # Given a count and a timeout of its own
    template = configured(synthesize, maxReceiveCount=7, workerTimeoutSeconds=90)
    names = [published(template, output) for output in ("QueueUrl", "DeadLetterQueueUrl")]
    queue, dead_letters = [template["Resources"][name]["Properties"] for name in names]
    # Then the queue moves such a message there, and hides one long enough for its worker
    target = arn(published(template, "DeadLetterQueueUrl"))
    assert queue["RedrivePolicy"] == {"deadLetterTargetArn": target, "maxReceiveCount": 7}
    assert queue["VisibilityTimeout"] == 6 * 90
    assert dead_letters["VisibilityTimeout"] == 6 * function_of(template, "dead letters")["Timeout"]
    # And a message waits as long as the longest job takes, a dead letter as long as SQS can keep it
    assert queue["MessageRetentionPeriod"] == 7 * 24 * 3600
    assert dead_letters["MessageRetentionPeriod"] == 14 * 24 * 3600


def test_functions_are_told_what_they_read_from_their_environment(synthesize):
    # Given settings of their own
    template = configured(
        synthesize, maxReceiveCount=7, deadlineMinutes=0.1, maxItemsPerMessage=25, workerTimeoutSeconds=90
    )
    jobs, results = (published(template, f"{name}TableName") for name in ("Jobs", "Results"))
    queue = {"Ref": published(template, "QueueUrl")}
    # Then each knows what it needs, and no more
    found = {role: function_of(template, role)["Environment"]["Variables"] for role in HANDLERS}
    assert found == {
        "split": {
            "JOBS_TABLE": {"Ref": jobs},
            "QUEUE_URL": queue,
            "DEADLINE_SECONDS": "6",
            "MAX_ITEMS_PER_MESSAGE": "25",
        },
        "worker": {"QUEUE_URL": queue, "RESULTS_TABLE": {"Ref": results}, "MAX_RECEIVE_COUNT": "7"},
        "count": {"JOBS_TABLE": {"Ref": jobs}},
        "finish": {
            "JOBS_TABLE": {"Ref": jobs},
            "RESULTS_TABLE": {"Ref": results},
            "RESULTS_BUCKET": {"Ref": published(template, "ResultsBucketName")},
        },
        "dead letters": {"RESULTS_TABLE": {"Ref": results}},
        "overdue": {"JOBS_TABLE": {"Ref": jobs}},
    }


def test_functions_have_the_time_and_the_memory_for_what_they_do(synthesize):
    template = configured(synthesize, workerTimeoutSeconds=90)
    found = {role: function_of(template, role) for role in HANDLERS}
    assert {role: (it["Timeout"], it["MemorySize"]) for role, it in found.items()} == {
        "split": (900, 1769),
        "worker": (90, 128),
        "count": (60, 256),
        "finish": (900, 1769),
        "dead letters": (60, 128),
        "overdue": (60, 128),
    }
    # And the worker alone has the layer with Powertools
    assert [role for role, it in found.items() if "Layers" in it] == ["worker"]
    (layer,) = found["worker"]["Layers"]
    assert layer["Fn::Join"][1][-1] == ":017000801446:layer:AWSLambdaPowertoolsPythonV3-python314-arm64:36"


def test_no_more_workers_run_at_once_than_configured(synthesize):
    template = configured(synthesize, workerMaxConcurrency=7)
    assert event_source_of(template, "worker") == {
        "FunctionName": {"Ref": function_name(template, "worker")},
        "EventSourceArn": arn(published(template, "QueueUrl")),
        "BatchSize": 10,
        "ScalingConfig": {"MaximumConcurrency": 7},
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
    }


def test_dead_letters_have_their_own_consumer(template):
    source = event_source_of(template, "dead letters")
    assert source["EventSourceArn"] == arn(published(template, "DeadLetterQueueUrl"))
    assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_new_results_are_counted_many_at_a_time_from_the_first(template):
    failed = {"OnFailure": {"Destination": arn(failure_queue(template, "count"))}}
    assert event_source_of(template, "count") == {
        "FunctionName": {"Ref": function_name(template, "count")},
        "EventSourceArn": {"Fn::GetAtt": [published(template, "ResultsTableName"), "StreamArn"]},
        "StartingPosition": "TRIM_HORIZON",
        "BatchSize": 1000,
        "MaximumBatchingWindowInSeconds": 2,
        "FilterCriteria": {"Filters": [{"Pattern": '{"eventName":["INSERT"]}'}]},
        "BisectBatchOnFunctionError": True,
        "MaximumRecordAgeInSeconds": 3600,
        "DestinationConfig": failed,
    }
    # And what cannot be counted is kept by itself
    assert failure_queue(template, "count") != failure_queue(template, "split")


def patterns_to(template, role):
    """Return the patterns, or the schedules, of the rules whose only target is a function."""
    found = []
    for rule in rules_of(template).values():
        (target,) = rule["Targets"]
        if target["Arn"] == arn(function_name(template, role)):
            assert rule["State"] == "ENABLED"
            assert "Input" not in target
            assert target["DeadLetterConfig"] == {"Arn": arn(failure_queue(template, role))}
            found.append(rule.get("EventPattern") or rule["ScheduleExpression"])
    return found


def test_list_that_is_dropped_and_job_that_continues_are_split(template):
    bucket = {"Ref": published(template, "ListsBucketName")}
    assert patterns_to(template, "split") == [
        {
            "source": ["aws.s3"],
            "detail-type": ["Object Created"],
            "detail": {"bucket": {"name": [bucket]}, "object": {"key": [{"prefix": "lists/"}]}},
        },
        {"source": ["queue-fan-in"], "detail-type": ["Job Continues"], "detail": {"phase": ["split"]}},
    ]


def test_job_is_finished_when_it_is_told_to_and_looked_after_every_minute(template):
    assert patterns_to(template, "finish") == [
        {"source": ["queue-fan-in"], "detail-type": ["Job Continues"], "detail": {"phase": ["finish"]}}
    ]
    assert patterns_to(template, "overdue") == ["rate(1 minute)"]
    assert len(rules_of(template)) == 4


@pytest.mark.parametrize("role", ["split", "finish", "overdue"])
def test_event_at_which_a_function_fails_is_tried_again_and_then_kept(template, role):
    function = {"Ref": function_name(template, role)}
    name = logical_id(template, "AWS::Lambda::EventInvokeConfig", FunctionName=function)
    assert template["Resources"][name]["Properties"] == {
        "FunctionName": function,
        "Qualifier": "$LATEST",
        "MaximumRetryAttempts": 2,
        "MaximumEventAgeInSeconds": 6 * 3600,
        "DestinationConfig": {"OnFailure": {"Destination": arn(failure_queue(template, role))}},
    }


def alarms_of(template):
    """Return each alarm's metric: its name and what it is of, with the threshold."""
    found = {}
    for alarm in (it["Properties"] for it in of_type(template, "AWS::CloudWatch::Alarm")):
        assert alarm["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"
        assert alarm["TreatMissingData"] == "notBreaching"
        assert (alarm["Statistic"], alarm["Period"], alarm["EvaluationPeriods"]) == ("Maximum", 300, 1)
        (dimension,) = alarm.get("Dimensions", [{"Value": None}])
        of = dimension["Value"] and next(iter(dimension["Value"].values()))
        found[alarm["MetricName"], of[0] if isinstance(of, list) else of] = alarm["Threshold"]
    return found


def test_alarms_watch_what_is_left_over_what_is_late_and_the_deadline(synthesize):
    # Given a deadline of its own
    template = configured(synthesize, deadlineMinutes=7.5)
    # Then there is an alarm for each dead-letter queue, for the queue's age, the stream's, and overdue jobs
    depth = "ApproximateNumberOfMessagesVisible"
    assert alarms_of(template) == {
        (depth, published(template, "DeadLetterQueueUrl")): 1,
        (depth, failure_queue(template, "split")): 1,
        (depth, failure_queue(template, "count")): 1,
        ("ApproximateAgeOfOldestMessage", published(template, "QueueUrl")): 450,
        ("IteratorAge", function_name(template, "count")): 300_000,
        ("JobsPastDeadline", None): 1,
    }


def test_jobs_past_their_deadline_are_read_from_the_log(template):
    (metric_filter,) = of_type(template, "AWS::Logs::MetricFilter")
    properties = metric_filter["Properties"]
    assert properties["LogGroupName"] == function_of(template, "overdue")["LoggingConfig"]["LogGroup"]
    assert properties["FilterPattern"] == "{ $.message.jobsPastDeadline > 0 }"
    (transformation,) = properties["MetricTransformations"]
    assert transformation["MetricValue"] == "$.message.jobsPastDeadline"
    (alarm,) = [
        it["Properties"]
        for it in of_type(template, "AWS::CloudWatch::Alarm")
        if it["Properties"]["MetricName"] == transformation["MetricName"]
    ]
    assert alarm["Namespace"] == transformation["MetricNamespace"]


@pytest.mark.parametrize(("config", "policy"), [({}, "Delete"), (PRODUCTION, "Retain")])
def test_data_stays_only_in_production(synthesize, config, policy):
    template = synthesize(QueueFanInStack, config)
    types = ("AWS::S3::Bucket", "AWS::Logs::LogGroup", "AWS::DynamoDB::GlobalTable")
    kept = [it for type_ in types for it in of_type(template, type_)]
    assert len(kept) == 2 + 6 + 2
    assert {it[field] for it in kept for field in ("DeletionPolicy", "UpdateReplacePolicy")} == {policy}


def test_nothing_is_deployed_that_is_not_the_workflows_own(template):
    assert len(of_type(template, "AWS::Lambda::Function")) == len(HANDLERS)
    types = {it["Type"] for it in template["Resources"].values()}
    assert not [type_ for type_ in types if type_.startswith(("Custom::", "AWS::StepFunctions"))]


@pytest.mark.parametrize("config", [{}, PRODUCTION], ids=["default", "production"])
def test_template_passes_cfn_lint(synthesize, config):
    text = json.dumps(synthesize(QueueFanInStack, config))
    # W3005 is a DependsOn that CDK adds to each function with a role of its own.
    args = ManualArgs(regions=["us-east-1", "eu-west-1"], ignore_checks=["W3005"])
    assert lint(text, config=args) == []
