"""The DynamoDB table from whose one item all workers take their turns."""

from aws_cdk import RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct

from stacks.findings import acknowledge


class PaceTable(dynamodb.TableV2):
    """On-demand table with the key that lambdas/process_item/pace.py uses, set up as the fan-out's table."""

    def __init__(self, scope: Construct, id_: str, *, production: bool) -> None:
        super().__init__(
            scope,
            id_,
            partition_key=dynamodb.Attribute(name="name", type=dynamodb.AttributeType.STRING),
            billing=dynamodb.Billing.on_demand(),
            encryption=dynamodb.TableEncryptionV2.aws_managed_key(),
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=production
            ),
            deletion_protection=production,
            removal_policy=RemovalPolicy.RETAIN if production else RemovalPolicy.DESTROY,
        )
        if not production:
            acknowledge(self, {"AwsSolutions-DDB3": "It holds the time of the next turn, nothing else."})
