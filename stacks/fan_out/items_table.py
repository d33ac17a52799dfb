"""The DynamoDB table whose one item holds the list."""

from aws_cdk import RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct

from stacks.config import DdbConfig


class ItemsTable(dynamodb.TableV2):
    """On-demand table with the configured name and key, encrypted with the account's own DynamoDB key."""

    def __init__(self, scope: Construct, id_: str, *, config: DdbConfig, production: bool) -> None:
        super().__init__(
            scope,
            id_,
            table_name=config.tableName,
            partition_key=dynamodb.Attribute(
                name=config.partitionKeyName, type=dynamodb.AttributeType.STRING
            ),
            billing=dynamodb.Billing.on_demand(),
            encryption=dynamodb.TableEncryptionV2.aws_managed_key(),
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=production
            ),
            deletion_protection=production,
            removal_policy=RemovalPolicy.RETAIN if production else RemovalPolicy.DESTROY,
        )
