"""The stack of the Distributed Map workflow: two buckets, two functions, a state machine."""

from aws_cdk import Annotations, CfnOutput, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from stacks.config import MAX_CHILDREN_AT_ONCE, Config, DistributedMapConfig
from stacks.distributed_map.buckets import ListsBucket, ResultsBucket
from stacks.distributed_map.state_machine import LABEL, RESULTS_PREFIX, DistributedMapStateMachine
from stacks.failure_alarms import FailureAlarms
from stacks.findings import acknowledge, acknowledge_workflow, logical_id, wildcard
from stacks.functions import create_function

SUMMARISE_SECONDS = 900
SUMMARISE_MEMORY_MB = 1769
"""One vCPU, which is all that the summary of one list can use."""

LAMBDA_CONCURRENCY = 1000
"""Functions that an account runs at once until its quota is raised (Lambda quotas)."""


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
        summarise = self._create_summarise(results, production=production)
        workflow = DistributedMapStateMachine(
            self,
            "StateMachine",
            config=config.distributedMap,
            production=production,
            lists=lists,
            results=results,
            process_batch=process_batch,
            summarise=summarise,
            summarise_seconds=SUMMARISE_SECONDS,
        )
        FailureAlarms(self, "Alarms", state_machine=workflow.state_machine, workflow="Distributed Map")
        CfnOutput(self, "StateMachineArn", value=workflow.state_machine.state_machine_arn)
        CfnOutput(self, "StateMachineName", value=workflow.state_machine.state_machine_name)
        CfnOutput(self, "ListsBucketName", value=lists.bucket_name)
        CfnOutput(self, "ResultsBucketName", value=results.bucket_name)
        _warn(self, config.distributedMap)
        _acknowledge_findings(lists, results, workflow)
        acknowledge_workflow(workflow, process_batch, summarise)

    def _create_summarise(self, results: ResultsBucket, *, production: bool) -> lambda_.Function:
        """Create the function that reads the results and writes the summary beside them, and no more."""
        function = create_function(
            self,
            "SummariseResults",
            folder="distributed_map/summarise_results",
            handler="summarise_handler.summarise",
            production=production,
            memory_mb=SUMMARISE_MEMORY_MB,
            timeout_seconds=SUMMARISE_SECONDS,
        )
        for action, objects in (("s3:GetObject", "*"), ("s3:PutObject", "*/summary.json")):
            resource = results.arn_for_objects(f"{RESULTS_PREFIX}/{objects}")
            function.add_to_role_policy(iam.PolicyStatement(actions=[action], resources=[resource]))
            finding = wildcard(f"<{logical_id(results)}.Arn>/{RESULTS_PREFIX}/{objects}")
            acknowledge(self, {finding: "A run's results are under its own id."})
        return function


def _warn(stack: Stack, config: DistributedMapConfig) -> None:
    """Say at synthesis what deploys and yet is seldom meant."""
    limit = config.maxConcurrency or MAX_CHILDREN_AT_ONCE
    if limit > LAMBDA_CONCURRENCY:
        Annotations.of(stack).add_warning_v2(
            "distributed-map:concurrency-over-lambda",
            f"distributedMap.maxConcurrency is {config.maxConcurrency}, up to {limit} batches at once: "
            f"an account runs {LAMBDA_CONCURRENCY} functions at once, unless its quota was raised",
        )


def _acknowledge_findings(
    lists: ListsBucket, results: ResultsBucket, workflow: DistributedMapStateMachine
) -> None:
    """Give the reason for each cdk-nag finding that stays."""
    for bucket in (lists, results):
        reason = "Access is the account's own; who needs a record of it turns on CloudTrail's data events."
        acknowledge(bucket, {"AwsSolutions-S1": reason})
        objects = wildcard(f"arn:<AWS::Partition>:s3:::<{logical_id(bucket)}>/*")
        acknowledge(workflow, {objects: "Any list may be given, and results are under the run's own id."})
    name = f'{{"Fn::Select":[6,{{"Fn::Split":[":",{{"Ref":"{logical_id(workflow.state_machine)}"}}]}}]}}'
    executions = f"arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution:{name}"
    for resource in (f"{executions}:*", f"{executions}/{LABEL}:*"):
        acknowledge(workflow, {wildcard(resource): "The names of child executions are not known before."})
