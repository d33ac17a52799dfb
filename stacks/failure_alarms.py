"""The alarms on executions that did not succeed."""

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct


class FailureAlarms(Construct):
    """Go off when an execution failed or timed out within five minutes; add an action to be told.

    Parameters
    ----------
    workflow
        Its name in words, for the alarms' descriptions.
    """

    def __init__(self, scope: Construct, id_: str, *, state_machine: sfn.StateMachine, workflow: str) -> None:
        super().__init__(scope, id_)
        self._workflow = workflow
        self._create("Failed", state_machine.metric_failed(period=Duration.minutes(5)), "failed")
        self._create("TimedOut", state_machine.metric_timed_out(period=Duration.minutes(5)), "timed out")

    def _create(self, id_: str, metric: cloudwatch.Metric, what: str) -> None:
        cloudwatch.Alarm(
            self,
            id_,
            metric=metric,
            threshold=1,
            evaluation_periods=1,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            alarm_description=f"An execution of the {self._workflow} workflow {what}",
        )
