"""Counts the results of jobs from the records of the results table's stream.

A block's record is the set of its parts that are done: positions that have a result, or blocks that are
complete. A set has each part once, however often and in whatever order the stream tells of it; the call that
makes the block complete that has all the others starts the finish.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

# Lambda puts this folder, and not the project, on the path.
from positions import Block, block_size, has_all, job_of, locate  # type: ignore[import-not-found]

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

    def add(self, job: "Job", block: Block, places: set[int]) -> bool:
        """Add parts of a block that are done, and the block to the one above if it is complete.

        A call that was lost in between can be repeated with any of the parts: the block is still complete.

        Parameters
        ----------
        places
            Of the parts in the block.

        Returns
        -------
        bool
            Whether all of the job is done.
        """
        answer = self._table.update_item(
            Key={"job": f"{job.name}/{block.level}-{block.number}"},
            UpdateExpression="ADD places :places SET expiresAt = :expires_at",
            ExpressionAttributeValues={":places": places, ":expires_at": job.results_expire_at},
            ReturnValues="ALL_NEW",
        )
        done: Any = answer["Attributes"]["places"]
        if len(done) != block_size(block, job.total):
            return False
        if has_all(block, job.total):
            return True
        above, place = locate(block.number, block.level + 1)
        return self.add(job, above, {place})


def count_records(
    records: Iterable[dict[str, Any]], jobs: "Jobs", blocks: Blocks, finish: Callable[[str], None]
) -> int:
    """Count the positions that records of the stream name.

    What fails here can be repeated from the start: nothing is counted twice, and a repetition does again what
    follows from a complete block.

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
        block, place = locate(int(keys["position"]["N"]))
        found[job_of(keys["part"]["S"]), block].add(place)
    for (name, block), places in found.items():
        job = blocks.job(name)
        if job and blocks.add(job, block, places) and jobs.begin_finish(name):
            finish(name)
    return sum(map(len, found.values()))
