"""The `queueFanIn` workflow as a user works with it: a list dropped into a bucket, a job, its rows."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from projects import Project, wait_until

from utils import upload_list

ENDED = {"DONE", "INCOMPLETE", "FAILED"}
JOB_SECONDS = 90


@dataclass(frozen=True)
class QueueProject(Project):
    """The app with the stack of this workflow."""

    stack: str = "QueueFanInStack"

    def drop(self, name: str, items: list[Any]) -> str:
        """Drop a list as the loader does; returns the job."""
        file = self.write(name, json_lines(items))
        config = str(self.folder / "config.json")
        printed = self.call(
            upload_list.main, "--config", config, "--workflow", "queueFanIn", "--file", str(file)
        )
        return self._job_named_in(printed, file.stem)

    def _job_named_in(self, printed: str, stem: str) -> str:
        (job,) = {word.strip(".:,`") for word in printed.split() if word.startswith(f"{stem}-")}
        return job

    def put(self, key: str, content: str | bytes) -> None:
        """Put an object into the lists bucket, past the loader."""
        body = content.encode() if isinstance(content, str) else content
        self.client("s3").put_object(Bucket=self.outputs["ListsBucketName"], Key=key, Body=body)

    def write(self, name: str, content: str) -> Path:
        file = self.folder / name
        file.write_text(content, encoding="utf-8")
        return file

    @cached_property
    def jobs_table(self) -> Any:
        return self.resource("dynamodb").Table(self.outputs["JobsTableName"])

    def record(self, job: str) -> dict[str, Any]:
        """What the jobs table has of a job; empty if it has none."""
        answer: dict[str, Any] = self.jobs_table.get_item(Key={"job": job}, ConsistentRead=True)
        return answer.get("Item", {})

    def jobs(self) -> list[dict[str, Any]]:
        """Every job, the first first."""
        items = self.jobs_table.scan()["Items"]
        return sorted((item for item in items if item.get("kind") == "job"), key=lambda job: job["startedAt"])

    def wait_for_job(self, job: str) -> dict[str, Any]:
        """Wait for the end of a job; returns its record."""
        wait_until(lambda: self.record(job).get("status") in ENDED, JOB_SECONDS)
        return self.record(job)

    def summary(self, job: str) -> Any:
        answer = self.client("s3").get_object(
            Bucket=self.outputs["ResultsBucketName"], Key=f"jobs/{job}/summary.json"
        )
        return json.load(answer["Body"])

    def function(self, role: str) -> str:
        """Name of the one function whose name in the template begins like this."""
        (name,) = [each for each in self.resources("AWS::Lambda::Function") if f"-{role}" in each]
        return name

    @cached_property
    def announcements(self) -> "Announcements":
        """Listen to the events of jobs; the first use must come before them."""
        return Announcements(self)


class Announcements:
    """A queue that gets every event "Job Ended"."""

    def __init__(self, project: QueueProject) -> None:
        self._sqs, events = project.client("sqs"), project.client("events")
        self._url = self._sqs.create_queue(QueueName="announcements")["QueueUrl"]
        attributes = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])
        pattern = {"source": ["queue-fan-in"], "detail-type": ["Job Ended"]}
        events.put_rule(Name="announcements", EventPattern=json.dumps(pattern))
        arn = attributes["Attributes"]["QueueArn"]
        events.put_targets(Rule="announcements", Targets=[{"Id": "queue", "Arn": arn}])
        self._read: list[dict[str, Any]] = []

    def of(self, job: str) -> list[dict[str, Any]]:
        """Give what was announced so far of a job: the events' details."""
        while batch := self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10).get("Messages"):
            for message in batch:
                self._read.append(json.loads(message["Body"])["detail"])
                self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
        return [detail for detail in self._read if detail["job"] == job]


def json_lines(items: list[Any]) -> str:
    return "".join(f"{json.dumps(item, ensure_ascii=False)}\n" for item in items)
