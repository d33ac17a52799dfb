"""The fan-out definition: its states and fields, for each configuration that changes them."""

import json

import pytest
from cfnlint.api import lint
from templates import FULL_JITTER, LAMBDA_TRANSIENT_ERRORS

from stacks.fan_out.stack import FanOutStack
from stacks.templates import read_definition


@pytest.fixture
def definition(synthesize):
    """Return a function that gives the definition for a configuration."""
    return lambda **config: read_definition(synthesize(FanOutStack, config))


@pytest.fixture
def processor(definition):
    """Return a function that gives the ItemProcessor for a ``stepfunc`` section."""
    return lambda **stepfunc: definition(stepfunc=stepfunc)["States"]["Process Items"]["ItemProcessor"]


def test_definition_is_jsonata_with_the_configured_timeout(definition):
    machine = definition(stepfunc={"timeoutDurationSeconds": 7})
    assert (machine["QueryLanguage"], machine["TimeoutSeconds"]) == ("JSONata", 7)


def test_list_is_read_consistently_under_the_configured_key(definition):
    # Given a key other than the default, whose value looks like a path
    states = definition(ddb={"partitionKeyName": "list name", "partitionKeyValueField": "$.today"})["States"]
    # When the state that reads is looked at
    read = states["Read List"]
    # Then it asks for that very key
    assert read["Resource"] == "arn:aws:states:::dynamodb:getItem"
    assert read["Arguments"] == {
        "TableName": "${ItemsTable}",
        "Key": {"list name": {"S": "$.today"}},
        "ConsistentRead": True,
    }


def test_read_is_retried_with_full_jitter(definition):
    (retry,) = definition()["States"]["Read List"]["Retry"]
    assert {
        "DynamoDB.ProvisionedThroughputExceededException",
        "DynamoDB.ThrottlingException",
        "DynamoDB.RequestLimitExceeded",
        "DynamoDB.InternalServerError",
    } <= set(retry.pop("ErrorEquals"))
    assert retry == FULL_JITTER


def test_list_of_the_input_is_checked_like_that_of_the_table(definition):
    # When the ways to the check are followed
    states = definition()["States"]
    (given,) = states["List Given?"]["Choices"]
    # Then both lead there, and only a list leads on
    assert (given["Next"], states["List Given?"]["Default"]) == ("Check List", "Read List")
    assert states["Read List"]["Next"] == "Check List"
    check = states["Check List"]
    assert [rule["Next"] for rule in check["Choices"]] == ["Item List Not Found", "Process Items"]
    assert check["Default"] == "Item List Invalid"


@pytest.mark.parametrize(
    ("state", "error", "parts"),
    [
        ("Item List Not Found", "ItemListNotFound", ["Table Lists has no item with pk = 'it\"s'"]),
        (
            "Item List Invalid",
            "ItemListInvalid",
            ["In table Lists", "pk = 'it\\\"s'", '{\\"items\\": [...]}'],
        ),
    ],
)
def test_named_failure_says_where_and_what_to_do(definition, state, error, parts):
    # Given a table and a key with a quotation mark
    ddb = {"tableName": "Lists", "partitionKeyName": "pk", "partitionKeyValueField": 'it"s'}
    # When the state that fails is looked at
    fail = definition(ddb=ddb)["States"][state]
    # Then its cause names both, and the command that helps
    assert (fail["Type"], fail["Error"]) == ("Fail", error)
    for part in [*parts, "utils/load-ddb.py --config config.json --json utils/simplelist.json"]:
        assert part in fail["Cause"]


def test_invocation_gets_the_item_its_index_and_the_execution(definition):
    assert definition()["States"]["Process Items"]["ItemSelector"] == {
        "item": "{% $states.context.Map.Item.Value %}",
        "index": "{% $states.context.Map.Item.Index %}",
        "execution": "{% $states.context.Execution.Name %}",
        "encoding": "{% $states.input.encoding %}",
    }


