"""The Distributed Map's definition: its states and fields, for each configuration that changes them."""

import json

import pytest
from cfnlint.api import lint
from templates import FULL_JITTER, LAMBDA_TRANSIENT_ERRORS, as_cfn_lint_knows_it, retry_of

from stacks.distributed_map.stack import DistributedMapStack
from stacks.templates import read_definition

LOST_FUNCTION = {
    "Runtime.ExitError",
    "Runtime.OutOfMemory",
    "Runtime.UnmarshalError",
    "Sandbox.Timedout",
    "Lambda.Unknown",
    "States.Timeout",
}


@pytest.fixture
def definition(synthesize):
    """Return a function that gives the definition for a ``distributedMap`` section."""
    return lambda **section: read_definition(synthesize(DistributedMapStack, {"distributedMap": section}))


@pytest.fixture
def map_state(definition):
    """Return a function that gives the Distributed Map state for a ``distributedMap`` section."""
    return lambda **section: definition(**section)["States"]["Process Items"]


@pytest.fixture
def child(map_state):
    """Return a function that gives the states of a child for a ``distributedMap`` section."""
    return lambda **section: map_state(**section)["ItemProcessor"]["States"]


def test_definition_is_jsonata_with_the_configured_timeout(definition):
    machine = definition(timeoutDurationSeconds=7)
    assert (machine["QueryLanguage"], machine["TimeoutSeconds"]) == ("JSONata", 7)


def test_states_lead_from_the_input_to_the_summary(definition):
    # When the ways are followed
    machine = definition()
    states = machine["States"]
    # Then an input that names no list ends, and else the items are processed and summarised
    assert machine["StartAt"] == "Check Input"
    (usable,) = states["Check Input"]["Choices"]
    assert (usable["Next"], states["Check Input"]["Default"]) == ("Process Items", "Item List Invalid")
    assert states["Process Items"]["Next"] == "Summarise Results"
    assert states["Summarise Results"]["Next"] == "Check Tolerance"
    (exceeded,) = states["Check Tolerance"]["Choices"]
    assert (exceeded["Next"], states["Check Tolerance"]["Default"]) == ("Tolerated Failure Exceeded", "Done")
    assert states["Done"] == {"Type": "Succeed"}


def test_invalid_input_is_answered_with_what_to_give(definition):
    fail = definition()["States"]["Item List Invalid"]
    assert (fail["Type"], fail["Error"]) == ("Fail", "ItemListInvalid")
    assert '{"key": "lists/other.jsonl"}' in fail["Cause"]
    assert "${ListsBucket}" in fail["Cause"]


