"""The order stack's template: tables, topic, who may do what, what stays, what is warned of."""

import json

import pytest
from aws_cdk import App
from aws_cdk.assertions import Annotations, Match
from cfnlint.api import ManualArgs, lint
from templates import LOG_AND_TRACE, logical_id, of_type, own_log, statements

from stacks.config import Config
from stacks.order_processing.stack import OrderProcessingStack

PRODUCTION = {"production": True}
WITHOUT_FAN_OUT = {"workflows": ["orderProcessing"]}
WITH_FAN_OUT = {"workflows": ["fanOut", "orderProcessing"], "ddb": {"tableName": "Lists"}}
TABLES = {"ORDERS_TABLE": "OrdersTableName", "INVENTORY_TABLE": "InventoryTableName"}
TABLES["PAYMENTS_TABLE"] = "PaymentsTableName"
READ_WRITE = ["GetItem", "PutItem", "UpdateItem"]

STEPS = {
    "check_handler.check_order": {"ORDERS_TABLE": READ_WRITE},
    "step_handlers.validate_payment": {},
    "step_handlers.request_approval": {"ORDERS_TABLE": ["UpdateItem"]},
    "step_handlers.record_decision": {"ORDERS_TABLE": ["UpdateItem"]},
    "step_handlers.charge_payment": {"PAYMENTS_TABLE": ["GetItem", "PutItem"]},
    "step_handlers.check_availability": {
        "ORDERS_TABLE": ["GetItem", "PutItem"],
        "INVENTORY_TABLE": ["GetItem", "UpdateItem"],
    },
    "step_handlers.prepare_for_delivery": {"ORDERS_TABLE": ["GetItem", "UpdateItem"]},
    "step_handlers.start_delivery": {"ORDERS_TABLE": ["GetItem", "UpdateItem"]},
    "step_handlers.release_stock": {"ORDERS_TABLE": READ_WRITE, "INVENTORY_TABLE": ["UpdateItem"]},
    "step_handlers.refund_payment": {"PAYMENTS_TABLE": ["GetItem", "PutItem"]},
    "step_handlers.close_order": {"ORDERS_TABLE": ["GetItem", "UpdateItem"], "PAYMENTS_TABLE": ["Query"]},
    "step_handlers.record_compensation_failure": {"ORDERS_TABLE": ["UpdateItem"]},
}
"""What each function may do on which tables, by its handler."""


@pytest.fixture
def template(synthesize):
    """Return the template with this workflow alone, and the defaults."""
    return synthesize(OrderProcessingStack, WITHOUT_FAN_OUT)


def published(template, output):
    """Return the name of the resource that an output publishes."""
    return template["Outputs"][output]["Value"]["Ref"]


def function_named(template, handler):
    return logical_id(template, "AWS::Lambda::Function", Handler=handler)


def arn(name):
    return {"Fn::GetAtt": [name, "Arn"]}


def allow(service, actions, resource):
    named = [f"{service}:{it}" for it in actions]
    return {"Action": named if len(named) > 1 else named[0], "Effect": "Allow", "Resource": resource}


def test_outputs_are_those_that_commands_read(template):
    assert set(template["Outputs"]) == {
        "StateMachineArn",
        "StateMachineName",
        "BatchStateMachineArn",
        "OrdersTableName",
        "InventoryTableName",
        "PaymentsTableName",
        "TopicArn",
    }
    assert published(template, "StateMachineArn") != published(template, "BatchStateMachineArn")


