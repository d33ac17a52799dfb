"""The handlers of a job's split, finish and overdue, from an event of EventBridge to the next."""

import json
import logging
from pathlib import Path
from types import SimpleNamespace

import pytest
from fan_in_folder import LISTS, RESULTS, fan_in_aws, load_fan_in

EVENT = Path(__file__).parents[1] / "events" / "list_dropped.json"
ENVIRONMENT = {
    "JOBS_TABLE": "jobs",
    "RESULTS_TABLE": "results",
    "RESULTS_BUCKET": RESULTS,
    "DEADLINE_SECONDS": "6.0",
    "MAX_ITEMS_PER_MESSAGE": "2",
}


class Handlers:
    """The handlers over moto, with a bus whose events a test reads."""

    def __init__(self, modules, aws):
        self.modules = modules
        self.aws = aws
        self.table = aws.jobs_table
        self._listen()

    def _listen(self):
        """Let a queue have all events of the workflow."""
        self._heard = self.aws.sqs.create_queue(QueueName="heard")["QueueUrl"]
        answer = self.aws.sqs.get_queue_attributes(QueueUrl=self._heard, AttributeNames=["QueueArn"])
        self.aws.events.put_rule(Name="all", EventPattern=json.dumps({"source": ["queue-fan-in"]}))
        target = {"Id": "heard", "Arn": answer["Attributes"]["QueueArn"]}
        self.aws.events.put_targets(Rule="all", Targets=[target])

    def heard(self):
        """Take the events that were sent since: their types and details."""
        messages = self.aws.sqs.receive_message(QueueUrl=self._heard, MaxNumberOfMessages=10)
        bodies = [json.loads(message["Body"]) for message in messages.get("Messages", [])]
        for message in messages.get("Messages", []):
            self.aws.sqs.delete_message(QueueUrl=self._heard, ReceiptHandle=message["ReceiptHandle"])
        return [(body["detail-type"], body["detail"]) for body in bodies]

    def drop(self, content, key="lists/orders.jsonl"):
        """Put a list into the bucket; returns the event of it."""
        event = json.loads(EVENT.read_text(encoding="utf-8"))
        answer = self.aws.s3.put_object(Bucket=LISTS, Key=key, Body=content.encode())
        event["detail"]["object"] |= {"key": key, "version-id": answer["VersionId"]}
        return event

    def job(self):
        (item,) = self.table.scan()["Items"]
        return item


@pytest.fixture
def handlers(monkeypatch):
    names = ("split_handler", "finish_handler", "overdue_handler", "jobs", "time_left")
    with fan_in_aws() as aws, load_fan_in(*names) as modules:
        for name, value in {**ENVIRONMENT, "QUEUE_URL": aws.queue_url}.items():
            monkeypatch.setenv(name, value)
        yield Handlers(modules, aws)


def context(*seconds):
    """Lambda's context, with so much time left at each look, and at last the last."""
    left = list(seconds)
    look = lambda: (left.pop(0) if len(left) > 1 else left[0]) * 1000  # noqa: E731
    return SimpleNamespace(get_remaining_time_in_millis=look)


def continues(job, phase):
    return ("Job Continues", {"job": job, "phase": phase})


def test_a_dropped_list_is_recorded_and_sent(handlers):
    # When the event comes, and once more
    event = handlers.drop("1\n2\n3\n")
    for _ in range(2):
        handlers.modules.split_handler.split(event, context(900))
    # Then
    job = handlers.job()
    assert job["job"].startswith("orders-")
    assert (job["total"], job["sent"], job["status"]) == (3, 3, "RUNNING")
    attributes = handlers.aws.sqs.get_queue_attributes(
        QueueUrl=handlers.aws.queue_url, AttributeNames=["All"]
    )
    assert attributes["Attributes"]["ApproximateNumberOfMessages"] == "2"
    assert handlers.heard() == []


def test_the_same_object_dropped_again_is_another_job(handlers):
    for _ in range(2):
        handlers.modules.split_handler.split(handlers.drop("1\n"), context(900))
    assert handlers.table.scan(Select="COUNT")["Count"] == 2


def test_a_folder_is_no_list(handlers):
    handlers.modules.split_handler.split(handlers.drop("", "lists/new folder/"), context(900))
    assert handlers.table.scan(Select="COUNT")["Count"] == 0


def test_splitting_goes_on_with_the_next_event(handlers):
    # Given a function that has no time once it has looked at the list
    handlers.modules.split_handler.split(handlers.drop("1\n2\n3\n"), context(900, 59))
    job = handlers.job()["job"]
    assert handlers.heard() == [continues(job, "split")]
    assert handlers.job()["sent"] == 0
    # When
    event = {"detail": {"job": job, "phase": "split"}}
    handlers.modules.split_handler.split(event, context(900))
    # Then
    assert handlers.job()["sent"] == 3


def test_a_job_comes_to_its_end_over_the_handlers(handlers):
    # Given an empty list
    handlers.modules.split_handler.split(handlers.drop(""), context(900))
    job = handlers.job()["job"]
    assert handlers.heard() == [continues(job, "finish")]
    # When
    handlers.modules.finish_handler.finish({"detail": {"job": job, "phase": "finish"}}, context(900))
    # Then
    ((ended, detail),) = handlers.heard()
    assert ended == "Job Ended"
    summary = handlers.aws.s3.get_object(Bucket=RESULTS, Key=f"jobs/{job}/summary.json")["Body"].read()
    assert detail == {"job": job, **json.loads(summary)}
    assert handlers.job()["status"] == "DONE"


def test_an_overdue_job_is_finished_and_counted_in_the_log(handlers, caplog):
    # Given a job whose deadline was long ago
    caplog.set_level(logging.INFO)
    source = {"bucket": LISTS, "key": "lists/a.jsonl", "versionId": "v", "format": "jsonl"}
    handlers.modules.jobs.Jobs(handlers.table, lambda: 1_700_000_000.0).record("a-0123456789ab", source, 6.0)
    # When
    handlers.modules.overdue_handler.end_overdue({}, None)
    # Then
    assert handlers.heard() == [continues("a-0123456789ab", "finish")]
    assert {"jobsPastDeadline": 1} in [record.msg for record in caplog.records]


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [([900, 61, 59], [True, False]), ([9, 9, 4, 2], [True, True, False])],
)
def test_there_is_time_until_a_minute_or_a_third_is_left(handlers, seconds, expected):
    has_time = handlers.modules.time_left.watch_time(context(*seconds))
    assert [has_time() for _ in expected] == expected
