"""The fan-out stack's template: what is deployed, who may do what, what stays when it goes."""

import json

import pytest
from aws_cdk import App
from aws_cdk.assertions import Annotations, Match, Template
from cfnlint.api import ManualArgs, lint
from templates import LOG_AND_TRACE, logical_id, of_type, statements

from stacks.config import Config
from stacks.fan_out.stack import FanOutStack

PRODUCTION = {"production": True}


@pytest.fixture
def resources(synthesize):
    """Return a function that gives the resources of one type, with their attributes, for a configuration."""
    return lambda type_, config=None: of_type(synthesize(FanOutStack, config), type_)


def test_outputs_are_those_that_commands_read(synthesize):
    assert set(synthesize(FanOutStack)["Outputs"]) == {"StateMachineArn", "StateMachineName", "TableName"}


def test_table_has_the_configured_name_and_key(resources):
    # Given names other than the defaults
    config = {"ddb": {"tableName": "Lists", "partitionKeyName": "list name"}}
    # When the stack is synthesized
    (table,) = resources("AWS::DynamoDB::GlobalTable", config)
    # Then the table has them, is on demand and encrypted
    properties = table["Properties"]
    assert properties["TableName"] == "Lists"
    assert properties["KeySchema"] == [{"AttributeName": "list name", "KeyType": "HASH"}]
    assert properties["AttributeDefinitions"] == [{"AttributeName": "list name", "AttributeType": "S"}]
    assert properties["BillingMode"] == "PAY_PER_REQUEST"
    assert properties["SSESpecification"]["SSEEnabled"] is True


@pytest.mark.parametrize(("config", "policy"), [({}, "Delete"), (PRODUCTION, "Retain")])
def test_data_stays_only_in_production(resources, config, policy):
    # When the stack is synthesized
    table, *logs = resources("AWS::DynamoDB::GlobalTable", config) + resources("AWS::Logs::LogGroup", config)
    # Then the list and the logs stay or go together
    assert len(logs) == 2
    assert {it[field] for it in (table, *logs) for field in ("DeletionPolicy", "UpdateReplacePolicy")} == {
        policy
    }
    (replica,) = table["Properties"]["Replicas"]
    assert replica["DeletionProtectionEnabled"] is (config == PRODUCTION)
    assert replica["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": config == PRODUCTION}


def test_function_runs_the_item_processor(resources):
    (function,) = resources("AWS::Lambda::Function")
    properties = function["Properties"]
    assert properties["Runtime"] == "python3.14"
    assert properties["Architectures"] == ["arm64"]
    assert properties["Handler"] == "item_handler.handle_item"
    assert (properties["Timeout"], properties["MemorySize"]) == (60, 128)
    assert properties["LoggingConfig"]["LogFormat"] == "JSON"


def test_every_log_group_forgets(resources):
    assert [it["Properties"]["RetentionInDays"] for it in resources("AWS::Logs::LogGroup")] == [30, 30]


def test_function_may_only_write_its_own_log(synthesize):
    # Given the log group that the function logs to
    template = synthesize(FanOutStack)
    function = logical_id(template, "AWS::Lambda::Function")
    log_group = template["Resources"][function]["Properties"]["LoggingConfig"]["LogGroup"]["Ref"]
    # Then its role names that log group and no other resource
    assert statements(template, function) == [
        {
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Effect": "Allow",
            "Resource": {"Fn::GetAtt": [log_group, "Arn"]},
        }
    ]


def test_state_machine_may_read_one_table_invoke_one_function_log_and_trace(synthesize):
    # Given the table and the function
    template = synthesize(FanOutStack)
    table = logical_id(template, "AWS::DynamoDB::GlobalTable")
    function = {"Fn::GetAtt": [logical_id(template, "AWS::Lambda::Function"), "Arn"]}
    # When the statements of the role are read
    machine = logical_id(template, "AWS::StepFunctions::StateMachine")
    read, invoke, log_and_trace = statements(template, machine)
    # Then each has the narrowest resource that its actions take
    assert read["Action"] == "dynamodb:GetItem"
    assert read["Resource"]["Fn::Join"][1][-2:] == [":table/", {"Ref": table}]
    assert invoke["Action"] == "lambda:InvokeFunction"
    assert invoke["Resource"] == [function, {"Fn::Join": ["", [function, ":*"]]}]
    assert log_and_trace["Resource"] == "*"
    assert log_and_trace["Action"] == LOG_AND_TRACE


