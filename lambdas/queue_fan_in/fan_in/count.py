"""Counts the results of jobs from the records of the results table's stream.

A block's record is the set of its positions that have a result. A set has each position once, however often
and in whatever order the stream tells of it; the call that makes the last block complete starts the finish.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

# Lambda puts this folder, and not the project, on the path.
from positions import block_of, block_size, job_of  # type: ignore[import-not-found]

if TYPE_CHECKING:
    from job_record import Job  # type: ignore[import-not-found]
    from jobs import Jobs  # type: ignore[import-not-found]
    from types_boto3_dynamodb.service_resource import Table

JOBS_KEPT = 1_000
"""Of the jobs whose records are kept in memory."""


class Blocks:
    """The records of blocks, which are in the jobs table beside those of the jobs."""

    def __init__(self, table: "Table", jobs: "Jobs") -> None:
        self._table = table
        # What is read here of a job does not change once it has a result.
        self.job = lru_cache(JOBS_KEPT)(jobs.read)

    def add(self, job: "Job", block: str, positions: set[int]) -> int:
        """Add positions to those of a block that have a result; return how many these are now."""
        answer = self._table.update_item(
            Key=_key(job, block),
            UpdateExpression="ADD positions :positions SET expiresAt = :expires_at",
            ExpressionAttributeValues={":positions": positions, ":expires_at": job.results_expire_at},
            ReturnValues="ALL_NEW",
        )
        return len(answer["Attributes"]["positions"])  # type: ignore[arg-type]

    def delete(self, job: "Job", block: str) -> None:
        """Delete the record of a block that is complete."""
        self._table.delete_item(Key=_key(job, block))


def _key(job: "Job", block: str) -> dict[str, Any]:
    return {"job": f"{job.name}/{block}"}


def count_records(
    records: Iterable[dict[str, Any]], jobs: "Jobs", blocks: Blocks, finish: Callable[[str], None]
) -> int:
    """Count the positions that records of the stream name.

    What fails here can be repeated from the start: nothing is counted twice, and as long as a block's record
    exists, a repetition does again what follows from a complete block.

    Parameters
    ----------
    records
        Of inserted results, with their keys.
    finish
        Starts the finish of a job; it may be called more than once for a job.

    Returns
    -------
    int
        How many positions were named, each once.
    """
    found = defaultdict(set)
    for record in records:
        keys = record["dynamodb"]["Keys"]
        position = int(keys["position"]["N"])
        found[job_of(keys["part"]["S"]), block_of(position)].add(position)
    for (name, block), positions in found.items():
        job = blocks.job(name)
        if job and blocks.add(job, block, positions) == block_size(block, job.total):
            if jobs.complete_block(name, block) and jobs.begin_finish(name):
                finish(name)
            # Last: without it, a repetition would not see that the block is complete.
            blocks.delete(job, block)
    return sum(map(len, found.values()))
