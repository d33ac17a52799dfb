"""Finishes a job: writes its rows in the list's order and its summary, announces its end, and ends it.

A crash anywhere only makes the next invocation write the same again, from the last whole file of rows on.
"""

import json
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any

# Lambda puts this folder, and not the project, on the path.
from job_record import Job, format_time  # type: ignore[import-not-found]
from jobs import Jobs, Lease, LeaseLostError  # type: ignore[import-not-found]
from list_reader import START, ListNotFound, read_list  # type: ignore[import-not-found]
from list_text import ReadBytes  # type: ignore[import-not-found]
from ordered_results import ordered_results  # type: ignore[import-not-found]
from results import Result, read_page, read_positions, record_missing  # type: ignore[import-not-found]
from rows import RowsFile, rows_key, write_row  # type: ignore[import-not-found]
from summary import Counts, describe_failure, summarise_job  # type: ignore[import-not-found]

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_s3 import S3Client

LOOK_ROWS = 1000
"""Rows between two looks at the clock."""

FILES_LIMIT = 2_000
"""Of rows: the event of a job's end names them all, and one has at most 256 KB (PutEvents in its API)."""

logger = logging.getLogger(__name__)


class OutputTooLarge(Exception):  # noqa: N818 - the name that users read in the job's error
    """The rows take more files than a summary can name."""


class ResultsMissingError(Exception):
    """A job that was counted to its end lacks results; another attempt reads them again."""


@dataclass(frozen=True)
class Output:
    """Where results are read, and where the output goes."""

    dynamodb: "DynamoDBClient"
    results_table: str
    s3: "S3Client"
    bucket: str


def finish_job(  # noqa: PLR0913 - all but the first two are named
    jobs: Jobs,
    name: str,
    *,
    open_source: Callable[[Job], ReadBytes],
    output: Output,
    continue_job: Callable[[str, str], None],
    announce_end: Callable[[dict[str, Any]], None],
    has_time: Callable[[], bool],
    clock: Callable[[], float] = time.time,
) -> None:
    """Write the output of a job as long as there is time; who comes after goes on where this stops.

    Parameters
    ----------
    open_source
        Gives the bytes of the job's list.
    continue_job
        Called with the job and ``"finish"`` if more is to do.
    announce_end
        Called with the job and its summary, or its error, before it ends: at least once.
    has_time
        Asked every 1,000 rows.
    clock
        Seconds since 1970.

    Raises
    ------
    ResultsMissingError
        Results of a job whose deadline has not passed cannot be read.
    """
    lease = jobs.take_lease(name, "FINISHING")
    if lease is None:
        logger.info("Job %s is finished by another invocation, or has ended", name)
        return
    try:
        if "endedAt" in lease.job.finish or _prepare_end(lease, open_source, output, has_time, clock):
            _end(lease, output, announce_end)
        else:
            lease.release()
            continue_job(name, "finish")
    except LeaseLostError as lost:
        logger.info("%s", lost)


def _prepare_end(
    lease: Lease,
    open_source: Callable[[Job], ReadBytes],
    output: Output,
    has_time: Callable[[], bool],
    clock: Callable[[], float],
) -> bool:
    """Write the rows, and note how and when the job ends, so that every attempt to end it says the same.

    Returns
    -------
    bool
        Whether all rows are written, or the job fails.
    """
    error = lease.job.error or (_describe_unchecked(lease.job) if lease.job.total is None else None)
    try:
        if not error and not _write_rows(lease, open_source(lease.job), output, has_time):
            return False
    except (ListNotFound, OutputTooLarge) as failure:
        error = {"name": type(failure).__name__, "message": str(failure)}
    noted = {"error": error} if error else {}
    lease.save(finish={**lease.job.finish, "endedAt": format_time(clock())}, **noted)
    return True


