"""Log groups: how long their events are kept, and what happens to them when the stack goes."""

from aws_cdk import RemovalPolicy
from aws_cdk import aws_logs as logs
from constructs import Construct

RETENTION = logs.RetentionDays.ONE_MONTH


def create_log_group(
    scope: Construct, id_: str, *, production: bool, name: str | None = None
) -> logs.LogGroup:
    """Create a log group with the project's retention.

    Parameters
    ----------
    production
        Keep the log group when the stack is deleted.
    name
        Physical name; generated if None.
    """
    return logs.LogGroup(
        scope,
        id_,
        log_group_name=name,
        retention=RETENTION,
        removal_policy=RemovalPolicy.RETAIN if production else RemovalPolicy.DESTROY,
    )