@pytest.mark.parametrize(
    ("output", "keys"),
    [
        ("OrdersTableName", [("orderId", "HASH"), ("part", "RANGE")]),
        ("InventoryTableName", [("productName", "HASH")]),
        ("PaymentsTableName", [("orderId", "HASH"), ("entry", "RANGE")]),
    ],
)
@pytest.mark.parametrize("production", [False, True])
def test_tables_are_on_demand_and_kept_in_production(synthesize, production, output, keys):
    template = synthesize(OrderProcessingStack, {**WITHOUT_FAN_OUT, "production": production})
    table = template["Resources"][published(template, output)]
    properties = table["Properties"]
    assert properties["KeySchema"] == [{"AttributeName": name, "KeyType": kind} for name, kind in keys]
    assert {it["AttributeType"] for it in properties["AttributeDefinitions"]} == {"S"}
    assert properties["BillingMode"] == "PAY_PER_REQUEST"
    assert properties["SSESpecification"]["SSEEnabled"] is True
    assert "TableName" not in properties
    (replica,) = properties["Replicas"]
    assert replica["DeletionProtectionEnabled"] is production
    assert replica["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": production}
    assert table["DeletionPolicy"] == ("Retain" if production else "Delete")


def test_orders_that_wait_are_found_by_an_index(template):
    (index,) = template["Resources"][published(template, "OrdersTableName")]["Properties"][
        "GlobalSecondaryIndexes"
    ]
    assert index["IndexName"] == "WaitingForApproval"
    assert index["KeySchema"] == [
        {"AttributeName": "approval", "KeyType": "HASH"},
        {"AttributeName": "waitingSince", "KeyType": "RANGE"},
    ]
    # The task token is secret, so it is not among what the index shows
    assert index["Projection"] == {
        "ProjectionType": "INCLUDE",
        "NonKeyAttributes": ["customerId", "total", "answerBy"],
    }


def test_other_tables_have_no_index(template):
    for output in ("InventoryTableName", "PaymentsTableName"):
        properties = template["Resources"][published(template, output)]["Properties"]
        assert "GlobalSecondaryIndexes" not in properties


def test_topic_is_reached_over_tls_only(template):
    topic = published(template, "TopicArn")
    policy = template["Resources"][logical_id(template, "AWS::SNS::TopicPolicy", Topics=[{"Ref": topic}])]
    (statement,) = policy["Properties"]["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Action"]) == ("Deny", "sns:Publish")
    assert (statement["Principal"], statement["Resource"]) == ("*", {"Ref": topic})
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


@pytest.mark.parametrize("handler", STEPS)
def test_step_may_do_what_it_needs_and_write_its_own_log(template, handler):
    # When the statements of its role are read
    function = function_named(template, handler)
    log, *others = statements(template, function)
    # Then it may use those tables in those ways
    expected = [
        allow("dynamodb", actions, arn(published(template, TABLES[variable])))
        for variable, actions in STEPS[handler].items()
    ]
    if handler == "step_handlers.request_approval":
        expected.append(allow("sns", ["Publish"], {"Ref": published(template, "TopicArn")}))
    assert log == own_log(template, function)
    assert others == expected


@pytest.mark.parametrize("handler", STEPS)
def test_step_knows_the_tables_that_it_uses(template, handler):
    properties = template["Resources"][function_named(template, handler)]["Properties"]
    expected = {variable: {"Ref": published(template, TABLES[variable])} for variable in STEPS[handler]}
    if handler == "step_handlers.request_approval":
        expected["TOPIC_ARN"] = {"Ref": published(template, "TopicArn")}
    assert properties.get("Environment", {"Variables": {}}) == {"Variables": expected}
    assert (properties["MemorySize"], properties["Timeout"]) == (256, 60)


def test_steps_are_one_asset_and_only_the_check_has_the_layer(template):
    functions = [it["Properties"] for it in of_type(template, "AWS::Lambda::Function")]
    assert {it["Handler"] for it in functions} == set(STEPS)
    assert len({json.dumps(it["Code"]) for it in functions}) == 1
    assert [it["Handler"] for it in functions if "Layers" in it] == ["check_handler.check_order"]


def test_nothing_is_deployed_that_is_not_the_workflows_own(template):
    assert len(of_type(template, "AWS::StepFunctions::StateMachine")) == 2
    assert not [it for it in template["Resources"].values() if it["Type"].startswith("Custom::")]


