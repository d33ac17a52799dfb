"""The parts of the ``forecast`` benchmark that need no emulator."""

from dataclasses import replace

import pytest
from forecast_templates import templates

from benchmarks.forecast import CASES, Case, describe, fit_engine, make_figures, make_items
from stacks.config import Config
from utils.forecast.modes import Overrides, read_modes
from utils.forecast.simulation import simulate

FAN_OUT, DISTRIBUTED, THROTTLED = CASES


def mode_of(case: Case):
    modes = read_modes(templates(), Config(), Overrides(wait_seconds=0, max_concurrency=10))
    mode = next(each for each in modes if (each.workflow, each.name) == (case.workflow, case.mode))
    return replace(mode, direct=replace(mode.direct, unit_items=10)) if case is DISTRIBUTED else mode


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
    rows = make_items(replace(THROTTLED, marked_share=share), 40)
    assert describe(rows).throttled_share == share
    assert [sum(row["throttled"] for row in rows[at : at + 4]) for at in (0, 36)] == [4 * share] * 2


@pytest.mark.parametrize("case", [FAN_OUT, DISTRIBUTED, THROTTLED], ids=lambda case: case.workflow)
@pytest.mark.parametrize(("start", "call"), [(0.5, 0.02), (0.05, 0.001)])
def test_parameters_of_the_engine_are_found_again(case, start, call):
    # Given the times of one item and of a list on an engine that is known
    mode = mode_of(case)
    work = describe(make_items(case, case.measured_items, spread=0.3))
    single = start + case.seconds + call
    known = replace(fit_engine(case, mode, single, work, 0.0), start_seconds=start, call_seconds=call)
    # When it is found from them
    found = fit_engine(case, mode, single, work, simulate(mode, work, known))
    # Then it takes what the known one takes
    assert (found.start_seconds, found.call_seconds) == (
        pytest.approx(start, abs=0.005),
        pytest.approx(call, abs=0.005),
    )


def test_figures_say_how_far_apart_run_and_simulation_are():
    figures = make_figures(FAN_OUT, [[(10.0, 10.5), (20.0, 17.0), (30.0, 30.0)]])
    apart = figures[2::3]
    assert [figure.values for figure in apart] == [(pytest.approx(0.05),), (pytest.approx(0.15),), (0.0,)]
    assert [figure.met for figure in apart] == [True, False, True]
