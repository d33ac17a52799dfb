"""A job of `queueFanIn`: its name, and what its record says."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any

from utils.attribute_values import abbreviate
from utils.command import CommandError

WORKFLOW = "queueFanIn"

ARN_START = "arn:"
LONGEST_SHOWN_CHARACTERS = 200
"""Of what is no job."""

DROP_LIST = f"python utils/load-s3.py --workflow {WORKFLOW} --file FILE"
WATCH_JOB = "python utils/job.py"

MAX_STEM_CHARACTERS = 40
DIGEST_CHARACTERS = 12
LONGEST_JOB_CHARACTERS = MAX_STEM_CHARACTERS + 1 + DIGEST_CHARACTERS
JOB_FORM = re.compile(rf"\w[\w-]{{0,{MAX_STEM_CHARACTERS - 1}}}-[0-9a-f]{{{DIGEST_CHARACTERS}}}", re.ASCII)


def job_id(key: str, version_id: str) -> str:
    """Name the job over one version of an object, as the workflow does."""
    stem = re.sub(r"[^A-Za-z0-9_-]", "", PurePosixPath(key).stem).lstrip("-")[:MAX_STEM_CHARACTERS]
    digest = hashlib.sha256(f"{key}\n{version_id}".encode()).hexdigest()[:DIGEST_CHARACTERS]
    return f"{stem or 'list'}-{digest}"


def check_job_id(text: str) -> None:
    """Refuse what cannot be a job.

    Raises
    ------
    CommandError
        The text is an ARN, a path, or of another form.
    """
    if text.startswith(ARN_START):
        raise CommandError(
            f"{text} is an ARN, and a job has none: "
            f"an execution is watched with `python utils/run.py --execution-arn {text}`"
        )
    if not JOB_FORM.fullmatch(text):
        raise CommandError(
            f"{abbreviate(text, LONGEST_SHOWN_CHARACTERS) or 'an empty text'} is not a job, "
            "which looks like orders-0123456789ab: "
            f"`{DROP_LIST}` names it, and `{WATCH_JOB} --latest` shows the last one"
        )


@dataclass(frozen=True)
class JobSummary:
    """The job's own account of its rows, as it also stands in `summary.json`.

    Attributes
    ----------
    errors
        Failed items by the name of their error.
    bucket, rows, summary
        Where the rows are, in files in their order, and the summary itself.
    """

    items: int
    succeeded: int
    failed: int
    missing: int
    errors: Mapping[str, int]
    attempts: int
    bucket: str
    rows: tuple[str, ...]
    summary: str


@dataclass(frozen=True)
class Job:
    """A job as its record has it.

    Attributes
    ----------
    status
        ``RUNNING``, ``FINISHING``, and of an ended one ``DONE``, ``INCOMPLETE`` or ``FAILED``.
    total
        Items of the list; None while it is checked.
    checked, sent, written
        Items that were read so far, that are in the queue or beyond it, and that have their final row.
    error
        Name and message; None if it did not fail.
    split_failure
        The same of the last try to split the list that failed, if any did.
    """

    name: str
    status: str
    bucket: str
    key: str
    started: datetime
    ended: datetime | None
    total: int | None
    checked: int
    sent: int
    written: int
    error: tuple[str, str] | None
    split_failure: tuple[str, str] | None
    summary: JobSummary | None

    @property
    def has_ended(self) -> bool:
        """Whether nothing changes any more."""
        return self.status not in {"RUNNING", "FINISHING"}


def read_job(record: Mapping[str, Any]) -> Job:
    """Read a record of the jobs table."""
    summary = record.get("summary")
    return Job(
        name=record["job"],
        status=record["status"],
        bucket=record["bucket"],
        key=record["key"],
        started=_moment(record["startedAt"]),
        ended=_moment(record["endedAt"]) if "endedAt" in record else None,
        total=int(record["total"]) if "total" in record else None,
        checked=_position(record.get("checkpoint")),
        sent=int(record.get("sent", 0)),
        written=_position(record.get("finish")),
        error=_error(record.get("error")),
        split_failure=_error(record.get("splitFailure")),
        summary=_read_summary(summary) if summary else None,
    )


def _read_summary(summary: Mapping[str, Any]) -> JobSummary:
    results = summary["results"]
    return JobSummary(
        **{name: int(summary[name]) for name in ("items", "succeeded", "failed", "missing", "attempts")},
        errors={name: int(count) for name, count in summary["errors"].items()},
        bucket=results["bucket"],
        rows=tuple(results["rows"]),
        summary=results["summary"],
    )


def _error(error: Mapping[str, str] | None) -> tuple[str, str] | None:
    return (error["name"], error["message"]) if error else None


def _position(checkpoint: Mapping[str, Any] | None) -> int:
    return int((checkpoint or {}).get("position", 0))


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
