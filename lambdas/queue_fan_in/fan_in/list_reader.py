"""Reads a list from S3 as a stream that can go on where another invocation stopped.

A reader gives the text of one item after the other, in memory that does not grow with the list. Its
checkpoint after an item is where another reader goes on with the next one.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

from botocore.exceptions import ClientError

# Lambda puts this folder, and not the project, on the path.
from list_csv import CsvRows  # type: ignore[import-not-found]
from list_json import JsonArray, JsonLines  # type: ignore[import-not-found]
from list_text import Checkpoint, ListInvalid, ReadBytes  # type: ignore[import-not-found]

if TYPE_CHECKING:
    from job_record import Job  # type: ignore[import-not-found]
    from types_boto3_s3 import S3Client

PART_BYTES = 4 << 20
"""Read in one request: a stream that is left open while items are sent would be closed by S3."""

FORMATS = ("json", "jsonl", "csv")

START: Checkpoint = {"offset": 0, "position": 0, "line": 0}

# Where an answer is not XML, as with a key that has a control character, boto3 gives its HTTP status.
_AT_END = {"InvalidRange", "416"}
# Whoever may not list a bucket is told that access is denied to an object that is not there.
_MISSING = {"NoSuchKey", "NoSuchVersion", "NoSuchBucket", "AccessDenied", "404"}


class ListNotFound(Exception):  # noqa: N818 - the name that users read in the job's error
    """The list's version is not there any more."""


class ListReader(Protocol):
    """Gives the text of each item, and where to go on after the last one."""

    def __iter__(self) -> Iterator[str]: ...

    def checkpoint(self) -> Checkpoint:
        """Say where to go on after the last item."""

    def refusal(self, problem: str) -> ListInvalid:
        """Make the error about the last item, which names its place."""


def read_list(read: ReadBytes, list_format: str, checkpoint: Checkpoint, *, checked: bool) -> ListReader:
    """Read a list from a checkpoint on.

    Parameters
    ----------
    read
        Gives some bytes from an offset on, none at the end.
    checkpoint
        `START`, or what a reader of this list and format gave.
    checked
        Whether the whole list was read before without an error, so that its items need not be looked into.

    Raises
    ------
    ListInvalid
        The format is none; the rest, when the reader comes to it.
    """
    reader: ListReader
    match list_format:
        case "json":
            reader = JsonArray(read, checkpoint, checked=checked)
        case "jsonl":
            reader = JsonLines(read, checkpoint, checked=checked)
        case "csv":
            reader = CsvRows(read, checkpoint)
        case _:
            raise _unknown_format(list_format)
    return reader


def _unknown_format(list_format: str) -> ListInvalid:
    known = ", ".join(f".{name}" for name in FORMATS)
    suffix = f"ends in .{list_format}" if list_format else "has no suffix"
    return ListInvalid(f"its key {suffix}: the format of a list is its suffix, one of {known}")


def open_list(s3: "S3Client", job: "Job") -> ReadBytes:
    """Give the function that reads the bytes of a job's list.

    It raises `ListNotFound` if that version of the object is not there.
    """

    def read(offset: int) -> bytes:
        span = f"bytes={offset}-{offset + PART_BYTES - 1}"
        try:
            answer = s3.get_object(Bucket=job.bucket, Key=job.key, VersionId=job.version_id, Range=span)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in _AT_END:  # nothing there
                return b""
            if code in _MISSING:
                place = f"s3://{job.bucket}/{job.key}, version {job.version_id},"
                raise ListNotFound(f"{place} cannot be read ({code}): drop the list again") from error
            raise
        return answer["Body"].read()

    return read