@pytest.mark.parametrize(
    ("config", "policy"), [(WITHOUT_FAN_OUT, "Delete"), ({**WITHOUT_FAN_OUT, **PRODUCTION}, "Retain")]
)
def test_data_stays_only_in_production(synthesize, config, policy):
    template = synthesize(OrderProcessingStack, config)
    kept = of_type(template, "AWS::DynamoDB::GlobalTable") + of_type(template, "AWS::Logs::LogGroup")
    assert len(kept) == 3 + len(STEPS) + 2
    assert {it[field] for it in kept for field in ("DeletionPolicy", "UpdateReplacePolicy")} == {policy}


def test_state_machine_of_an_order_may_run_its_steps_and_tell_the_customer(template):
    # When the statements of its role are read
    invoke, publish, log_and_trace = statements(template, published(template, "StateMachineArn"))
    # Then it may invoke every step, and no other function
    functions = sorted((arn(function_named(template, it)) for it in STEPS), key=json.dumps)
    every = functions + [{"Fn::Join": ["", [it, ":*"]]} for it in functions]
    assert invoke == {"Action": "lambda:InvokeFunction", "Effect": "Allow", "Resource": every}
    assert publish == allow("sns", ["Publish"], {"Ref": published(template, "TopicArn")})
    assert log_and_trace == {"Action": LOG_AND_TRACE, "Effect": "Allow", "Resource": "*"}


def check_batch(template, given):
    """Check the statements of the batch's role that do not depend on where the list is."""
    start, orders, rule, describe, log_and_trace = given
    machine = {"Ref": published(template, "StateMachineArn")}
    assert start == allow("states", ["StartExecution"], machine)
    actions = ["states:DescribeExecution", "states:StopExecution"]
    assert (orders["Effect"], orders["Action"]) == ("Allow", actions)
    name = {"Fn::Select": [6, {"Fn::Split": [":", machine]}]}
    assert orders["Resource"]["Fn::Join"][1][-3:] == [":execution:", name, "*"]
    # With this rule of AWS's own, Step Functions hears that an execution ended
    assert rule["Action"] == ["events:DescribeRule", "events:PutRule", "events:PutTargets"]
    its_name = ":rule/StepFunctionsGetEventsForStepFunctionsExecutionRule"
    assert rule["Resource"]["Fn::Join"][1][-1] == its_name
    assert describe["Action"] == "states:DescribeExecution"
    of_machine = {"Fn::GetAtt": [machine["Ref"], "Name"]}
    assert describe["Resource"]["Fn::Join"][1][-3:] == [":execution:", of_machine, ":*"]
    assert log_and_trace == {"Action": LOG_AND_TRACE, "Effect": "Allow", "Resource": "*"}


def test_state_machine_of_a_batch_may_use_executions_of_the_orders_and_nothing_else(template):
    check_batch(template, statements(template, published(template, "BatchStateMachineArn")))


def test_state_machine_of_a_batch_may_read_the_table_of_the_fan_out_if_that_is_deployed(synthesize):
    template = synthesize(OrderProcessingStack, WITH_FAN_OUT)
    read, *others = statements(template, published(template, "BatchStateMachineArn"))
    assert (read["Effect"], read["Action"]) == ("Allow", "dynamodb:GetItem")
    assert read["Resource"]["Fn::Join"][1][-1] == ":table/Lists"
    check_batch(template, others)


def test_nobody_may_answer_tokens(template):
    # The person who approves has that permission; no role of the stack does
    assert "SendTask" not in json.dumps(of_type(template, "AWS::IAM::Policy"))


