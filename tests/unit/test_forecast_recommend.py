"""What is recommended, why, and with which settings; and how that is written into config.json."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from forecast_templates import templates, templates_of
from hypothesis import given, settings
from hypothesis import strategies as st

from stacks.config import Config, load_config
from utils.command import CommandError
from utils.forecast.forecast import Terms, forecast, forecast_mode
from utils.forecast.modes import Overrides, read_modes
from utils.forecast.recommend import cure, recommend
from utils.forecast.settings_file import write_settings
from utils.forecast.work import Work

ROOT = Path(__file__).parents[2]
SHIPPED = {"workflows": ["fanOut"], "stepfunc": {"maxConcurrency": 1, "waitDurationSeconds": 2}}


def recommended(work, without=("queueFanIn",), **overrides):
    modes = [
        mode
        for mode in read_modes(templates(), Config(), Overrides(**overrides))
        if mode.workflow not in without
    ]
    return recommend(forecast(modes, work, Terms()), work, Terms())


@pytest.mark.parametrize(
    ("work", "workflow", "name"),
    [
        (Work(3), "fanOut", "inline"),
        (Work(1_000_000), "distributedMap", "EXPRESS batches"),
        (Work(1_000, throttled_share=0.1), "throttledMap", "tokens"),
        (Work(1_000, throttled_share=1, needs_token=True), "throttledMap", "tokens"),
    ],
)
def test_choice(work, workflow, name):
    mode = recommended(work).row.mode
    assert (mode.workflow, mode.name) == (workflow, name)


def test_the_cheapest_is_named_as_such_and_a_simpler_one_with_its_reason():
    reason = recommended(Work(1_000_000)).reason
    assert re.fullmatch(r"\$0\.58, 1\d\d s; the cheapest of 5 that can take the work", reason)
    assert recommended(Work(3)).reason == (
        "$0.0002, 6.3 s; the one with the fewest moving parts of those about as cheap as the cheapest "
        "($0.0001) and about as fast as the fastest of these (0.1 s)"
    )


def test_a_setting_in_the_way_is_changed_and_what_that_shows_too():
    # Given items of 10 s, of which a batch has too many for an EXPRESS child
    found = recommended(Work(1_000_000, seconds=10), child_type="EXPRESS")
    # Then the batches are smaller
    assert found.settings["distributedMap"] == {
        "maxConcurrency": 1000,
        "childType": "EXPRESS",
        "maxItemsPerBatch": 21,
    }
    assert found.row.mode.direct.unit_items == 21
    assert not found.row.fails


def test_none_takes_what_no_function_has_time_for():
    assert recommended(Work(10, seconds=1_000)) is None


def test_only_settings_that_differ_are_written_and_the_rest_stays(tmp_path):
    # Given a configuration with other keys, and a recommendation
    path = tmp_path / "config.json"
    path.write_text(json.dumps({**SHIPPED, "ddb": {"tableName": "Lists"}}), encoding="utf-8")
    found = recommended(Work(1_000_000, seconds=10), child_type="EXPRESS")
    # When it is written
    lines = write_settings(path, load_config(path), found)
    # Then what changed is said, and nothing else did
    assert lines == [
        f"{path}: workflows now names distributedMap, too",
        f"{path}: distributedMap.maxItemsPerBatch 100 → 21",
        f"put it in place of {ROOT / 'config.json'}, and deploy it: npx cdk deploy DistributedMapStack",
    ]
    assert json.loads(path.read_text(encoding="utf-8")) == {
        **SHIPPED,
        "workflows": ["fanOut", "distributedMap"],
        "ddb": {"tableName": "Lists"},
        "distributedMap": {"maxItemsPerBatch": 21},
    }
    assert load_config(path).distributedMap.maxItemsPerBatch == 21
    # And a second time there is nothing to change
    assert write_settings(path, load_config(path), found) == [f"{path}: says so already"]
    assert [child.name for child in tmp_path.iterdir()] == ["config.json"]


def test_shipped_configuration_keeps_its_form(tmp_path):
    path = tmp_path / "config.json"
    text = '{\n  "workflows": ["fanOut"],\n  "stepfunc": {\n    "maxConcurrency": 1\n  }\n}\n'
    path.write_text(text, encoding="utf-8")
    write_settings(path, load_config(path), recommended(Work(3), max_concurrency=4))
    assert path.read_text(encoding="utf-8") == text.replace('Concurrency": 1', 'Concurrency": 4')


def test_settings_that_are_not_allowed_leave_the_file_as_it_is(tmp_path):
    path = tmp_path / "config.json"
    path.write_text(json.dumps(SHIPPED), encoding="utf-8")
    found = recommended(Work(1_000_000))
    bad = replace(found, settings={"distributedMap": {"maxItemsPerBatch": 0}})
    with pytest.raises(CommandError) as caught:
        write_settings(path, load_config(path), bad)
    assert caught.value.lines == (
        f"{path} is left as it is:",
        f"{path}: distributedMap.maxItemsPerBatch = 0: allowed is a whole number from 1 to 1000",
    )
    assert json.loads(path.read_text(encoding="utf-8")) == SHIPPED
    assert [child.name for child in tmp_path.iterdir()] == ["config.json"]


def test_a_configuration_that_may_not_be_written_is_left(tmp_path, monkeypatch):
    # Given a file that the user may only read, beside which another could be made
    path = tmp_path / "config.json"
    path.write_text(json.dumps(SHIPPED), encoding="utf-8")
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(CommandError, match=r"config\.json: cannot be written: Permission denied"):
        write_settings(path, load_config(path), recommended(Work(1_000_000)))
    assert json.loads(path.read_text(encoding="utf-8")) == SHIPPED
    assert [child.name for child in tmp_path.iterdir()] == ["config.json"]


def message_row(work, overrides=None, **settings):
    """Forecast queueFanIn, configured like this."""
    config = Config.model_validate({"queueFanIn": {"deadlineMinutes": 60, **settings}})
    modes = read_modes(templates_of(config), config, overrides)
    return forecast_mode(next(mode for mode in modes if mode.messages), work, Terms())


def test_a_deadline_that_more_workers_keep_has_them():
    # Given two workers for an hour and a half of work, and an hour
    work = Work(10_000, seconds=1.08)
    row, found = cure(message_row(work, workerMaxConcurrency=2), work, Terms())
    # Then there are enough for half an hour, and no more, and the deadline stays
    workers = found["queueFanIn"]["workerMaxConcurrency"]
    assert list(found["queueFanIn"]) == ["workerMaxConcurrency"]
    assert 6 <= workers <= 8
    assert row.makespan.seconds <= 1_900
    assert (row.mode.at_once, row.mode.direct.workers) == (workers, workers)


def test_a_deadline_that_no_workers_keep_is_raised_too():
    # Given more work than a thousand workers do in an hour
    work = Work(5_000_000, seconds=2)
    row, found = cure(message_row(work, workerMaxConcurrency=10), work, Terms())
    assert found["queueFanIn"]["workerMaxConcurrency"] == 1000
    # Then the deadline is about twice the time, in which more and more workers are there
    assert 1.8 < found["queueFanIn"]["deadlineMinutes"] * 60 / row.makespan.seconds <= 2
    assert row.breaks == ()


def test_a_cure_of_the_deadline_names_all_that_must_change():
    # Given more work than a thousand workers do in an hour
    row = message_row(Work(5_000_000, seconds=2), workerMaxConcurrency=10)
    (broken,) = row.breaks
    assert set(broken.cure) == {"workerMaxConcurrency", "deadlineMinutes"}


@pytest.mark.parametrize("at_once", [20, 50])
def test_workers_that_were_asked_for_are_kept_and_the_deadline_is_raised(at_once):
    # Given how many workers there are to be, and work that they have no time for
    work = Work(1_000_000, seconds=1)
    row, found = cure(message_row(work, Overrides(max_concurrency=at_once)), work, Terms())
    # Then
    assert row.mode.at_once == found["queueFanIn"]["workerMaxConcurrency"] == at_once
    assert found["queueFanIn"]["deadlineMinutes"] * 60 > row.makespan.seconds
    assert row.breaks == ()


def test_a_deadline_that_the_items_themselves_do_not_keep_is_raised():
    # Given one item that takes longer than the deadline
    work = Work(1, seconds=30)
    row = message_row(work, deadlineMinutes=0.1, workerMaxConcurrency=10)
    _, found = cure(row, work, Terms())
    assert found["queueFanIn"] == {"workerMaxConcurrency": 10, "deadlineMinutes": 2}


@pytest.mark.parametrize("key", ["fanOut", "distributedMap", "queueFanIn"])
def test_more_at_once_than_there_can_be_is_made_as_many_as_there_can(key):
    modes = read_modes(templates(), Config(), Overrides(max_concurrency=5_000))
    work = Work(100)
    row = forecast_mode(next(mode for mode in modes if mode.workflow == key), work, Terms())
    assert [broken.ends for broken in row.breaks] == [False]
    cured, found = cure(row, work, Terms())
    most = {"fanOut": {"maxConcurrency": 40}, "distributedMap": {"maxConcurrency": 1000}}
    section = next(iter(found.values()))
    assert most.get(key, {"workerMaxConcurrency": 1000}).items() <= section.items()
    assert cured.breaks == ()


CONFIGURATIONS = st.fixed_dictionaries(
    {
        "stepfunc": st.fixed_dictionaries(
            {
                "maxConcurrency": st.sampled_from([0, 1, 40, 500]),
                "waitDurationSeconds": st.sampled_from([0, 2, 3_600]),
                "timeoutDurationSeconds": st.sampled_from([20, 86_400]),
            }
        ),
        "distributedMap": st.fixed_dictionaries(
            {
                "maxConcurrency": st.sampled_from([0, 1, 1_000, 10_000]),
                "maxItemsPerBatch": st.sampled_from([1, 100, 1_000]),
                "timeoutDurationSeconds": st.sampled_from([1, 3_600]),
            }
        ),
        "throttledMap": st.fixed_dictionaries(
            {
                "maxPerSecond": st.sampled_from([0, 0.001, 0.5, 1_000]),
                "workerMaxConcurrency": st.sampled_from([2, 1_000]),
                "timeoutDurationSeconds": st.sampled_from([60, 86_400]),
            }
        ),
        "queueFanIn": st.fixed_dictionaries(
            {
                "workerMaxConcurrency": st.sampled_from([2, 10, 1_000]),
                "deadlineMinutes": st.sampled_from([0.1, 60, 8_640]),
                "maxItemsPerMessage": st.sampled_from([1, 100]),
            }
        ),
    }
)
WORKS = st.builds(
    Work,
    items=st.sampled_from([1, 3, 40, 2_777, 100_000, 5_000_000, 10**9]),
    item_bytes=st.sampled_from([1, 100, 5_000, 150_000, 270_000]),
    result_bytes=st.sampled_from([1, 1_000, 60_000, 400_000]),
    seconds=st.sampled_from([1e-6, 0.1, 5, 30, 59]),
    failure_rate=st.sampled_from([0, 0.02]),
    throttled_share=st.sampled_from([0, 0.1, 1]),
)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(content=CONFIGURATIONS, work=WORKS)
def test_what_is_recommended_can_be_written_and_then_breaks_nothing(tmp_path_factory, content, work):
    # Given a configuration, and what is recommended with it for some work
    path = tmp_path_factory.mktemp("config") / "config.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    config = load_config(path)
    found = recommend(forecast(read_modes(templates_of(config), config), work, Terms()), work, Terms())
    if found is None:
        return
    # When it is written, and estimated again as it is read
    write_settings(path, config, found)
    written = load_config(path)
    chosen = found.row.mode
    assert chosen.workflow in written.workflows
    (mode,) = [
        mode
        for mode in read_modes(templates_of(written), written)
        if (mode.workflow, mode.kind, mode.direct.unit_items)
        == (chosen.workflow, chosen.kind, chosen.direct.unit_items)
    ]
    # Then it is the same mode, and breaks nothing
    again = forecast_mode(mode, work, Terms())
    assert again.breaks == ()
    assert again.dollars == found.row.dollars
    assert again.makespan == found.row.makespan
