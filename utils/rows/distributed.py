"""The rows of a Distributed Map: from the files of its Map Run, in the list's order."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import boto3

from utils.aws import aws_errors
from utils.command import CommandError
from utils.rows.child_records import child_rows
from utils.rows.execution import DistributedMap, Execution
from utils.rows.progress import show_progress
from utils.rows.result_files import ResultFile, read_lines, read_manifest
from utils.rows.row import Row
from utils.rows.sorting import SortedRows

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client
    from types_boto3_stepfunctions import SFNClient


RESULTS_NOT_WRITTEN = "States.ResultWriterFailed"


@contextmanager
def distributed_rows(
    session: boto3.Session, client: "SFNClient", execution: Execution, target: DistributedMap
) -> Iterator[tuple[Iterator[Row], int]]:
    """Read the rows of an ended execution.

    Yields
    ------
    tuple
        The rows by index, each index once, and the number of items that the Map Run counted.

    Raises
    ------
    CommandError
        There are no results, or they cannot be read.
    """
    map_run = _last_map_run(client, execution)
    total: int = map_run["itemCounts"]["total"]
    uuid = map_run["mapRunArn"].rpartition(":")[2]
    key = f"{target.results_prefix}/{uuid}/manifest.json".removeprefix("/")
    with aws_errors("opening the AWS session"):
        s3 = session.client("s3")
    files = read_manifest(s3, target.results_bucket, key)
    if files is None and (total or execution.status != "SUCCEEDED"):
        raise _no_manifest(execution, f"s3://{target.results_bucket}/{key}", total)
    if not total and map_run["status"] != "SUCCEEDED":
        raise _no_item(execution)
    with SortedRows() as rows:
        _read_files(s3, files or [], rows, run_succeeded=map_run["status"] == "SUCCEEDED")
        yield iter(rows), total


def _last_map_run(client: "SFNClient", execution: Execution) -> dict[str, Any]:
    """Describe the Map Run of an execution; a redrive can have started a second one."""
    with aws_errors(f"reading the Map Run of {execution.arn}"):
        pages = client.get_paginator("list_map_runs").paginate(executionArn=execution.arn)
        runs = [run for page in pages for run in page["mapRuns"]]
        if not runs:
            raise _no_item(execution)
        last = max(runs, key=lambda run: run["startDate"])
        map_run: Any = client.describe_map_run(mapRunArn=last["mapRunArn"])
        if map_run["status"] == "RUNNING":
            raise CommandError(
                f"the Map Run of {execution.name} is still running, until its last children have ended: "
                "run the command again in a few minutes"
            )
    return dict(map_run)


def _no_item(execution: Execution) -> CommandError:
    return CommandError(
        f"execution {execution.name} has no results, it ended before its first item: {execution.end_text}"
    )


def _no_manifest(execution: Execution, where: str, total: int) -> CommandError:
    if total and execution.error != RESULTS_NOT_WRITTEN:
        return CommandError(
            f"{where}: does not exist: the results were deleted, by hand or by the bucket's lifecycle; "
            "run the list again"
        )
    return CommandError(f"execution {execution.name} has no results ({where}): {execution.end_text}")


def _read_files(s3: "S3Client", files: list[ResultFile], rows: SortedRows, *, run_succeeded: bool) -> None:
    total_bytes = sum(file.size_bytes for file in files)
    with show_progress("reading the results", total_bytes, unit="bytes") as advance:
        for file in files:
            for number, line in enumerate(read_lines(s3, file, advance), 1):
                try:
                    add_child(rows, line, run_succeeded=run_succeeded)
                except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
                    raise CommandError(
                        f"{file}:{number}: is no batch of this project's workflows "
                        f"({type(error).__name__}: {error}): only their results can be read"
                    ) from error


def add_child(rows: SortedRows, line: bytes, *, run_succeeded: bool) -> None:
    """Take in the rows of one line; what it raises besides a `CommandError` is as `child_rows` says."""
    record = json.loads(line)
    # Without its Z, a time without fractions sorts before one with them.
    ended = (record.get("StopDate") or "").rstrip("Z")
    for row in child_rows(record, run_succeeded=run_succeeded):
        rows.add(row, ended)
