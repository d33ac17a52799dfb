"""Reads the jobs table of `queueFanIn`."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import boto3
from boto3.dynamodb.conditions import Key
from botocore.exceptions import ClientError

from utils.aws import aws_errors, stack_name, stack_output
from utils.command import CommandError
from utils.jobs.blocks import Block
from utils.jobs.job import WORKFLOW, Job, read_job

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBServiceResource

JOBS_OUTPUT = "JobsTableName"
JOBS_BY_START = "JobsByStart"

MAX_KEYS = 100
"""Items that one BatchGetItem reads at most (DynamoDB API reference)."""


class JobsTable:
    """The records of the jobs, and of how far their blocks are."""

    def __init__(self, dynamodb: "DynamoDBServiceResource", name: str) -> None:
        self._dynamodb = dynamodb
        self._name = name

    def find(self, job: str) -> Job | None:
        """Read a job; None if the table has none of this name."""
        with self.errors(job):
            answer = self._dynamodb.Table(self._name).get_item(Key={"job": job}, ConsistentRead=True)
            return read_job(answer["Item"]) if "Item" in answer else None

    def latest(self) -> str | None:
        """Name the job that started last; None if there is no job."""
        with self.errors("--latest"):
            answer = self._dynamodb.Table(self._name).query(
                IndexName=JOBS_BY_START,
                KeyConditionExpression=Key("kind").eq("job"),
                ProjectionExpression="job",
                ScanIndexForward=False,
                Limit=1,
            )
            return next((str(record["job"]) for record in answer["Items"]), None)

    def read_blocks(self, job: str, blocks: Iterable[Block]) -> dict[Block, frozenset[int]]:
        """Read which parts of some blocks of a job are done, by their places.

        Parameters
        ----------
        blocks
            At most 100.

        Returns
        -------
        dict
            Of each block that has any; DynamoDB may leave some for the next time.
        """
        names = {f"{job}/{block.level}-{block.number}": block for block in blocks}
        request: Any = {self._name: {"Keys": [{"job": name} for name in names]}}
        with self.errors(job):
            answer = self._dynamodb.batch_get_item(RequestItems=request)
        records: Any = answer["Responses"].get(self._name, [])
        return {names[record["job"]]: frozenset(map(int, record["places"])) for record in records}

    @contextmanager
    def errors(self, job: str) -> Iterator[None]:
        """Say what is wrong with the table; everything else is left to the caller."""
        try:
            yield
        except ClientError as error:
            if error.response["Error"].get("Code") == "ResourceNotFoundException":
                raise CommandError(
                    f"reading job {job}: table {self._name} does not exist: "
                    f"deploy it again with `npx cdk deploy {stack_name(WORKFLOW)}`"
                ) from error
            raise


def open_jobs(session: boto3.Session) -> JobsTable:
    """Find the jobs table by the output of its stack.

    Raises
    ------
    CommandError
        The stack is not deployed, or AWS refuses.
    """
    name = stack_output(session, stack_name(WORKFLOW), JOBS_OUTPUT)
    with aws_errors("opening the AWS session"):
        return JobsTable(session.resource("dynamodb"), name)


def unknown_job(job: str) -> CommandError:
    """Say that there is no such job."""
    return CommandError(
        f"there is no job {job}: check its name, --profile and --region; a job is forgotten after 30 days"
    )
