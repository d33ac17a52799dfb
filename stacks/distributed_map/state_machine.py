"""The Distributed Map's state machine: read a list from S3, process it in batches, summarise the results."""

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from stacks.config import DistributedMapConfig
from stacks.distributed_map.batch_processor import BatchProcessor
from stacks.distributed_map.expressions import (
    KEY_IS_USABLE,
    MAP_OUTPUT,
    list_key,
    tolerance_cause,
    tolerance_is_exceeded,
)
from stacks.expressions import jsonata
from stacks.functions import TASK_MARGIN_SECONDS
from stacks.retries import LAMBDA_TRANSIENT_ERRORS, add_retry
from stacks.state_machines import create_state_machine

LABEL = "ProcessItems"
RESULTS_PREFIX = "runs"


class DistributedMapStateMachine(Construct):
    """Standard workflow that runs ``process_batch`` over a list in ``lists``, in batches.

    Parameters
    ----------
    results
        Bucket for what the batches give; ``summarise`` reads it there.
    summarise_seconds
        How long ``summarise`` may take.

    Attributes
    ----------
    state_machine
        The workflow, allowed to read the lists, to write results, and to invoke both functions.
    """

    def __init__(  # noqa: PLR0913 - all but the first two are named
        self,
        scope: Construct,
        id_: str,
        *,
        config: DistributedMapConfig,
        production: bool,
        lists: s3.IBucket,
        results: s3.IBucket,
        process_batch: lambda_.IFunction,
        summarise: lambda_.IFunction,
        summarise_seconds: int,
    ) -> None:
        super().__init__(scope, id_)
        self._config = config
        process_items = self._process_items(lists, results, process_batch)
        process_items.next(self._summarise(summarise, summarise_seconds)).next(self._check_tolerance())
        self.state_machine = create_state_machine(
            self,
            comment="Process each item of a list in S3, in batches",
            start=self._check_input(lists, process_items),
            timeout_seconds=config.timeoutDurationSeconds,
            log_data=False,
            production=production,
        )
        # Without it S3 answers "Access Denied" for a list that is not there.
        self.state_machine.add_to_role_policy(
            iam.PolicyStatement(actions=["s3:ListBucket"], resources=[lists.bucket_arn])
        )

    def _check_input(self, lists: s3.IBucket, process_items: sfn.DistributedMap) -> sfn.Choice:
        """End in a named failure if the input names no list and is not empty; otherwise go on."""
        invalid = sfn.Fail.jsonata(
            self,
            "Item List Invalid",
            error="ItemListInvalid",
            cause='The input is not like {"key": "lists/other.jsonl"}. Give the key of a list in bucket '
            f"{lists.bucket_name} in that form, or {{}} for the list that config.json names",
        )
        return (
            sfn.Choice.jsonata(self, "Check Input")
            .when(sfn.Condition.jsonata(jsonata(KEY_IS_USABLE)), process_items, comment="a key, or none")
            .otherwise(invalid)
        )

    def _process_items(
        self, lists: s3.IBucket, results: s3.IBucket, function: lambda_.IFunction
    ) -> sfn.DistributedMap:
        """Start a child workflow execution for each batch; the results go to the bucket."""
        config = self._config
        return sfn.DistributedMap.jsonata(
            self,
            "Process Items",
            label=LABEL,
            map_execution_type=sfn.StateMachineType[config.childType],
            max_concurrency=config.maxConcurrency,
            tolerated_failure_percentage=config.toleratedFailurePercentage,
            tolerated_failure_count=config.toleratedFailureCount,
            item_reader=self._reader(lists),
            item_selector={
                "index": jsonata("$states.context.Map.Item.Index"),
                "item": jsonata("$states.context.Map.Item.Value"),
            },
            item_batcher=sfn.ItemBatcher(
                max_items_per_batch=config.maxItemsPerBatch,
                max_input_bytes_per_batch=config.maxInputBytesPerBatch,
                batch_input={"execution": jsonata("$states.context.Execution.Name")},
            ),
            result_writer_v2=sfn.ResultWriterV2(
                bucket=results,
                prefix=RESULTS_PREFIX,
                writer_config=sfn.WriterConfig(
                    output_type=sfn.OutputType.JSONL, transformation=sfn.Transformation.NONE
                ),
            ),
        ).item_processor(BatchProcessor(self, "BatchProcessor", config=config, function=function).start)

    def _reader(self, lists: s3.IBucket) -> sfn.IItemReader:
        key = jsonata(list_key(self._config))
        match self._config.format:
            case "json":
                return sfn.S3JsonItemReader(bucket=lists, key=key)
            case "jsonl":
                return sfn.S3JsonLItemReader(bucket=lists, key=key)
            case "csv":
                return sfn.S3CsvItemReader(bucket=lists, key=key, csv_headers=sfn.CsvHeaders.use_first_row())

    def _summarise(self, function: lambda_.IFunction, function_seconds: int) -> tasks.LambdaInvoke:
        """Count the results; the summary is the state's output, whatever the list's size."""
        task = tasks.LambdaInvoke.jsonata(
            self,
            "Summarise Results",
            lambda_function=function,
            payload=sfn.TaskInput.from_text(jsonata(MAP_OUTPUT)),
            outputs=jsonata("$states.result.Payload"),
            task_timeout=sfn.Timeout.duration(Duration.seconds(function_seconds + TASK_MARGIN_SECONDS)),
            retry_on_service_exceptions=False,
        )
        add_retry(task, LAMBDA_TRANSIENT_ERRORS)
        return task

    def _check_tolerance(self) -> sfn.Choice:
        """End in a named failure if more items failed than are tolerated."""
        exceeded = sfn.Fail.jsonata(
            self,
            "Tolerated Failure Exceeded",
            error="ToleratedFailureExceeded",
            cause=jsonata(tolerance_cause(self._config)),
        )
        condition = sfn.Condition.jsonata(jsonata(tolerance_is_exceeded(self._config)))
        return (
            sfn.Choice.jsonata(self, "Check Tolerance")
            .when(condition, exceeded, comment="too many items failed")
            .otherwise(sfn.Succeed.jsonata(self, "Done"))
        )