def _describe_unchecked(job: Job) -> dict[str, str]:
    """Say why a job's list was not checked to its end at the deadline."""
    late = "the list was not checked to its end at the job's deadline"
    if failure := job.split_failure:
        message = (
            f"{late}, because Split failed, the last time with {failure['name']}: {failure['message']}: "
            "see its log and the queue FailedEvents, and drop the list again"
        )
        return {"name": "SplitFailed", "message": message}
    message = f"{late}: if Split's log names no error, raise queueFanIn.deadlineMinutes"
    return {"name": "DeadlineExceeded", "message": message}


def _write_rows(lease: Lease, source: ReadBytes, output: Output, has_time: Callable[[], bool]) -> bool:
    """Write files of rows from the checkpoint on; say whether all are written."""
    job = lease.job
    counts, files = Counts(job.finish), job.finish.get("files", 0)
    reader = read_list(source, job.format, job.finish.get("reader", START), checked=True)
    first = job.finish.get("position", 0)
    with (
        TemporaryFile() as temporary,
        ordered_results(*_readers(job, output), first, job.total) as results,
    ):
        file = RowsFile(temporary)
        # The list is asked for an item only when there is a result, as its checkpoint is after the last one.
        for result, item in zip(results, reader, strict=False):
            outcome = result.text
            counts.add(result, outcome)
            done = result.position + 1
            if file.add(write_row(item, result, outcome)) or done == job.total:
                file.upload(output.s3, output.bucket, rows_key(job.name, files))
                files += 1
                place = {"position": done, "files": files, "reader": reader.checkpoint()}
                lease.save(finish={**counts.as_saved(), **place})
                if files >= FILES_LIMIT and done < job.total:
                    raise OutputTooLarge(
                        f"the rows of {done:,} of {job.total:,} items fill {files:,} files, and a job has no "
                        "more: drop the list in parts, or keep large results in S3"
                    )
            elif done % LOOK_ROWS == 0 and lease.is_due():
                lease.save()
            if done % LOOK_ROWS == 0 and not has_time():
                break
    is_complete: bool = lease.job.finish.get("position", 0) == job.total
    return is_complete


def _readers(job: Job, output: Output) -> tuple[Callable[..., list[Result]], Callable[..., list[Result]]]:
    """Give what reads pages of a job's results, and what finds those that no page has."""
    place = (output.dynamodb, output.results_table, job.name)

    def read_partition(partition: int, first: int) -> list[Result]:
        results: list[Result] = read_page(*place, partition, first)
        return results

    def find_absent(positions: list[int]) -> list[Result]:
        if job.incomplete:
            # Whatever comes after this is refused, so that the output is final.
            record_missing(*place, positions, job.results_expire_at)
        # A page may lag behind its table, this does not.
        found: list[Result] = read_positions(*place, positions)
        if len(found) < len(positions):
            lacking = min(set(positions) - {result.position for result in found})
            raise ResultsMissingError(f"job {job.name} is complete, and has no result of item [{lacking}]")
        return found

    return read_partition, find_absent


def _end(lease: Lease, output: Output, announce_end: Callable[[dict[str, Any]], None]) -> None:
    job, ended_at = lease.job, lease.job.finish["endedAt"]
    if job.error:
        announce_end({"job": job.name, **describe_failure(job, ended_at)})
        lease.end("FAILED", endedAt=ended_at)
        return
    counts, files = Counts(job.finish), job.finish.get("files", 0)
    summary = summarise_job(job, counts, files=files, bucket=output.bucket, ended_at=ended_at)
    text = json.dumps(summary, indent=2, ensure_ascii=False)
    key = summary["results"]["summary"]
    output.s3.put_object(Bucket=output.bucket, Key=key, Body=text.encode(), ContentType="application/json")
    announce_end({"job": job.name, **summary})
    # Who sends the last items may be overtaken by their results before it notes them.
    sent = job.sent if summary["missing"] else job.total
    lease.end(summary["status"], endedAt=ended_at, summary=summary, sent=sent)
