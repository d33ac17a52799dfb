"""The rows of an execution, whichever workflow it is of."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, get_args

import boto3
from botocore.exceptions import ClientError

from utils.aws import aws_errors
from utils.command import CommandError
from utils.rows.distributed import distributed_rows
from utils.rows.execution import DistributedMap, Execution, find_distributed_map
from utils.rows.inline import inline_rows
from utils.rows.row import Row, RowStatus

if TYPE_CHECKING:
    from types_boto3_stepfunctions import SFNClient


@dataclass(frozen=True)
class RowSource:
    """Rows in the list's order, to be read once; ``total`` is how many items the run had."""

    rows: Iterator[Row]
    total: int
    distributed_map: DistributedMap | None


@contextmanager
def open_rows(session: boto3.Session, client: "SFNClient", execution: Execution) -> Iterator[RowSource]:
    """Read the rows of an ended execution.

    Raises
    ------
    CommandError
        There are none, or they cannot be read.
    """
    with aws_errors(f"reading the definition of {execution.arn}"):
        try:
            answer = client.describe_state_machine_for_execution(executionArn=execution.arn)
        except ClientError as error:
            if error.response["Error"].get("Code") == "StateMachineDoesNotExist":
                raise _state_machine_gone(execution) from error
            raise
        target = find_distributed_map(answer["definition"])
    if target is None:
        rows = inline_rows(client, execution)
        yield RowSource(iter(rows), len(rows), None)
        return
    with distributed_rows(session, client, execution, target) as (found, total):
        yield RowSource(found, total, target)


def _state_machine_gone(execution: Execution) -> CommandError:
    return CommandError(
        f"the state machine of execution {execution.name} was deleted, with its stack or by hand, "
        "and with it what says where the results are: a results bucket that was kept has them below runs/"
    )


@dataclass
class RowCounts:
    """How many rows there were, by status; ``end`` is one more than the last index."""

    rows: int = 0
    end: int = 0
    succeeded: int = 0
    failed: int = 0
    pending: int = 0
    missing: int = 0

    def add(self, row: Row) -> None:
        """Count a row; they come by index."""
        self.rows += 1
        self.end = row.index + 1
        match row.status:
            case "succeeded":
                self.succeeded += 1
            case "failed":
                self.failed += 1
            case "pending":
                self.pending += 1
            case "missing":
                self.missing += 1

    def any_of(self, statuses: Iterable[str]) -> int:
        """Count the rows of some statuses."""
        return sum(getattr(self, status) for status in statuses)

    def without_row(self, total: int) -> int:
        """Count the items of a run that have no row."""
        return max(total, self.end) - self.rows

    def __str__(self) -> str:
        statuses = get_args(RowStatus)
        parts = {status: self.any_of([status]) for status in statuses}
        return ", ".join(f"{count:,} {status}" for status, count in parts.items() if count) or "none"
