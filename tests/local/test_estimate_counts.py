"""What the estimate counts is what a run uses: transitions by the histories, requests by the log."""

import json
import math
import re
import urllib.request
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import boto3
import pytest
from distributed_map_project import json_lines
from local_aws import LocalAws
from throttled_map_project import ThrottledMapProject

from stacks.config import load_config
from utils.attribute_values import item_bytes
from utils.forecast.assembly import load_templates
from utils.forecast.cost import price_usage
from utils.forecast.mode import Mode
from utils.forecast.modes import read_modes
from utils.forecast.run_cost import count_run
from utils.forecast.usage import Usage, count_usage
from utils.forecast.work import Work
from utils.watch.history import History

ITEMS = 40
MARKED = 10
FAILS_IF_TOLD = """
def process(item):
    if item["fails"]:
        raise ValueError("as told")
    return item["name"]
"""
WORKFLOWS = ("fanOut", "distributedMap", "throttledMap")


@pytest.fixture(scope="module")
def project(
    tmp_path_factory: pytest.TempPathFactory, new_cdk_account: Callable[[], dict[str, str]]
) -> ThrottledMapProject:
    """All three workflows, with STANDARD children, whose histories can be read."""
    project = ThrottledMapProject.copy(tmp_path_factory.mktemp("counts"), new_cdk_account())
    process = project.folder / "lambdas" / "process_item" / "process.py"
    process.write_text(FAILS_IF_TOLD, encoding="utf-8")
    project.name_workflows(*WORKFLOWS)
    project.configure("stepfunc", waitDurationSeconds=1, maxConcurrency=40, onItemFailure="continue")
    project.configure("distributedMap", childType="STANDARD", maxItemsPerBatch=8, toleratedFailureCount=5)
    project.deploy("--all")
    return project


@pytest.fixture(scope="module")
def modes(project: ThrottledMapProject, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Mode]:
    """Those of the deployed configuration."""
    path = project.folder / "config.json"
    templates = load_templates(path, lambda _: None, tmp_path_factory.mktemp("kept"))
    found = {mode.name: mode for mode in read_modes(templates, load_config(path))}
    assert "STANDARD batches" in found
    return found


def items(*, marked: int = 0) -> list[dict[str, Any]]:
    return [
        {"name": f"item {number}", "throttled": number < marked, "fails": False} for number in range(ITEMS)
    ]


def load(project: ThrottledMapProject, workflow: str, rows: list[dict[str, Any]]) -> None:
    if workflow == "fanOut":
        project.load(rows)
    else:
        project.write("list.jsonl", json_lines(rows))
        project.run("python", "utils/load-s3.py", "--workflow", workflow, "--file", "list.jsonl")


def run(project: ThrottledMapProject, workflow: str) -> tuple[str, str]:
    """Run a workflow over its list; returns the execution's ARN and the line on its cost."""
    said = project.run("python", "utils/run.py", "--workflow", workflow).stdout.splitlines()
    (cost,) = [line for line in said if line.startswith("on AWS: ")]
    return said[0].removeprefix("Execution "), cost


def entered(project: ThrottledMapProject, execution_arn: str) -> int:
    """Count the states of an execution and of all its children, and the children's starts."""
    client = project.client("stepfunctions")
    events = project.history(execution_arn)
    count = sum(event["type"].endswith("StateEntered") for event in events)
    for map_run in client.list_map_runs(executionArn=execution_arn)["mapRuns"]:
        pages = client.get_paginator("list_executions").paginate(mapRunArn=map_run["mapRunArn"])
        for child in pages.search("executions[]"):
            count += 1 + entered(project, child["executionArn"])
    return count


def usage(mode: Mode, **changes: Any) -> Usage:
    size = len(json.dumps(items()[0], separators=(",", ":")))
    return count_usage(mode, Work(ITEMS, item_bytes=size, seconds=0.01, **changes))


def requests(project: ThrottledMapProject) -> dict[str, int]:
    """Count what the emulator was asked for so far in the project's account."""
    with urllib.request.urlopen(f"{project.environment['AWS_ENDPOINT_URL']}/_local/requests") as answer:
        counts = json.load(answer)[project.environment["AWS_ACCESS_KEY_ID"]]
    return {action: count["requests"] for action, count in counts.items()}


def assert_costs_as_estimated(
    monkeypatch: pytest.MonkeyPatch, project: ThrottledMapProject, execution_arn: str, estimated: Usage
) -> Usage:
    """Count a run as the command does at its end: it costs what was estimated, within a few percent.

    But for the functions' time, which is this machine's. The load of the list is no part of a run, and the
    local AWS does not say that a machine is traced.
    """
    for name, value in project.environment.items():
        monkeypatch.setenv(name, value)
    history = History()
    history.add(project.history(execution_arn))
    counted, _ = count_run(boto3.Session(region_name="us-east-1"), history, execution_arn)
    run_alone = replace(estimated, puts=max(estimated.puts - 1, 0), write_units=0.0, traces=0.0)
    dollars = [price_usage(replace(each, gb_seconds={})).total for each in (counted, run_alone)]
    assert dollars[0] == pytest.approx(dollars[1], rel=0.03)
    assert counted.invocations == estimated.invocations
    return counted


