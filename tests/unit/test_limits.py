"""Quotas and the formulas that follow from them."""

import pytest

from utils import limits


@pytest.mark.parametrize(("waits", "largest"), [(True, 2_776), (False, 3_569)])
def test_largest_list_is_the_last_that_fits_the_history(waits: bool, largest: int):
    assert limits.fan_out_largest_list(waits=waits) == largest
    assert limits.fan_out_events(largest, waits=waits) <= 25_000
    assert limits.fan_out_events(largest + 1, waits=waits) > 25_000


@pytest.mark.parametrize(
    ("items", "waits", "events"),
    [(0, True, 15), (0, False, 15), (1, True, 24), (1, False, 22), (3, True, 42)],
)
def test_events_of_an_execution(items: int, waits: bool, events: int):
    assert limits.fan_out_events(items, waits=waits) == events


@pytest.mark.parametrize(("configured", "actual"), [(0, 40), (1, 1), (40, 40), (41, 40), (1_000, 40)])
def test_inline_concurrency_is_capped_and_zero_asks_for_the_most(configured: int, actual: int):
    assert limits.inline_concurrency(configured) == actual


@pytest.mark.parametrize(
    ("items", "max_concurrency", "wait_seconds", "seconds"),
    [
        (0, 1, 2, 0),
        (3, 1, 2, 6),
        (3, 3, 2, 2),
        (4, 3, 2, 4),
        (40, 0, 5, 5),
        (41, 0, 5, 10),
        (41, 100, 5, 10),
        (1_000, 1, 0, 0),
    ],
)
def test_shortest_duration_is_whole_rounds_of_waits(
    items: int, max_concurrency: int, wait_seconds: int, seconds: int
):
    shortest = limits.fan_out_shortest_seconds(
        items, max_concurrency=max_concurrency, wait_seconds=wait_seconds
    )
    assert shortest == seconds
