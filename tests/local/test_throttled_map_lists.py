"""Lists with marked items from the bucket to the rows: how many at once, how many a second, which way each.

The tests go from a CSV list to one in the table, as the user does: edit config.json, deploy, load, run, look.
"""

import csv
import io
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from projects import Ended, wait_until
from throttled_map_project import ThrottledMapProject, most_at_once

ITEMS = 500
MARKED = 200
WORKERS = 2
OTHERS_AT_ONCE = 8
"""While all marked items wait."""

PACE = 5
PACED_WORKERS = 4
PACED_ITEMS = 14
"""Marked ones of each of two executions."""

TIMED_PROCESS = Path(__file__).with_name("timed_process.py")


@pytest.fixture(scope="module")
def csv_project(
    tmp_path_factory: pytest.TempPathFactory, new_cdk_account: Callable[[], dict[str, str]]
) -> ThrottledMapProject:
    """With two workers and a processor that says when it ran; the list is CSV."""
    project = ThrottledMapProject.copy(tmp_path_factory.mktemp("throttled"), new_cdk_account())
    shutil.copy(TIMED_PROCESS, project.folder / "lambdas" / "process_item" / "process.py")
    project.name_workflows("fanOut", "throttledMap")
    project.configure(
        "throttledMap",
        format="csv",
        key="items.csv",
        workerMaxConcurrency=WORKERS,
        maxConcurrency=MARKED + OTHERS_AT_ONCE,
    )
    project.deploy("--all")
    return project


@pytest.fixture(scope="module")
def paced_project(csv_project: ThrottledMapProject) -> ThrottledMapProject:
    """The same, deployed again: the list is in the table, and four workers have a pace."""
    csv_project.configure(
        "throttledMap", source="dynamodb", workerMaxConcurrency=PACED_WORKERS, maxPerSecond=PACE
    )
    csv_project.deploy(csv_project.stack)
    return csv_project


@dataclass(frozen=True)
class Run:
    """An execution over the CSV list, and what was to see of it."""

    items: list[dict[str, str]]
    marked_under_way: list[str]
    """When all others had succeeded."""
    ended: Ended
    rows: list[dict[str, Any]]
    diary: list[str]


@pytest.fixture(scope="module")
def csv_run(csv_project: ThrottledMapProject) -> Run:
    """The first items are marked, and held until all others have succeeded."""
    gate, diary = csv_project.folder / "gate", csv_project.folder / "diary"
    items = [
        {
            "name": f"item {number}",
            "throttled": (["true", "TRUE"] if number < MARKED else ["false", ""])[number % 2],
            "gate": str(gate) if number < MARKED else "",
            "diary": str(diary),
        }
        for number in range(ITEMS)
    ]
    text = io.StringIO()
    writer = csv.DictWriter(text, items[0])
    writer.writeheader()
    writer.writerows(items)
    csv_project.write("items.csv", text.getvalue())
    target = f"s3://{csv_project.outputs['ListsBucketName']}/items.csv"
    csv_project.run("aws", "s3", "cp", "items.csv", target)
    arn = csv_project.start({})
    wait_until(lambda: csv_project.succeeded(arn) == ITEMS - MARKED, poll_seconds=0.2)
    marked = {item["name"] for item in items if item["gate"]}
    under_way = sorted(marked.intersection(diary.read_text().splitlines()))
    gate.touch()
    ended = csv_project.wait(arn)
    return Run(items, under_way, ended, csv_project.rows(arn), diary.read_text().splitlines())


def test_items_that_are_not_marked_do_not_wait_for_the_marked(csv_run: Run):
    # Given that the fixture's condition came true while the workers held as many marked items as they may
    assert len(csv_run.marked_under_way) == WORKERS
    # Then
    ended = [row["result"]["ended"] for row in csv_run.rows]
    direct, queued = (
        [time for time, row in zip(ended, csv_run.rows, strict=True) if row["route"] == route]
        for route in ("direct", "queue")
    )
    assert max(direct) < min(queued)


def test_marked_items_are_processed_by_as_many_workers_as_configured(csv_run: Run):
    results = [row["result"] for row in csv_run.rows if row["route"] == "queue"]
    assert len(results) == MARKED
    assert most_at_once(results) == WORKERS


def test_every_item_has_one_row_in_order_that_says_which_way_it_went(csv_run: Run):
    expected = [
        {"index": index, "item": item, "status": "succeeded", "attempts": 1}
        | {"route": "queue" if item["gate"] else "direct"}
        for index, item in enumerate(csv_run.items)
    ]
    assert [{key: row[key] for key in row if key != "result"} for row in csv_run.rows] == expected
    assert Counter(csv_run.diary) == {item["name"]: 1 for item in csv_run.items}


def test_summary_counts_the_items_of_each_way(csv_run: Run):
    summary = csv_run.ended.output
    assert summary["routes"] == {"direct": ITEMS - MARKED, "queue": MARKED}
    assert (summary["items"], summary["succeeded"], summary["failed"]) == (ITEMS, ITEMS, 0)
    assert summary["attempts"] == ITEMS


def test_queues_end_empty(csv_project: ThrottledMapProject, csv_run: Run):
    assert csv_run.ended.status == "SUCCEEDED"
    wait_until(csv_project.is_drained)


@pytest.fixture(scope="module")
def paced_rows(paced_project: ThrottledMapProject) -> list[list[dict[str, Any]]]:
    """The rows of two executions at once: over the table's list, and over items of its input."""
    diary = paced_project.folder / "paced diary"
    marks: list[Any] = [True] * PACED_ITEMS + [False, "false", None, "true"]
    items = [
        {"name": f"item {number}", "throttled": mark, "gate": "", "diary": str(diary)}
        for number, mark in enumerate(marks)
    ]
    paced_project.load(items)
    started = [paced_project.start(), paced_project.start({"items": items[:PACED_ITEMS]})]
    for arn in started:
        assert paced_project.wait(arn).status == "SUCCEEDED"
    return [paced_project.rows(arn) for arn in started]


def test_list_of_the_table_goes_both_ways(paced_rows: list[list[dict[str, Any]]]):
    from_table, from_input = paced_rows
    ways = ["queue"] * PACED_ITEMS + ["direct"] * 3 + ["queue"]
    assert [(row["index"], row["route"], row["status"]) for row in from_table] == [
        (index, way, "succeeded") for index, way in enumerate(ways)
    ]
    assert [(row["index"], row["route"]) for row in from_input] == [
        (index, "queue") for index in range(PACED_ITEMS)
    ]


def test_no_second_has_more_starts_than_the_pace_over_all_workers_and_executions(
    paced_rows: list[list[dict[str, Any]]],
):
    # Given
    results = [row["result"] for rows in paced_rows for row in rows if row["route"] == "queue"]
    assert len({result["worker"] for result in results}) == PACED_WORKERS
    starts = sorted(result["started"] for result in results)
    # Then one start more is for clocks that differ
    most = max(sum(start <= each < start + 1 for each in starts) for start in starts)
    assert PACE <= most <= PACE + 1


def test_pace_is_used_up(paced_rows: list[list[dict[str, Any]]]):
    # Given that a slot is used or lost, whether or not a worker was late
    starts = sorted(
        row["result"]["started"] for rows in paced_rows for row in rows if row["route"] == "queue"
    )
    # Then
    assert len(starts) / (starts[-1] - starts[0]) > 0.8 * PACE
