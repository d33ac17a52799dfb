"""Positions of a list: every one is in one partition and in one block, and the blocks add up."""

from collections import Counter

import pytest
from fan_in_folder import load_fan_in
from hypothesis import example, given, settings
from hypothesis import strategies as st


@pytest.fixture(scope="module")
def positions():
    with load_fan_in("positions") as modules:
        yield modules.positions


@settings(deadline=None)
@given(st.integers(0, 40_000))
@example(0)
@example(1)
@example(15)
@example(16)
@example(8_000)
@example(8_001)
@example(7_999)
@example(16_016)
def test_blocks_hold_every_position_once(positions, total):
    # When
    blocks = Counter(positions.block_of(position) for position in range(total))
    # Then
    assert positions.count_blocks(total) == len(blocks)
    assert {block: positions.block_size(block, total) for block in blocks} == blocks


@settings(deadline=None)
@given(st.integers(0, 10**9))
def test_a_block_is_of_one_partition_and_small(positions, position):
    partition = positions.part_key("job", position).removeprefix("job/")
    assert positions.block_of(position).partition("-")[0] == partition
    assert positions.block_size(positions.block_of(position), 10**9 + 1) <= 500


def test_neighbours_are_in_different_partitions(positions):
    keys = [positions.part_key("a-job", position) for position in range(17)]
    assert len(set(keys)) == 16
    assert keys[0] == keys[16] == "a-job/0"
    assert {positions.job_of(key) for key in keys} == {"a-job"}


def test_block_that_a_list_does_not_have_is_empty(positions):
    full = positions.PARTITIONS * positions.BLOCK_POSITIONS
    assert positions.block_size("3-0", 3) == 0
    assert positions.block_size("0-1", full) == 0
    assert positions.block_size("0-1", full + 1) == 1
