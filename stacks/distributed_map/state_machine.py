"""The Distributed Map's state machine: read a list from S3, process it in batches, summarise the results."""

from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.config_maps import DistributedMapConfig
from stacks.map_run.batch_processor import BatchProcessor
from stacks.map_run.item_source import bucket_reader, check_key
from stacks.map_run.map_state import process_items
from stacks.map_run.summary import summarise_and_check
from stacks.state_machines import create_state_machine


class DistributedMapStateMachine(Construct):
    """Standard workflow that runs ``process_batch`` over a list in ``lists``, in batches.

    Parameters
    ----------
    results
        Bucket for what the batches give; ``summarise`` reads it there.

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
    ) -> None:
        super().__init__(scope, id_)
        map_state = process_items(
            self,
            config=config,
            results=results,
            processor=BatchProcessor(self, "BatchProcessor", config=config, function=process_batch).start,
            max_items_per_batch=config.maxItemsPerBatch,
            max_input_bytes_per_batch=config.maxInputBytesPerBatch,
            item_reader=bucket_reader(config, lists),
        )
        map_state.next(summarise_and_check(self, config=config, summarise=summarise))
        self.state_machine = create_state_machine(
            self,
            comment="Process each item of a list in S3, in batches",
            start=check_key(self, lists, map_state),
            timeout_seconds=config.timeoutDurationSeconds,
            log_data=False,
            production=production,
        )
        # Without it S3 answers "Access Denied" for a list that is not there.
        self.state_machine.add_to_role_policy(
            iam.PolicyStatement(actions=["s3:ListBucket"], resources=[lists.bucket_arn])
        )
