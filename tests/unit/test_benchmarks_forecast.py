"""The parts of the ``forecast`` benchmark that need no emulator."""

from dataclasses import replace

import pytest
from forecast_templates import templates

from benchmarks.forecast import CASES, ROUNDS, Case, describe, local_engine, make_figures, make_items
from stacks.config import Config
from utils.forecast.modes import Overrides, read_modes
from utils.forecast.simulation import simulate
from utils.forecast.work import Work

FAN_OUT, DISTRIBUTED, THROTTLED = CASES


def mode_of(case: Case):
    modes = read_modes(templates(), Config(), Overrides(wait_seconds=0, max_concurrency=10))
    return next(each for each in modes if (each.workflow, each.name) == (case.workflow, case.mode))


def test_items_are_the_same_each_time_and_take_what_the_case_says():
    rows = make_items(FAN_OUT, 2_000, spread=0.3)
    assert rows == make_items(FAN_OUT, 2_000, spread=0.3)
    work = describe(rows)
    assert (work.items, work.throttled_share) == (2_000, 0)
    assert work.seconds == pytest.approx(FAN_OUT.seconds, rel=0.05)
    assert work.spread == pytest.approx(0.3, rel=0.1)
    assert {row["seconds"] for row in make_items(FAN_OUT, 20)} == {FAN_OUT.seconds}


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 1.0])
def test_marked_items_are_spread_over_the_list(share):
    rows = make_items(THROTTLED, 40, marked_share=share)
    assert describe(rows).throttled_share == share
    assert [sum(row["throttled"] for row in rows[at : at + 4]) for at in (0, 36)] == [4 * share] * 2


@pytest.mark.parametrize(("start", "call"), [(0.5, 0.02), (0.0, 0.0)])
def test_parameters_of_the_engine_are_found_again(start, call):
    # Given the times of one round and of several on an engine that is known
    mode = mode_of(FAN_OUT)
    known = replace(local_engine(FAN_OUT, mode, 1, 6), start_seconds=start, call_seconds=call)
    short, long = (
        simulate(mode, Work(10 * rounds, seconds=FAN_OUT.seconds), known) for rounds in (1, ROUNDS)
    )
    # Then they say what it takes
    found = local_engine(FAN_OUT, mode, short, long)
    assert (found.start_seconds, found.call_seconds) == (pytest.approx(start), pytest.approx(call))


def test_a_batch_is_one_call_and_a_marked_item_another():
    # Given rounds of a second each
    for case, unit_items in ((DISTRIBUTED, 100), (THROTTLED, 1)):
        found = local_engine(case, mode_of(case), 1.5, 1.5 + ROUNDS - 1)
        assert found.call_seconds == pytest.approx(max(0, 1 - unit_items * case.seconds))


def test_figures_say_how_far_apart_run_and_simulation_are():
    figures = make_figures(FAN_OUT, [[(10.0, 10.5), (20.0, 17.0), (30.0, 30.0)]])
    apart = figures[2::3]
    assert [figure.values for figure in apart] == [(pytest.approx(0.05),), (pytest.approx(0.15),), (0.0,)]
    assert [figure.met for figure in apart] == [True, False, True]
