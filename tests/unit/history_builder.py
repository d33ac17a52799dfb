"""Builds execution histories as Step Functions writes them, event by event, on a clock of its own."""

import json
from datetime import UTC, datetime, timedelta

START = datetime(2026, 3, 2, 9, 0, 0, tzinfo=UTC)


def lambda_cause(message, error="ValueError"):
    """Build the cause that Step Functions records for a handler that raised."""
    return json.dumps({"errorMessage": message, "errorType": error, "stackTrace": ["  File …"]})


def item_counts(total=0, **counts):
    """Build the itemCounts of DescribeMapRun; what is not named is 0, and what is not counted pending."""
    names = ("running", "succeeded", "failed", "timedOut", "aborted")
    counted = {name: counts.get(name, 0) for name in names}
    return {"pending": total - sum(counted.values()), **counted, "total": total, "resultsWritten": 0} | counts


SUMMARY = {
    "items": 1_000,
    "succeeded": 994,
    "failed": 6,
    "errors": {"ItemTimedOut": 1, "ValueError": 5},
    "batches": 10,
    "attempts": 1_012,
    "childSeconds": 120.5,
    "firstStartedAt": "2026-03-02T09:00:01.000Z",
    "lastEndedAt": "2026-03-02T09:00:21.000Z",
    "results": {
        "bucket": "results",
        "manifest": "runs/5f0c/manifest.json",
        "summary": "runs/5f0c/summary.json",
    },
}
"""What the distributed Map's last step returns."""


class HistoryBuilder:
    """Appends events; ``at`` is the time of the next ones, in seconds after the start of the execution."""

    def __init__(self):
        self.events = []
        self.at = 0.0
        self._last_of_item = {}
        self._last_of_run = {}
        self.event(
            "ExecutionStarted", {"input": "{}", "roleArn": "arn:aws:iam::111122223333:role/r"}, previous=0
        )

    def event(self, kind, details=None, *, previous=None):
        """Append an event; without ``previous`` it follows the last one."""
        event = {
            "id": len(self.events) + 1,
            "previousEventId": len(self.events) if previous is None else previous,
            "timestamp": START + timedelta(seconds=self.at),
            "type": kind,
        }
        if details is not None:
            event[_details_key(kind)] = details
        self.events.append(event)
        return event["id"]

    def map(self, length, name="Process Items"):
        """Enter a Map and start it."""
        self.event("MapStateEntered", {"name": name, "input": "{}"})
        self._map_started = self.event("MapStateStarted", {"length": length})
        self.map_name = name

    def start(self, index, *, previous=None):
        """Start an iteration, after the start of its Map unless told otherwise."""
        self._last_of_item[index] = self.event(
            "MapIterationStarted",
            {"name": self.map_name, "index": index},
            previous=previous or self._map_started,
        )

    def item(self, index, kind, details=None):
        """Append an event inside an iteration."""
        self._last_of_item[index] = self.event(kind, details, previous=self._last_of_item[index])

    def enter(self, index, kind="Task", name="Process Item", state_input=None):
        """Enter a state inside an iteration; None leaves its input out."""
        data = {} if state_input is None else {"input": json.dumps(state_input, ensure_ascii=False)}
        self.item(index, f"{kind}StateEntered", {"name": name, **data})

    def exit(self, index, kind="Task", name="Process Item", output=None):
        """Leave a state inside an iteration."""
        self.item(
            index, f"{kind}StateExited", {"name": name, "output": json.dumps(output, ensure_ascii=False)}
        )

    def schedule(self, index):
        """Schedule and start the task of an iteration."""
        self.item(
            index, "TaskScheduled", {"resourceType": "lambda", "resource": "invoke", "parameters": "{}"}
        )
        self.item(index, "TaskStarted", {"resourceType": "lambda", "resource": "invoke"})

    def fail_task(self, index, error="ValueError", cause="", kind="TaskFailed"):
        """Fail the task of an iteration."""
        self.item(
            index, kind, {"resourceType": "lambda", "resource": "invoke", "error": error, "cause": cause}
        )

    def end(self, index, outcome="Succeeded"):
        """End an iteration."""
        self.item(index, f"MapIteration{outcome}", {"name": self.map_name, "index": index})

    def whole_item(self, index, value, *, wait=2.0, work=0.1, output="done", encoding="json", previous=None):
        """Let one item go all the way."""
        selected = {"item": value, "index": index, "execution": "run-1", "encoding": encoding}
        self.start(index, previous=previous)
        self.enter(index, "Wait", "Wait Before Item", selected)
        self.at += wait
        self.exit(index, "Wait", "Wait Before Item", selected)
        self.enter(index, state_input=selected)
        self.schedule(index)
        self.at += work
        self.item(index, "TaskSucceeded", {"resourceType": "lambda", "resource": "invoke", "output": "{}"})
        self.exit(index, output=output)
        self.end(index)

    def map_run(self, name="Process Items", label="ProcessItems", length=0):
        """Enter a Distributed Map and start its Map Run; returns the run's ARN."""
        self.map(length, name)
        arn = f"arn:aws:states:eu-west-1:111122223333:mapRun:Machine/{label}:{len(self.events):08}"
        self._last_of_run[arn] = self.event("MapRunStarted", {"mapRunArn": arn})
        return arn

    def end_run(self, arn, outcome="Succeeded", output=None, **details):
        """End a Map Run, and its Map as AWS does: the exit follows the start of the run."""
        started = self._last_of_run[arn]
        ended = self.event(f"MapRun{outcome}", details or None, previous=started)
        if outcome != "Aborted":
            self.event(f"MapState{outcome}", previous=ended)
        if outcome == "Succeeded":
            self.event(
                "MapStateExited", {"name": self.map_name, "output": json.dumps(output)}, previous=started
            )

    def redrive_run(self, arn):
        """Redrive the execution and a Map Run of it."""
        self.event("ExecutionRedriven", {"redriveCount": 1})
        self._last_of_run[arn] = self.event("MapRunRedriven", {"mapRunArn": arn, "redriveCount": 1})

    def summarise(self, summary):
        """Let a task after the Map return what it made of the results."""
        self.event("TaskStateEntered", {"name": "Summarise Results", "input": "{}"})
        self.event("TaskStateExited", {"name": "Summarise Results", "output": json.dumps(summary)})

    def finish(self, outcome="Succeeded", **details):
        """End the Map if it succeeded, and the execution."""
        if outcome == "Succeeded":
            self.event("MapStateSucceeded")
            self.event("MapStateExited", {"name": self.map_name, "output": "[]"})
        self.event(f"Execution{outcome}", details)
        return self.events


def _details_key(kind):
    if kind.endswith("StateEntered"):
        return "stateEnteredEventDetails"
    if kind.endswith("StateExited"):
        return "stateExitedEventDetails"
    return kind[0].lower() + kind[1:] + "EventDetails"
