"""The inputs of child executions: selection, batches and sizes."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from local.states.distributed.child_inputs import Source
from local.states.distributed.item_reader import Item
from local.states.distributed.settings import MAX_CHILD_INPUT_BYTES, Batcher
from local.states.errors import StatesError


def source(*values: Any, batcher: Batcher | None = None) -> Source:
    return Source(lambda: (Item(value, None, None) for value in values), None, batcher)


def test_each_item_alone() -> None:
    assert [tuple(each) for each in source({"a": 1}, "b").inputs()] == [('{"a":1}', 1), ('"b"', 1)]


def test_selector_is_given_the_index_and_the_item() -> None:
    items = [Item(1, "x", "here"), Item(2, "y", "here")]
    selected = Source(lambda: iter(items), lambda index, item: [index, item.key, item.value], None)
    assert [each.text for each in selected.inputs()] == ['[0,"x",1]', '[1,"y",2]']


def test_count_reads_all_items_and_every_reading_begins_at_the_first() -> None:
    counted = source(1, 2, 3)
    assert (counted.count(), counted.count(), len(list(counted.inputs()))) == (3, 3, 3)


@pytest.mark.parametrize(
    ("max_items", "max_bytes", "sizes"),
    [
        (2, 1000, [2, 2, 1]),
        (None, len('{"Items":[1,2,3]}'), [3, 2]),
        (None, len('{"Items":[1,2,3]}') - 1, [2, 2, 1]),
        (1, 1000, [1, 1, 1, 1, 1]),
        (10, 1000, [5]),
        (2, len('{"Items":[1]}'), [1, 1, 1, 1, 1]),
    ],
)
def test_batch_ends_at_the_first_limit(max_items: int | None, max_bytes: int, sizes: list[int]) -> None:
    batches = list(source(1, 2, 3, 4, 5, batcher=Batcher(max_items, max_bytes, None)).inputs())
    assert [batch.items for batch in batches] == sizes
    assert [item for batch in batches for item in json.loads(batch.text)["Items"]] == [1, 2, 3, 4, 5]
    assert all(len(batch.text) <= max_bytes for batch in batches)


def test_no_batch_without_an_item() -> None:
    assert list(source(batcher=Batcher(10, 1000, '{"x":1}')).inputs()) == []


@pytest.mark.parametrize("batcher", [None, Batcher(None, MAX_CHILD_INPUT_BYTES, None)])
def test_size_is_counted_in_utf8(batcher: Batcher | None) -> None:
    frame = 0 if batcher is None else len('{"Items":[]}')
    text = "\u20ac" * ((MAX_CHILD_INPUT_BYTES - frame - 2) // 3)
    spare = MAX_CHILD_INPUT_BYTES - frame - 2 - 3 * len(text)
    (fits,) = source(text + "x" * spare, batcher=batcher).inputs()
    assert len(fits.text.encode()) == MAX_CHILD_INPUT_BYTES
    room = MAX_CHILD_INPUT_BYTES - frame
    with pytest.raises(StatesError) as refusal:
        list(source("first", text + "x" * (spare + 1), batcher=batcher).inputs())
    assert str(refusal.value) == (
        f"States.DataLimitExceeded: The item at index 1 has {room + 1} bytes; "
        f"the input of a child execution has room for {room}."
    )


def test_inputs_are_made_one_by_one() -> None:
    """A list may be larger than the memory."""
    read = []

    def items() -> Iterator[Item]:
        for number in range(1_000_000):
            read.append(number)
            yield Item(number, None, None)

    inputs = Source(items, None, Batcher(10, 1000, None)).inputs()
    next(inputs)
    assert len(read) == 11
