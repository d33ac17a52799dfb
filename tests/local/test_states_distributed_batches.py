"""ItemBatcher of a Distributed Map: how many items, and how many bytes, a child is given."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from distributed_states import KEEP, children, counts, distributed, map_runs
from state_machines import StepFunctions, machine


@pytest.fixture(scope="module")
def states(new_account: Callable[[], dict[str, str]]) -> StepFunctions:
    return StepFunctions(new_account())


def batched(states: StepFunctions, data: Any, **batcher: Any) -> list[dict[str, Any]]:
    """The inputs of the children."""
    each = distributed(KEEP, ItemBatcher=batcher, ItemsPath="$.items")
    outcome = states.run(machine(Each=each), data)
    assert outcome.status == "SUCCEEDED", (outcome.error, outcome.cause)
    batches: list[dict[str, Any]] = outcome.output
    return batches


def test_at_most_so_many_items(states: StepFunctions) -> None:
    batches = batched(states, {"items": [1, 2, 3, 4, 5]}, MaxItemsPerBatch=2)
    assert batches == [{"Items": [1, 2]}, {"Items": [3, 4]}, {"Items": [5]}]


def test_limits_from_the_input(states: StepFunctions) -> None:
    data = {"items": ["a", "b", "c"], "most": 2, "bytes": 1000}
    batches = batched(states, data, MaxItemsPerBatchPath="$.most", MaxInputBytesPerBatchPath="$.bytes")
    assert [len(batch["Items"]) for batch in batches] == [2, 1]


def test_every_batch_has_the_batch_input_first(states: StepFunctions) -> None:
    data = {"items": ["a", "b"], "shared": "x"}
    batch_input = {"shared.$": "$.shared", "execution.$": "$$.Execution.Input.shared"}
    batches = batched(states, data, MaxItemsPerBatch=1, BatchInput=batch_input)
    expected = {"shared": "x", "execution": "x"}
    assert batches == [{"BatchInput": expected, "Items": [item]} for item in ("a", "b")]
    assert list(batches[0]) == ["BatchInput", "Items"]


@pytest.mark.parametrize(("spare_bytes", "sizes"), [(0, [2, 1]), (-1, [1, 2])])
def test_bytes_are_counted_exactly(states: StepFunctions, spare_bytes: int, sizes: list[int]) -> None:
    """The whole input of the child counts, in UTF-8: its frame, BatchInput and commas."""
    items = ["\u00e4\U0001f600", "b\u00e4c", "c"]
    two = json.dumps(
        {"BatchInput": {"u": "\u20ac"}, "Items": items[:2]}, ensure_ascii=False, separators=(",", ":")
    )
    limit = len(two.encode()) + spare_bytes
    batches = batched(states, {"items": items}, MaxInputBytesPerBatch=limit, BatchInput={"u": "\u20ac"})
    assert [len(batch["Items"]) for batch in batches] == sizes


@pytest.mark.parametrize(
    ("batcher", "size", "fits"),
    [
        (None, 256 * 1024 - 2, True),
        (None, 256 * 1024 - 1, False),
        ({"MaxItemsPerBatch": 10}, 256 * 1024 - len('{"Items":[""]}'), True),
        ({"MaxItemsPerBatch": 10}, 256 * 1024 - len('{"Items":[""]}') + 1, False),
    ],
)
def test_item_has_room_up_to_the_limit_of_a_childs_input(
    states: StepFunctions, batcher: dict[str, Any] | None, size: int, fits: bool
) -> None:
    bucket = "batches-large"
    s3 = states.client("s3")
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="item.jsonl", Body=json.dumps("x" * size).encode())
    small = {**machine(Drop={"Type": "Pass", "Result": "done"})}
    fields = {} if batcher is None else {"ItemBatcher": batcher}
    item_reader = {
        "Resource": "arn:aws:states:::s3:getObject",
        "ReaderConfig": {"InputType": "JSONL"},
        "Parameters": {"Bucket": bucket, "Key": "item.jsonl"},
    }
    outcome = states.run(machine(Each=distributed(small, ItemReader=item_reader, **fields)))
    if fits:
        assert outcome.output == ["done"]
    else:
        assert outcome.error == "States.DataLimitExceeded"
        assert outcome.cause is not None
        assert outcome.cause.startswith("The item at index 0 has ")


@pytest.mark.parametrize(
    ("batcher", "data", "cause"),
    [
        ({"MaxItemsPerBatchPath": "$.n"}, {"n": 0}, "MaxItemsPerBatch must be a positive integer but was: 0"),
        (
            {"MaxItemsPerBatchPath": "$.n"},
            {"n": 1.5},
            'The MaxItemsPerBatchPath field refers to value "1.5" which is not a valid integer: $.n',
        ),
        (
            {"MaxInputBytesPerBatchPath": "$.n"},
            {"n": 262145},
            "MaxInputBytesPerBatch must be at most 262144 but was: 262145",
        ),
    ],
)
def test_limit_that_is_none(
    states: StepFunctions, batcher: dict[str, Any], data: dict[str, Any], cause: str
) -> None:
    each = distributed(KEEP, ItemBatcher=batcher, ItemsPath="$.items")
    outcome = states.run(machine(Each=each), {"items": [1], **data})
    assert outcome.error == "States.Runtime"
    assert outcome.cause is not None
    assert outcome.cause.endswith(cause)
    assert map_runs(states, outcome.arn) == []


def test_counts_tell_items_and_children_apart(states: StepFunctions) -> None:
    outcome = states.run(machine(Each=distributed(KEEP, ItemBatcher={"MaxItemsPerBatch": 2})), [1, 2, 3])
    (run,) = map_runs(states, outcome.arn)
    assert counts(run) == {"succeeded": 3, "total": 3, "resultsWritten": 3}
    assert counts(run, "executionCounts") == {"succeeded": 2, "total": 2, "resultsWritten": 2}
    assert [each["itemCount"] for each in children(states, run["mapRunArn"])] == [2, 1]
