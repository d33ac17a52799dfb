"""What is recommended, why, and with which settings; and how that is written into config.json."""

import json
from dataclasses import replace

import pytest
from forecast_templates import templates

from stacks.config import Config, load_config
from utils.command import CommandError
from utils.forecast.forecast import Terms, forecast
from utils.forecast.modes import Overrides, read_modes
from utils.forecast.recommend import recommend
from utils.forecast.settings_file import write_settings
from utils.forecast.work import Work

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
    assert recommended(Work(1_000_000)).reason == ("$0.58, 100 s; the cheapest of 5 that can take the work")
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
        "deploy it: npx cdk deploy DistributedMapStack",
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
    assert caught.value.lines[0] == f"{path} is left as it is:"
    assert json.loads(path.read_text(encoding="utf-8")) == SHIPPED
    assert [child.name for child in tmp_path.iterdir()] == ["config.json"]
