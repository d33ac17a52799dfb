"""The files that a Distributed Map's ResultWriter leaves: their manifest, and their lines as a stream."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from utils.aws import aws_errors
from utils.command import CommandError

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

BLOCK_BYTES = 8 << 20
"""Read with one request, so that a connection that breaks costs no more than this."""

MAX_ATTEMPTS = 4
PAUSE_SECONDS = 0.5
"""Before a block is asked for again; doubled for each further time."""


@dataclass(frozen=True)
class ResultFile:
    """A file that the manifest names."""

    bucket: str
    key: str
    size_bytes: int

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


def read_manifest(client: "S3Client", bucket: str, key: str) -> list[ResultFile] | None:
    """Read which files a Map Run left, in all three states; None if there is no manifest.

    Raises
    ------
    CommandError
        It cannot be read or is no manifest.
    """
    with aws_errors(f"reading s3://{bucket}/{key}"), bucket_errors(bucket):
        try:
            body = client.get_object(Bucket=bucket, Key=key)["Body"].read()
        except client.exceptions.NoSuchKey:
            return None
        try:
            states = json.loads(body)["ResultFiles"]
            return [
                _result_file(bucket, file)
                for state in ("SUCCEEDED", "FAILED", "PENDING")
                for file in states[state]
            ]
        except (ValueError, LookupError, TypeError, RecursionError) as error:
            raise CommandError(f"s3://{bucket}/{key}: is no manifest of a Map Run: restore it") from error


def _result_file(bucket: str, file: object) -> ResultFile:
    match file:
        case {"Key": str(key), "Size": int(size)} if key and size >= 0:
            return ResultFile(bucket, key, size)
    raise ValueError("not key and size of a file")


def read_lines(client: "S3Client", file: ResultFile, advance: Callable[[int], object]) -> Iterator[bytes]:
    """Read a file line by line, without the line breaks and without blank lines.

    Parameters
    ----------
    client
        Of S3.
    file
        As the manifest names it.
    advance
        Called with the number of bytes that were read.

    Raises
    ------
    CommandError
        The file is not there or not of its size, or AWS refuses or does not answer.
    """
    rest: list[bytes] = []
    for start in range(0, file.size_bytes, BLOCK_BYTES):
        block = _read_block(client, file, start, min(start + BLOCK_BYTES, file.size_bytes))
        advance(len(block))
        first, *lines = block.split(b"\n")
        rest.append(first)
        if lines:
            yield from filter(None, [b"".join(rest), *lines[:-1]])
            rest = [lines[-1]]
    if last := b"".join(rest):
        yield last


def _read_block(client: "S3Client", file: ResultFile, start: int, end: int) -> bytes:
    """Read part of a file; a connection that breaks on the way is no reason to fail."""
    with aws_errors(f"reading {file}"), bucket_errors(file.bucket):
        for attempt in range(MAX_ATTEMPTS):
            try:
                return _get_range(client, file, start, end)
            except BotoCoreError:
                if attempt == MAX_ATTEMPTS - 1:
                    raise
                time.sleep(PAUSE_SECONDS * 2**attempt)
    raise AssertionError("the last attempt returns or raises")


def _get_range(client: "S3Client", file: ResultFile, start: int, end: int) -> bytes:
    try:
        answer = client.get_object(Bucket=file.bucket, Key=file.key, Range=f"bytes={start}-{end - 1}")
    except ClientError as error:
        if error.response["Error"].get("Code") in {"NoSuchKey", "InvalidRange"}:
            raise _other_than_expected(file) from error
        raise
    block: bytes = answer["Body"].read()
    if len(block) != end - start:
        raise _other_than_expected(file)
    return block


def _other_than_expected(file: ResultFile) -> CommandError:
    return CommandError(
        f"{file}: is missing or shorter than the {file.size_bytes:,} bytes that are expected: "
        "restore it, or run the list again"
    )


@contextmanager
def bucket_errors(bucket: str) -> Iterator[None]:
    """Explain a results bucket that is gone."""
    try:
        yield
    except ClientError as error:
        if error.response["Error"].get("Code") == "NoSuchBucket":
            raise CommandError(
                f"bucket {bucket} of the results does not exist: its stack was deleted, or the results are "
                "in another account: check --profile and --region"
            ) from error
        raise
