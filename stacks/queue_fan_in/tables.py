"""The DynamoDB tables: one record a job with how far it is, and one a result, in the order of the list."""

from typing import Any

from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct

from stacks.findings import acknowledge
from stacks.tables import OnDemandTable, text

TIME_TO_LIVE_ATTRIBUTE = "expiresAt"

OPEN_JOBS_INDEX = "OpenJobs"
"""Jobs that have not ended, the one whose deadline comes first before the others."""
JOBS_BY_START_INDEX = "JobsByStart"
"""All jobs, in the order of their start."""


class _ExpiringTable(OnDemandTable):
    """On-demand table whose items expire."""

    def __init__(self, scope: Construct, id_: str, *, production: bool, **properties: Any) -> None:
        super().__init__(scope, id_, production=production, time_to_live=TIME_TO_LIVE_ATTRIBUTE, **properties)
        if not production:
            acknowledge(self, {"AwsSolutions-DDB3": "The list is kept: dropped again, it is a new job."})


class JobsTable(_ExpiringTable):
    """A record for each job, and one for each block of a job that is under way."""

    def __init__(self, scope: Construct, id_: str, *, production: bool) -> None:
        super().__init__(
            scope,
            id_,
            production=production,
            key="job",
            indexes=[
                dynamodb.GlobalSecondaryIndexPropsV2(
                    index_name=JOBS_BY_START_INDEX,
                    partition_key=text("kind"),
                    sort_key=text("startedAt"),
                    # A record is written often; an index with more of it would be written each time, too.
                    projection_type=dynamodb.ProjectionType.KEYS_ONLY,
                ),
                dynamodb.GlobalSecondaryIndexPropsV2(
                    index_name=OPEN_JOBS_INDEX,
                    partition_key=text("open"),
                    sort_key=_number("deadline"),
                    projection_type=dynamodb.ProjectionType.KEYS_ONLY,
                ),
            ],
        )


class ResultsTable(_ExpiringTable):
    """An item for each result, in 16 partitions a job; its stream tells the keys of what was written."""

    def __init__(self, scope: Construct, id_: str, *, production: bool) -> None:
        super().__init__(
            scope,
            id_,
            production=production,
            key="part",
            sort_key=_number("position"),
            stream=dynamodb.StreamViewType.KEYS_ONLY,
        )


def _number(name: str) -> dynamodb.Attribute:
    return dynamodb.Attribute(name=name, type=dynamodb.AttributeType.NUMBER)
