"""The simulated time of a run, beside what is known of it in closed form."""

import math
from dataclasses import replace

import pytest
from forecast_templates import templates
from hypothesis import given, settings
from hypothesis import strategies as st

from stacks.config import Config
from utils.forecast import chunks, simulation
from utils.forecast.engine import Engine, engine_of
from utils.forecast.makespan import bounds, ramp_seconds
from utils.forecast.modes import Overrides, read_modes
from utils.forecast.simulation import simulate
from utils.forecast.work import Work

UNLIMITED = Engine(
    transitions_per_second=math.inf,
    express_starts_per_second=math.inf,
    standard_starts_per_second=math.inf,
    functions_at_once=10_000,
    environments_per_ten_seconds=10_000,
)
"""Nothing limits but the places."""
LARGE = [10**5, 10**6, 10**7, 10**9]


def mode(workflow, name, **overrides):
    modes = read_modes(templates(), Config(), Overrides(**overrides))
    return next(each for each in modes if (each.workflow, each.name) == (workflow, name))


@pytest.fixture
def in_chunks(monkeypatch):
    """Make every list a long one, whose units are taken in chunks."""
    simulation._average_seconds.cache_clear()
    monkeypatch.setattr(chunks, "MOST_SINGLE_UNITS", 0)
    yield
    simulation._average_seconds.cache_clear()


@settings(deadline=None)
@given(
    items=st.integers(1, 900),
    at_once=st.integers(1, 40),
    wait=st.integers(0, 30),
    seconds=st.floats(0.001, 60),
)
def test_equal_items_run_in_rounds(items, at_once, wait, seconds):
    inline = mode("fanOut", "inline", wait_seconds=wait, max_concurrency=at_once)
    expected = math.ceil(items / at_once) * (wait + seconds)
    assert simulate(inline, Work(items, seconds=seconds), UNLIMITED) == pytest.approx(expected)


@pytest.mark.parametrize("items", [1, 999, 1_000, 1_001, 4_567, *LARGE])
@pytest.mark.parametrize("at_once", [1, 7, 999, 1_000, 10_000])
def test_equal_units_run_in_rounds_however_many_there_are(items, at_once):
    batches = replace(mode("distributedMap", "EXPRESS batches", max_concurrency=at_once), summary=None)
    rounds = math.ceil(math.ceil(items / 100) / at_once)
    # A last batch that is not full takes less, where it is alone in its round.
    least, most = (rounds - 1) * 10, rounds * 10
    assert least < simulate(batches, Work(items, item_bytes=8), UNLIMITED) <= most * 1.0001


@pytest.mark.parametrize("items", [1, 1_000, 20_000, *LARGE])
@pytest.mark.parametrize(("kind", "rate"), [("EXPRESS", 1_000), ("STANDARD", 100)])
def test_children_start_one_after_the_other(items, kind, rate):
    single = mode("distributedMap", f"{kind} items", max_concurrency=10_000)
    expected = (items - 1) / rate + 0.1
    assert simulate(single, Work(items), engine_of()) == pytest.approx(expected, rel=0.001)


def test_places_that_are_just_enough_for_the_starts_do_not_bound():
    # Given a hundred starts a second of ten seconds each, which keep a thousand places
    batches = mode("distributedMap", "STANDARD batches")
    # Then it is the last start that counts
    for items, units in ((1_000_000, 10_000), (10**9, 10**7)):
        found = simulate(batches, Work(items), engine_of())
        assert found == pytest.approx((units - 1) / 100 + 10, rel=0.01)


@pytest.mark.parametrize(("items", "at_once"), [(50, 50), (900, 30), (5_000, 1_000), (40_000, 1_000)])
def test_durations_of_chance_end_as_the_slowest_does(items, at_once):
    # Given durations of the exponential distribution, so that places end one by one at a known rate
    single = mode("distributedMap", "EXPRESS items", max_concurrency=at_once)
    found = simulate(single, Work(items, seconds=1, spread=1), UNLIMITED)
    # Then all are busy until the last item has begun, and the slowest of them takes the sum of 1/n
    expected = (items - at_once) / at_once + sum(1 / left for left in range(1, at_once + 1))
    # of which so few runs of so few items are an average of
    assert found == pytest.approx(expected, rel=0.08)


