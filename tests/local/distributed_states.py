"""Distributed Maps as the tests of them use them: definitions, lists, results, and children under control."""

import json
from collections.abc import Mapping
from typing import Any

from state_machines import Outcome, StepFunctions, machine, wait_for

KEEP = machine(Keep={"Type": "Pass"})


def distributed(processor: Mapping[str, Any], child_type: str = "STANDARD", **fields: Any) -> dict[str, Any]:
    """A Distributed Map."""
    config = {"Mode": "DISTRIBUTED", "ExecutionType": child_type}
    return {"Type": "Map", "ItemProcessor": {"ProcessorConfig": config, **processor}, **fields}


def reader(bucket: str, key: str, **config: Any) -> dict[str, Any]:
    """An ItemReader of one object."""
    return {
        "Resource": "arn:aws:states:::s3:getObject",
        "ReaderConfig": config,
        "Parameters": {"Bucket": bucket, "Key": key},
    }


def writer(bucket: str, prefix: str = "runs", **config: Any) -> dict[str, Any]:
    """A ResultWriter."""
    fields = {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": bucket, "Prefix": prefix}}
    return {**fields, "WriterConfig": config} if config else fields


def refuse(*values: Any) -> dict[str, Any]:
    """A processor that fails for some items and keeps the others."""
    rules = [{"Variable": "$", "StringEquals": value, "Next": "Refuse"} for value in values]
    return machine(
        Look={"Type": "Choice", "Choices": rules, "Default": "Keep"},
        Refuse={"Type": "Fail", "Error": "Refused", "Cause": "not this one"},
        Keep={"Type": "Pass", "End": True},
    )


def map_runs(states: StepFunctions, execution_arn: str) -> list[dict[str, Any]]:
    """What DescribeMapRun says of an execution's Map Runs, in the order of their start."""
    listed = states.api.list_map_runs(executionArn=execution_arn)["mapRuns"]
    return [states.api.describe_map_run(mapRunArn=each["mapRunArn"]) for each in listed]


def counts(run: Mapping[str, Any], of: str = "itemCounts") -> dict[str, int]:
    """The counters of a Map Run that are not 0."""
    return {name: number for name, number in run[of].items() if number}


def children(states: StepFunctions, map_run_arn: str, **filters: Any) -> list[dict[str, Any]]:
    """The children of a Map Run, in the order of their start."""
    listed = states.api.list_executions(mapRunArn=map_run_arn, **filters)["executions"]
    return listed[::-1]


def read_results(states: StepFunctions, output: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """The rows of the result files that a Map's output leads to, by the kind of file."""
    details = output["ResultWriterDetails"]
    s3 = states.client("s3")

    def read(key: str) -> str:
        body: str = s3.get_object(Bucket=details["Bucket"], Key=key)["Body"].read().decode()
        return body

    files = json.loads(read(details["Key"]))["ResultFiles"]
    rows = {}
    for name, places in files.items():
        texts = [read(place["Key"]) for place in places]
        assert [place["Size"] for place in places] == [len(text.encode()) for text in texts]
        lines = places and places[0]["Key"].endswith(".jsonl")
        rows[name] = [
            row
            for text in texts
            for row in (map(json.loads, text.splitlines()) if lines else json.loads(text))
        ]
    return rows


def manifest_of(run: Mapping[str, Any], bucket: str, prefix: str = "runs") -> dict[str, Any]:
    """Where the manifest of a Map Run is, as a Map's output says it."""
    key = f"{prefix}/{run['mapRunArn'].rpartition(':')[2]}/manifest.json"
    return {"ResultWriterDetails": {"Bucket": bucket, "Key": key}}


class Worker:
    """A worker of an activity: it sees which children ask for work, and answers them as a test wants."""

    def __init__(self, states: StepFunctions, name: str) -> None:
        self._states = states
        self.activity = states.api.create_activity(name=name)["activityArn"]
        self._tokens: dict[Any, str] = {}

    @property
    def work(self) -> dict[str, Any]:
        """A task that this worker does."""
        return {"Type": "Task", "Resource": self.activity}

    def take(self, number: int) -> list[Any]:
        """Take so many tasks; return their inputs, sorted."""
        taken = []
        for _ in range(number):
            task = self._states.api.get_activity_task(activityArn=self.activity, workerName="test")
            data = json.loads(task["input"])
            self._tokens[json.dumps(data)] = task["taskToken"]
            taken.append(data)
        return sorted(taken, key=json.dumps)

    def succeed(self, *inputs: Any) -> None:
        """Answer tasks that were taken with their own inputs."""
        for data in inputs:
            text = json.dumps(data)
            self._states.api.send_task_success(taskToken=self._tokens.pop(text), output=text)

    def fail(self, *inputs: Any) -> None:
        """Let tasks that were taken fail."""
        for data in inputs:
            token = self._tokens.pop(json.dumps(data))
            self._states.api.send_task_failure(taskToken=token, error="Broken", cause="it is")


def wait_for_counts(states: StepFunctions, execution_arn: str, **expected: int) -> dict[str, Any]:
    """Wait until the last Map Run of an execution counts so many items."""

    def find() -> dict[str, Any] | None:
        runs = map_runs(states, execution_arn)
        if not runs:
            return None
        found = {name: runs[-1]["itemCounts"][name] for name in expected}
        return runs[-1] if found == expected else None

    return wait_for(find, f"items {expected}")


def wait_for_end(states: StepFunctions, execution_arn: str) -> dict[str, Any]:
    """Wait until the last Map Run of an execution has ended, which is after its last count."""

    def find() -> dict[str, Any] | None:
        (*_, run) = map_runs(states, execution_arn)
        return None if run["status"] == "RUNNING" else run

    return wait_for(find, "the end of the Map Run")


def redrive(states: StepFunctions, outcome: Outcome) -> str:
    """Redrive an execution that has ended; return its ARN."""
    states.api.redrive_execution(executionArn=outcome.arn)
    return outcome.arn