@pytest.mark.parametrize(
    ("output", "log"),
    [
        ("StateMachineArn", "OrderProcessingStack"),
        ("BatchStateMachineArn", "OrderProcessingStackBatch"),
    ],
)
def test_state_machines_are_traced_and_logged_without_orders_and_tokens(template, output, log):
    log_group = logical_id(template, "AWS::Logs::LogGroup", LogGroupName=f"/aws/vendedlogs/states/{log}")
    properties = template["Resources"][published(template, output)]["Properties"]
    assert properties.get("StateMachineType", "STANDARD") == "STANDARD"
    assert properties["TracingConfiguration"] == {"Enabled": True}
    assert properties["LoggingConfiguration"] == {
        "Destinations": [{"CloudWatchLogsLogGroup": {"LogGroupArn": arn(log_group)}}],
        "IncludeExecutionData": False,
        "Level": "ALL",
    }


@pytest.mark.parametrize(
    ("metric", "what"), [("ExecutionsFailed", "failed"), ("ExecutionsTimedOut", "timed out")]
)
@pytest.mark.parametrize(
    ("output", "workflow"), [("StateMachineArn", "order"), ("BatchStateMachineArn", "order batch")]
)
def test_alarm_goes_off_at_the_first_unsuccessful_execution(template, output, workflow, metric, what):
    dimensions = [{"Name": "StateMachineArn", "Value": {"Ref": published(template, output)}}]
    found = {"Namespace": "AWS/States", "MetricName": metric, "Dimensions": dimensions}
    alarm = template["Resources"][logical_id(template, "AWS::CloudWatch::Alarm", **found)]["Properties"]
    assert alarm["AlarmDescription"] == f"An execution of the {workflow} workflow {what}"


def test_alarm_goes_off_when_an_order_could_not_be_undone(template):
    function = function_named(template, "step_handlers.record_compensation_failure")
    found = {"Dimensions": [{"Name": "FunctionName", "Value": {"Ref": function}}]}
    alarm = template["Resources"][logical_id(template, "AWS::CloudWatch::Alarm", **found)]["Properties"]
    assert (alarm["Namespace"], alarm["MetricName"]) == ("AWS/Lambda", "Invocations")
    assert (alarm["Statistic"], alarm["Threshold"], alarm["EvaluationPeriods"]) == ("Sum", 1, 1)
    assert alarm["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"
    assert alarm["TreatMissingData"] == "notBreaching"


APPROVAL_OUTLASTS_ORDER = (
    "orderProcessing.approvalTimeoutHours is 0.5, which is 1800 s, and "
    "orderProcessing.timeoutDurationSeconds 1800: executions end TIMED_OUT while their orders still wait for "
    "approval"
)
TOO_MANY_AT_ONCE = "orderProcessing.maxConcurrency is 41: AWS runs at most 40 items of an inline Map at once"


@pytest.mark.parametrize(
    ("section", "warnings"),
    [
        ({}, []),
        ({"maxConcurrency": 40}, []),
        ({"maxConcurrency": 41}, [TOO_MANY_AT_ONCE]),
        ({"approvalTimeoutHours": 0.5, "timeoutDurationSeconds": 1801}, []),
        ({"approvalTimeoutHours": 0.5, "timeoutDurationSeconds": 1800}, [APPROVAL_OUTLASTS_ORDER]),
    ],
)
def test_what_is_seldom_meant_is_warned_of_and_deploys(section, warnings):
    # When the stack is synthesized
    config = Config.model_validate({"orderProcessing": section})
    stack = OrderProcessingStack(App(), "OrderProcessingStack", config=config)
    found = Annotations.from_stack(stack).find_warning("*", Match.any_value())
    # Then there is that warning and no other
    assert [str(entry.entry.data).partition(" [ack:")[0] for entry in found] == warnings


@pytest.mark.parametrize(
    "config",
    [WITHOUT_FAN_OUT, {**WITHOUT_FAN_OUT, **PRODUCTION}, WITH_FAN_OUT],
    ids=["alone", "production", "with fanOut"],
)
def test_template_passes_cfn_lint(synthesize, config):
    text = json.dumps(synthesize(OrderProcessingStack, config))
    # W3005 is a DependsOn that CDK adds to each function with a role of its own.
    args = ManualArgs(regions=["us-east-1", "eu-west-1"], ignore_checks=["W3005"])
    assert lint(text, config=args) == []
