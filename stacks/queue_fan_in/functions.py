"""The functions of the workflow, each with what it reads from its environment and what it may do."""

from collections.abc import Mapping

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from stacks.config_queue import MAX_FUNCTION_SECONDS, QueueFanInConfig
from stacks.findings import acknowledge, logical_id, wildcard
from stacks.functions import MEMORY_MB, POWERTOOLS_LAYER, TIMEOUT_SECONDS, create_function
from stacks.queue_fan_in.resources import DEAD_LETTER_SECONDS, Resources
from stacks.queue_fan_in.tables import OPEN_JOBS_INDEX

EVENT_SOURCE = "queue-fan-in"
JOB_CONTINUES = "Job Continues"
JOB_ENDED = "Job Ended"
"""As in lambdas/queue_fan_in/fan_in/events.py: the events of a job and who sends them."""

LISTS_PREFIX = "lists/"
JOBS_PREFIX = "jobs/"

LIST_MEMORY_MB = 1769
"""One vCPU, which is all that the reading of one list can use."""
COUNT_MEMORY_MB = 256
"""Twice the share of a processor: what counts keeps up with many workers."""


class FanInFunctions:
    """The six functions; who invokes them is not said here.

    Attributes
    ----------
    split, worker, count, finish
        The way of a list to its output.
    dead_letters, overdue
        What sees to it that a job ends.
    """

    def __init__(
        self,
        scope: Construct,
        *,
        config: QueueFanInConfig,
        production: bool,
        resources: Resources,
    ) -> None:
        self._scope = scope
        self._config = config
        self._production = production
        self._resources = resources
        self.split = self._create_split()
        self.worker = self._create_worker()
        self.count = self._create_count()
        self.finish = self._create_finish()
        self.dead_letters = self._create_dead_letters()
        self.overdue = self._create_overdue()

    def _create_split(self) -> lambda_.Function:
        resources, config = self._resources, self._config
        environment = {
            "JOBS_TABLE": resources.jobs_table.table_name,
            "QUEUE_URL": resources.queue.queue_url,
            "DEADLINE_SECONDS": f"{config.deadlineMinutes * 60:.15g}",
            "MAX_ITEMS_PER_MESSAGE": str(config.maxItemsPerMessage),
        }
        function = self._create_fan_in(
            "Split",
            handler="split_handler.split",
            environment=environment,
            memory_mb=LIST_MEMORY_MB,
            timeout_seconds=MAX_FUNCTION_SECONDS,
        )
        table = resources.jobs_table.table_arn
        _allow(function, table, "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem")
        self._allow_reading_lists(function)
        _allow(function, resources.queue.queue_arn, "sqs:SendMessage")
        self._allow_events(function, JOB_CONTINUES)
        return function

    def _create_worker(self) -> lambda_.Function:
        resources, config = self._resources, self._config
        function = create_function(
            self._scope,
            "Worker",
            folder="process_item",
            handler="job_handler.handle_messages",
            production=self._production,
            timeout_seconds=config.workerTimeoutSeconds,
            environment={
                "QUEUE_URL": resources.queue.queue_url,
                "RESULTS_TABLE": resources.results_table.table_name,
                "MAX_RECEIVE_COUNT": str(config.maxReceiveCount),
            },
            layer_arn=POWERTOOLS_LAYER,
        )
        _allow(function, resources.results_table.table_arn, "dynamodb:BatchGetItem", "dynamodb:PartiQLInsert")
        _allow(function, resources.queue.queue_arn, "sqs:SendMessage")
        return function

    def _create_count(self) -> lambda_.Function:
        table = self._resources.jobs_table
        function = self._create_fan_in(
            "Count",
            handler="count_handler.count",
            environment={"JOBS_TABLE": table.table_name},
            memory_mb=COUNT_MEMORY_MB,
        )
        _allow(function, table.table_arn, "dynamodb:GetItem", "dynamodb:UpdateItem")
        self._allow_events(function, JOB_CONTINUES)
        return function

    def _create_finish(self) -> lambda_.Function:
        resources = self._resources
        environment = {
            "JOBS_TABLE": resources.jobs_table.table_name,
            "RESULTS_TABLE": resources.results_table.table_name,
            "RESULTS_BUCKET": resources.results.bucket_name,
        }
        function = self._create_fan_in(
            "Finish",
            handler="finish_handler.finish",
            environment=environment,
            memory_mb=LIST_MEMORY_MB,
            timeout_seconds=MAX_FUNCTION_SECONDS,
        )
        _allow(function, resources.jobs_table.table_arn, "dynamodb:GetItem", "dynamodb:UpdateItem")
        reading = ("dynamodb:BatchGetItem", "dynamodb:Query")
        _allow(function, resources.results_table.table_arn, "dynamodb:PartiQLInsert", *reading)
        self._allow_reading_lists(function)
        _allow(function, resources.results.arn_for_objects(f"{JOBS_PREFIX}*"), "s3:PutObject")
        finding = wildcard(f"<{logical_id(resources.results)}.Arn>/{JOBS_PREFIX}*")
        acknowledge(self._scope, {finding: "A job's output is under its own id."})
        self._allow_events(function, JOB_CONTINUES, JOB_ENDED)
        return function

    def _create_dead_letters(self) -> lambda_.Function:
        table = self._resources.results_table
        function = self._create_fan_in(
            "DeadLetterHandler",
            handler="dead_letter_handler.handle_dead_letters",
            environment={"RESULTS_TABLE": table.table_name},
            timeout_seconds=DEAD_LETTER_SECONDS,
        )
        _allow(function, table.table_arn, "dynamodb:PartiQLInsert")
        return function

    def _create_overdue(self) -> lambda_.Function:
        table = self._resources.jobs_table
        function = self._create_fan_in(
            "EndOverdue",
            handler="overdue_handler.end_overdue",
            environment={"JOBS_TABLE": table.table_name},
        )
        _allow(function, table.table_arn, "dynamodb:GetItem", "dynamodb:UpdateItem")
        _allow(function, f"{table.table_arn}/index/{OPEN_JOBS_INDEX}", "dynamodb:Query")
        self._allow_events(function, JOB_CONTINUES)
        return function

    def _create_fan_in(
        self,
        id_: str,
        *,
        handler: str,
        environment: Mapping[str, str],
        memory_mb: int = MEMORY_MB,
        timeout_seconds: int = TIMEOUT_SECONDS,
    ) -> lambda_.Function:
        return create_function(
            self._scope,
            id_,
            folder="queue_fan_in/fan_in",
            handler=handler,
            production=self._production,
            memory_mb=memory_mb,
            timeout_seconds=timeout_seconds,
            environment=environment,
        )

    def _allow_reading_lists(self, function: lambda_.Function) -> None:
        """Allow to read each version of each list, and to be told if it is not there."""
        lists = self._resources.lists
        _allow(function, lists.arn_for_objects(f"{LISTS_PREFIX}*"), "s3:GetObject", "s3:GetObjectVersion")
        # Without it S3 answers "Access Denied" for a version that was deleted.
        _allow(function, lists.bucket_arn, "s3:ListBucket")
        finding = wildcard(f"<{logical_id(lists)}.Arn>/{LISTS_PREFIX}*")
        acknowledge(self._scope, {finding: "Any list may be dropped."})

    def _allow_events(self, function: lambda_.Function, *detail_types: str) -> None:
        """Allow to send these events of jobs, and no others, to the account's default bus."""
        bus = Stack.of(self._scope).format_arn(
            service="events",
            resource="event-bus",
            resource_name="default",
            arn_format=ArnFormat.SLASH_RESOURCE_NAME,
        )
        conditions = {
            "StringEquals": {"events:source": EVENT_SOURCE, "events:detail-type": list(detail_types)}
        }
        function.add_to_role_policy(
            iam.PolicyStatement(actions=["events:PutEvents"], resources=[bus], conditions=conditions)
        )


def _allow(function: lambda_.Function, resource: str, *actions: str) -> None:
    function.add_to_role_policy(iam.PolicyStatement(actions=list(actions), resources=[resource]))