@pytest.mark.parametrize(("configured", "expected"), [(0, 0), (1, 1), (40, 40), (500, 500)])
def test_concurrency_is_as_configured(definition, configured, expected):
    # AWS takes a field that is missing as 0, which is no limit but its own.
    map_state = definition(stepfunc={"maxConcurrency": configured})["States"]["Process Items"]
    assert map_state.get("MaxConcurrency", 0) == expected


def test_results_are_what_the_map_gives(definition):
    map_state = definition()["States"]["Process Items"]
    assert map_state["End"] is True
    assert map_state["Items"] == "{% $states.input.items %}"
    assert not {"Output", "Assign"} & set(map_state)


def test_item_with_a_wait_costs_two_transitions(processor):
    machine = processor(waitDurationSeconds=3)
    wait = machine["States"][machine["StartAt"]]
    assert (wait["Type"], wait["Seconds"]) == ("Wait", 3)
    assert machine["States"][wait["Next"]]["Type"] == "Task"
    assert machine["States"][wait["Next"]]["End"] is True


def test_item_without_a_wait_costs_one_transition(processor):
    machine = processor(waitDurationSeconds=0)
    assert machine["StartAt"] == "Process Item"
    assert machine["States"]["Process Item"]["End"] is True
    assert "Wait" not in {state["Type"] for state in machine["States"].values()}


def test_task_invokes_the_function_and_gives_only_what_it_returned(processor):
    task = processor()["States"]["Process Item"]
    assert task["Resource"] == "arn:aws:states:::lambda:invoke"
    assert task["Arguments"] == {"FunctionName": "${ItemProcessor}", "Payload": "{% $states.input %}"}
    assert task["Output"] == "{% $states.result.Payload %}"


def test_task_outlives_the_function_by_a_cold_start(synthesize, processor):
    # Given the function's own timeout
    resources = synthesize(FanOutStack)["Resources"].values()
    (function,) = (it["Properties"] for it in resources if it["Type"] == "AWS::Lambda::Function")
    # Then the task waits for it, its cold start of at most 10 s included
    assert processor()["States"]["Process Item"]["TimeoutSeconds"] > function["Timeout"] + 10


def test_invocation_is_retried_on_lambdas_errors_and_never_on_the_processors(processor):
    (retry,) = processor()["States"]["Process Item"]["Retry"]
    assert set(retry.pop("ErrorEquals")) == LAMBDA_TRANSIENT_ERRORS
    assert retry == FULL_JITTER


@pytest.mark.parametrize(
    ("policy", "state", "type_"), [("fail", "Item Failed", "Fail"), ("continue", "Record Failure", "Pass")]
)
def test_failed_item_goes_where_the_policy_says(processor, policy, state, type_):
    # Given the policy
    states = processor(onItemFailure=policy)["States"]
    # When the catchers are looked at
    catch = states["Process Item"]["Catch"]
    # Then every error goes to the same state, that which States.ALL leaves out included
    assert [it["ErrorEquals"] for it in catch] == [["States.DataLimitExceeded"], ["States.ALL"]]
    assert {it["Next"] for it in catch} == {state}
    assert states[state]["Type"] == type_
    assert set(states) == {"Wait Before Item", "Process Item", state}


@pytest.mark.parametrize(
    "stepfunc",
    [{}, {"waitDurationSeconds": 0}, {"maxConcurrency": 0}, {"onItemFailure": "continue"}],
    ids=lambda stepfunc: next(iter(stepfunc), "default"),
)
def test_definition_passes_cfn_lint(definition, stepfunc):
    # Given a template that has the definition as an object, which cfn-lint reads, and not as a joined text
    role = "arn:aws:iam::123456789012:role/FanOut"
    properties = {"RoleArn": role, "Definition": definition(stepfunc=stepfunc)}
    template = {
        "Resources": {"Machine": {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}}
    }
    # Then it is valid Amazon States Language
    assert lint(json.dumps(template)) == []
