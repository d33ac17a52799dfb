"""The throttled Map's state machine: as distributedMap, with a way through the queue for marked items."""

from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from stacks.config import Config
from stacks.expressions import jsonata
from stacks.fan_out.table_list import TableList
from stacks.map_run.batch_processor import BatchProcessor
from stacks.map_run.item_source import bucket_reader, check_key
from stacks.map_run.map_state import process_items
from stacks.map_run.summary import summarise_and_check
from stacks.state_machines import create_state_machine
from stacks.throttled_map.expressions import is_throttled
from stacks.throttled_map.queue_processor import QueueProcessor


class ThrottledMapStateMachine(Construct):
    """Standard workflow that runs ``process_batch`` for each item, or sends it to ``queue`` if it is marked.

    Parameters
    ----------
    lists
        Bucket with the list, unless it is in the table that config.json names.
    results
        Bucket for what the items give; ``summarise`` reads it there.

    Attributes
    ----------
    state_machine
        The workflow, allowed to read the list, to write results, to send messages, and to invoke both
        functions.
    """

    def __init__(  # noqa: PLR0913 - all but the first two are named
        self,
        scope: Construct,
        id_: str,
        *,
        config: Config,
        lists: s3.IBucket,
        results: s3.IBucket,
        queue: sqs.IQueue,
        process_batch: lambda_.IFunction,
        summarise: lambda_.IFunction,
    ) -> None:
        super().__init__(scope, id_)
        self._config = config
        from_bucket = config.throttledMap.source == "s3"
        map_state = process_items(
            self,
            config=config.throttledMap,
            results=results,
            processor=self._choose_way(queue, process_batch),
            max_items_per_batch=1,
            batch_input={"encoding": "json" if from_bucket else jsonata("$states.input.encoding")},
            item_reader=bucket_reader(config.throttledMap, lists) if from_bucket else None,
            items=None if from_bucket else sfn.ProvideItems.jsonata(jsonata("$states.input.items")),
        )
        map_state.next(summarise_and_check(self, config=config.throttledMap, summarise=summarise))
        self.state_machine = create_state_machine(
            self,
            comment="Process each item of a list, the marked ones through a queue",
            start=check_key(self, lists, map_state) if from_bucket else self._read_table(map_state),
            timeout_seconds=config.throttledMap.timeoutDurationSeconds,
            log_data=False,
            production=config.production,
        )
        if from_bucket:
            # Without it S3 answers "Access Denied" for a list that is not there.
            self.state_machine.add_to_role_policy(
                iam.PolicyStatement(actions=["s3:ListBucket"], resources=[lists.bucket_arn])
            )

    def _choose_way(self, queue: sqs.IQueue, process_batch: lambda_.IFunction) -> sfn.Choice:
        """Lead a marked item through the queue, and any other to the function."""
        config = self._config.throttledMap
        throttled = QueueProcessor(self, "QueueProcessor", config=config, queue=queue)
        direct = BatchProcessor(self, "BatchProcessor", config=config, function=process_batch, route="direct")
        condition = sfn.Condition.jsonata(jsonata(is_throttled(config.throttledField)))
        return (
            sfn.Choice.jsonata(self, "Throttled?")
            .when(condition, throttled.start, comment="marked")
            .otherwise(direct.start)
        )

    def _read_table(self, map_state: sfn.IChainable) -> sfn.IChainable:
        """Get the list as the fan-out workflow does, from the table that its stack has."""
        ddb = self._config.ddb
        table = dynamodb.TableV2.from_table_name(self, "ItemsTable", ddb.tableName)
        return TableList(self, "List", config=ddb, table=table, process_items=map_state).start
