"""The throttled Map's definition: both sources, both ways, for each configuration that changes them."""

import json

import pytest
from cfnlint.api import lint
from evaluation import evaluate
from templates import FULL_JITTER, LAMBDA_TRANSIENT_ERRORS, as_cfn_lint_knows_it, retry_of

from stacks.distributed_map.stack import DistributedMapStack
from stacks.fan_out.stack import FanOutStack
from stacks.templates import read_definition
from stacks.throttled_map.stack import ThrottledMapStack


@pytest.fixture
def definition(synthesize):
    """Return a function that gives the definition for a ``throttledMap`` section."""
    return lambda **section: read_definition(synthesize(ThrottledMapStack, {"throttledMap": section}))


@pytest.fixture
def map_state(definition):
    """Return a function that gives the Distributed Map state for a ``throttledMap`` section."""
    return lambda **section: definition(**section)["States"]["Process Items"]


@pytest.fixture
def child(map_state):
    """Return a function that gives the states of a child for a ``throttledMap`` section."""
    return lambda **section: map_state(**section)["ItemProcessor"]["States"]


def test_definition_is_jsonata_with_the_configured_timeout(definition):
    machine = definition(timeoutDurationSeconds=7)
    assert (machine["QueryLanguage"], machine["TimeoutSeconds"]) == ("JSONata", 7)


def test_what_follows_the_map_is_as_in_the_distributed_map(synthesize, definition):
    # Given the same tolerance in both
    tolerance = {"toleratedFailureCount": 3}
    other = read_definition(synthesize(DistributedMapStack, {"distributedMap": tolerance}))["States"]
    # Then they have the same states, before, and after the map
    states = definition(**tolerance)["States"]
    assert set(states) == set(other)
    assert {name: it for name, it in states.items() if name != "Process Items"} == {
        name: it for name, it in other.items() if name != "Process Items"
    }


@pytest.mark.parametrize(
    "section",
    [
        {},
        {"key": "a.csv", "format": "csv"},
        {"format": "json", "maxConcurrency": 0},
        {"maxConcurrency": 7, "toleratedFailureCount": 3, "toleratedFailurePercentage": 5},
    ],
    ids=lambda section: "-".join(section) or "default",
)
def test_map_reads_and_writes_as_the_distributed_map(synthesize, map_state, section):
    # Given the same settings in both
    config = {"distributedMap": {**section, "childType": "STANDARD"}}
    other = read_definition(synthesize(DistributedMapStack, config))["States"]["Process Items"]
    state = map_state(**section)
    # Then they differ in what a child does, and in how many items it gets
    differ = {"ItemProcessor", "ItemBatcher"}
    assert {key: it for key, it in state.items() if key not in differ} == {
        key: it for key, it in other.items() if key not in differ
    }


def test_children_are_never_express(map_state):
    processor = map_state()["ItemProcessor"]
    assert processor["ProcessorConfig"] == {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}


def test_child_gets_one_item_and_how_it_is_encoded(map_state):
    assert map_state()["ItemBatcher"] == {
        "MaxItemsPerBatch": 1,
        "BatchInput": {"execution": "{% $states.context.Execution.Name %}", "encoding": "json"},
    }


def test_list_of_the_table_is_read_as_by_the_fan_out(synthesize):
    # Given a table with a name and a key of its own
    ddb = {"tableName": "Lists", "partitionKeyName": "pk", "partitionKeyValueField": "today"}
    config = {"ddb": ddb, "throttledMap": {"source": "dynamodb"}}
    fan_out = read_definition(synthesize(FanOutStack, {"ddb": ddb}))["States"]
    # When the list is there
    machine = read_definition(synthesize(ThrottledMapStack, config))
    states = machine["States"]
    # Then the states that get it are those of the fan-out, but for the reference to its own table
    assert machine["StartAt"] == "List Given?"
    for name in ("List Given?", "Check List", "Item List Not Found", "Item List Invalid"):
        assert states[name] == fan_out[name]
    read = fan_out["Read List"]
    assert states["Read List"] == {**read, "Arguments": {**read["Arguments"], "TableName": "Lists"}}


def test_list_of_the_table_goes_to_the_map_as_it_is(map_state):
    state = map_state(source="dynamodb")
    assert "ItemReader" not in state
    assert state["Items"] == "{% $states.input.items %}"
    assert state["ItemBatcher"] == {
        "MaxItemsPerBatch": 1,
        "BatchInput": {
            "execution": "{% $states.context.Execution.Name %}",
            "encoding": "{% $states.input.encoding %}",
        },
    }


def test_marked_item_goes_to_the_queue_and_any_other_to_the_function(map_state):
    # When the ways of a child are followed
    processor = map_state(throttledField="slow")["ItemProcessor"]
    states = processor["States"]
    # Then the first state tells them apart by the configured field
    assert processor["StartAt"] == "Throttled?"
    (marked,) = states["Throttled?"]["Choices"]
    assert '"slow"' in marked["Condition"]
    assert (marked["Next"], states["Throttled?"]["Default"]) == ("Process Through Queue", "Process Batch")


def test_direct_way_is_that_of_a_batch_with_its_route(synthesize, child):
    # Given the states of a STANDARD child of the Distributed Map
    config = {"distributedMap": {"childType": "STANDARD"}}
    other = read_definition(synthesize(DistributedMapStack, config))["States"]["Process Items"]
    # Then an item that is not marked goes through the same
    states = child()
    expected = other["ItemProcessor"]["States"]
    collect = expected.pop("Collect Outcomes")
    assert {name: states[name] for name in expected} == expected
    # And its output says which way it went
    route = {"outcomes": "{% $states.input.outcomes %}", "route": "direct"}
    assert states["Collect Outcomes"] == {**collect, "Output": route}


