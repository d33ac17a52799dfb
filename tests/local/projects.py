"""A copy of the app as a user works on it: edited, deployed and run with the stock tools."""

import io
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self
from unittest import mock

import boto3
from local_aws import ROOT

from utils import load_list, results

PARTS = ["app.py", "cdk.json", "config.json", "config.schema.json", "lambdas", "stacks", "utils"]
COMMAND_SECONDS = 120
EXECUTION_SECONDS = 60
READ_TABLE: Mapping[str, Any] = {}
"""Input of an execution over the table's list."""


def wait_until(
    condition: Callable[[], Any], seconds: float = EXECUTION_SECONDS, *, poll_seconds: float = 0.05
) -> Any:
    """Give the condition's value once it is true."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline
        time.sleep(poll_seconds)
    return value


@dataclass(frozen=True)
class Project:
    """The app in a folder of its own, with the environment variables of an account of its own."""

    folder: Path
    environment: Mapping[str, str]
    stack: str = "FanOutStack"

    @classmethod
    def copy(cls, folder: Path, environment: Mapping[str, str]) -> Self:
        for part in PARTS:
            source, target = ROOT / part, folder / part
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, target)
        (folder / "node_modules").symlink_to(ROOT / "node_modules")
        return cls(folder, {**environment, "COLUMNS": "160"})

    def configure(self, section: str, **values: Any) -> None:
        """Edit a section of config.json."""
        self._edit_config(lambda config: config.setdefault(section, {}).update(values))

    def name_workflows(self, *workflows: str) -> None:
        """Say in config.json which workflows are deployed."""
        self._edit_config(lambda config: config.update(workflows=workflows))

    def _edit_config(self, edit: Callable[[dict[str, Any]], None]) -> None:
        file = self.folder / "config.json"
        config = json.loads(file.read_text(encoding="utf-8"))
        edit(config)
        file.write_text(json.dumps(config, ensure_ascii=False, indent=2), encoding="utf-8")

    def run(self, *command: str, exit_code: int = 0) -> subprocess.CompletedProcess[str]:
        """Run a command in the project's folder to its end."""
        result = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        assert result.returncode == exit_code, f"{command}: {result.stdout}{result.stderr}"
        return result

    def call(self, main: Callable[[list[str]], None], *arguments: str) -> str:
        """Run what a command runs, without the time of a process; returns what it prints."""
        printed = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
        with mock.patch.dict(os.environ, self.environment, clear=True), redirect_stdout(printed):
            main(list(arguments))
        printed.seek(0)
        return printed.read()

    def popen(self, *command: str) -> subprocess.Popen[str]:
        """Start a command whose output is read while it runs."""
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env={**self.environment, "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def aws(self, *arguments: str) -> Any:
        """Run the AWS CLI; returns what its JSON says."""
        return json.loads(self.run("aws", *arguments, "--output", "json").stdout or "null")

    def deploy(self, *options: str) -> None:
        self.run("node_modules/.bin/cdk", "deploy", "--require-approval", "never", *options)

    def load(self, items: Any) -> str:
        """Load a list as the loader does; returns what it says."""
        file = self.folder / "list.json"
        file.write_text(json.dumps(items, ensure_ascii=False), encoding="utf-8")
        return self.call(load_list.main, "--config", str(self.folder / "config.json"), "--json", str(file))

    def rows(self, run: str) -> list[dict[str, Any]]:
        """Read the rows of an execution or a job with the command for them."""
        return [json.loads(line) for line in self.call(results.main, run, "--out", "-").split("\n")[:-1]]

    @cached_property
    def outputs(self) -> dict[str, str]:
        """What the stack gives for its users."""
        (stack,) = self.client("cloudformation").describe_stacks(StackName=self.stack)["Stacks"]
        return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}

    def resources(self, resource_type: str) -> list[str]:
        """Physical names of the stack's resources of a type."""
        pages = self.client("cloudformation").get_paginator("list_stack_resources")
        summaries = pages.paginate(StackName=self.stack).search("StackResourceSummaries[]")
        return [each["PhysicalResourceId"] for each in summaries if each["ResourceType"] == resource_type]

    @property
    def state_machine_arn(self) -> str:
        return self.resources("AWS::StepFunctions::StateMachine")[0]

    @property
    def function_name(self) -> str:
        return self.resources("AWS::Lambda::Function")[0]

    def client(self, service: str) -> Any:
        return boto3.client(service, **self._session)

    def resource(self, service: str) -> Any:
        return boto3.resource(service, **self._session)

    @property
    def _session(self) -> dict[str, str]:
        return {
            "endpoint_url": self.environment["AWS_ENDPOINT_URL"],
            "region_name": self.environment["AWS_REGION"],
            "aws_access_key_id": self.environment["AWS_ACCESS_KEY_ID"],
            "aws_secret_access_key": self.environment["AWS_SECRET_ACCESS_KEY"],
        }

    def start(self, execution_input: Any = READ_TABLE, **options: str) -> str:
        """Start an execution; returns its ARN."""
        text = json.dumps(execution_input, ensure_ascii=False)
        answer = self.client("stepfunctions").start_execution(
            stateMachineArn=self.state_machine_arn, input=text, **options
        )
        arn: str = answer["executionArn"]
        return arn

    def wait(self, execution_arn: str, seconds: float = EXECUTION_SECONDS) -> "Ended":
        """Wait for an execution's end, at most so long."""
        client = self.client("stepfunctions")

        def ended() -> Any:
            answer = client.describe_execution(executionArn=execution_arn)
            return None if answer["status"] == "RUNNING" else answer

        return Ended(execution_arn, wait_until(ended, seconds), self.history(execution_arn))

    def execute(self, execution_input: Any = READ_TABLE, **options: str) -> "Ended":
        """Run an execution to its end."""
        return self.wait(self.start(execution_input, **options))

    def history(self, execution_arn: str) -> list[dict[str, Any]]:
        pages = self.client("stepfunctions").get_paginator("get_execution_history")
        return list(pages.paginate(executionArn=execution_arn).search("events[]"))

    def log_lines(self, log_group: str) -> list[Any]:
        """Read a log group: JSON where a line is JSON, the text otherwise."""
        pages = self.client("logs").get_paginator("filter_log_events").paginate(logGroupName=log_group)
        return [_json_or_text(message) for message in pages.search("events[].message")]

    def function_log(self, ended: "Ended") -> list[Any]:
        """What the function logged itself while it ran for an execution."""
        described = self.client("lambda").get_function_configuration(FunctionName=self.function_name)
        lines = self.log_lines(described["LoggingConfig"]["LogGroup"])
        records = [line for line in lines if isinstance(line, dict)]
        events = [record for record in records if "event" in record["message"]]
        requests = {
            record["requestId"]
            for record in events
            if record["message"]["event"]["execution"] == ended.description["name"]
        }
        return [record["message"] for record in records if record["requestId"] in requests]


@dataclass(frozen=True)
class Ended:
    """An execution that has ended."""

    arn: str
    description: dict[str, Any]
    events: list[dict[str, Any]]

    @property
    def status(self) -> str:
        status: str = self.description["status"]
        return status

    @property
    def output(self) -> Any:
        return json.loads(self.description["output"])

    @property
    def failure(self) -> tuple[str | None, str | None]:
        """Error and cause."""
        return self.description.get("error"), self.description.get("cause")

    def of_type(self, *types: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["type"] in types]

    def times(self, event_type: str) -> list[float]:
        """Seconds since the execution started."""
        started = self.events[0]["timestamp"]
        return [(event["timestamp"] - started).total_seconds() for event in self.of_type(event_type)]


def _json_or_text(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
