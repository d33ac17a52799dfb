"""The `throttledMap` workflow as a user works with it, and its queues."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any

from distributed_map_project import DistributedMapProject


@dataclass(frozen=True)
class ThrottledMapProject(DistributedMapProject):
    """The app with the stack of this workflow."""

    stack: str = "ThrottledMapStack"

    @property
    def worker_name(self) -> str:
        (name,) = [each for each in self.resources("AWS::Lambda::Function") if "Worker" in each]
        return name

    @cached_property
    def queue_url(self) -> str:
        return self.outputs["QueueUrl"]

    def sqs(self, operation: str, **arguments: Any) -> Any:
        """Call SQS for the queue."""
        return getattr(self.client("sqs"), operation)(QueueUrl=self.queue_url, **arguments)

    def count(self, *names: str, queue_url: str | None = None) -> int:
        """Count messages of the queue, or of another: those that wait, or as the attributes say."""
        answer = self.client("sqs").get_queue_attributes(
            QueueUrl=queue_url or self.queue_url, AttributeNames=["All"]
        )
        names = names or ("ApproximateNumberOfMessages",)
        return sum(int(answer["Attributes"][name]) for name in names)

    def is_drained(self) -> bool:
        """Whether neither queue has a message, waiting or in flight."""
        names = [f"ApproximateNumberOfMessages{kind}" for kind in ("", "NotVisible", "Delayed")]
        queues = self.queue_url, self.outputs["DeadLetterQueueUrl"]
        return sum(self.count(*names, queue_url=url) for url in queues) == 0

    def succeeded(self, execution_arn: str) -> int:
        """Count the items of an execution that have succeeded so far; 0 before its Map Run is there."""
        client = self.client("stepfunctions")
        runs = client.list_map_runs(executionArn=execution_arn)["mapRuns"]
        described = [client.describe_map_run(mapRunArn=run["mapRunArn"]) for run in runs]
        return sum(each["itemCounts"]["succeeded"] for each in described)

    def worker_log(self) -> list[Any]:
        """What the worker logged: texts, and documents of its own."""
        (group,) = [each for each in self.resources("AWS::Logs::LogGroup") if "Worker" in each]
        pages = self.client("logs").get_paginator("filter_log_events")
        lines = pages.paginate(logGroupName=group).search("events[].message")
        return [json.loads(line)["message"] for line in lines if line.startswith("{")]


def most_at_once(times: Iterable[dict[str, Any]]) -> int:
    """How many of these were under way together, by their times in seconds: started and ended."""
    changes = sorted(chain.from_iterable([(each["started"], 1), (each["ended"], -1)] for each in times))
    running, most = 0, 0
    for _, change in changes:
        running += change
        most = max(most, running)
    return most
