"""Workloads: functions and inline Maps created over the wire, and executions of them."""

import io
import json
import uuid
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmarks.emulators import Emulator
from benchmarks.errors import BenchmarkError
from benchmarks.executions import Execution, execute

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient
    from types_boto3_stepfunctions import SFNClient

SILENT = """\
import time

def handle(event, context):
    if event < 0:
        time.sleep(-event)
    return event
"""
"""Returns its event; one below 0, which warms up, keeps the worker for so many seconds."""
PRINTING = SILENT.replace("    return", "    print(event)\n    return")

ROLE = "arn:aws:iam::000000000000:role/benchmark"
RUNTIME = "python3.14"
MEMORY_MB = 128
TIMEOUT_SECONDS = 60

WARM_UP_SECONDS = 5
"""How long a worker is kept while it warms up: until all the others have started."""

States = dict[str, Any]
PASS: States = {"Work": {"Type": "Pass", "End": True}}


@dataclass(frozen=True)
class InlineMap:
    """A state machine that is one inline Map over its input, in an engine."""

    engine: str
    client: "SFNClient"
    state_machine_arn: str

    def execute(self, items: list[Any]) -> Execution:
        """Run an execution to its end, whatever that is.

        Raises
        ------
        BenchmarkError
            It has not ended after EXECUTION_SECONDS.
        """
        what = f"an execution over {len(items)} items"
        return execute(self.engine, self.client, self.state_machine_arn, json.dumps(items), what)

    def seconds(self, items: Sequence[int]) -> float:
        """Run items through a Map that returns them, and take the time.

        Raises
        ------
        BenchmarkError
            It did not succeed, or returned something else.
        """
        execution = self.execute(list(items))
        if execution.status != "SUCCEEDED":
            raise BenchmarkError(
                f"{self.engine}: an execution over {len(items)} items ended {execution.ending}"
            )
        if execution.output != list(items):
            raise BenchmarkError(f"{self.engine}: the results of {len(items)} items are not the items")
        return execution.seconds

    def ms_per_item(self, count: int) -> float:
        """Run the numbers from 0 to ``count`` - 1, for the milliseconds that each takes."""
        return self.seconds(range(count)) * 1000 / count


def create_function(
    client: "LambdaClient",
    files: Mapping[str, str],
    handler: str = "function.handle",
    log_format: str = "Text",
) -> str:
    """Create a Python function from the text of its files, and return its ARN."""
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    created = client.create_function(
        FunctionName=f"benchmark-{uuid.uuid4().hex[:8]}",
        Role=ROLE,
        Runtime=RUNTIME,  # type: ignore[arg-type]
        Handler=handler,
        Code={"ZipFile": code.getvalue()},
        MemorySize=MEMORY_MB,
        Timeout=TIMEOUT_SECONDS,
        LoggingConfig={"LogFormat": log_format},  # type: ignore[typeddict-item]
    )
    return created["FunctionArn"]


def invoke(function_arn: str) -> States:
    """Describe the state that hands an item to a function and keeps what that returns."""
    return {
        "Work": {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Parameters": {"FunctionName": function_arn, "Payload.$": "$"},
            "OutputPath": "$.Payload",
            "End": True,
        }
    }


def create_map(engine: str, client: "SFNClient", concurrency: int, states: States) -> InlineMap:
    """Create an inline Map.

    Parameters
    ----------
    states
        Those of the item processor; the first is where it starts.
    """
    items = {
        "Type": "Map",
        "MaxConcurrency": concurrency,
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "INLINE"},
            "StartAt": next(iter(states)),
            "States": states,
        },
        "End": True,
    }
    definition = {"StartAt": "Items", "States": {"Items": items}}
    name = f"benchmark-{uuid.uuid4().hex[:8]}"
    created = client.create_state_machine(name=name, definition=json.dumps(definition), roleArn=ROLE)
    return InlineMap(engine, client, created["stateMachineArn"])


def sleeping(seconds: float) -> str:
    """Write a handler that prints nothing and takes its time."""
    return SILENT.replace("    return", f"    time.sleep({seconds})\n    return")


def create_warm_map(emulator: Emulator, handler: str, concurrency: int, wait_seconds: int = 0) -> InlineMap:
    """Create an inline Map over a handler, with as many warm workers as it has items at once.

    Parameters
    ----------
    handler
        SILENT, PRINTING or a sleeping one.
    wait_seconds
        Length of a Wait before the handler; 0 for none.
    """
    states = invoke(create_function(emulator.lambda_client, {"function.py": handler}))
    if wait_seconds:
        states = {"Pause": {"Type": "Wait", "Seconds": wait_seconds, "Next": next(iter(states))}, **states}
    created = create_map(emulator.name, emulator.states_client, concurrency, states)
    created.seconds([-WARM_UP_SECONDS] * concurrency)
    return created
