"""What invokes the functions: rules of EventBridge, the queues, the stream of the results table."""

from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_lambda_event_sources as event_sources
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.config_queue import QueueFanInConfig
from stacks.queue_fan_in.functions import EVENT_SOURCE, JOB_CONTINUES, LISTS_PREFIX, FanInFunctions
from stacks.queue_fan_in.resources import Resources

MESSAGES_PER_WORKER = 10
RECORDS_PER_COUNT = 1000
COUNT_WINDOW_SECONDS = 2
"""The fewer calls count the stream's records, the fewer writes they take: the most that a call may have."""

MAX_RECORD_AGE_HOURS = 1
"""After which a record that cannot be counted makes way for those behind it."""

ASYNC_RETRIES = 2
MAX_EVENT_AGE_HOURS = 6
"""The most that Lambda tries and keeps an event whose invocation fails (Lambda guide, "Asynchronous")."""


def connect(
    scope: Construct, *, config: QueueFanInConfig, functions: FanInFunctions, resources: Resources
) -> None:
    """Let each function be invoked by what it is for."""
    _react_to_events(scope, functions, resources)
    functions.worker.add_event_source(
        event_sources.SqsEventSource(
            resources.queue,
            batch_size=MESSAGES_PER_WORKER,
            max_concurrency=config.workerMaxConcurrency,
            report_batch_item_failures=True,
        )
    )
    functions.dead_letters.add_event_source(
        event_sources.SqsEventSource(
            resources.dead_letters, batch_size=MESSAGES_PER_WORKER, report_batch_item_failures=True
        )
    )
    functions.count.add_event_source(
        event_sources.DynamoEventSource(
            resources.results_table,
            starting_position=lambda_.StartingPosition.TRIM_HORIZON,
            batch_size=RECORDS_PER_COUNT,
            max_batching_window=Duration.seconds(COUNT_WINDOW_SECONDS),
            filters=[lambda_.FilterCriteria.filter({"eventName": lambda_.FilterRule.is_equal("INSERT")})],
            bisect_batch_on_error=True,
            max_record_age=Duration.hours(MAX_RECORD_AGE_HOURS),
            on_failure=event_sources.SqsDlq(resources.failed_records),
        )
    )


def _react_to_events(scope: Construct, functions: FanInFunctions, resources: Resources) -> None:
    dropped = events.EventPattern(
        source=["aws.s3"],
        detail_type=["Object Created"],
        detail={
            "bucket": {"name": [resources.lists.bucket_name]},
            "object": {"key": events.Match.prefix(LISTS_PREFIX)},
        },
    )
    rules = [events.Rule(scope, "ListDropped", event_pattern=dropped), _continue(scope, "split")]
    _invoke(functions.split, rules, resources.failed_events)
    _invoke(functions.finish, [_continue(scope, "finish")], resources.failed_events)
    every_minute = events.Rule(scope, "EveryMinute", schedule=events.Schedule.rate(Duration.minutes(1)))
    _invoke(functions.overdue, [every_minute], resources.failed_events)


def _continue(scope: Construct, phase: str) -> events.Rule:
    pattern = events.EventPattern(
        source=[EVENT_SOURCE], detail_type=[JOB_CONTINUES], detail={"phase": [phase]}
    )
    return events.Rule(scope, f"{phase.capitalize()}Continues", event_pattern=pattern)


def _invoke(function: lambda_.Function, rules: Sequence[events.Rule], failed: sqs.Queue) -> None:
    """Invoke a function by rules; an event is kept that could not be delivered, or at which it failed."""
    function.configure_async_invoke(
        max_event_age=Duration.hours(MAX_EVENT_AGE_HOURS),
        on_failure=destinations.SqsDestination(failed),
        retry_attempts=ASYNC_RETRIES,
    )
    for rule in rules:
        rule.add_target(targets.LambdaFunction(function, dead_letter_queue=failed))
