"""What a workflow's last step says of a Map Run's results: how many came out how, and where they are."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import TypeGuard

from utils.watch.items import Counts
from utils.watch.plain_json import parse


@dataclass(frozen=True)
class Summary:
    """The numbers of a run and the places of its files.

    Attributes
    ----------
    errors
        Failed items by the name of their error.
    routes
        Items by the way that they were processed; empty where there is only one.
    started, ended
        Of the first and the last batch; None of an empty list.
    results, summary
        ``s3://`` addresses of the manifest and of the summary itself.
    child_seconds
        What all batches together took; None in the summary of a stack that was deployed before it had this.
    """

    items: int
    succeeded: int
    failed: int
    errors: Mapping[str, int]
    routes: Mapping[str, int]
    batches: int
    attempts: int
    started: datetime | None
    ended: datetime | None
    results: str
    summary: str
    child_seconds: float | None = None

    @property
    def counts(self) -> Counts:
        """The items as an execution's counts have them."""
        return Counts(self.items, self.succeeded + self.failed, 0, self.succeeded, self.failed)


def read_summary(output: str | None) -> Summary | None:
    """Read a state's output; None when it is no summary."""
    # Most outputs are told without reading them as JSON.
    content = parse(output) if '"firstStartedAt"' in (output or "") else None
    match content:
        case {
            "items": int(items),
            "succeeded": int(succeeded),
            "failed": int(failed),
            "errors": dict(errors),
            "batches": int(batches),
            "attempts": int(attempts),
            "firstStartedAt": str() | None as started,
            "lastEndedAt": str() | None as ended,
            "results": {"bucket": bucket, "manifest": manifest, "summary": summary},
            **others,
        } if _are_counts(errors) and _are_counts(routes := others.get("routes", {})):
            files = f"s3://{bucket}/{manifest}", f"s3://{bucket}/{summary}"
            times = _moment(started), _moment(ended)
            counts = (items, succeeded, failed, errors, routes, batches, attempts)
            return Summary(*counts, *times, *files, child_seconds=_seconds(others.get("childSeconds")))
    return None


def _are_counts(value: object) -> TypeGuard[dict[str, int]]:
    return isinstance(value, dict) and all(isinstance(count, int) for count in value.values())


def _seconds(value: object) -> float | None:
    return float(value) if isinstance(value, int | Decimal) else None


def _moment(text: str | None) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
