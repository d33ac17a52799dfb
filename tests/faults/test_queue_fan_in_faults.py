"""What goes wrong while a job runs: it ends all the same, every item is in its output once."""

import json
import re
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from faulty_calls import install
from item_faults import FAULTY_PROCESS
from projects import wait_until
from queue_project import ENDED, JOB_SECONDS, QueueProject

WORKER_SECONDS = 2
"""Timeout of the worker; a message that a worker was lost with comes back after six times as long."""

ITEMS = 1_000
"""Of a list that several checkpoints of the split function lie in."""

FAN_IN = Path("lambdas") / "queue_fan_in" / "fan_in"
SMALL = [
    ("jobs.py", "LEASE_SECONDS", 2),
    ("overdue.py", "LEFT_ALONE_SECONDS", 2),
    ("split.py", "STRETCH_ITEMS", 100),
]
"""How long it takes until another invocation goes on where one was lost, and what is sent in that time."""

HANDLERS = ["split_handler", "count_handler", "finish_handler", "overdue_handler", "dead_letter_handler"]


@pytest.fixture(scope="module")
def project(
    tmp_path_factory: pytest.TempPathFactory, new_cdk_account: Callable[[], dict[str, str]]
) -> QueueProject:
    """With a processor that fails as its items say, and functions whose calls fail as a plan says."""
    project = QueueProject.copy(tmp_path_factory.mktemp("queue-faults"), new_cdk_account())
    install(project.folder / FAN_IN, project.folder / "plan.json", *HANDLERS)
    for module, name, value in SMALL:
        shorten(project.folder / FAN_IN / module, name, value)
    process_item = project.folder / "lambdas" / "process_item"
    shutil.copy(FAULTY_PROCESS, process_item / "process.py")
    install(process_item, project.folder / "worker-plan.json", "job_handler")
    project.name_workflows("queueFanIn")
    project.configure("queueFanIn", workerTimeoutSeconds=WORKER_SECONDS, deadlineMinutes=30)
    project.deploy()
    assert project.announcements
    return project


def shorten(module: Path, name: str, value: int) -> None:
    """Give a constant of a module another value."""
    source = module.read_text(encoding="utf-8")
    changed = re.sub(rf"^{name} = \d+$", f"{name} = {value}", source, flags=re.MULTILINE)
    assert changed != source
    module.write_text(changed, encoding="utf-8")


def plan(project: QueueProject, file: str = "plan.json", **faults: list[str]) -> None:
    """Say what becomes of the next calls of each operation."""
    (project.folder / file).write_text(json.dumps(faults), encoding="utf-8")


def left(project: QueueProject, file: str = "plan.json") -> dict[str, list[str]]:
    planned: dict[str, list[str]] = json.loads((project.folder / file).read_text(encoding="utf-8"))
    return {operation: faults for operation, faults in planned.items() if faults}