def test_more_spread_takes_longer_and_none_is_the_rounds():
    single = mode("distributedMap", "EXPRESS items", max_concurrency=10)
    found = [simulate(single, Work(100, spread=spread), UNLIMITED) for spread in (0, 0.2, 0.5, 1, 2)]
    assert found[0] == pytest.approx(1)
    assert found == sorted(found)


@pytest.mark.usefixtures("in_chunks")
def test_one_place_takes_the_sum_whatever_the_spread():
    single = mode("distributedMap", "EXPRESS items", max_concurrency=1)
    for items in (10_000, 1_000_000):
        found = simulate(single, Work(items, spread=2), UNLIMITED)
        assert found == pytest.approx(items * 0.1, rel=0.05)


@pytest.mark.parametrize("items", [2_000, 200_000])
def test_attempts_that_fail_take_their_time_and_their_pauses(items):
    # Given one place, and three attempts of which each fails half the time
    single = mode("distributedMap", "STANDARD items", max_concurrency=1)
    single = replace(single, direct=replace(single.direct, attempts=3))
    found = simulate(single, Work(items, failure_rate=0.5), UNLIMITED)
    # Then 1 + 1/2 + 1/4 attempts, and half of 1 and of 2 seconds when there is another one
    expected = items * (0.1 * 1.75 + 0.5 * 0.5 + 0.25 * 1)
    assert found == pytest.approx(expected, rel=0.03)


def test_a_batch_goes_on_with_what_failed():
    # Given one batch of a hundred, each of which has an item that fails in both attempts before the last
    batches = mode("distributedMap", "EXPRESS batches")
    batches = replace(batches, direct=replace(batches.direct, attempts=3))
    found = simulate(batches, Work(100, seconds=0.1, failure_rate=0.4), UNLIMITED)
    assert found == pytest.approx(100 * 0.1 * (1 + 0.4 + 0.16) + 0.5 + 1, rel=0.05)


@pytest.mark.parametrize("items", [50, 5_000, 500_000])
def test_workers_take_the_marked_items_from_the_queue(items):
    tokens = mode("throttledMap", "tokens")
    work = Work(items, throttled_share=1, seconds=2)
    assert simulate(tokens, work, engine_of()) == pytest.approx(items * 2 / 2, rel=0.001, abs=0.02)


@pytest.mark.parametrize("items", [50, 5_000, 500_000])
def test_a_pace_spaces_the_starts(items):
    tokens = mode("throttledMap", "tokens")
    tokens = replace(tokens, queue=replace(tokens.queue, starts_per_second=0.5))
    found = simulate(tokens, Work(items, throttled_share=1, seconds=0.5), engine_of())
    assert found == pytest.approx((items - 1) / 0.5 + 0.5, rel=0.001)


def test_items_that_are_not_marked_do_not_wait_for_those_in_the_queue():
    # Given places for all items, a tenth of which waits for two workers
    tokens = mode("throttledMap", "tokens", max_concurrency=10_000)
    found = simulate(tokens, Work(500, throttled_share=0.1, seconds=1), UNLIMITED)
    assert found == pytest.approx(50 / 2, rel=0.001)


def test_items_in_the_queue_keep_their_places():
    # Given two places, and one worker for every second item
    tokens = mode("throttledMap", "tokens", max_concurrency=2)
    tokens = replace(tokens, queue=replace(tokens.queue, workers=1))
    found = simulate(tokens, Work(100, throttled_share=0.5, seconds=1), UNLIMITED)
    # Then the other place has the unmarked ones done meanwhile, or waits
    assert 50 <= found <= 100


def test_tokens_are_answered_at_a_rate():
    tokens = mode("throttledMap", "tokens", max_concurrency=10_000)
    tokens = replace(tokens, queue=replace(tokens.queue, workers=1_000))
    engine = replace(UNLIMITED, queue_first_workers=1_000, answers_per_second=50)
    found = simulate(tokens, Work(10_000, throttled_share=1, seconds=0.01), engine)
    assert found == pytest.approx(10_000 / 50, rel=0.01)


