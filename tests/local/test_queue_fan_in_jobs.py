"""Lists from the drop to the rows: every item once, in order, and one announcement."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from projects import wait_until
from queue_project import QueueProject, json_lines

ITEMS = 20_000
PROCESS = """
def process(item):
    if item == "bad":
        raise ValueError("this item is bad")
    return {"of": item}
"""


@pytest.fixture(scope="module")
def project(
    tmp_path_factory: pytest.TempPathFactory, new_cdk_account: Callable[[], dict[str, str]]
) -> QueueProject:
    project = QueueProject.copy(tmp_path_factory.mktemp("queue"), new_cdk_account())
    (project.folder / "lambdas" / "process_item" / "process.py").write_text(PROCESS, encoding="utf-8")
    project.name_workflows("queueFanIn")
    project.deploy()
    assert project.announcements
    return project


def test_twenty_thousand_items_come_out_once_and_in_order(project: QueueProject):
    # When
    items = [{"number": number, "text": "zażółć"} for number in range(ITEMS)]
    job = project.drop("many.jsonl", items)
    printed = project.run("python", "utils/job.py", job).stdout
    # Then
    assert "DONE" in printed
    assert f"{ITEMS:,}" in printed
    # Each result was a write, which are most of what there is to pay
    said = r"on AWS: about \$0\.01\d* \(.*DynamoDB \$0\.01.*\) without the time of process, us-east-1 prices"
    assert re.search(said, printed)
    rows = project.rows(job)
    assert rows == [
        {"index": index, "item": item, "status": "succeeded", "result": {"of": item}, "attempts": 1}
        for index, item in enumerate(items)
    ]
    summary = project.summary(job)
    counted = {
        name: summary[name] for name in ("items", "succeeded", "failed", "missing", "errors", "status")
    }
    assert counted == {
        "items": ITEMS,
        "succeeded": ITEMS,
        "failed": 0,
        "missing": 0,
        "errors": {},
        "status": "DONE",
    }
    # And it was announced once
    (announced,) = wait_until(lambda: project.announcements.of(job))
    assert announced["items"] == ITEMS
    # And nothing is left of it to do
    record = project.record(job)
    assert record["status"] == "DONE"
    assert record["total"] == ITEMS
    assert "open" not in record


@pytest.mark.parametrize(
    ("name", "content", "items"),
    [
        (
            "list.json",
            '[1, "two", {"three": [3.50, null]}, "ünï"]',
            [1, "two", {"three": [3.5, None]}, "ünï"],
        ),
        (
            "list.csv",
            'a,b\n1,"x, y"\n2,"line\nbreak"\n',
            [{"a": "1", "b": "x, y"}, {"a": "2", "b": "line\nbreak"}],
        ),
        ("one.jsonl", '{"only": true}\n', [{"only": True}]),
        ("bare.jsonl", '"no newline at the end"', ["no newline at the end"]),
    ],
)
def test_each_format_is_read(project: QueueProject, name: str, content: str, items: list[Any]):
    # When it is dropped past the loader
    project.put(f"lists/{name}", content)
    job = wait_until(lambda: [each for each in project.jobs() if each["key"] == f"lists/{name}"])[0]["job"]
    record = project.wait_for_job(job)
    # Then
    assert record["status"] == "DONE"
    rows = project.rows(job)
    assert [row["item"] for row in rows] == items
    assert [row["result"] for row in rows] == [{"of": item} for item in items]


@pytest.mark.parametrize(
    ("name", "content"), [("empty.jsonl", ""), ("empty.json", "[]"), ("empty.csv", "a,b\n")]
)
def test_empty_list_ends_at_once_with_no_rows(project: QueueProject, name: str, content: str):
    # When
    project.put(f"lists/{name}", content)
    job = wait_until(lambda: [each for each in project.jobs() if each["key"] == f"lists/{name}"])[0]["job"]
    record = project.wait_for_job(job)
    # Then
    assert (record["status"], record["total"]) == ("DONE", 0)
    assert project.rows(job) == []
    assert project.summary(job)["items"] == 0
    (announced,) = wait_until(lambda: project.announcements.of(job))
    assert announced["status"] == "DONE"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("last.jsonl", '{"a": 1}\n{"a": 2}\n{"a": \n', "line 3"),
        ("object.json", '{"a": 1}', "array"),
        ("cut.json", '[{"a": 1}, {"a": 2}', "object"),
        ("twice.csv", "a,a\n1,2\n", "a"),
        ("list.txt", "one\ntwo\n", ".txt"),
        ("latin.jsonl", '"caf\xe9"\n'.encode("latin-1"), "UTF-8"),
    ],
)
def test_list_that_cannot_be_read_fails_the_job_before_any_item_is_sent(
    project: QueueProject, name: str, content: str | bytes, said: str
):
    # When
    project.put(f"lists/{name}", content)
    job = wait_until(lambda: [each for each in project.jobs() if each["key"] == f"lists/{name}"])[0]["job"]
    record = project.wait_for_job(job)
    # Then
    assert record["status"] == "FAILED"
    assert record["error"]["name"] == "ListInvalid"
    assert said in record["error"]["message"]
    assert record.get("sent", 0) == 0
    # And the commands say it in a line
    shown = project.run("python", "utils/job.py", job, exit_code=1)
    assert said in shown.stdout + shown.stderr
    assert "Traceback" not in shown.stdout + shown.stderr


def test_failed_items_have_their_error_and_the_job_is_done(project: QueueProject):
    # When
    job = project.drop("some-bad.jsonl", ["good", "bad", "good", "bad"])
    record = project.wait_for_job(job)
    # Then
    assert record["status"] == "DONE"
    rows = project.rows(job)
    assert [row["status"] for row in rows] == ["succeeded", "failed", "succeeded", "failed"]
    assert rows[1] == {
        "index": 1,
        "item": "bad",
        "status": "failed",
        "error": {"name": "ValueError", "message": "this item is bad"},
        "attempts": 3,
    }
    assert project.summary(job)["errors"] == {"ValueError": 2}


def test_same_object_dropped_again_is_a_new_job_and_its_event_again_is_not(project: QueueProject):
    # Given
    items = ["a", "b"]
    first = project.drop("again.jsonl", items)
    project.wait_for_job(first)
    # When it is dropped again
    second = project.drop("again.jsonl", items)
    record = project.wait_for_job(second)
    # Then
    assert second != first
    assert record["status"] == "DONE"
    assert record["versionId"] != project.record(first)["versionId"]
    # And when the event of the second is delivered again, the job stays as it is
    jobs = len(project.jobs())
    event = {
        "source": "aws.s3",
        "detail-type": "Object Created",
        "detail": {
            "bucket": {"name": project.outputs["ListsBucketName"]},
            "object": {"key": record["key"], "version-id": record["versionId"]},
        },
    }
    answer = project.client("lambda").invoke(
        FunctionName=project.function("Split"), Payload=json.dumps(event)
    )
    assert "FunctionError" not in answer
    assert len(project.jobs()) == jobs
    assert project.record(second) == record
    assert len(project.announcements.of(second)) == 1


def test_two_jobs_at_once_do_not_mix(project: QueueProject):
    # When
    for name in ("left", "right"):
        project.put(f"lists/{name}.jsonl", json_lines([f"{name} {number}" for number in range(1_500)]))
    jobs = {
        name: wait_until(
            lambda key=f"lists/{name}.jsonl": [each for each in project.jobs() if each["key"] == key]
        )[0]
        for name in ("left", "right")
    }
    # Then
    for name, record in jobs.items():
        assert project.wait_for_job(record["job"])["status"] == "DONE"
        assert [row["item"] for row in project.rows(record["job"])] == [
            f"{name} {number}" for number in range(1_500)
        ]


def test_latest_job_is_found(project: QueueProject):
    job = project.drop("latest.jsonl", ["x"])
    project.wait_for_job(job)
    assert job in project.run("python", "utils/job.py", "--latest").stdout
