"""The Distributed Map stack's template: what is deployed, who may do what, what stays when it goes."""

import json

import pytest
from aws_cdk import App
from aws_cdk.assertions import Annotations, Match
from cfnlint.api import ManualArgs, lint
from templates import LOG_AND_TRACE, logical_id, objects_of, of_type, own_log, statements

from stacks.config import Config
from stacks.distributed_map.stack import DistributedMapStack

PRODUCTION = {"production": True}
BATCH_HANDLER = {"Handler": "batch_handler.handle_batch"}
SUMMARISE_HANDLER = {"Handler": "summarise_handler.summarise"}


@pytest.fixture
def template(synthesize):
    """Return the template with the defaults."""
    return synthesize(DistributedMapStack)


@pytest.fixture
def bucket_id(template):
    """Return a function that gives the name of the bucket that an output publishes."""
    return lambda output: template["Outputs"][output]["Value"]["Ref"]


def test_outputs_are_those_that_commands_read(template):
    assert set(template["Outputs"]) == {
        "StateMachineArn",
        "StateMachineName",
        "ListsBucketName",
        "ResultsBucketName",
    }


def test_buckets_are_private_encrypted_and_reached_over_tls_only(template):
    buckets = [name for name, it in template["Resources"].items() if it["Type"] == "AWS::S3::Bucket"]
    assert len(buckets) == 2
    for name in buckets:
        # Given a bucket, whose name is generated
        properties = template["Resources"][name]["Properties"]
        assert "BucketName" not in properties
        # Then nobody else gets at it, at rest, on the way or by an access control list
        assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
        assert len(properties["PublicAccessBlockConfiguration"]) == 4
        (rule,) = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
        assert properties["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
        policy = template["Resources"][logical_id(template, "AWS::S3::BucketPolicy", Bucket={"Ref": name})]
        (statement,) = policy["Properties"]["PolicyDocument"]["Statement"]
        assert (statement["Effect"], statement["Action"]) == ("Deny", "s3:*")
        assert statement["Principal"] == {"AWS": "*"}
        assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


@pytest.mark.parametrize(
    ("config", "lists", "results"),
    [
        ({}, {}, {"ExpirationInDays": 30}),
        (PRODUCTION, *[{"NoncurrentVersionExpiration": {"NoncurrentDays": 30}}] * 2),
    ],
    ids=["default", "production"],
)
def test_lists_stay_and_results_expire_only_outside_production(synthesize, config, lists, results):
    # Given the buckets
    template = synthesize(DistributedMapStack, config)
    for output, expected in (("ListsBucketName", lists), ("ResultsBucketName", results)):
        properties = template["Resources"][template["Outputs"][output]["Value"]["Ref"]]["Properties"]
        # When the lifecycle is read
        (rule,) = properties["LifecycleConfiguration"]["Rules"]
        # Then it deletes that, and what is left of broken uploads
        uploads = {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1}}
        assert rule == {"Status": "Enabled", **uploads, **expected}
        versions = {"Status": "Enabled"} if config else None
        assert properties.get("VersioningConfiguration") == versions


@pytest.mark.parametrize(("config", "policy"), [({}, "Delete"), (PRODUCTION, "Retain")])
def test_data_stays_only_in_production(synthesize, config, policy):
    # When the stack is synthesized
    template = synthesize(DistributedMapStack, config)
    kept = of_type(template, "AWS::S3::Bucket") + of_type(template, "AWS::Logs::LogGroup")
    # Then the lists, the results and the logs stay or go together
    assert len(kept) == 5
    assert {it[field] for it in kept for field in ("DeletionPolicy", "UpdateReplacePolicy")} == {policy}


def test_nothing_is_deployed_that_is_not_the_workflows_own(template):
    # A custom resource would be a further function, with rights to delete.
    assert len(of_type(template, "AWS::Lambda::Function")) == 2
    assert not [it for it in template["Resources"].values() if it["Type"].startswith("Custom::")]


@pytest.mark.parametrize(
    ("handler", "timeout_seconds", "memory_mb"), [(BATCH_HANDLER, 60, 128), (SUMMARISE_HANDLER, 900, 1769)]
)
def test_function_has_the_time_and_the_memory_that_it_needs(template, handler, timeout_seconds, memory_mb):
    properties = template["Resources"][logical_id(template, "AWS::Lambda::Function", **handler)]["Properties"]
    assert (properties["Timeout"], properties["MemorySize"]) == (timeout_seconds, memory_mb)
    assert (properties["Runtime"], properties["Architectures"]) == ("python3.14", ["arm64"])


def test_item_processor_may_only_write_its_own_log(template):
    function = logical_id(template, "AWS::Lambda::Function", **BATCH_HANDLER)
    assert statements(template, function) == [own_log(template, function)]


def test_summary_may_read_results_and_write_only_summaries(template, bucket_id):
    # Given the function and the bucket
    function = logical_id(template, "AWS::Lambda::Function", **SUMMARISE_HANDLER)
    arn = {"Fn::GetAtt": [bucket_id("ResultsBucketName"), "Arn"]}
    # When the statements of its role are read
    log, read, write = statements(template, function)
    # Then there is one for each thing that it does
    assert log == own_log(template, function)
    assert (read["Action"], read["Resource"]) == ("s3:GetObject", {"Fn::Join": ["", [arn, "/runs/*"]]})
    assert write["Action"] == "s3:PutObject"
    assert write["Resource"] == {"Fn::Join": ["", [arn, "/runs/*/summary.json"]]}


