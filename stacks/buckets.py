"""The buckets: one for lists, which stay, and one for results, which expire."""

from typing import cast

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.findings import acknowledge

RESULTS_KEPT_DAYS = 30
REPLACED_VERSIONS_KEPT_DAYS = 30


class PrivateBucket(s3.Bucket):
    """Bucket for its account alone: encrypted, reached over TLS only, without access control lists.

    An upload that was not completed is gone after a day. In production the bucket stays when the stack goes
    and has versions, and one that was replaced is kept for 30 days. Otherwise the bucket goes with the stack,
    and CloudFormation deletes it only when it is empty: what would empty it is a custom resource, with a
    function and rights of its own.

    Parameters
    ----------
    versioned
        Have versions although it is not in production.
    expires_after_days
        Days after which objects are deleted; None keeps them.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        production: bool,
        versioned: bool = False,
        expires_after_days: int | None = None,
    ) -> None:
        has_versions = versioned or production
        super().__init__(
            scope,
            id_,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            versioned=has_versions,
            removal_policy=RemovalPolicy.RETAIN if production else RemovalPolicy.DESTROY,
        )
        self.add_lifecycle_rule(
            abort_incomplete_multipart_upload_after=Duration.days(1),
            expiration=Duration.days(expires_after_days) if expires_after_days else None,
            noncurrent_version_expiration=Duration.days(REPLACED_VERSIONS_KEPT_DAYS)
            if has_versions
            else None,
        )
        reason = "Access is the account's own; who needs a record of it turns on CloudTrail's data events."
        acknowledge(self, {"AwsSolutions-S1": reason})


class ListsBucket(PrivateBucket):
    """Holds the lists until somebody deletes them."""


class DroppedListsBucket(PrivateBucket):
    """Holds lists that are read where they are dropped: in versions, each of which is told to EventBridge."""

    def __init__(self, scope: Construct, id_: str, *, production: bool) -> None:
        super().__init__(scope, id_, production=production, versioned=True)
        # CDK's own switch for this is a custom resource.
        bucket = cast(s3.CfnBucket, self.node.default_child)
        bucket.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
            event_bridge_configuration=s3.CfnBucket.EventBridgeConfigurationProperty(
                event_bridge_enabled=True
            )
        )


class ResultsBucket(PrivateBucket):
    """Holds what executions leave: for 30 days, or in production until somebody deletes it."""

    def __init__(self, scope: Construct, id_: str, *, production: bool) -> None:
        super().__init__(
            scope,
            id_,
            production=production,
            expires_after_days=None if production else RESULTS_KEPT_DAYS,
        )
