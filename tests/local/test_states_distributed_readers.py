"""ItemReader and ItemSelector of a Distributed Map: which items its children are given."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from distributed_states import KEEP, children, distributed, map_runs, reader
from state_machines import StepFunctions, machine

BUCKET = "reader-lists"
FILES = {
    "items.json": '["a", "b", "c"]',
    "items.jsonl": '{"n": 1}\n\n{"n": 2}\n',
    "items.csv": "name,n\na,1\nb\n",
    "scores.csv": "a;1\n",
    "twice.csv": "name,name\na,b\n",
    "pointed.json": '{"shop": {"orders": [1, 2]}, "by key": {"x": 10, "y": 20}}',
    "object.json": '{"x": 1}',
    "scalar.json": '"x"',
    "broken.jsonl": '{"n": 1}\n' * 3000 + "{",
    "broken.json": "[1, 2",
    "prefix/1": "one",
    "prefix/2": "three",
}


@pytest.fixture(scope="module")
def states(new_account: Callable[[], dict[str, str]]) -> StepFunctions:
    states = StepFunctions(new_account())
    s3 = states.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    for key, body in FILES.items():
        s3.put_object(Bucket=BUCKET, Key=key, Body=body.encode())
    return states


@pytest.mark.parametrize(
    ("key", "config", "items"),
    [
        ("items.json", {"InputType": "JSON"}, ["a", "b", "c"]),
        ("items.json", {"InputType": "JSON", "MaxItems": 2}, ["a", "b"]),
        ("items.json", {"InputType": "JSON", "MaxItems": 0}, ["a", "b", "c"]),
        ("items.json", {"InputType": "JSON", "MaxItemsPath": "$.most"}, ["a"]),
        ("items.jsonl", {"InputType": "JSONL"}, [{"n": 1}, {"n": 2}]),
        (
            "items.csv",
            {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"},
            [{"name": "a", "n": "1"}, {"name": "b", "n": ""}],
        ),
        (
            "scores.csv",
            {
                "InputType": "CSV",
                "CSVHeaderLocation": "GIVEN",
                "CSVHeaders": ["id", "score"],
                "CSVDelimiter": "SEMICOLON",
            },
            [{"id": "a", "score": "1"}],
        ),
        ("pointed.json", {"InputType": "JSON", "ItemsPointer": "/shop/orders"}, [1, 2]),
        (
            "pointed.json",
            {"InputType": "JSON", "ItemsPointer": "/by key"},
            [{"Key": "x", "Value": 10}, {"Key": "y", "Value": 20}],
        ),
    ],
)
def test_items_of_a_file(states: StepFunctions, key: str, config: dict[str, Any], items: list[Any]) -> None:
    each = distributed(KEEP, ItemReader=reader(BUCKET, key, **config))
    outcome = states.run(machine(Each=each), {"most": 1})
    assert (outcome.error, outcome.output) == (None, items)
    assert outcome.details("MapStateStarted") == [{"length": 0}]


def test_items_of_a_file_in_jsonata(states: StepFunctions) -> None:
    item_reader = {
        "Resource": "arn:aws:states:::s3:getObject",
        "ReaderConfig": {"InputType": "JSON", "MaxItems": "{% $states.input.most %}"},
        "Arguments": {"Bucket": "{% $states.input.bucket %}", "Key": "items.json"},
    }
    definition = {"QueryLanguage": "JSONata", **machine(Each=distributed(KEEP, ItemReader=item_reader))}
    outcome = states.run(definition, {"most": 2, "bucket": BUCKET})
    assert outcome.output == ["a", "b"]


def test_objects_of_a_bucket(states: StepFunctions) -> None:
    item_reader = {
        "Resource": "arn:aws:states:::s3:listObjectsV2",
        "Parameters": {"Bucket": BUCKET, "Prefix": "prefix/"},
    }
    outcome = states.run(machine(Each=distributed(KEEP, ItemReader=item_reader)))
    assert [(item["Key"], item["Size"]) for item in outcome.output] == [("prefix/1", 3), ("prefix/2", 5)]
    assert list(outcome.output[0]) == ["Etag", "Key", "LastModified", "Size", "StorageClass"]


@pytest.mark.parametrize(
    ("bucket", "key", "config", "cause"),
    [
        (BUCKET, "missing.json", {"InputType": "JSON"}, "s3://reader-lists/missing.json cannot be read"),
        ("no-bucket", "x.json", {"InputType": "JSON"}, "s3://no-bucket/x.json cannot be read"),
        (
            BUCKET,
            "no\x00key",
            {"InputType": "JSON"},
            "s3://reader-lists/no\x00key cannot be read: The specified key does not exist",
        ),
        (BUCKET, "half a pair \ud800", {"InputType": "JSON"}, "The Key of the ItemReader is not UTF-8 text."),
        (BUCKET, "broken.json", {"InputType": "JSON"}, "The file is not JSON"),
        (BUCKET, "broken.jsonl", {"InputType": "JSONL"}, "Line 3001 is not JSON"),
        (BUCKET, "object.json", {"InputType": "JSON"}, "Attempting to map over non-iterable node."),
        (BUCKET, "scalar.json", {"InputType": "JSON"}, "Attempting to map over non-iterable node."),
        (
            BUCKET,
            "twice.csv",
            {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"},
            "CSV headers cannot contain duplicates.",
        ),
        (
            BUCKET,
            "items.json",
            {"InputType": "JSON", "MaxItemsPath": "$.below"},
            "field MaxItems must be positive",
        ),
        (
            BUCKET,
            "pointed.json",
            {"InputType": "JSON", "ItemsPointer": "/no/where"},
            "The provided ReaderConfig.ItemsPointer does not match any valid path in the JSON structure.",
        ),
    ],
)
def test_list_that_cannot_be_read_starts_no_child(
    states: StepFunctions, bucket: str, key: str, config: dict[str, Any], cause: str
) -> None:
    each = distributed(KEEP, ItemReader=reader(bucket, key, **config))
    outcome = states.run(machine(Each=each), {"below": -1})
    assert outcome.error == "States.ItemReaderFailed"
    assert outcome.cause is not None
    assert outcome.cause.startswith(cause)
    (run,) = map_runs(states, outcome.arn)
    assert run["status"] == "FAILED"
    assert children(states, run["mapRunArn"]) == []


def test_selector_sees_each_item_before_it_is_put_into_a_batch(states: StepFunctions) -> None:
    each = distributed(
        KEEP,
        ItemReader=reader(BUCKET, "pointed.json", InputType="JSON", ItemsPointer="/by key"),
        ItemBatcher={"MaxItemsPerBatch": 2},
        ItemSelector={
            "place.$": "$$.Map.Item.Index",
            "item.$": "$$.Map.Item.Value",
            "key.$": "$$.Map.Item.Key",
            "source.$": "$$.Map.Item.Source",
            "shared.$": "$.shared",
        },
    )
    outcome = states.run(machine(Each=each), {"shared": True})
    source = f"S3://{BUCKET}/pointed.json"
    assert outcome.output == [
        {
            "Items": [
                {"place": 0, "item": 10, "key": "x", "source": source, "shared": True},
                {"place": 1, "item": 20, "key": "y", "source": source, "shared": True},
            ]
        }
    ]


def test_selector_in_jsonata_over_items_of_the_input(states: StepFunctions) -> None:
    each = distributed(
        KEEP,
        Items="{% $states.input.list %}",
        ItemSelector={
            "item": "{% $states.context.Map.Item.Value * 2 %}",
            "source": "{% $states.context.Map.Item.Source %}",
            "of": "{% $count($states.input.list) %}",
        },
    )
    outcome = states.run({"QueryLanguage": "JSONata", **machine(Each=each)}, {"list": [1, 2]})
    assert outcome.output == [
        {"item": 2, "source": "STATE_DATA", "of": 2},
        {"item": 4, "source": "STATE_DATA", "of": 2},
    ]


def test_selector_that_fails_for_one_item_ends_the_map_run(states: StepFunctions) -> None:
    """Children of the items before it have run; a redrive begins a new Map Run."""
    each = distributed(KEEP, ItemSelector={"n.$": "States.MathAdd($$.Map.Item.Value, 1)"})
    outcome = states.run(machine(Each=each), [*range(70), "x", 71])
    assert outcome.status == "FAILED"
    (run,) = map_runs(states, outcome.arn)
    assert run["status"] == "FAILED"
    assert run["itemCounts"]["total"] == 72
    assert 32 <= run["itemCounts"]["succeeded"] <= 70
    states.api.redrive_execution(executionArn=outcome.arn)
    redriven = states.wait(outcome.arn)
    assert redriven.status == "FAILED"
    assert len(map_runs(states, outcome.arn)) == 2


def test_entries_of_an_object_in_the_input(states: StepFunctions) -> None:
    outcome = states.run(machine(Each=distributed(KEEP)), {"x": 1, "y": [2]})
    assert outcome.output == [{"Key": "x", "Value": 1}, {"Key": "y", "Value": [2]}]


@pytest.mark.parametrize(
    "item", ["\U0001f600 \u00e4", "lone \ud800", "12", 12345678901234567890123, 0.1, None, [[]]]
)
def test_items_reach_the_results_as_they_are(states: StepFunctions, item: Any) -> None:
    key = "as-it-is.jsonl"
    states.client("s3").put_object(Bucket=BUCKET, Key=key, Body=json.dumps(item).encode())
    outcome = states.run(machine(Each=distributed(KEEP, ItemReader=reader(BUCKET, key, InputType="JSONL"))))
    assert outcome.output == [item]
