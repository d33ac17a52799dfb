"""The alarms: on what lies in a dead-letter queue, on what falls behind, and on jobs past their deadline."""

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_logs as logs
from constructs import Construct

from stacks.config_queue import QueueFanInConfig
from stacks.queue_fan_in.functions import FanInFunctions
from stacks.queue_fan_in.resources import Resources

PERIOD = Duration.minutes(5)
MAX_STREAM_AGE_MS = 300_000
"""Five minutes: counting is seconds behind the workers as long as it works."""

NAMESPACE = "QueueFanIn"
PAST_DEADLINE = "$.message.jobsPastDeadline"
"""As lambdas/queue_fan_in/fan_in/overdue_handler.py logs it."""


class FanInAlarms(Construct):
    """Go off when something of the last five minutes needs a person; add an action to be told."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        config: QueueFanInConfig,
        functions: FanInFunctions,
        resources: Resources,
    ) -> None:
        super().__init__(scope, id_)
        for name, queue, what in (
            ("DeadLetters", resources.dead_letters, "A message was received too often"),
            ("FailedEvents", resources.failed_events, "A function failed at an event for good"),
            ("FailedRecords", resources.failed_records, "Records of the results could not be counted"),
        ):
            depth = queue.metric_approximate_number_of_messages_visible(period=PERIOD, statistic="Maximum")
            self._create(name, depth, 1, f"{what}: it lies in a dead-letter queue")
        age = resources.queue.metric_approximate_age_of_oldest_message(period=PERIOD, statistic="Maximum")
        deadline = config.deadlineMinutes * 60
        self._create("QueueAge", age, deadline, "A message is older than a job may take: add workers")
        behind = functions.count.metric("IteratorAge", period=PERIOD, statistic="Maximum")
        self._create("StreamAge", behind, MAX_STREAM_AGE_MS, "Counting is behind the results")
        past = self._count_past_deadline(functions)
        self._create("JobsPastDeadline", past, 1, "A job was not done by its deadline")

    def _count_past_deadline(self, functions: FanInFunctions) -> cloudwatch.Metric:
        """Make a metric of what the function says that ends such jobs."""
        filter_ = logs.MetricFilter(
            self,
            "PastDeadline",
            log_group=functions.overdue.log_group,
            filter_pattern=logs.FilterPattern.number_value(PAST_DEADLINE, ">", 0),
            metric_namespace=NAMESPACE,
            metric_name="JobsPastDeadline",
            metric_value=PAST_DEADLINE,
        )
        return filter_.metric(period=PERIOD, statistic="Maximum")

    def _create(self, id_: str, metric: cloudwatch.Metric, threshold: float, description: str) -> None:
        cloudwatch.Alarm(
            self,
            id_,
            metric=metric,
            threshold=threshold,
            evaluation_periods=1,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            alarm_description=description,
        )
