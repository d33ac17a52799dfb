"""The jobs table: the record of each job, who works on it, and how it ends.

A job is RUNNING while its list is checked, sent and processed, FINISHING while its output is written, and
then DONE, INCOMPLETE or FAILED for good. What one invocation at a time may do, it does under a lease: a
write of whoever lost the lease is refused, so that nobody overwrites what a successor noted.
"""

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from boto3.dynamodb.conditions import Attr, ConditionBase, Key

# Lambda puts this folder, and not the project, on the path.
from job_record import Job, format_time, read_record  # type: ignore[import-not-found]

if TYPE_CHECKING:
    from types_boto3_dynamodb.service_resource import Table

LEASE_SECONDS = 50
"""Less than the minute after which Lambda repeats an asynchronous invocation that failed."""

KEEP_SECONDS = 86_400 * 30
"""How long a record stays after the job's deadline."""


class LeaseLostError(Exception):
    """Another invocation works on the job, or the job is in another state: nothing was written."""


class Jobs:
    """The jobs table, at a time that ``clock`` tells in seconds since 1970."""

    def __init__(self, table: "Table", clock: Callable[[], float] = time.time) -> None:
        self._table = table
        self._clock = clock

    def record(self, name: str, source: dict[str, str], deadline_seconds: float) -> bool:
        """Record a new job; say whether it is new.

        Parameters
        ----------
        source
            ``bucket``, ``key``, ``versionId`` and ``format`` of the list.
        """
        now = self._clock()
        deadline = int(now + deadline_seconds)
        item: dict[str, Any] = {
            "job": name,
            "kind": "job",
            **source,
            "status": "RUNNING",
            "startedAt": format_time(now),
            "deadline": deadline,
            "sent": 0,
            "checkpoint": {"phase": "check"},
            "incomplete": False,
            "leaseUntil": int(now),
            "open": "yes",
            "expiresAt": deadline + KEEP_SECONDS,
        }
        try:
            self._table.put_item(Item=item, ConditionExpression=Attr("job").not_exists())
        except self._refused:
            return False
        return True

    def read(self, name: str) -> Job | None:
        """Read a job; None if there is none of this name."""
        item = self._table.get_item(Key={"job": name}, ConsistentRead=True).get("Item")
        return read_record(item) if item else None

    def open_jobs(self) -> Iterator[Job]:
        """Read the jobs that have not ended, the next deadline first."""
        page: dict[str, Any] = {"LastEvaluatedKey": None}
        while "LastEvaluatedKey" in page:
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]} if page["LastEvaluatedKey"] else {}
            page = self._table.query(
                IndexName="OpenJobs", KeyConditionExpression=Key("open").eq("yes"), **start
            )  # type: ignore[assignment]
            for item in page["Items"]:
                # An index lags behind its table.
                job = self.read(item["job"])
                if job and job.status in {"RUNNING", "FINISHING"}:
                    yield job

    def take_lease(self, name: str, status: str) -> "Lease | None":
        """Take the lease of a job in this status; None if another holds it, or the status is another."""
        owner, now = uuid4().hex, int(self._clock())
        condition = Attr("status").eq(status) & Attr("leaseUntil").lte(now)
        item = self.update(name, condition, {"leaseOwner": owner, "leaseUntil": now + LEASE_SECONDS})
        return Lease(self, read_record(item), owner, self._clock) if item else None

    def begin_finish(
        self, name: str, *, incomplete: bool = False, error: dict[str, str] | None = None
    ) -> bool:
        """Take a job from RUNNING to FINISHING, and the lease from whoever splits it.

        Parameters
        ----------
        incomplete
            Its deadline has passed: what is not there is missing. A job that is FINISHING learns that, too.
        error
            Name and message, of a job that fails.

        Returns
        -------
        bool
            Whether the job is FINISHING, from now on or already: its finish is due.
        """
        sets = {"status": "FINISHING", "incomplete": incomplete, "leaseUntil": int(self._clock())}
        if error:
            sets["error"] = error
        if self.update(name, Attr("status").eq("RUNNING"), sets, ["leaseOwner"]):
            return True
        if incomplete:
            return self.update(name, Attr("status").eq("FINISHING"), {"incomplete": True}) is not None
        job = self.read(name)
        return job is not None and job.status == "FINISHING"

    def update(
        self, name: str, condition: ConditionBase, sets: dict[str, Any], removes: list[str] | None = None
    ) -> dict[str, Any] | None:
        """Set and remove attributes of a record; None if the condition refuses it, else the record."""
        names = {f"#{attribute}": attribute for attribute in [*sets, *(removes or [])]}
        expression = "SET " + ", ".join(f"#{attribute} = :{attribute}" for attribute in sets)
        if removes:
            expression += " REMOVE " + ", ".join(f"#{attribute}" for attribute in removes)
        try:
            return self._table.update_item(
                Key={"job": name},
                UpdateExpression=expression,
                ConditionExpression=condition,
                ExpressionAttributeNames=names,
                ExpressionAttributeValues={f":{attribute}": value for attribute, value in sets.items()},
                ReturnValues="ALL_NEW",
            )["Attributes"]
        except self._refused:
            return None

    @property
    def _refused(self) -> type[Exception]:
        return self._table.meta.client.exceptions.ConditionalCheckFailedException


class Lease:
    """A job that one invocation works on, and nobody else does for as long as the lease is renewed.

    Every write raises ``LeaseLostError`` if the lease is another's.

    Attributes
    ----------
    job
        As it was after the last write.
    """

    def __init__(self, jobs: Jobs, job: Job, owner: str, clock: Callable[[], float]) -> None:
        self.job = job
        self._jobs = jobs
        self._owner = owner
        self._clock = clock
        self._renewed = clock()

    def save(self, **attributes: Any) -> None:
        """Note where the work is, and renew the lease."""
        self._renewed = self._clock()
        self._update({**attributes, "leaseUntil": int(self._renewed) + LEASE_SECONDS}, [])

    def note(self, **attributes: Any) -> None:
        """Note something about the job, and leave the lease as it is."""
        self._update(attributes, [])

    def is_due(self) -> bool:
        """Say whether the lease should be renewed."""
        return self._clock() - self._renewed > LEASE_SECONDS / 5

    def release(self, **attributes: Any) -> None:
        """Note where the work is, and leave it to the next invocation."""
        self._update({**attributes, "leaseUntil": int(self._clock())}, ["leaseOwner"])

    def end(self, status: str, **attributes: Any) -> None:
        """End the job, DONE, INCOMPLETE or FAILED; it is not open any more."""
        self._update({"status": status, **attributes}, ["open", "leaseOwner", "leaseUntil"])

    def _update(self, sets: dict[str, Any], removes: list[str]) -> None:
        item = self._jobs.update(self.job.name, Attr("leaseOwner").eq(self._owner), sets, removes)
        if item is None:
            raise LeaseLostError(f"job {self.job.name} is worked on by another invocation, or has ended")
        self.job = read_record(item)
