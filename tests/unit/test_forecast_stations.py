"""Chunks, rates and slots: what a simulation is made of."""

import math

import pytest
import simpy
from forecast_templates import templates
from hypothesis import given, settings
from hypothesis import strategies as st

from stacks.config import Config
from utils.forecast.chunks import Chunks
from utils.forecast.modes import read_modes
from utils.forecast.stations import Rate, Slots
from utils.forecast.units import Units

TOKENS = next(each for each in read_modes(templates(), Config()) if each.workflow == "throttledMap")


@settings(deadline=None, max_examples=40)
@given(
    direct=st.integers(0, 10**9),
    marked=st.integers(0, 10**9),
    places=st.integers(1, 2_000),
    width=st.integers(1, 200),
)
def test_chunks_give_every_unit_once(direct, marked, places, width):
    # Given units of both routes
    groups = [
        Units(route, count, 1) for route, count in ((TOKENS.direct, direct), (TOKENS.queue, marked)) if count
    ]
    found = Chunks(groups, places)
    taken = {"direct": 0, "queue": 0}
    # When processes that stand for some places each take them in turn
    turn, calls = 0, 0
    processes = math.ceil(places / width)
    while chunk := found.take(width, turn // processes):
        taken[chunk.units.route.name] += chunk.count
        assert 1 <= chunk.places <= width
        turn, calls = turn + 1, calls + 1
    # Then each is there once, and there were few chunks: some for each power of two
    assert taken == {"direct": direct, "queue": marked}
    single = direct + marked <= 1_000
    most = direct + marked if single else processes * (2 + 4 * math.log2(2 + (direct + marked) / places))
    assert calls <= most + processes


def test_units_of_two_routes_come_in_their_proportion():
    found = Chunks([Units(TOKENS.direct, 30, 1), Units(TOKENS.queue, 10, 1)], 5)
    names = [found.take(1, 0).units.route.name for _ in range(40)]
    for begin in range(0, 40, 8):
        assert 1 <= names[begin : begin + 8].count("queue") <= 3


def test_a_unit_that_is_not_full_comes_last():
    found = Chunks([Units(TOKENS.direct, 3, 100), Units(TOKENS.direct, 1, 7)], 2)
    assert [found.take(1, 0).units.items for _ in range(4)] == [100, 100, 100, 7]


def test_a_rate_spaces_what_passes():
    rate = Rate(10)
    # Five at once, then one that has to wait for them, then one that finds nothing before it
    assert rate.take(0.0, 5, 5) == (0.0, pytest.approx(0.4))
    assert rate.take(0.0, 1, 1) == (0.5, 0.5)
    assert rate.take(9.0, 1, 1) == (9.0, 9.0)


def test_others_pass_between_those_that_do_not_pass_at_once():
    rate = Rate(10)
    # Given a hundred of which ten pass at once: the last has all of its time
    assert rate.take(0.0, 100, 10) == (0.0, pytest.approx(9.9))
    # Then the next begins after the ten, and its last passes after all
    assert rate.take(0.0, 10, 1) == (1.0, pytest.approx(10.9))


def test_without_a_limit_nothing_waits():
    assert Rate(math.inf).take(3.0, 10**9, 10**9) == (3.0, 3.0)


@pytest.mark.parametrize(("first", "most"), [(2, 7), (1, 2_000), (3, 3), (9, 4)])
def test_slots_grow_to_their_limit_and_are_waited_for(first, most):
    environment = simpy.Environment()
    slots = Slots(environment, first, 1.0, most)
    got = []

    def use():
        yield slots.get(1)
        got.append(environment.now)

    for _ in range(most):
        environment.process(use())
    environment.run()
    # Then some have one at once, the last when all are there, and none is missing
    assert got.count(0) == min(first, most)
    assert got[-1] == pytest.approx(max(most - first, 0))
    assert len(got) == most
