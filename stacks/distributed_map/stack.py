"""The stack of the Distributed Map workflow: two buckets, two functions, a state machine."""

from aws_cdk import CfnOutput, Stack
from constructs import Construct

from stacks.buckets import ListsBucket, ResultsBucket
from stacks.config import Config
from stacks.distributed_map.state_machine import DistributedMapStateMachine
from stacks.failure_alarms import FailureAlarms
from stacks.findings import acknowledge_workflow
from stacks.functions import create_function
from stacks.map_run.checks import acknowledge_map_run, warn_of_concurrency
from stacks.map_run.summary import create_summarise


class DistributedMapStack(Stack):
    """Runs the item processor over a list of any size in S3, in batches, and summarises the results."""

    def __init__(self, scope: Construct, id_: str, *, config: Config) -> None:
        super().__init__(scope, id_, description="Process each item of a list in S3 in a Distributed Map")
        production = config.production
        lists = ListsBucket(self, "ListsBucket", production=production)
        results = ResultsBucket(self, "ResultsBucket", production=production)
        process_batch = create_function(
            self,
            "ItemProcessor",
            folder="process_item",
            handler="batch_handler.handle_batch",
            production=production,
        )
        summarise = create_summarise(self, results, production=production)
        workflow = DistributedMapStateMachine(
            self,
            "StateMachine",
            config=config.distributedMap,
            production=production,
            lists=lists,
            results=results,
            process_batch=process_batch,
            summarise=summarise,
        )
        FailureAlarms(self, "Alarms", state_machine=workflow.state_machine, workflow="Distributed Map")
        CfnOutput(self, "StateMachineArn", value=workflow.state_machine.state_machine_arn)
        CfnOutput(self, "StateMachineName", value=workflow.state_machine.state_machine_name)
        CfnOutput(self, "ListsBucketName", value=lists.bucket_name)
        CfnOutput(self, "ResultsBucketName", value=results.bucket_name)
        warn_of_concurrency(self, "distributedMap", config.distributedMap, what="batches")
        acknowledge_map_run(workflow, workflow.state_machine, lists, results)
        acknowledge_workflow(workflow, process_batch, summarise)
