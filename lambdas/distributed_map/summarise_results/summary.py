"""Summarise the results of a Map Run: read the ResultWriter's files line by line, and count.

Each line is one child workflow execution, which processed one batch. If it succeeded, its output has an
outcome for each item. If it failed as a whole, there is only its input: all items in it have failed.
"""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

CHUNK_BYTES = 1024 * 1024
"""A line has up to 600 KB: the input and the output of a child, each as a text within the text."""
MAX_ERROR_NAMES = 100
OTHER_ERRORS = "(other)"
MAX_NAME_CHARACTERS = 256

# Whoever may not list a bucket is told that access is denied to an object that is not there.
_MISSING = {"NoSuchKey", "NoSuchBucket", "AccessDenied"}


class SummaryError(Exception):
    """The results cannot be summarised; the message names the file that is missing."""


class Counts:
    """What is counted; of a size that does not depend on how many items there are."""

    def __init__(self) -> None:
        self.succeeded = 0
        self.failed = 0
        self.batches = 0
        self.attempts = 0
        self.child_seconds = 0.0
        self.errors: Counter[str] = Counter()
        self.routes: Counter[str] = Counter()
        self._first_start: datetime | None = None
        self._last_end: datetime | None = None

    def add_batch(self, child: dict[str, Any]) -> None:
        """Count a batch and when it was processed."""
        self.batches += 1
        start, end = (datetime.fromisoformat(child[key]) for key in ("StartDate", "StopDate"))
        self._first_start = min(start, self._first_start or start)
        self._last_end = max(end, self._last_end or end)
        self.child_seconds += (end - start).total_seconds()

    def add_output(self, output: dict[str, Any]) -> None:
        """Count the outcomes of a batch, and the route that they took, if the output names it."""
        outcomes = output["outcomes"]
        if "route" in output:
            self.routes[output["route"]] += len(outcomes)
        for outcome in outcomes:
            self.attempts += outcome["attempts"]
            if outcome["status"] == "succeeded":
                self.succeeded += 1
            else:
                self.add_failures(outcome["error"]["name"], 1)

    def add_failures(self, name: str, count: int) -> None:
        """Count failed items; error names beyond the first 100 are counted together."""
        name = name[:MAX_NAME_CHARACTERS]
        if name not in self.errors and len(self.errors) >= MAX_ERROR_NAMES:
            name = OTHER_ERRORS
        self.failed += count
        self.errors[name] += count

    def as_summary(self) -> dict[str, Any]:
        """Return the counts as the summary has them, the most frequent error first."""
        return {
            "items": self.succeeded + self.failed,
            "succeeded": self.succeeded,
            "failed": self.failed,
            "errors": dict(self.errors.most_common()),
            **({"routes": dict(sorted(self.routes.items()))} if self.routes else {}),
            "batches": self.batches,
            "attempts": self.attempts,
            "childSeconds": round(self.child_seconds, 3),
            "firstStartedAt": _format_time(self._first_start),
            "lastEndedAt": _format_time(self._last_end),
        }


def summarise_results(s3: "S3Client", bucket: str, manifest_key: str) -> dict[str, Any]:
    """Count the results that a manifest names, write ``summary.json`` beside it, and return the summary.

    Memory does not grow with the list. After a redrive the manifest lists a child where it ended last, so
    that none counts twice. Children that never ran are not read: a Map Run that succeeded has none.

    Returns
    -------
    dict
        ``items``, ``succeeded``, ``failed``, ``errors`` (failed items by error name), ``routes`` (items by
        the route that their child names, if one does), ``batches``, ``attempts`` (of items with an outcome),
        ``childSeconds`` (that all batches together took), ``firstStartedAt`` and ``lastEndedAt`` (None if
        there is no batch), and ``results``: where the files are.

    Raises
    ------
    SummaryError
        The manifest, or a file that it names, cannot be read.
    """
    with closing(_open(s3, bucket, manifest_key)) as body:
        files = json.loads(body.read())["ResultFiles"]
    counts = Counts()
    for child in _read_children(s3, bucket, files["SUCCEEDED"]):
        counts.add_batch(child)
        counts.add_output(json.loads(child["Output"]))
    for child in _read_children(s3, bucket, files["FAILED"]):
        counts.add_batch(child)
        counts.add_failures(_error_name(child), len(json.loads(child["Input"])["Items"]))
    return _write_summary(s3, bucket, manifest_key, counts)


def _error_name(child: dict[str, Any]) -> str:
    """Return the error of a failed child; one that timed out or was stopped may have none."""
    status: str = child["Status"]
    return child.get("Error") or ("States.Timeout" if status == "TIMED_OUT" else status)


def _write_summary(s3: "S3Client", bucket: str, manifest_key: str, counts: Counts) -> dict[str, Any]:
    folder, slash, _ = manifest_key.rpartition("/")
    key = f"{folder}{slash}summary.json"
    summary = counts.as_summary() | {"results": {"bucket": bucket, "manifest": manifest_key, "summary": key}}
    text = json.dumps(summary, indent=2, ensure_ascii=False)
    s3.put_object(Bucket=bucket, Key=key, Body=text.encode(), ContentType="application/json")
    return summary


def _read_children(s3: "S3Client", bucket: str, files: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Read the child workflow executions in some of the ResultWriter's files, one a line."""
    for file in files:
        with closing(_open(s3, bucket, file["Key"])) as body:
            for line in body.iter_lines(CHUNK_BYTES):
                yield json.loads(line)


def _open(s3: "S3Client", bucket: str, key: str) -> Any:
    """Open an object; its body is a stream."""
    try:
        return s3.get_object(Bucket=bucket, Key=key)["Body"]
    except ClientError as error:
        details = error.response["Error"]
        if details["Code"] not in _MISSING:
            raise
        reason = details["Message"].rstrip(".")
        text = f"cannot read s3://{bucket}/{key}: {reason}; if it was deleted, process the list again"
        raise SummaryError(text) from error


def _format_time(time: datetime | None) -> str | None:
    """Return a time in ISO 8601, in UTC."""
    if time is None:
        return None
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