def test_state_machine_may_use_its_own_buckets_functions_and_children(template, bucket_id):
    # Given what the state machine works with
    machine = logical_id(template, "AWS::StepFunctions::StateMachine")
    lists, results = bucket_id("ListsBucketName"), bucket_id("ResultsBucketName")
    functions = [
        {"Fn::GetAtt": [logical_id(template, "AWS::Lambda::Function", **handler), "Arn"]}
        for handler in (BATCH_HANDLER, SUMMARISE_HANDLER)
    ]
    # When the statements of its role are read
    write, read, invoke, log_and_trace, find, start, watch, redrive = statements(template, machine)
    # Then the ResultWriter may write and complete an upload, and the ItemReader may read
    assert write["Resource"] == objects_of(results)
    assert write["Action"] == [
        "s3:AbortMultipartUpload",
        "s3:GetObject",
        "s3:ListMultipartUploadParts",
        "s3:PutObject",
    ]
    assert (read["Action"], read["Resource"]) == ("s3:GetObject", objects_of(lists))
    assert (find["Action"], find["Resource"]) == ("s3:ListBucket", {"Fn::GetAtt": [lists, "Arn"]})
    # And both functions may be invoked, and no other
    assert invoke["Action"] == "lambda:InvokeFunction"
    assert invoke["Resource"] == functions + [{"Fn::Join": ["", [it, ":*"]]} for it in functions]
    assert (log_and_trace["Resource"], log_and_trace["Action"]) == ("*", LOG_AND_TRACE)
    # And the children are executions of this very state machine
    assert (start["Action"], start["Resource"]) == ("states:StartExecution", {"Ref": machine})
    assert watch["Action"] == ["states:DescribeExecution", "states:StopExecution"]
    name = {"Fn::Select": [6, {"Fn::Split": [":", {"Ref": machine}]}]}
    assert watch["Resource"]["Fn::Join"][1][-3:] == [":execution:", name, ":*"]
    assert redrive["Action"] == "states:RedriveExecution"
    assert redrive["Resource"]["Fn::Join"][1][-3:] == [":execution:", name, "/ProcessItems:*"]


def test_state_machine_is_standard_traced_and_logged_without_the_items(template):
    # Given the log group under the prefix that log delivery recommends
    name = "/aws/vendedlogs/states/DistributedMapStack"
    log_group = logical_id(template, "AWS::Logs::LogGroup", LogGroupName=name)
    # Then the state machine writes every event there, and no data
    (machine,) = of_type(template, "AWS::StepFunctions::StateMachine")
    assert machine["Properties"].get("StateMachineType", "STANDARD") == "STANDARD"
    assert machine["Properties"]["TracingConfiguration"] == {"Enabled": True}
    assert machine["Properties"]["LoggingConfiguration"] == {
        "Destinations": [{"CloudWatchLogsLogGroup": {"LogGroupArn": {"Fn::GetAtt": [log_group, "Arn"]}}}],
        "IncludeExecutionData": False,
        "Level": "ALL",
    }


@pytest.mark.parametrize(
    ("metric", "what"), [("ExecutionsFailed", "failed"), ("ExecutionsTimedOut", "timed out")]
)
def test_alarm_goes_off_at_the_first_unsuccessful_execution(template, metric, what):
    # Given the alarm on the metric
    found = {"Namespace": "AWS/States", "MetricName": metric}
    alarm = template["Resources"][logical_id(template, "AWS::CloudWatch::Alarm", **found)]["Properties"]
    # Then it is on this state machine, and says which workflow it was
    machine = logical_id(template, "AWS::StepFunctions::StateMachine")
    assert alarm["Dimensions"] == [{"Name": "StateMachineArn", "Value": {"Ref": machine}}]
    assert (alarm["Threshold"], alarm["TreatMissingData"]) == (1, "notBreaching")
    assert alarm["AlarmDescription"] == f"An execution of the Distributed Map workflow {what}"


@pytest.mark.parametrize(
    ("concurrency", "warned"), [(1000, None), (1001, "is 1001, up to 1001"), (0, "is 0, up to 10000")]
)
def test_more_batches_than_functions_are_warned_of_and_deploy(concurrency, warned):
    # When the stack is synthesized
    config = Config.model_validate({"distributedMap": {"maxConcurrency": concurrency}})
    stack = DistributedMapStack(App(), "DistributedMapStack", config=config)
    found = Annotations.from_stack(stack).find_warning("*", Match.any_value())
    # Then there is that warning and no other
    said = (
        f"distributedMap.maxConcurrency {warned} batches at once: an account runs 1000 functions at once, "
        "unless its quota was raised"
    )
    texts = [str(entry.entry.data).partition(" [ack:")[0] for entry in found]
    assert texts == ([said] if warned else [])


@pytest.mark.parametrize("config", [{}, PRODUCTION], ids=["default", "production"])
def test_template_passes_cfn_lint(synthesize, config):
    text = json.dumps(synthesize(DistributedMapStack, config))
    # W3005 is a DependsOn that CDK adds to each function with a role of its own.
    args = ManualArgs(regions=["us-east-1", "eu-west-1"], ignore_checks=["W3005"])
    assert lint(text, config=args) == []
