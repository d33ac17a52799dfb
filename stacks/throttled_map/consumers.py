"""The functions that the queues invoke; they alone may answer the state machine's task tokens."""

from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as event_sources
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from stacks.config_maps import ThrottledMapConfig
from stacks.findings import acknowledge, logical_id, wildcard
from stacks.functions import POWERTOOLS_LAYER, TIMEOUT_SECONDS, create_function
from stacks.map_run.map_state import LABEL
from stacks.throttled_map.pace_table import PaceTable

MAX_WORKER_SECONDS = 900
"""Longest timeout of a function (Lambda quotas)."""
WORKER_MEMORY_MB = 256
"""For boto3's clients and their threads beside what ``process`` needs."""

DEAD_LETTER_SECONDS = TIMEOUT_SECONDS
UNDELIVERABLE_PREFIX = "undeliverable"
"""As in lambdas/throttled_map/dead_letters/dead_letters.py."""


def worker_seconds(config: ThrottledMapConfig) -> int:
    """Return the worker's timeout: nobody waits for an item longer than its task does."""
    return min(config.itemTimeoutSeconds, MAX_WORKER_SECONDS)


def create_worker(
    scope: Construct,
    *,
    config: ThrottledMapConfig,
    production: bool,
    queue: sqs.Queue,
    state_machine: sfn.StateMachine,
) -> lambda_.Function:
    """Create the function that processes the items of the queue, at most ``workerMaxConcurrency`` at once."""
    environment = {"HEARTBEAT_SECONDS": str(config.heartbeatSeconds)}
    table = PaceTable(scope, "PaceTable", production=production) if config.maxPerSecond else None
    if table:
        environment |= {"PACE_TABLE": table.table_name, "MAX_PER_SECOND": f"{config.maxPerSecond:.15g}"}
    function = create_function(
        scope,
        "Worker",
        folder="process_item",
        handler="record_handler.handle_records",
        production=production,
        memory_mb=WORKER_MEMORY_MB,
        timeout_seconds=worker_seconds(config),
        environment=environment,
        layer_arn=POWERTOOLS_LAYER,
    )
    if table:
        update = iam.PolicyStatement(actions=["dynamodb:UpdateItem"], resources=[table.table_arn])
        function.add_to_role_policy(update)
    _allow_answers(function, state_machine, "Heartbeat", "Success", "Failure")
    # A batch of one: with more, a worker would hold messages whose items only wait for the one before.
    function.add_event_source(
        event_sources.SqsEventSource(
            queue,
            batch_size=1,
            max_concurrency=config.workerMaxConcurrency,
            report_batch_item_failures=True,
        )
    )
    return function


def create_dead_letter_handler(
    scope: Construct,
    *,
    production: bool,
    dead_letters: sqs.Queue,
    results: s3.Bucket,
    state_machine: sfn.StateMachine,
) -> lambda_.Function:
    """Create the function that fails the items of dead letters, and keeps what the messages said."""
    function = create_function(
        scope,
        "DeadLetterHandler",
        folder="throttled_map/dead_letters",
        handler="dead_letter_handler.handle_dead_letters",
        production=production,
        timeout_seconds=DEAD_LETTER_SECONDS,
        environment={"RESULTS_BUCKET": results.bucket_name},
    )
    objects = f"{UNDELIVERABLE_PREFIX}/*"
    function.add_to_role_policy(
        iam.PolicyStatement(actions=["s3:PutObject"], resources=[results.arn_for_objects(objects)])
    )
    acknowledge(scope, {wildcard(f"<{logical_id(results)}.Arn>/{objects}"): "Each is named by its id."})
    _allow_answers(function, state_machine, "Failure")
    function.add_event_source(
        event_sources.SqsEventSource(dead_letters, batch_size=10, report_batch_item_failures=True)
    )
    return function


def _allow_answers(function: lambda_.Function, state_machine: sfn.StateMachine, *answers: str) -> None:
    """Allow answers to the tasks of one state machine."""
    arn = state_machine.state_machine_arn
    # A child is an execution of the state machine's map, which has an ARN of its own.
    function.add_to_role_policy(
        iam.PolicyStatement(
            actions=[f"states:SendTask{answer}" for answer in answers], resources=[arn, f"{arn}/{LABEL}"]
        )
    )
