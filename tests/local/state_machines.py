"""State machines, executions and functions as the tests of the control flow use them, over the wire."""

import io
import itertools
import json
import time
import zipfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

ROLE = "arn:aws:iam::123456789012:role/any"
DEADLINE_SECONDS = 60
POLL_SECONDS = 0.02
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Outcome:
    """How an execution ended."""

    arn: str
    status: str
    output: Any
    error: str | None
    cause: str | None
    events: list[dict[str, Any]]

    @property
    def sequence(self) -> list[tuple[str, int]]:
        """The events as (type, previousEventId)."""
        return [(event["type"], event["previousEventId"]) for event in self.events]

    @property
    def types(self) -> list[str]:
        return [event["type"] for event in self.events]

    def details(self, event_type: str) -> list[dict[str, Any]]:
        """The details of every event of a type, in order."""
        return [details_of(event) for event in self.events if event["type"] == event_type]


def details_of(event: Mapping[str, Any]) -> dict[str, Any]:
    return next((value for key, value in event.items() if key.endswith("EventDetails")), {})


class StepFunctions:
    """Step Functions and Lambda in one account of the local AWS."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._connection = {
            "endpoint_url": environment["AWS_ENDPOINT_URL"],
            "region_name": environment["AWS_REGION"],
            "aws_access_key_id": environment["AWS_ACCESS_KEY_ID"],
            "aws_secret_access_key": environment["AWS_SECRET_ACCESS_KEY"],
        }
        self.api = self.client("stepfunctions")

    def client(self, service: str) -> Any:
        return boto3.client(service, **self._connection)

    def create(self, definition: Mapping[str, Any], **options: Any) -> str:
        """Create a state machine and return its ARN."""
        name = f"machine-{next(_numbers)}"
        response = self.api.create_state_machine(
            name=name, definition=json.dumps(definition), roleArn=ROLE, **options
        )
        return response["stateMachineArn"]

    def start(self, definition: Mapping[str, Any], data: Any = None) -> str:
        """Start an execution of a new state machine and return its ARN."""
        arn = self.create(definition)
        response = self.api.start_execution(
            stateMachineArn=arn, input=json.dumps({} if data is None else data)
        )
        return response["executionArn"]

    def run(self, definition: Mapping[str, Any], data: Any = None) -> Outcome:
        """Run a new state machine to its end."""
        return self.wait(self.start(definition, data))

    def wait(self, execution_arn: str) -> Outcome:
        """Wait for an execution to end."""
        description = wait_for(lambda: self._ended(execution_arn), f"the end of {execution_arn}")
        output = description.get("output")
        return Outcome(
            execution_arn,
            description["status"],
            None if output is None else json.loads(output),
            description.get("error"),
            description.get("cause"),
            self.events(execution_arn),
        )

    def _ended(self, execution_arn: str) -> dict[str, Any] | None:
        description = self.api.describe_execution(executionArn=execution_arn)
        return None if description["status"] == "RUNNING" else description

    def events(self, execution_arn: str) -> list[dict[str, Any]]:
        pages = self.api.get_paginator("get_execution_history").paginate(
            executionArn=execution_arn, PaginationConfig={"PageSize": 1000}
        )
        return [event for page in pages for event in page["events"]]

    def wait_for_event(self, execution_arn: str, event_type: str) -> dict[str, Any]:
        """Wait until the history has an event of a type."""

        def find() -> dict[str, Any] | None:
            return next((e for e in self.events(execution_arn) if e["type"] == event_type), None)

        return wait_for(find, event_type)

    def create_function(self, source: str, **options: Any) -> str:
        """Create a function whose module ``handler`` has a ``handler(event, context)``; return its ARN."""
        response = self.client("lambda").create_function(
            FunctionName=f"function-{next(_numbers)}",
            Runtime="python3.14",
            Handler="handler.handler",
            Role=ROLE,
            Code={"ZipFile": package(source)},
            **options,
        )
        return response["FunctionArn"]


def call_through_an_update(states: StepFunctions, folder: Path) -> dict[str, Any]:
    """Invoke a function, change its code while it runs, let it end, and return its answer and a later one.

    Parameters
    ----------
    folder
        An empty one, through which the function and the test tell each other how far they are.
    """
    source = (
        "import pathlib, time\n"
        f"folder = pathlib.Path({str(folder)!r})\n"
        "def handler(event, context):\n"
        "    (folder / 'began').touch()\n"
        "    while not (folder / 'go on').exists():\n"
        "        time.sleep(0.01)\n"
        "    return 'old code'\n"
    )
    function = states.create_function(source, Timeout=30)
    client = states.client("lambda")
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(client.invoke, FunctionName=function)
        wait_for(lambda: (folder / "began").exists() or None, "the call")
        new = package("def handler(event, context):\n    return 'new code'\n")
        client.update_function_code(FunctionName=function, ZipFile=new)
        (folder / "go on").touch()
        response = answer.result()
    later = client.invoke(FunctionName=function)
    return {
        "error": response.get("FunctionError"),
        "answers": [json.load(response["Payload"]), json.load(later["Payload"])],
    }


def package(source: str) -> bytes:
    """A deployment package whose module ``handler`` has this source."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("handler.py", source)
    return archive.getvalue()


def wait_for(find: Any, what: str) -> Any:
    """Poll until ``find`` returns something."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < deadline:
        found = find()
        if found is not None:
            return found
        time.sleep(POLL_SECONDS)
    raise AssertionError(f"{what} did not come within {DEADLINE_SECONDS} s")


def machine(**states: Mapping[str, Any]) -> dict[str, Any]:
    """A definition of states in this order; underscores in names stand for blanks, the last one ends it."""
    named = {name.replace("_", " "): dict(state) for name, state in states.items()}
    names = list(named)
    for name, following in zip(names, [*names[1:], None], strict=True):
        state = named[name]
        if state["Type"] in {"Succeed", "Fail", "Choice"} or "Next" in state or "End" in state:
            continue
        state |= {"End": True} if following is None else {"Next": following}
    return {"StartAt": names[0], "States": named}


def invoke(function_arn: str, **fields: Any) -> dict[str, Any]:
    """A task that invokes a function with its input and hands on what it returns."""
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": function_arn, "Payload.$": "$"},
        "OutputPath": "$.Payload",
        **fields,
    }


def map_over(processor: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
    """An inline Map."""
    return {
        "Type": "Map",
        "ItemProcessor": {"ProcessorConfig": {"Mode": "INLINE"}, **processor},
        **fields,
    }
