"""The closed forms of the time, which of them bounds it, and the estimate beside them."""

import math
from dataclasses import replace

import pytest
from forecast_templates import templates

from stacks.config import Config
from utils.forecast.engine import Engine, engine_of
from utils.forecast.makespan import bounds, estimate, ramp_seconds
from utils.forecast.modes import Overrides, read_modes
from utils.forecast.work import Work


def mode(workflow, name, **overrides):
    modes = read_modes(templates(), Config(), Overrides(**overrides))
    return next(each for each in modes if (each.workflow, each.name) == (workflow, name))


@pytest.mark.parametrize(
    ("items", "at_once", "wait", "seconds"),
    [(3, 1, 2, 6.3), (3, 3, 2, 2.1), (40, 100, 2, 2.1), (41, 100, 2, 4.2), (100, 10, 0, 1.0)],
)
def test_equal_items_of_an_inline_map_run_in_rounds(items, at_once, wait, seconds):
    inline = mode("fanOut", "inline", wait_seconds=wait, max_concurrency=at_once)
    found = estimate(inline, Work(items), engine_of())
    assert found.seconds == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("name", "at_once", "seconds", "bound"),
    [
        ("EXPRESS batches", 1000, 100.0, "concurrency"),
        ("EXPRESS batches", 999, 110.0, "concurrency"),
        ("STANDARD batches", 1000, 109.99, "dispatch"),
        ("EXPRESS items", 1000, 1000.099, "dispatch"),
        ("STANDARD items", 1000, 10_000.09, "dispatch"),
    ],
)
def test_a_million_items_of_a_distributed_map(name, at_once, seconds, bound):
    found = estimate(mode("distributedMap", name, max_concurrency=at_once), Work(1_000_000), engine_of())
    # The first places are taken one after the other, as children are started, and so they end.
    assert (found.seconds, found.bound) == (pytest.approx(seconds, rel=0.011), bound)


def test_transitions_bound_where_the_region_allows_few_of_them():
    # Given an inline Map of forty items at once, ten milliseconds each
    inline = mode("fanOut", "inline", wait_seconds=0, max_concurrency=40)
    work = Work(3_000, seconds=0.01)
    # Then it is bound by the items where 5,000 transitions a second are allowed, and by 800 elsewhere
    assert estimate(inline, work, engine_of("us-east-1")).bound == "concurrency"
    found = estimate(inline, work, engine_of("eu-central-1"))
    assert (found.seconds, found.bound) == (pytest.approx(3_002 / 800, rel=0.01), "transitions")


def test_more_places_than_functions_do_not_help():
    items = mode("distributedMap", "EXPRESS items", max_concurrency=10_000)
    assert bounds(items, Work(100_000, seconds=30), engine_of())["concurrency"] == pytest.approx(3_000)


def test_marked_items_are_bound_by_the_workers_or_by_the_pace():
    tokens = mode("throttledMap", "tokens")
    work = Work(1_000, throttled_share=1, seconds=2)
    assert bounds(tokens, work, engine_of())["concurrency"] == pytest.approx(1_000)
    # And with a start every two seconds by that
    paced = replace(tokens, queue=replace(tokens.queue, starts_per_second=0.5))
    found = estimate(paced, work, engine_of())
    assert (found.seconds, found.bound) == (pytest.approx(999 / 0.5 + 2), "pace")


def test_a_batch_that_one_call_has_no_time_for_has_further_calls():
    # Given batches of a hundred items of a second, and calls that go on for half of 57 seconds
    batches = mode("distributedMap", "STANDARD batches")
    slow = Engine(call_seconds=1.0)
    found = bounds(batches, Work(100, seconds=1), slow)["work"]
    # Then four calls of up to 29 items are needed
    assert found == pytest.approx(100 + 4)


def test_items_that_fail_take_their_pauses():
    batches = mode("distributedMap", "STANDARD items")
    route = replace(batches.direct, attempts=3)
    found = bounds(replace(batches, direct=route), Work(1, failure_rate=0.5), engine_of())["work"]
    # Then 1 + 1/2 + 1/4 attempts, and pauses of up to 1 and 2 seconds, half of that on average
    assert found == pytest.approx(0.1 * 1.75 + 0.5 * 0.5 + 0.25 * 1)


def test_several_executions_run_one_after_the_other():
    inline = mode("fanOut", "inline", wait_seconds=0)
    one, two = (bounds(inline, Work(items), Engine(start_seconds=1))["work"] for items in (3_569, 3_570))
    assert two - one == pytest.approx(1)


@pytest.mark.parametrize(
    ("busy", "seconds"),
    [(0, 0), (10, (math.sqrt(5**2 + 2 * 5 * 10) - 5) / 5), (1_000, 19 + (1_000 - 19 * 52.5) / 100)],
)
def test_functions_that_come_one_after_the_other(busy, seconds):
    # Given five functions at the beginning, five more each second, and a hundred at most
    assert ramp_seconds(busy, 5, 5, most=100) == pytest.approx(seconds)


def test_workers_of_a_queue_ramp_up():
    messages = mode("queueFanIn", "messages")
    found = estimate(messages, Work(100_000, seconds=1), engine_of())
    assert found.bound == "ramp-up"
    assert found.seconds > 100_000 / 1000


def test_a_ramp_up_of_a_moment_is_not_what_bounds_a_long_run():
    messages = mode("queueFanIn", "messages", max_concurrency=10)
    found = estimate(messages, Work(100_000), engine_of())
    # Then it takes that long, and afterwards its output is written
    assert (found.seconds, found.bound) == (pytest.approx(1_000.25 + 10, rel=0.002), "concurrency")


def test_few_items_are_bound_by_one_of_them():
    assert estimate(mode("distributedMap", "EXPRESS items"), Work(3), engine_of()).bound == "work"