def test_state_machine_is_standard_traced_and_logged_in_full(synthesize):
    # Given the log group under the prefix that log delivery recommends
    template = synthesize(FanOutStack)
    log_group = logical_id(template, "AWS::Logs::LogGroup", LogGroupName="/aws/vendedlogs/states/FanOutStack")
    # Then the state machine writes everything there
    (machine,) = Template.from_json(template).find_resources("AWS::StepFunctions::StateMachine").values()
    properties = machine["Properties"]
    assert properties.get("StateMachineType", "STANDARD") == "STANDARD"
    assert properties["TracingConfiguration"] == {"Enabled": True}
    assert properties["LoggingConfiguration"] == {
        "Destinations": [{"CloudWatchLogsLogGroup": {"LogGroupArn": {"Fn::GetAtt": [log_group, "Arn"]}}}],
        "IncludeExecutionData": True,
        "Level": "ALL",
    }


@pytest.mark.parametrize("metric", ["ExecutionsFailed", "ExecutionsTimedOut"])
def test_alarm_goes_off_at_the_first_unsuccessful_execution(synthesize, metric):
    # Given the state machine
    template = synthesize(FanOutStack)
    machine = logical_id(template, "AWS::StepFunctions::StateMachine")
    # When the alarm on the metric is read
    found = {"Namespace": "AWS/States", "MetricName": metric}
    alarm = template["Resources"][logical_id(template, "AWS::CloudWatch::Alarm", **found)]["Properties"]
    # Then one execution is enough, and none at all is well
    assert alarm["Dimensions"] == [{"Name": "StateMachineArn", "Value": {"Ref": machine}}]
    assert (alarm["Statistic"], alarm["Period"], alarm["EvaluationPeriods"]) == ("Sum", 300, 1)
    assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (1, "GreaterThanOrEqualToThreshold")
    assert alarm["TreatMissingData"] == "notBreaching"


WAITS_TOO_LONG = (
    "stepfunc.waitDurationSeconds is 20 and stepfunc.timeoutDurationSeconds 20: "
    "executions end TIMED_OUT while their first items still wait"
)
TOO_MANY_AT_ONCE = "stepfunc.maxConcurrency is 41: AWS runs at most 40 items of an inline Map at once"


@pytest.mark.parametrize(
    ("stepfunc", "warnings"),
    [
        ({}, []),
        ({"waitDurationSeconds": 19}, []),
        ({"waitDurationSeconds": 20}, [WAITS_TOO_LONG]),
        ({"maxConcurrency": 40}, []),
        ({"maxConcurrency": 41}, [TOO_MANY_AT_ONCE]),
    ],
)
def test_what_is_seldom_meant_is_warned_of_and_deploys(stepfunc, warnings):
    # When the stack is synthesized
    stack = FanOutStack(App(), "FanOutStack", config=Config.model_validate({"stepfunc": stepfunc}))
    found = Annotations.from_stack(stack).find_warning("*", Match.any_value())
    # Then there is that warning and no other
    assert [str(entry.entry.data).partition(" [ack:")[0] for entry in found] == warnings


@pytest.mark.parametrize("config", [{}, PRODUCTION], ids=["default", "production"])
def test_template_passes_cfn_lint(synthesize, config):
    text = json.dumps(synthesize(FanOutStack, config))
    # W3005 is a DependsOn that CDK adds to each function with a role of its own.
    args = ManualArgs(regions=["us-east-1", "eu-west-1"], ignore_checks=["W3005"])
    assert lint(text, config=args) == []
