"""The rows of a job: from the files that the workflow `queueFanIn` leaves, which have them in order."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import boto3

from utils.aws import aws_errors
from utils.command import CommandError
from utils.jobs.job import DROP_LIST, WATCH_JOB, Job
from utils.jobs.table import open_jobs, unknown_job
from utils.rows.json_text import members
from utils.rows.result_files import ResultFile, bucket_errors, read_lines
from utils.rows.row import Row, RowStatus
from utils.rows.source import RowSource

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

OUTCOMES: dict[str, tuple[RowStatus, str | None]] = {
    "succeeded": ("succeeded", "result"),
    "failed": ("failed", "error"),
    "missing": ("missing", None),
}
"""Of each status a job's row can have, the key of what became of the item."""


def open_job_rows(session: boto3.Session, name: str) -> RowSource:
    """Find the rows of an ended job.

    Raises
    ------
    CommandError
        There is no such job, it has no rows, or they cannot be read.
    """
    table = open_jobs(session)
    with aws_errors(f"reading job {name}"):
        job = table.find(name)
    if job is None:
        raise unknown_job(name)
    if not job.has_ended:
        raise CommandError(
            f"job {name} is still running: wait for its end, or watch it with `{WATCH_JOB} {name}`"
        )
    if job.status == "FAILED" or job.summary is None:
        reason = ": ".join([job.status, *(job.error or ())])
        raise CommandError(f"job {name} has no rows, it ended {reason}")
    with aws_errors("opening the AWS session"):
        client = session.client("s3")
    files = _find_files(client, job, job.summary.bucket, job.summary.rows)
    return RowSource(_read_rows(client, files), job.summary.items, None)


def _find_files(client: "S3Client", job: Job, bucket: str, keys: tuple[str, ...]) -> list[ResultFile]:
    """Find out how large the files are, with one call for a thousand of them."""
    prefix = f"jobs/{job.name}/"
    with aws_errors(f"reading s3://{bucket}/{prefix}"), bucket_errors(bucket):
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        sizes = {entry["Key"]: entry["Size"] for page in pages for entry in page.get("Contents", [])}
    for key in keys:
        if key not in sizes:
            raise CommandError(
                f"s3://{bucket}/{key}: does not exist: the rows were deleted, by hand or by the bucket's "
                f"lifecycle; drop the list again with `{DROP_LIST}`"
            )
    return [ResultFile(bucket, key, sizes[key]) for key in keys]


def _read_rows(client: "S3Client", files: list[ResultFile]) -> Iterator[Row]:
    for file in files:
        for number, line in enumerate(read_lines(client, file, lambda _: None), 1):
            try:
                yield read_row(line.decode())
            except (ValueError, LookupError) as error:
                raise CommandError(
                    f"{file}:{number}: is no row of a job ({type(error).__name__}: {error}): "
                    "restore the file, or drop the list again"
                ) from error


def read_row(line: str) -> Row:
    """Read a row without converting what it holds.

    Raises
    ------
    ValueError, LookupError
        The line is no row.
    """
    values = members(line)
    status, outcome = OUTCOMES[values["status"].strip('"')]
    return Row(
        index=int(values["index"]),
        item=values["item"],
        status=status,
        outcome=values[outcome] if outcome else None,
        attempts=int(values["attempts"]),
    )
