"""Executions, and how long they take.

An execution's time is that between its own startDate and stopDate
(DescribeExecution, to the millisecond), the same for every engine. It holds
all that the engine does before the first and after the last state.
"""

import json
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmarks.errors import BenchmarkError

if TYPE_CHECKING:
    from types_boto3_stepfunctions import SFNClient

POLL_SECONDS = 0.2
"""Coarse, because each poll takes time from the emulator, and the execution's own dates give the time."""
EXECUTION_SECONDS = 600.0


@dataclass(frozen=True)
class Execution:
    """How an execution ended."""

    arn: str
    status: str
    seconds: float
    output: Any
    error: str
    cause: str

    @property
    def ending(self) -> str:
        """Status and, of one that failed, the error."""
        return " ".join(filter(None, [self.status, self.error, self.cause]))


def execute(engine: str, client: "SFNClient", state_machine_arn: str, text: str, what: str) -> Execution:
    """Run an execution to its end, whatever that is.

    Parameters
    ----------
    text
        Its input, JSON.
    what
        Names the execution in an error.

    Raises
    ------
    BenchmarkError
        It has not ended after EXECUTION_SECONDS.
    """
    # moto names an execution None unless it is given a name.
    arn = client.start_execution(stateMachineArn=state_machine_arn, name=uuid.uuid4().hex, input=text)[
        "executionArn"
    ]
    deadline = time.monotonic() + EXECUTION_SECONDS
    while time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
        found = client.describe_execution(executionArn=arn)
        if found["status"] != "RUNNING":
            return Execution(
                arn,
                found["status"],
                (found["stopDate"] - found["startDate"]).total_seconds(),
                json.loads(found.get("output") or "null"),
                found.get("error") or "",
                found.get("cause") or "",
            )
    raise BenchmarkError(f"{engine}: {what} still runs after {EXECUTION_SECONDS:.0f} s")
