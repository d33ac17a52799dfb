"""The alarm on an order that could not be undone."""

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from constructs import Construct


class CompensationFailedAlarm(cloudwatch.Alarm):
    """Goes off when ``function``, which records that a compensation failed, was invoked at all."""

    def __init__(self, scope: Construct, id_: str, *, function: lambda_.IFunction) -> None:
        super().__init__(
            scope,
            id_,
            metric=function.metric_invocations(period=Duration.minutes(5)),
            threshold=1,
            evaluation_periods=1,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            alarm_description="An order could not be undone: a customer paid for what does not ship, "
            "or stock is reserved for nobody",
        )
