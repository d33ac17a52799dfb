"""What the estimate counts is what a run uses: transitions by the histories, requests by the log."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from distributed_map_project import json_lines
from local_aws import LocalAws
from throttled_map_project import ThrottledMapProject

from stacks.config import load_config
from utils.forecast.assembly import load_templates
from utils.forecast.mode import Mode
from utils.forecast.modes import read_modes
from utils.forecast.usage import Usage, count_usage
from utils.forecast.work import Work

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


def run(project: ThrottledMapProject, workflow: str, rows: list[dict[str, Any]]) -> tuple[str, str]:
    """Load a list and run a workflow over it; returns the execution's ARN and the line on its cost."""
    if workflow == "fanOut":
        project.load(rows)
    else:
        project.write("list.jsonl", json_lines(rows))
        project.run("python", "utils/load-s3.py", "--workflow", workflow, "--file", "list.jsonl")
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
    return count_usage(mode, Work(ITEMS, **changes))


def test_transitions_of_an_inline_map(project: ThrottledMapProject, modes: dict[str, Mode]):
    arn, cost = run(project, "fanOut", items())
    assert entered(project, arn) == usage(modes["inline"]).transitions == 4 + 2 * ITEMS
    assert cost.startswith("on AWS: about $0.002")
    assert "(Step Functions $0.0021" in cost


def test_transitions_of_batches(project: ThrottledMapProject, modes: dict[str, Mode]):
    arn, cost = run(project, "distributedMap", items())
    assert entered(project, arn) == usage(modes["STANDARD batches"]).transitions == 5 + 5 * 4
    assert "(Step Functions $0.0006, Lambda " in cost


def test_transitions_of_the_queue_and_the_messages_for_its_workers(
    project: ThrottledMapProject, modes: dict[str, Mode], local_aws: LocalAws
):
    # Given a list of which a quarter is marked
    share = MARKED / ITEMS
    # When it is run
    arn, cost = run(project, "throttledMap", items(marked=MARKED))
    # Then the histories have as many states as the estimate
    expected = usage(modes["tokens"], throttled_share=share)
    assert entered(project, arn) == expected.transitions == 5 + MARKED * 3 + (ITEMS - MARKED) * 5
    # And by the emulator's log each marked item was a message of its own, for which there are three requests
    log = (local_aws.records / f"{local_aws.port}.log").read_text(encoding="utf-8")
    messages = re.findall(rf"{project.worker_name} processed (\d+) SQS messages", log)
    assert messages == ["1"] * MARKED
    assert expected.queue_requests == 3 * MARKED
    assert "SQS <$0.0001" in cost


def test_transitions_of_items_that_are_tried_again(project: ThrottledMapProject, modes: dict[str, Mode]):
    # Given an item of each batch that fails in each of its three attempts
    rows = [{**item, "fails": number % 8 == 0} for number, item in enumerate(items())]
    # When they are run
    arn, _ = run(project, "distributedMap", rows)
    # Then each batch has gone through the states that lead back two times
    direct = modes["STANDARD batches"].direct
    assert entered(project, arn) == 5 + 5 * (1 + direct.states + 2 * direct.repeat_states)
