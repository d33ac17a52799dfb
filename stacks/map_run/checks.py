"""What a stack with a Distributed Map says at synthesis: its warning, and its reasons for findings."""

from aws_cdk import Annotations, Stack
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from stacks.config import WorkflowName
from stacks.config_maps import MAX_CHILDREN_AT_ONCE, MapConfig
from stacks.findings import acknowledge, logical_id, wildcard
from stacks.map_run.map_state import LABEL

LAMBDA_CONCURRENCY = 1000
"""Functions that an account runs at once until its quota is raised (Lambda quotas)."""


def warn_of_concurrency(stack: Stack, section: WorkflowName, config: MapConfig, *, what: str) -> None:
    """Warn of more children at once than functions; it deploys and is seldom meant.

    Parameters
    ----------
    what
        What a child processes, in the plural.
    """
    limit = config.maxConcurrency or MAX_CHILDREN_AT_ONCE
    if limit > LAMBDA_CONCURRENCY:
        Annotations.of(stack).add_warning_v2(
            "map-run:concurrency-over-lambda",
            f"{section}.maxConcurrency is {config.maxConcurrency}, up to {limit} {what} at once: "
            f"an account runs {LAMBDA_CONCURRENCY} functions at once, unless its quota was raised",
        )


def acknowledge_map_run(workflow: Construct, state_machine: sfn.StateMachine, *buckets: s3.Bucket) -> None:
    """Give the reason for each cdk-nag finding that stays on the use of the buckets and of the children."""
    for bucket in buckets:
        objects = wildcard(f"arn:<AWS::Partition>:s3:::<{logical_id(bucket)}>/*")
        acknowledge(workflow, {objects: "Any list may be given, and results are under the run's own id."})
    name = f'{{"Fn::Select":[6,{{"Fn::Split":[":",{{"Ref":"{logical_id(state_machine)}"}}]}}]}}'
    executions = f"arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution:{name}"
    for resource in (f"{executions}:*", f"{executions}/{LABEL}:*"):
        acknowledge(workflow, {wildcard(resource): "The names of child executions are not known before."})
