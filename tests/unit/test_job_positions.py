"""Positions of a list: each is in one partition and in one block of each level, and the blocks add up."""

from collections import Counter

import pytest
from fan_in_folder import load_fan_in
from hypothesis import example, given, settings
from hypothesis import strategies as st

TOTALS = st.one_of(st.integers(0, 2_000), st.integers(0, 10**10))


@pytest.fixture(scope="module")
def positions():
    with load_fan_in("positions") as modules:
        yield modules.positions


def blocks_of(positions, parts, level):
    """Count the places of each block of a level, as they are found from so many parts."""
    located = [positions.locate(part, level) for part in range(parts)]
    assert len(set(located)) == parts
    return Counter(block for block, _ in located)


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 40_000))
@example(1)
@example(249)
@example(250)
@example(251)
@example(62_500)
@example(62_501)
def test_blocks_of_each_level_hold_all_of_the_one_below_up_to_one(positions, total):
    level, parts = 0, total
    while True:
        blocks = blocks_of(positions, parts, level)
        # Each is complete with the parts that there are
        assert {block: positions.block_size(block, total) for block in blocks} == blocks
        assert [block.number for block in blocks] == list(range(len(blocks)))
        assert [positions.has_all(block, total) for block in blocks] == [len(blocks) == 1] * len(blocks)
        if len(blocks) == 1:
            break
        level, parts = level + 1, len(blocks)


@settings(deadline=None)
@given(TOTALS, st.integers(0, 3), st.integers(0, 10**8))
def test_block_has_at_most_two_hundred_and_fifty_parts(positions, total, level, number):
    size = positions.block_size(positions.Block(level, number), total)
    assert 0 <= size <= 250
    # and none where the list has ended
    assert bool(size) == (number * 250 ** (level + 1) < total)


@settings(deadline=None)
@given(st.integers(0, 10**9), st.integers(0, 249))
def test_positions_of_a_block_are_in_one_partition(positions, number, place):
    first = number * 250
    assert positions.partition_of(first) == positions.partition_of(first + place) == number % 16
    assert positions.locate(first + place) == (positions.Block(0, number), place)


@settings(deadline=None)
@given(st.integers(0, 15), st.integers(0, 20_000), st.integers(0, 20_000))
def test_positions_in_a_partition_are_those_of_it_in_order(positions, partition, first, end):
    found = list(positions.positions_in(partition, first, end))
    assert found == [each for each in range(first, end) if positions.partition_of(each) == partition]


def test_partition_key_names_job_and_partition(positions):
    keys = {positions.part_key("a-job", positions.partition_of(position)) for position in range(4_001)}
    assert keys == {f"a-job/{number}" for number in range(16)}
    assert {positions.job_of(key) for key in keys} == {"a-job"}
