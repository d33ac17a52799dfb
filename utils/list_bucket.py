"""Puts a checked list into a bucket, whole or not at all."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, cast

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

from utils.aws import aws_errors
from utils.command import CommandError
from utils.list_report import ListReport
from utils.load_plan import items_text

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

PART_BYTES = 8 << 20
"""Of a multipart upload; larger files are uploaded in such parts."""

CONTENT_TYPES = {"json": "application/json", "jsonl": "application/jsonl", "csv": "text/csv"}


@dataclass(frozen=True)
class Target:
    """Where a list goes."""

    bucket: str
    key: str

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


@dataclass(frozen=True)
class StoredList:
    """What an object says of itself: bytes, and what an upload by this command noted."""

    file_bytes: int
    sha256: str | None
    items: str | None
    version_id: str | None

    def __str__(self) -> str:
        what = items_text(int(self.items)) if self.items and self.items.isdecimal() else "an object"
        return f"{what} ({self.file_bytes:,} bytes)"


@dataclass(frozen=True)
class UploadedList:
    """What was done, on one line, and the version of the object in a bucket that has versions."""

    said: str
    version_id: str | None


class CheckedFile:
    """A file as it was when it was checked: reading its end fails if its content is another by now.

    It can be read once from start to end and not be sought, so that what is
    hashed here is what is sent.
    """

    def __init__(self, file: BinaryIO, name: str, report: ListReport) -> None:
        self._file = file
        self._name = name
        self.report = report
        self._read = 0
        self._checksum = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        """Read up to so many bytes, all that are left if negative; fewer only at the end.

        Raises
        ------
        CommandError
            The content is not what was checked, or cannot be read.
        """
        # One more than was checked is enough to see that the file has grown.
        most = self.report.file_bytes - self._read + 1
        wanted = most if size < 0 else min(size, most)
        try:
            data = self._file.read(wanted)
        except OSError as error:
            raise CommandError(f"{self._name}: cannot be read: {error.strerror}") from error
        self._checksum.update(data)
        self._read += len(data)
        ended = len(data) < wanted
        if self._read > self.report.file_bytes or (
            ended and self._checksum.hexdigest() != self.report.sha256
        ):
            raise CommandError(
                f"{self._name}: was changed after it was checked: nothing written; run the command again"
            )
        return data


def upload_list(  # noqa: PLR0913 - what is uploaded, where to, and how
    session: boto3.Session,
    target: Target,
    source: CheckedFile,
    stack: str,
    advance: Callable[[int], object],
    *,
    always: bool = False,
) -> UploadedList:
    """Bring the object to hold the checked list; write only if it does not yet, or always.

    An object of one request appears when all of it has arrived, and one of
    several parts when the upload is completed; an upload that fails or is
    interrupted is aborted. The object is read back, as an endpoint that is
    not AWS may answer a write as well.

    Parameters
    ----------
    session
        Of the AWS account.
    target
        Bucket and key.
    source
        The file, at the start of what was checked.
    stack
        Name of the stack that has the bucket, for what a message says to do.
    advance
        Called with the number of bytes that were sent.
    always
        Whether a list that is there already is written again, as a version of its own.

    Raises
    ------
    CommandError
        The bucket is missing, the file was changed meanwhile, the list is
        not there afterwards, or AWS refuses or does not answer.
    """
    report = source.report
    with _bucket_errors(target, stack):
        client = session.client("s3")
        stored = _read(client, target)
        if stored and _is_loaded(report, stored) and not always:
            said = f"{target} already holds this list of {items_text(report.items)}: nothing written"
            return UploadedList(said, stored.version_id)
        client.upload_fileobj(
            # Of what the type asks for, only `read` is called on what cannot be sought.
            cast("BinaryIO", source),
            target.bucket,
            target.key,
            ExtraArgs={
                "ContentType": CONTENT_TYPES[report.list_format],
                "Metadata": {"sha256": report.sha256, "items": str(report.items)},
            },
            Callback=advance,
            Config=TransferConfig(
                multipart_threshold=PART_BYTES,
                multipart_chunksize=PART_BYTES,
                max_concurrency=4,
                preferred_transfer_client="classic",
            ),
        )
        written = _read(client, target)
        if not written or not _is_loaded(report, written):
            raise CommandError(
                f"the list is not in {target} after writing it: what answers at "
                f"{client.meta.endpoint_url} is not AWS, or someone else changed it; run the command again"
            )
        if always and written.version_id in {None, "null"}:
            raise CommandError(
                f"bucket {target.bucket} keeps no versions, which name what is made of a list: "
                f"deploy it again with `npx cdk deploy {stack}`"
            )
    wrote = f"wrote {items_text(report.items)} to {target} ({report.file_bytes:,} bytes)"
    said = f"{wrote}, replacing {stored}" if stored and not always else wrote
    return UploadedList(said, written.version_id)


def _is_loaded(report: ListReport, stored: StoredList) -> bool:
    return (stored.file_bytes, stored.sha256) == (report.file_bytes, report.sha256)


def _read(client: "S3Client", target: Target) -> StoredList | None:
    try:
        answer = client.head_object(Bucket=target.bucket, Key=target.key)
    except ClientError as error:
        # A HEAD has no body, so that the status is all there is.
        if error.response["Error"].get("Code") == "404":
            return None
        raise
    metadata = answer["Metadata"]
    return StoredList(
        answer["ContentLength"], metadata.get("sha256"), metadata.get("items"), answer.get("VersionId")
    )


@contextmanager
def _bucket_errors(target: Target, stack: str) -> Iterator[None]:
    """Explain what can be wrong with the bucket, and leave the rest to `aws_errors`."""
    with aws_errors(f"loading the list into {target}"):
        try:
            yield
        except ClientError as error:
            code = error.response["Error"].get("Code")
            if code == "NoSuchBucket":
                raise CommandError(
                    f"bucket {target.bucket} does not exist: deploy it again with `npx cdk deploy {stack}`"
                ) from error
            if code == "403":
                raise CommandError(
                    f"loading the list into {target}: no permission: use a profile that may do this"
                ) from error
            raise
