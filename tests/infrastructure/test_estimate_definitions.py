"""The estimate over the definitions that are deployed: what is read of them, how fast, and its page."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from stacks.config import INLINE_MAP_CONCURRENCY_LIMIT, Config, WorkflowName
from stacks.config_maps import MAX_CHILDREN_AT_ONCE
from stacks.map_run.checks import LAMBDA_CONCURRENCY
from stacks.map_run.expressions import EXPRESS_BATCH_SECONDS, OUTCOMES_BYTES
from stacks.templates import read_definition, write_templates
from utils import limits
from utils.aws_figures import quota
from utils.command import CommandError
from utils.forecast import breaks, page
from utils.forecast import definition as asl
from utils.forecast.assembly import load_templates
from utils.forecast.modes import read_modes
from utils.forecast.plot import write_plot
from utils.forecast.usage import count_usage
from utils.forecast.work import Work

ROOT = Path(__file__).parents[2]
LISTS = set(get_args(WorkflowName)) - {"orderProcessing"}
"""Workflows that run a list; the orders are an example of another kind."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("estimate")


@pytest.fixture(scope="module")
def config_file(folder):
    path = folder / "config.json"
    path.write_text("{}", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def templates(folder, config_file):
    """Those of the default configuration, made once as the command makes them."""
    told = []
    found = load_templates(config_file, told.append, folder / "kept")
    assert told == ["reading the definitions: synthesizing them once, which takes some seconds …"]
    return found


@pytest.fixture(scope="module")
def modes(templates):
    return {(mode.workflow, mode.name): mode for mode in read_modes(templates, Config())}


def test_templates_are_made_once(templates, folder, config_file):
    told = []
    assert load_templates(config_file, told.append, folder / "kept") == templates
    assert told == []
    assert not [path for path in (folder / "kept").iterdir() if path.name.startswith("new-")]


def test_a_configuration_that_cannot_be_synthesized_is_one_line(folder):
    wrong = folder / "wrong.json"
    wrong.write_text('{"stepfunc": 3}', encoding="utf-8")
    with pytest.raises(CommandError, match="the definitions cannot be synthesized: ") as caught:
        load_templates(wrong, lambda _: None, folder / "other")
    assert len(caught.value.lines) == 1
    assert list((folder / "other").iterdir()) == []


def test_every_workflow_with_a_list_has_a_mode(modes):
    assert {workflow for workflow, _ in modes} == LISTS


@pytest.mark.parametrize(("name", "waits"), [("fanOut-wait", True), ("fanOut-no-wait", False)])
def test_events_that_the_loader_counts_are_those_of_the_definition(templates, name, waits):
    machine = read_definition(templates[name])
    for items in (0, 1, 2_776):
        assert asl.execution_events(machine, items) == limits.fan_out_events(items, waits=waits)


def test_limits_of_the_stacks_are_those_of_the_data_file():
    assert limits.INLINE_ITERATIONS_LIMIT == INLINE_MAP_CONCURRENCY_LIMIT
    assert limits.CHILDREN_LIMIT == MAX_CHILDREN_AT_ONCE
    assert quota("functionsAtOnce") == LAMBDA_CONCURRENCY
    assert (breaks.OUTCOMES_BYTES, breaks.EXPRESS_BATCH_SECONDS) == (OUTCOMES_BYTES, EXPRESS_BATCH_SECONDS)


@pytest.mark.parametrize(
    ("key", "share", "transitions"),
    [
        (("fanOut", "inline"), 0, 361 * 4 + 2_000_000),
        (("distributedMap", "EXPRESS batches"), 0, 10_005),
        (("distributedMap", "STANDARD batches"), 0, 40_005),
        (("throttledMap", "tokens"), 0, 5_000_005),
        (("throttledMap", "tokens"), 1, 3_000_005),
    ],
)
def test_transitions_of_a_million_items(modes, key, share, transitions):
    assert count_usage(modes[key], Work(1_000_000, throttled_share=share)).transitions == transitions


def test_settings_of_a_definition_are_read(modes):
    tokens = modes["throttledMap", "tokens"]
    assert (tokens.queue.workers, tokens.queue.attempts, tokens.queue.function.memory_mb) == (2, 3, 256)
    assert (tokens.heartbeat_seconds, tokens.item_timeout_seconds) == (60, 300)
    batches = modes["distributedMap", "EXPRESS batches"]
    assert (batches.direct.unit_items, batches.direct.attempts, batches.direct.repeat_states) == (100, 3, 3)
    assert (batches.direct.unit_bytes, batches.timeout_seconds) == (204_800, 3_600)
    assert modes["fanOut", "inline"].direct.wait_seconds == 2


def test_a_changed_definition_changes_the_estimate(tmp_path):
    # Given a configuration with a pace, smaller batches and failures that are recorded
    config = Config.model_validate(
        {
            "stepfunc": {"onItemFailure": "continue", "waitDurationSeconds": 0},
            "distributedMap": {"maxItemsPerBatch": 10, "maxAttempts": 5},
            "throttledMap": {"maxPerSecond": 4, "workerMaxConcurrency": 7},
        }
    )
    # When it is synthesized and read
    write_templates(tmp_path, config)
    texts = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in tmp_path.iterdir()}
    found = {(mode.workflow, mode.name): mode for mode in read_modes(texts, config)}
    # Then the modes have it
    inline, batches = found["fanOut", "inline"], found["distributedMap", "EXPRESS batches"]
    assert (inline.direct.wait_seconds, inline.direct.failure_states, inline.fails_on_failure) == (
        0,
        1,
        False,
    )
    assert (batches.direct.unit_items, batches.direct.attempts) == (10, 5)
    queue = found["throttledMap", "tokens"].queue
    assert (queue.starts_per_second, queue.workers) == (4.0, 7)


