"""The estimate over the definitions that are deployed: what is read of them, how fast, and its page."""

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest

from benchmarks import fan_in_costs
from benchmarks.fan_in_costs import read_costs
from benchmarks.fan_in_counts import COUNTS
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
from utils.forecast.cost import price_usage
from utils.forecast.message_mode import read_message_mode
from utils.forecast.modes import Overrides, read_modes
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
    assert len(list((folder / "kept").iterdir())) == 1


def test_a_configuration_that_cannot_be_synthesized_is_one_line(folder):
    wrong = folder / "wrong.json"
    wrong.write_text('{"stepfunc": 3}', encoding="utf-8")
    with pytest.raises(CommandError, match="the definitions cannot be synthesized: ") as caught:
        load_templates(wrong, lambda _: None, folder / "other")
    assert len(caught.value.lines) == 1
    assert not (folder / "other").exists()


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


@pytest.mark.parametrize(
    ("workflow", "name", "wait", "expected"),
    [
        ("fanOut", "inline", 2, 50.43),
        ("fanOut", "inline", 0, 25.42),
        ("distributedMap", "EXPRESS items", 2, 26.62),
        ("distributedMap", "EXPRESS batches", 2, 0.58),
    ],
)
def test_a_million_items_by_the_deployed_definitions(templates, workflow, name, wait, expected):
    # Given the deployed definitions, and functions on x86_64, at whose price these figures are known; others
    # are of definitions with fewer states (tests/unit/test_forecast_cost.py)
    modes = read_modes(templates, Config(), Overrides(wait_seconds=wait))
    mode = next(each for each in modes if (each.workflow, each.name) == (workflow, name))
    function = replace(mode.direct.function, architecture="x86_64")
    mode = replace(mode, direct=replace(mode.direct, function=function))
    # Then Step Functions and the functions cost that
    dollars = price_usage(count_usage(mode, Work(1_000_000, seconds=0.1)))
    assert dollars.stepFunctions + dollars.lambda_ == pytest.approx(expected, rel=0.01)


def test_queue_fan_in_is_estimated_as_a_job_of_it_was_counted(modes):
    # Given a job that was counted on the local AWS, whose stream has one shard
    counts = json.loads(COUNTS.read_text(encoding="utf-8"))
    mode = modes["queueFanIn", "messages"]
    assert counts["workers"] == mode.at_once
    counted = replace(mode, messages=replace(mode.messages, shards=1))
    work = Work(
        counts["items"],
        item_bytes=len('{"id":10000,"order":"order 10000"}'),
        result_bytes=counts["results"]["jsonBytes"],
        seconds=counts["workSeconds"],
    )
    # When it is estimated
    usage = count_usage(counted, work)
    # Then it asks S3 and writes results just so, and the queue and the jobs table about so
    requests, functions = counts["requests"], counts["functions"]
    asked = [requests[f"s3:{action}"]["requests"] for action in ("PutObject", "GetObjectVersion")]
    assert [usage.puts, usage.gets] == asked
    calls = functions["worker"]["invocations"]
    sent = requests["sqs:SendMessageBatch"]["requests"]
    assert usage.queue_requests == pytest.approx(sent + 2 * calls, rel=0.03)
    assert usage.write_units - counts["results"]["writes"] == pytest.approx(counts["jobWrites"], rel=0.1)
    invocations = sum(function["invocations"] for function in functions.values())
    assert usage.invocations == pytest.approx(invocations, rel=0.1)
    # And on AWS it costs what is worked out from the counts; logs are in neither
    dollars = price_usage(count_usage(mode, work))
    counted_dollars = read_costs(counts).total * work.items / fan_in_costs.ITEMS
    assert dollars.total - dollars.logs == pytest.approx(counted_dollars, rel=0.03)


CHANGES = {
    "fuller messages": {"items_per_message": 20},
    "fewer messages a call": {"messages_per_call": 5},
    "a longer window": {"window_seconds": 10},
    "smaller batches of the stream": {"records_per_count": 10},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_changed_queue_fan_in_changes_its_estimate(templates, change):
    # Given the template with another value
    template = json.loads(json.dumps(templates["queueFanIn"]))
    for resource in template["Resources"].values():
        properties = resource.get("Properties", {})
        variables = properties.get("Environment", {}).get("Variables", {})
        if "MAX_ITEMS_PER_MESSAGE" in variables and "items_per_message" in change:
            variables["MAX_ITEMS_PER_MESSAGE"] = str(change["items_per_message"])
        if "ScalingConfig" in properties and "messages_per_call" in change:
            properties["BatchSize"] = change["messages_per_call"]
        if "StartingPosition" in properties:
            properties["BatchSize"] = change.get("records_per_count", properties["BatchSize"])
            properties["MaximumBatchingWindowInSeconds"] = change.get("window_seconds", 2)
    # Then the mode has it, and the estimate is another
    before, after = (read_message_mode(each, None, None) for each in (templates["queueFanIn"], template))
    assert {name: getattr(after.messages, name) for name in change} == change
    assert count_usage(before, Work(1_000_000)) != count_usage(after, Work(1_000_000))


@pytest.mark.parametrize(
    "name",
    [
        "message_bytes",
        "request_messages",
        "stretch_items",
        "block_items",
        "page_items",
        "file_rows",
        "part_bytes",
    ],
)
def test_a_changed_number_in_its_code_changes_its_estimate(modes, name):
    mode = modes["queueFanIn", "messages"]
    packing = replace(mode.messages.packing, **{name: getattr(mode.messages.packing, name) // 2})
    work = Work(1_000_000, item_bytes=10_000 if "bytes" in name else 100)
    changed = replace(mode, messages=replace(mode.messages, packing=packing))
    if name == "message_bytes":
        changed = replace(changed, direct=replace(mode.direct, unit_bytes=mode.direct.unit_bytes // 2))
    assert count_usage(mode, work) != count_usage(changed, work)


def test_an_estimate_loads_no_cdk():
    # Given templates that are there
    load_templates(ROOT / "config.json", lambda _: None)
    # When a table is made
    script = (
        "import sys; from utils.estimate import main; "
        "main(['--items', '1000', '--json']); "
        "print(sorted({'aws_cdk', 'boto3', 'matplotlib'} & set(sys.modules)), file=sys.stderr)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    # Then nothing slow was imported
    assert ended.stderr == "[]\n"


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
