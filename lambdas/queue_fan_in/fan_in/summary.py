"""The summary of a job: what is counted while its rows are written, and what it says."""

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

# Lambda puts this folder, and not the project, on the path.
from results import Result  # type: ignore[import-not-found]
from rows import output_prefix, rows_key  # type: ignore[import-not-found]

if TYPE_CHECKING:
    from job_record import Job  # type: ignore[import-not-found]

MAX_ERROR_NAMES = 100
OTHER_ERRORS = "(other)"
MAX_NAME_CHARACTERS = 256


class Counts:
    """What is counted; of a size that does not depend on how many items there are.

    Parameters
    ----------
    saved
        Of `as_saved`, to go on with; empty to begin.
    """

    def __init__(self, saved: dict[str, Any]) -> None:
        self.statuses = Counter[str](saved.get("statuses", {}))
        self.errors = Counter[str](saved.get("errors", {}))
        self.attempts: int = saved.get("attempts", 0)

    def add(self, result: Result, outcome: str) -> None:
        """Count a row; error names beyond the first 100 are counted together."""
        self.statuses[result.kind] += 1
        self.attempts += result.attempts
        if result.kind == "error":
            name = json.loads(outcome)["name"][:MAX_NAME_CHARACTERS]
            if name not in self.errors and len(self.errors) >= MAX_ERROR_NAMES:
                name = OTHER_ERRORS
            self.errors[name] += 1

    def as_saved(self) -> dict[str, Any]:
        """Give what a checkpoint keeps."""
        return {"statuses": dict(self.statuses), "errors": dict(self.errors), "attempts": self.attempts}


def summarise_job(job: "Job", counts: Counts, *, files: int, bucket: str, ended_at: str) -> dict[str, Any]:
    """Sum a job up.

    Parameters
    ----------
    files
        Files of rows that were written to the bucket.
    ended_at
        In ISO 8601.

    Returns
    -------
    dict
        ``items``, ``succeeded``, ``failed``, ``missing``, ``errors`` (failed items by error name, the most
        frequent first), ``attempts``, ``status``, ``startedAt``, ``endedAt``, ``list`` and ``results``.
    """
    missing = counts.statuses["missing"]
    return {
        "items": job.total,
        "succeeded": counts.statuses["result"],
        "failed": counts.statuses["error"],
        "missing": missing,
        "errors": dict(sorted(counts.errors.items(), key=lambda entry: (-entry[1], entry[0]))),
        "attempts": counts.attempts,
        "status": "INCOMPLETE" if missing else "DONE",
        "startedAt": job.started_at,
        "endedAt": ended_at,
        "list": _name_list(job),
        "results": {
            "bucket": bucket,
            "rows": [rows_key(job.name, number) for number in range(files)],
            "summary": f"{output_prefix(job.name)}summary.json",
        },
    }


def describe_failure(job: "Job", ended_at: str) -> dict[str, Any]:
    """Say of a job that failed why and when, in the words of a summary."""
    moments = {"startedAt": job.started_at, "endedAt": ended_at}
    return {"status": "FAILED", "error": job.error, **moments, "list": _name_list(job)}


def _name_list(job: "Job") -> dict[str, str]:
    """Say which version of which object the list is."""
    return {"bucket": job.bucket, "key": job.key, "versionId": job.version_id}