@pytest.mark.parametrize(("items", "seconds"), [(2_000, 0.5), (100_000, 1), (1_000_000, 1)])
def test_workers_of_a_queue_come_one_after_the_other(items, seconds):
    # Given five workers, five more each second, and a thousand at most
    messages = mode("queueFanIn", "messages")
    found = simulate(messages, Work(items, seconds=seconds), engine_of())
    # Then their growing number does the work, and afterwards the output is written
    least = ramp_seconds(items * seconds, 5, 5, most=1_000) + items / 10_000
    assert least <= found <= least * 1.02 + 10 * seconds + 2


def test_functions_of_the_account_are_shared():
    single = mode("distributedMap", "EXPRESS items", max_concurrency=10_000)
    found = simulate(single, Work(100_000, seconds=30), engine_of())
    assert found == pytest.approx(100_000 * 30 / 1_000, rel=0.02)


def test_functions_come_at_a_rate():
    # Given an account with ten thousand functions, of which a thousand are there and a hundred come a second
    single = mode("distributedMap", "EXPRESS items", max_concurrency=10_000)
    engine = Engine(functions_at_once=10_000, express_starts_per_second=math.inf)
    found = simulate(single, Work(200_000, seconds=60), engine)
    assert found == pytest.approx(ramp_seconds(200_000 * 60, 1_000, 100, most=10_000), rel=0.06)


def test_transitions_bound_where_the_region_allows_few_of_them():
    inline = mode("fanOut", "inline", wait_seconds=0, max_concurrency=40)
    found = simulate(inline, Work(3_000, seconds=0.01), engine_of("eu-central-1"))
    assert found == pytest.approx(3_002 / 800, rel=0.01)


def test_several_executions_run_one_after_the_other():
    inline = mode("fanOut", "inline", wait_seconds=0, max_concurrency=10)
    one, two = (
        simulate(inline, Work(items), replace(UNLIMITED, start_seconds=1.5)) for items in (3_569, 7_138)
    )
    assert two == pytest.approx(2 * one)


def test_what_the_engine_takes_is_added():
    # Given a Map of four items at two places, each with a wait and a task
    inline = mode("fanOut", "inline", wait_seconds=1, max_concurrency=2)
    engine = replace(UNLIMITED, state_seconds=0.01, call_seconds=0.02, start_seconds=0.5)
    # Then each round has its two states and its call, and the execution its own states and its start
    found = simulate(inline, Work(4), engine)
    assert found == pytest.approx(2 * (1 + 0.1 + 2 * 0.01 + 0.02) + inline.states * 0.01 + 0.5)


@pytest.mark.parametrize(
    ("work", "tolerance"),
    [
        (Work(900), 0.02),
        (Work(900, seconds=3), 0.02),
        (Work(90_000), 0.02),
        (Work(900, throttled_share=0.3), 0.02),
        (Work(90_000, spread=1), 0.1),
        (Work(90_000, failure_rate=0.05), 0.1),
    ],
)
@pytest.mark.parametrize("at_once", [3, 60, 1_000])
def test_chunks_take_about_as_long_as_single_units(work, tolerance, at_once, request):
    modes = read_modes(templates(), Config(), Overrides(max_concurrency=at_once))
    modes = [each for each in modes if each.kind != "INLINE"]
    # Given each unit for itself, where there are few enough
    single = [simulate(each, work, engine_of()) for each in modes]
    request.getfixturevalue("in_chunks")
    # Then chunks of them end at about the same time
    for each, seconds in zip(modes, single, strict=True):
        assert simulate(each, work, engine_of()) == pytest.approx(seconds, rel=tolerance), each.name


@pytest.mark.parametrize("items", [1, 77, 5_000, 10**6, 10**9])
@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_nothing_is_faster_than_the_closed_forms(items, share):
    for each in read_modes(templates(), Config()):
        work = Work(items, throttled_share=share)
        least = max(bounds(each, work, engine_of()).values())
        assert simulate(each, work, engine_of()) >= least * 0.9999, each.name


def test_a_simulation_gives_the_same_each_time():
    single = mode("distributedMap", "EXPRESS items", max_concurrency=10)
    work = Work(500, spread=1, failure_rate=0.1)
    first = simulate(single, work, engine_of())
    simulation._average_seconds.cache_clear()
    assert simulate(single, work, engine_of()) == first