def run(project: QueueProject, name: str, items: list[Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Drop a list; returns the job's record at its end, and its rows."""
    job = project.drop(name, items)
    wait_until(lambda: has_ended(project, job), JOB_SECONDS, poll_seconds=2)
    return project.record(job), project.rows(job)


def has_ended(project: QueueProject, job: str) -> bool:
    """Whether a job has ended; if not, do what the schedule does each minute, which the faults hit, too."""
    if project.record(job).get("status") in ENDED:
        return True
    project.client("lambda").invoke(FunctionName=project.function("EndOverdue"), Payload="{}")
    return False


def is_complete(
    project: QueueProject, record: dict[str, Any], rows: list[dict[str, Any]], items: list[Any]
) -> bool:
    """Whether a job ended once, with every item once and in order."""
    announced = wait_until(lambda: project.announcements.of(record["job"]))
    return (
        record["status"] == "DONE"
        and [row["item"] for row in rows] == items
        and [row["index"] for row in rows] == list(range(len(items)))
        and {event["job"] for event in announced} == {record["job"]}
    )


def test_worker_that_is_killed_once_loses_nothing(project: QueueProject, tmp_path: Path):
    # Given an item that kills its worker the first time
    fatal = {"diary": str(tmp_path / "diary"), "name": "fatal", "attempts": ["be killed", "well"]}
    items = [f"item {number}" for number in range(60)]
    items.insert(30, fatal)
    # When
    record, rows = run(project, "killed-once.jsonl", items)
    # Then
    assert is_complete(project, record, rows, items)
    assert {row["status"] for row in rows} == {"succeeded"}
    assert rows[30]["attempts"] == 2


def test_poison_items_fail_alone(project: QueueProject):
    # Given items that raise, kill and hang each time, among others
    poison = ["be killed", "exit", {"raise": "never works"}, "sleep through interruptions", "return a set"]
    items = [each for fault in poison for each in ("before", fault, "after", "well")]
    # When
    record, rows = run(project, "poison.jsonl", items)
    # Then the job is done, and only they have failed, each with its own error
    assert is_complete(project, record, rows, items)
    failed = {row["index"]: row["error"]["name"] for row in rows if row["status"] == "failed"}
    assert failed == {
        1: "ItemCrashed",
        5: "ItemCrashed",
        9: "PaymentDeclinedError",
        13: "ItemTimedOut",
        17: "ResultNotJson",
    }
    assert rows[9]["error"]["message"] == "never works"
    # And none was given up before its third attempt; one that a worker was lost with may have a further one
    assert {row["attempts"] for row in rows if row["status"] == "failed"} <= {3, 4}
    summary = project.summary(record["job"])
    assert (summary["succeeded"], summary["failed"]) == (15, 5)
    assert summary["errors"] == dict(Counter(failed.values()))


def test_split_that_is_killed_half_way_leaves_no_gap_and_no_second_row(project: QueueProject):
    # Given
    plan(project, SendMessageBatch=["pass"] * 4 + ["die after", "pass", "die before"])
    items = [{"n": number} for number in range(ITEMS)]
    # When
    record, rows = run(project, "split-killed.jsonl", items)
    # Then
    assert left(project) == {}
    assert is_complete(project, record, rows, items)
    assert {row["status"] for row in rows} == {"succeeded"}


def test_throttled_tables_delay_and_lose_nothing(project: QueueProject):
    # Given calls to both tables that are refused, even after the SDK's own attempts
    plan(project, "worker-plan.json", BatchExecuteStatement=["throttle", "pass"] * 10)
    plan(project, UpdateItem=["pass", "throttle"] * 3, Query=["throttle", "pass"] * 2)
    items = [{"n": number} for number in range(ITEMS)]
    # When
    record, rows = run(project, "throttled.jsonl", items)
    # Then
    assert left(project, "worker-plan.json") == {}
    assert is_complete(project, record, rows, items)
    assert {row["status"] for row in rows} == {"succeeded"}


def test_worker_that_dies_after_its_write_counts_nothing_twice(project: QueueProject):
    # Given
    plan(project, "worker-plan.json", BatchExecuteStatement=["pass", "die after", "die before"])
    items = [{"n": number} for number in range(200)]
    # When
    record, rows = run(project, "written-and-lost.jsonl", items)
    # Then
    assert is_complete(project, record, rows, items)
    assert record["summary"]["items"] == 200


def test_finish_that_fails_twice_finishes_once(project: QueueProject):
    # Given its death before the output is whole, and after the announcement
    plan(project, PutObject=["die before"], PutEvents=["pass", "die after"])
    items = [{"n": number} for number in range(500)]
    # When
    record, rows = run(project, "finish-fails.jsonl", items)
    # Then
    assert left(project) == {}
    assert is_complete(project, record, rows, items)
    assert project.summary(record["job"])["items"] == 500


def test_count_that_dies_at_each_of_its_calls_counts_right(project: QueueProject):
    # Given
    plan(project, UpdateItem=["pass", "die before", "die after", "pass", "die after"])
    items = [{"n": number} for number in range(1_200)]
    # When
    record, rows = run(project, "count-dies.jsonl", items)
    # Then
    assert is_complete(project, record, rows, items)
    assert project.summary(record["job"])["succeeded"] == 1_200


@pytest.fixture(scope="module")
def short_deadline(project: QueueProject) -> None:
    """Let jobs end after seconds, and workers not before them."""
    project.configure("queueFanIn", deadlineMinutes=0.2, workerTimeoutSeconds=120)
    project.deploy()


@pytest.mark.usefixtures("short_deadline")
def test_split_that_fails_at_each_try_is_named_at_the_deadline(project: QueueProject):
    # Given a queue that takes nothing
    plan(project, SendMessageBatch=["throttle"] * 99)
    job = project.drop("never-sent.jsonl", ["a", "b"])
    # When
    wait_until(lambda: has_ended(project, job), JOB_SECONDS, poll_seconds=2)
    plan(project)
    # Then
    assert project.record(job)["status"] == "INCOMPLETE"
    shown = project.run("python", "utils/job.py", job, exit_code=1).stdout
    assert "0 were sent, because Split failed, see its log: ClientError: An error occurred (Thr" in shown


@pytest.mark.usefixtures("short_deadline")
def test_job_past_its_deadline_ends_with_what_is_in(project: QueueProject, tmp_path: Path):
    # Given items that wait for longer
    gate, diary = tmp_path / "gate", tmp_path / "diary"
    waiting = {"wait for": str(gate), "and note in": str(diary), "name": "late"}
    items = ["in time"] * 50 + [waiting] + ["in time"] * 50
    job = project.drop("deadline.jsonl", items)
    # When
    record = project.wait_for_job(job)
    rows = project.rows(job)
    # Then
    assert record["status"] == "INCOMPLETE"
    missing = [row for row in rows if row["status"] == "missing"]
    assert waiting in [row["item"] for row in missing]
    assert all("result" not in row and "error" not in row for row in missing)
    assert [row["item"] for row in rows] == items
    summary = project.summary(job)
    assert summary["missing"] == len(missing)
    assert summary["succeeded"] == len(items) - len(missing)
    (announced,) = wait_until(lambda: project.announcements.of(job))
    assert announced["status"] == "INCOMPLETE"
    # And what comes later changes nothing
    gate.touch()
    attributes = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    sqs, url = project.client("sqs"), project.outputs["QueueUrl"]
    wait_until(
        lambda: (
            not any(
                int(count)
                for count in sqs.get_queue_attributes(QueueUrl=url, AttributeNames=attributes)[
                    "Attributes"
                ].values()
            )
        )
    )
    assert project.rows(job) == rows
    assert project.record(job)["status"] == "INCOMPLETE"