def test_queued_item_is_sent_with_its_token_and_waited_for(child):
    # Given limits of its own
    task = child(itemTimeoutSeconds=90, heartbeatSeconds=20)["Process Through Queue"]
    # Then the task waits for the token, no longer than both allow
    assert task["Resource"] == "arn:aws:states:::sqs:sendMessage.waitForTaskToken"
    assert (task["TimeoutSeconds"], task["HeartbeatSeconds"]) == (90, 20)
    # And the message goes to the queue, with all that the worker reads
    assert task["Arguments"]["QueueUrl"] == "${Queue}"
    body = task["Arguments"]["MessageBody"]
    assert set(body) == {"token", "execution", "index", "item", "encoding"}
    assert body["token"] == "{% $states.context.Task.Token %}"
    assert task["End"] is True


@pytest.mark.parametrize(("attempts", "retries"), [(1, None), (2, 1), (10, 9)])
def test_queued_item_is_tried_as_often_as_configured(child, attempts, retries):
    # Given the task
    task = child(maxAttempts=attempts)["Process Through Queue"]
    # Then what the processor raised and a worker that was lost are worth another attempt
    expected = retries and {**FULL_JITTER, "MaxAttempts": retries}
    assert retry_of(task, "States.TaskFailed") == expected
    assert retry_of(task, "States.HeartbeatTimeout") == expected
    # And the task's own timeout is not, which States.TaskFailed leaves out
    assert retry_of(task, "States.Timeout") is None
    assert retry_of(task, "States.ALL") is None


def test_what_the_queue_did_is_retried_apart_from_what_the_processor_did(child):
    # Given retriers of which the first that matches counts
    retriers = child()["Process Through Queue"]["Retry"]
    undeliverable, refused, failed = (it["ErrorEquals"] for it in retriers)
    # Then SQS's errors have attempts of their own, and a dead letter has had its attempts
    assert (undeliverable, retriers[0]["MaxAttempts"]) == (["ItemUndeliverable", "ResultTooLarge"], 0)
    assert refused == ["SQS.SdkClientException", "SQS.AmazonSQSException"]
    assert {key: it for key, it in retriers[1].items() if key != "ErrorEquals"} == FULL_JITTER
    assert "States.TaskFailed" in failed


def test_queued_item_that_failed_is_recorded_and_its_child_succeeds(child):
    states = child()
    catch = states["Process Through Queue"]["Catch"]
    assert [it["ErrorEquals"] for it in catch] == [
        ["States.HeartbeatTimeout"],
        ["States.Timeout"],
        ["States.DataLimitExceeded"],
        ["States.ALL"],
    ]
    assert {it["Next"] for it in catch} == {"Record Failure"}
    assert (states["Record Failure"]["Type"], states["Record Failure"]["End"]) == ("Pass", True)
    assert not [it for it in states.values() if it["Type"] == "Fail"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "States.HeartbeatTimeout",
            "no sign of life for 20 s: it waited for longer in the queue, or its worker was lost",
        ),
        (
            "States.Timeout",
            "no answer in the 90 s since it was sent, its wait in the queue included",
        ),
    ],
)
def test_either_timeout_is_recorded_under_its_own_name(child, name, message):
    # Given a timeout, whose error output is the same for both
    catch = child(itemTimeoutSeconds=90, heartbeatSeconds=20)["Process Through Queue"]["Catch"]
    (output,) = [it["Output"] for it in catch if it["ErrorEquals"] == [name]]
    given = {"Items": [{"index": 5, "item": {}}]}
    error_output = {"Error": "States.Timeout", "Cause": ""}
    # When it is caught at the third attempt
    caught = evaluate(
        output.removeprefix("{% ").removesuffix(" %}"),
        input=given,
        context={"State": {"RetryCount": 2}},
        errorOutput=error_output,
    )
    # Then the state that records it gets which one it was
    assert caught == {"index": 5, "error": {"Error": name, "Cause": message}, "attempts": 3}


def test_every_invocation_is_retried_on_lambdas_errors(definition, child):
    for task in (definition()["States"]["Summarise Results"], child()["Process Batch"]):
        assert {error: retry_of(task, error) for error in LAMBDA_TRANSIENT_ERRORS} == dict.fromkeys(
            LAMBDA_TRANSIENT_ERRORS, FULL_JITTER
        )


def test_direct_way_waits_for_its_function_and_a_cold_start(synthesize, child):
    # Given the function's own timeout
    resources = synthesize(ThrottledMapStack)["Resources"].values()
    functions = (it["Properties"] for it in resources if it["Type"] == "AWS::Lambda::Function")
    timeouts = {it["Handler"].partition(".")[0]: it["Timeout"] for it in functions}
    # Then the task waits for it, a cold start of at most 10 s included
    assert child()["Process Batch"]["TimeoutSeconds"] > timeouts["batch_handler"] + 10


@pytest.mark.parametrize(
    "section",
    [
        {},
        {"source": "dynamodb"},
        {"format": "csv"},
        {"maxAttempts": 1},
        {"throttledField": 'is "slow"'},
        {"toleratedFailurePercentage": 2.5, "toleratedFailureCount": 3},
    ],
    ids=lambda section: next(iter(section), "default"),
)
def test_definition_passes_cfn_lint(definition, section):
    assert lint(json.dumps(as_cfn_lint_knows_it(definition(**section)))) == []
