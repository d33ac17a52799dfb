"""The definition of a batch's state machine, with and without the table of the fan-out workflow."""

import json

import pytest
from cfnlint.api import lint
from templates import FULL_JITTER, as_cfn_lint_knows_it, retry_of

from stacks.fan_out.stack import FanOutStack
from stacks.order_processing.stack import OrderProcessingStack
from stacks.templates import read_definition

ALONE = {"workflows": ["orderProcessing"]}
DDB = {"tableName": "Lists", "partitionKeyName": "pk", "partitionKeyValueField": "today"}
WITH_TABLE = {"workflows": ["orderProcessing", "fanOut"], "ddb": DDB}


@pytest.fixture
def definition(synthesize):
    """Return a function that gives the definition for a configuration."""
    return lambda config: read_definition(synthesize(OrderProcessingStack, config), "OrderBatch")


@pytest.fixture
def order(definition):
    """Return the states of one order of a batch."""
    return definition(ALONE)["States"]["Run Orders"]["ItemProcessor"]["States"]


def test_batch_lasts_as_long_as_its_orders(definition):
    machine = definition({**ALONE, "orderProcessing": {"timeoutDurationSeconds": 7}})
    assert (machine["QueryLanguage"], machine["TimeoutSeconds"]) == ("JSONata", 31_536_000)


def test_orders_are_given_as_input(definition):
    machine = definition(ALONE)
    assert set(machine["States"]) == {"Check List", "Item List Invalid", "Run Orders"}
    assert machine["StartAt"] == "Check List"
    check = machine["States"]["Check List"]
    assert [(it["Comment"], it["Next"]) for it in check["Choices"]] == [("a list", "Run Orders")]
    assert check["Default"] == "Item List Invalid"
    invalid = machine["States"]["Item List Invalid"]
    assert invalid["Error"] == "ItemListInvalid"
    assert invalid["Cause"] == 'The input is not like {"items": [...]}. Give a list of orders in that form'


def test_list_of_the_table_is_read_as_by_the_fan_out(synthesize, definition):
    # Given a table with a name and a key of its own
    fan_out = read_definition(synthesize(FanOutStack, {"ddb": DDB}))["States"]
    # When both workflows are deployed
    machine = definition(WITH_TABLE)
    states = machine["States"]
    # Then the states that get the list are those of the fan-out, but for the reference to its own table
    assert machine["StartAt"] == "List Given?"
    for name in ("List Given?", "Item List Not Found", "Item List Invalid"):
        assert states[name] == fan_out[name]
    read = fan_out["Read List"]
    assert states["Read List"] == {**read, "Arguments": {**read["Arguments"], "TableName": "Lists"}}
    assert [it["Next"] for it in states["Check List"]["Choices"]] == ["Item List Not Found", "Run Orders"]


def test_orders_are_run_alike_wherever_they_come_from(definition):
    # Given both definitions
    given, either = (definition(it)["States"]["Run Orders"] for it in (ALONE, WITH_TABLE))
    # Then they differ in how an order is selected
    assert {**given, "ItemSelector": None} == {**either, "ItemSelector": None}
    assert set(given["ItemSelector"]) == set(either["ItemSelector"]) == {"index", "item", "orderId"}
    assert "dynamodb" in either["ItemSelector"]["item"]
    assert "dynamodb" not in given["ItemSelector"]["item"]


@pytest.mark.parametrize("concurrency", [0, 3, 40])
def test_orders_run_so_many_at_once(definition, concurrency):
    config = {**ALONE, "orderProcessing": {"maxConcurrency": concurrency}}
    assert definition(config)["States"]["Run Orders"].get("MaxConcurrency", 0) == concurrency


def test_order_has_an_execution_of_its_own_that_is_waited_for(order):
    run = order["Run Order"]
    assert run["Resource"] == "arn:aws:states:::states:startExecution.sync:2"
    assert run["Arguments"]["StateMachineArn"] == "${StateMachine}"
    # The input is the order and nothing else, so that a second start with it is the same
    assert run["Arguments"]["Input"] == "{% $states.input.item %}"
    assert "$states.input.orderId" in run["Arguments"]["Name"]
    assert run["End"] is True


def test_start_is_tried_again_if_step_functions_could_not(order):
    for error in ("SdkClientException", "AWSStepFunctionsException", "ExecutionLimitExceededException"):
        assert retry_of(order["Run Order"], f"StepFunctions.{error}") == FULL_JITTER
    # And a failed order, which that cannot mend, is not
    assert retry_of(order["Run Order"], "States.TaskFailed") is None
    assert retry_of(order["Run Order"], "States.ALL") is None


def test_what_did_not_simply_succeed_is_looked_up(order):
    catchers = order["Run Order"]["Catch"]
    assert [it["ErrorEquals"] for it in catchers] == [["States.DataLimitExceeded"], ["States.ALL"]]
    assert {it["Next"] for it in catchers} == {"Look Up Order"}
    assert {it["Output"] for it in catchers} == {"{% $states.input %}"}
    look_up = order["Look Up Order"]
    assert look_up["Resource"] == "arn:aws:states:::aws-sdk:sfn:describeExecution"
    assert ":execution:${StateMachine}:" in look_up["Arguments"]["ExecutionArn"]
    assert look_up["Output"] == "{% $states.input %}"
    assert retry_of(look_up, "Sfn.SfnException") == FULL_JITTER
    assert {it["Next"] for it in look_up["Catch"]} == {"Record Failure"}


def test_order_that_was_found_is_judged(order):
    ended = order["Order Ended?"]
    assert [(it["Comment"], it["Next"]) for it in ended["Choices"]] == [
        ("another order", "Record Failure"),
        ("it runs", "Wait For Order"),
        ("it succeeded", "Record Outcome"),
    ]
    assert ended["Default"] == "Record Failure"
    assert order["Wait For Order"]["Next"] == "Look Up Order"
    assert order["Wait For Order"]["Seconds"] == "{% $pause %}"


def test_failed_order_never_fails_the_batch(order):
    assert {it["Type"] for it in order.values()} == {"Task", "Choice", "Wait", "Pass"}
    assert {name for name, it in order.items() if it.get("End")} == {
        "Run Order",
        "Record Outcome",
        "Record Failure",
    }


@pytest.mark.parametrize("config", [ALONE, WITH_TABLE], ids=["alone", "with the table"])
def test_definition_passes_cfn_lint(definition, config):
    assert lint(json.dumps(as_cfn_lint_knows_it(definition(config)))) == []