def test_an_inline_map(project: ThrottledMapProject, modes: dict[str, Mode], monkeypatch: pytest.MonkeyPatch):
    before = requests(project)
    load(project, "fanOut", items())
    arn, cost = run(project, "fanOut")
    expected = usage(modes["inline"])
    # Then as many states were entered as the definition has
    assert entered(project, arn) == expected.transitions == 4 + 2 * ITEMS
    assert cost.startswith("on AWS: about $0.002")
    assert re.search(r"\(Step Functions \$0.0021, (Lambda \$0.000\d, )?Logs \$0.0002\)", cost)
    # And the list was written once, in as many units as its item has kilobytes, and read
    counted = assert_costs_as_estimated(monkeypatch, project, arn, expected)
    assert requests(project)["dynamodb:PutItem"] - before.get("dynamodb:PutItem", 0) == 1
    table = load_config(project.folder / "config.json").ddb.tableName
    (item,) = project.client("dynamodb").scan(TableName=table)["Items"]
    assert expected.write_units == math.ceil(item_bytes(item) / 1024)
    assert expected.read_units == counted.read_units


def test_batches_of_standard_children(
    project: ThrottledMapProject, modes: dict[str, Mode], monkeypatch: pytest.MonkeyPatch
):
    load(project, "distributedMap", items())
    before = requests(project)
    arn, cost = run(project, "distributedMap")
    expected = usage(modes["STANDARD batches"])
    assert entered(project, arn) == expected.transitions == 5 + 5 * 4
    assert "(Step Functions $0.0006" in cost
    assert_costs_as_estimated(monkeypatch, project, arn, expected)
    # And S3 was asked for what is estimated, but for the load and for what the emulator does itself: it reads
    # the list, and writes the file of results and the manifest
    after = requests(project)
    asked = {name: after[f"s3:{name}"] - before.get(f"s3:{name}", 0) for name in ("PutObject", "GetObject")}
    assert asked == {"PutObject": expected.puts - 3, "GetObject": expected.gets - 1}


def test_transitions_of_the_queue_and_the_messages_for_its_workers(
    project: ThrottledMapProject,
    modes: dict[str, Mode],
    local_aws: LocalAws,
    monkeypatch: pytest.MonkeyPatch,
):
    # Given a list of which a quarter is marked
    share = MARKED / ITEMS
    # When it is run
    load(project, "throttledMap", items(marked=MARKED))
    arn, cost = run(project, "throttledMap")
    # Then the histories have as many states as the estimate
    expected = usage(modes["tokens"], throttled_share=share)
    assert entered(project, arn) == expected.transitions == 5 + MARKED * 3 + (ITEMS - MARKED) * 5
    # And by the emulator's log each marked item was a message of its own, for which there are three requests
    log = (local_aws.records / f"{local_aws.port}.log").read_text(encoding="utf-8")
    messages = re.findall(rf"{project.worker_name} processed (\d+) SQS messages", log)
    assert messages == ["1"] * MARKED
    assert expected.queue_requests == 3 * MARKED
    assert " without the time of the functions, " in cost
    counted = assert_costs_as_estimated(monkeypatch, project, arn, expected)
    assert counted.queue_requests == expected.queue_requests


def test_transitions_of_items_that_are_tried_again(project: ThrottledMapProject, modes: dict[str, Mode]):
    # Given an item of each batch that fails in each of its three attempts
    rows = [{**item, "fails": number % 8 == 0} for number, item in enumerate(items())]
    # When they are run
    load(project, "distributedMap", rows)
    arn, _ = run(project, "distributedMap")
    # Then each batch has gone through the states that lead back two times
    direct = modes["STANDARD batches"].direct
    assert entered(project, arn) == 5 + 5 * (1 + direct.states + 2 * direct.repeat_states)


def test_batches_of_express_children(
    project: ThrottledMapProject, modes: dict[str, Mode], monkeypatch: pytest.MonkeyPatch
):
    # Given the same workflow with children that have no history
    project.configure("distributedMap", childType="EXPRESS")
    project.deploy("DistributedMapStack")
    # When a list is run
    load(project, "distributedMap", items())
    arn, _ = run(project, "distributedMap")
    # Then its own states and the starts of its children are what is estimated
    (map_run,) = project.client("stepfunctions").list_map_runs(executionArn=arn)["mapRuns"]
    described = project.client("stepfunctions").describe_map_run(mapRunArn=map_run["mapRunArn"])
    children = described["executionCounts"]["total"]
    own = sum(event["type"].endswith("StateEntered") for event in project.history(arn))
    expected = usage(modes["EXPRESS batches"])
    assert (own + children, children) == (expected.transitions, expected.express_requests) == (5 + 5, 5)
    assert_costs_as_estimated(monkeypatch, project, arn, expected)
