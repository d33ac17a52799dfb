"""DynamoDB tables: the one place for their defaults."""

from collections.abc import Sequence

from aws_cdk import RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct


class OnDemandTable(dynamodb.TableV2):
    """On-demand table, encrypted with the account's own DynamoDB key.

    Parameters
    ----------
    key
        Name of the partition key, which is a string.
    sort_key
        Name of the sort key, which is a string, or its attribute; None without one.
    production
        Keep the table when the stack is deleted, refuse to delete it, and keep backups for each second.
    name
        Physical name; generated if None.
    time_to_live, stream
        Name of the attribute with which items expire, and what the table's stream tells; None without them.
    """

    def __init__(  # noqa: PLR0913 - all but the first two are named
        self,
        scope: Construct,
        id_: str,
        *,
        key: str,
        production: bool,
        sort_key: str | dynamodb.Attribute | None = None,
        name: str | None = None,
        indexes: Sequence[dynamodb.GlobalSecondaryIndexPropsV2] | None = None,
        time_to_live: str | None = None,
        stream: dynamodb.StreamViewType | None = None,
    ) -> None:
        super().__init__(
            scope,
            id_,
            table_name=name,
            partition_key=text(key),
            sort_key=text(sort_key) if isinstance(sort_key, str) else sort_key,
            global_secondary_indexes=indexes,
            time_to_live_attribute=time_to_live,
            dynamo_stream=stream,
            billing=dynamodb.Billing.on_demand(),
            encryption=dynamodb.TableEncryptionV2.aws_managed_key(),
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=production
            ),
            deletion_protection=production,
            removal_policy=RemovalPolicy.RETAIN if production else RemovalPolicy.DESTROY,
        )


def text(name: str) -> dynamodb.Attribute:
    """Return an attribute of a key, which is a string."""
    return dynamodb.Attribute(name=name, type=dynamodb.AttributeType.STRING)