@pytest.mark.parametrize(
    ("format_", "reader_config"),
    [
        ("json", {"InputType": "JSON"}),
        ("jsonl", {"InputType": "JSONL"}),
        ("csv", {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"}),
    ],
)
def test_list_is_read_from_its_bucket_in_the_configured_format(map_state, format_, reader_config):
    # Given a key that looks like an expression
    reader = map_state(format=format_, key="{% day %}")["ItemReader"]
    # Then the ItemReader has the fields of JSONata, not those of JSONPath, and that key as a text
    assert reader == {
        "Resource": "arn:aws:states:::s3:getObject",
        "ReaderConfig": reader_config,
        "Arguments": {
            "Bucket": "${ListsBucket}",
            "Key": '{% $exists($states.input.key) ? $states.input.key : "{% day %}" %}',
        },
    }


@pytest.mark.parametrize("child_type", ["EXPRESS", "STANDARD"])
def test_children_are_of_the_configured_type(map_state, child_type):
    processor = map_state(childType=child_type)["ItemProcessor"]
    assert processor["ProcessorConfig"] == {"Mode": "DISTRIBUTED", "ExecutionType": child_type}


def test_map_run_has_a_label_that_redrive_permissions_name(map_state):
    assert map_state()["Label"] == "ProcessItems"


@pytest.mark.parametrize(("configured", "expected"), [(0, 0), (1, 1), (10_000, 10_000)])
def test_concurrency_is_as_configured(map_state, configured, expected):
    # AWS takes a field that is missing as 0, which is no limit but its own.
    assert map_state(maxConcurrency=configured).get("MaxConcurrency", 0) == expected


def test_batch_has_the_configured_size_and_names_the_execution(map_state):
    state = map_state(maxItemsPerBatch=7, maxInputBytesPerBatch=2048)
    assert state["ItemBatcher"] == {
        "MaxItemsPerBatch": 7,
        "MaxInputBytesPerBatch": 2048,
        "BatchInput": {"execution": "{% $states.context.Execution.Name %}"},
    }
    assert state["ItemSelector"] == {
        "index": "{% $states.context.Map.Item.Index %}",
        "item": "{% $states.context.Map.Item.Value %}",
    }


@pytest.mark.parametrize(
    ("section", "tolerance"),
    [
        ({}, {}),
        ({"toleratedFailureCount": 3}, {"ToleratedFailureCount": 3}),
        ({"toleratedFailurePercentage": 2.5}, {"ToleratedFailurePercentage": 2.5}),
        (
            {"toleratedFailureCount": 3, "toleratedFailurePercentage": 5},
            {"ToleratedFailureCount": 3, "ToleratedFailurePercentage": 5},
        ),
    ],
    ids=["none", "count", "percentage", "both"],
)
def test_tolerance_of_children_is_what_is_not_0(map_state, section, tolerance):
    state = map_state(**section)
    assert {key: value for key, value in state.items() if key.startswith("Tolerated")} == tolerance


def test_results_are_written_as_json_lines_with_all_of_each_child(map_state):
    assert map_state()["ResultWriter"] == {
        "Resource": "arn:aws:states:::s3:putObject",
        "Arguments": {"Bucket": "${ResultsBucket}", "Prefix": "runs"},
        "WriterConfig": {"OutputType": "JSONL", "Transformation": "NONE"},
    }


def test_child_processes_until_nothing_is_pending(child):
    states = child()
    assert states["Process Batch"]["Next"] == "Batch Done?"
    (done,) = states["Batch Done?"]["Choices"]
    assert (done["Next"], states["Batch Done?"]["Default"]) == ("Collect Outcomes", "Wait Before Retry")
    assert states["Wait Before Retry"]["Next"] == "Process Batch"
    assert states["Collect Outcomes"]["Type"] == "Succeed"
    assert states["Collect Outcomes"]["Output"] == {"outcomes": "{% $states.input.outcomes %}"}


def test_items_of_a_lost_function_are_processed_one_by_one(child):
    # When the way of a call without an answer is followed
    states = child()
    (catch,) = states["Process Batch"]["Catch"]
    # Then it leads to a map over the pending items, never two at once, and back
    assert (set(catch["ErrorEquals"]), catch["Next"]) == (LOST_FUNCTION, "Process Items One by One")
    one_by_one = states["Process Items One by One"]
    assert one_by_one["ItemProcessor"]["ProcessorConfig"]["Mode"] == "INLINE"
    assert (one_by_one["MaxConcurrency"], one_by_one["Items"]) == (1, "{% $states.input.pending %}")
    assert one_by_one["Next"] == "Batch Done?"
    # And an item that is lost again is recorded
    inner = one_by_one["ItemProcessor"]["States"]
    (catch,) = inner["Process One Item"]["Catch"]
    assert (set(catch["ErrorEquals"]), catch["Next"]) == (LOST_FUNCTION, "Record Lost Item")
    assert inner["Record Lost Item"]["End"] is True


def test_batch_and_item_are_processed_by_the_same_function_with_the_same_payload(child):
    states = child()
    batch = states["Process Batch"]
    item = states["Process Items One by One"]["ItemProcessor"]["States"]["Process One Item"]
    assert batch["Resource"] == "arn:aws:states:::lambda:invoke"
    assert batch["Arguments"]["FunctionName"] == "${ItemProcessor}"
    assert item["Arguments"] == batch["Arguments"]
    assert item["Output"] == "{% $states.result.Payload %}"


def test_every_invocation_is_retried_on_lambdas_errors(definition, child):
    states = child()
    item = states["Process Items One by One"]["ItemProcessor"]["States"]["Process One Item"]
    for task in (definition()["States"]["Summarise Results"], states["Process Batch"], item):
        assert {error: retry_of(task, error) for error in LAMBDA_TRANSIENT_ERRORS} == dict.fromkeys(
            LAMBDA_TRANSIENT_ERRORS, FULL_JITTER
        )


@pytest.mark.parametrize(("attempts", "retries"), [(1, None), (2, 1), (10, 9)])
def test_item_that_ends_the_function_alone_is_tried_as_often_as_configured(child, attempts, retries):
    # Given the task for one item
    states = child(maxAttempts=attempts)
    item = states["Process Items One by One"]["ItemProcessor"]["States"]["Process One Item"]
    # Then a crash is retried, and a timeout, which would take as long again, is not
    expected = retries and {**FULL_JITTER, "MaxAttempts": retries}
    for error in LOST_FUNCTION:
        crash = error in {"Runtime.ExitError", "Runtime.OutOfMemory"}
        assert retry_of(item, error) == (expected if crash else None)
        assert retry_of(states["Process Batch"], error) is None


def test_task_outlives_the_function_by_a_cold_start(synthesize, definition):
    # Given the functions' own timeouts
    resources = synthesize(DistributedMapStack)["Resources"].values()
    functions = (it["Properties"] for it in resources if it["Type"] == "AWS::Lambda::Function")
    timeouts = {it["Handler"].partition(".")[0]: it["Timeout"] for it in functions}
    # Then each task waits for its function, a cold start of at most 10 s included
    states = definition(childType="STANDARD")["States"]
    batch = states["Process Items"]["ItemProcessor"]["States"]["Process Batch"]
    assert batch["TimeoutSeconds"] > timeouts["batch_handler"] + 10
    assert states["Summarise Results"]["TimeoutSeconds"] > timeouts["summarise_handler"] + 10


def test_summary_gets_where_the_results_are_and_is_the_output(definition):
    task = definition()["States"]["Summarise Results"]
    assert task["Arguments"]["FunctionName"] == "${SummariseResults}"
    assert task["Output"] == "{% $states.result.Payload %}"


@pytest.mark.parametrize(
    "section",
    [
        {},
        {"format": "csv"},
        {"childType": "STANDARD"},
        {"maxConcurrency": 0},
        {"maxAttempts": 1},
        {"toleratedFailurePercentage": 2.5, "toleratedFailureCount": 3},
    ],
    ids=lambda section: next(iter(section), "default"),
)
def test_definition_passes_cfn_lint(definition, section):
    assert lint(json.dumps(as_cfn_lint_knows_it(definition(**section)))) == []