@pytest.mark.parametrize(("items", "most_seconds"), [(1_000_000, 1.0), (10**9, 5.0)])
def test_an_estimate_is_fast_and_loads_no_cdk(items, most_seconds):
    # Given templates that are there
    load_templates(ROOT / "config.json", lambda _: None)
    # When a table is made, the best of three, as the first may have to compile
    script = (
        "import sys; from utils.estimate import main; "
        f"main(['--items', '{items}', '--json']); "
        "print(sorted({'aws_cdk', 'boto3', 'matplotlib'} & set(sys.modules)), file=sys.stderr)"
    )
    seconds = []
    for _ in range(3):
        before = os.times()
        ended = subprocess.run(
            [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
        )
        after = os.times()
        # Of a processor, so that a busy machine changes nothing.
        seconds.append(sum(after[2:4]) - sum(before[2:4]))
    # Then
    assert ended.stderr == "[]\n"
    assert min(seconds) < most_seconds


def test_page_is_current():
    text = page.PAGE.read_text(encoding="utf-8")
    table = page.recommendation_table(page.default_modes())
    assert text == page.render(text, table), "run: python -m utils.forecast.page"


def test_plot_is_current(tmp_path):
    write_plot(tmp_path / "plot.svg", page.default_modes(), page.PLOTTED, page.TERMS)
    drawn = (tmp_path / "plot.svg").read_text(encoding="utf-8")
    assert drawn == page.PLOT.read_text(encoding="utf-8"), "run: python -m utils.forecast.page"


def test_costs_in_the_readme_are_those_of_the_estimate(modes):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| (Step Functions, [^|]*) \| (.*) \|$", readme, re.MULTILINE))
    million = Work(1_000_000)

    def transitions(key, **changes):
        return count_usage(modes[key], Work(million.items, **changes)).transitions * 25e-6

    inline, tokens = ("fanOut", "inline"), ("throttledMap", "tokens")
    waits = next(cells for name, cells in rows.items() if "with a wait" in name)
    assert waits.endswith(f"${transitions(inline):.2f}")
    queue = next(cells for name, cells in rows.items() if "three if it is marked" in name)
    assert queue == f"${transitions(tokens):.2f} | ${transitions(tokens, throttled_share=1):.2f}"
    batches = next(cells for name, cells in rows.items() if "one a batch" in name)
    figures = [transitions(("distributedMap", f"{kind} batches")) for kind in ("EXPRESS", "STANDARD")]
    assert batches == " | ".join(f"${dollars:.2f}" for dollars in figures)
