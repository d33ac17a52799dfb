"""What follows the map: a function that counts the results, and the check that not too many items failed."""

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from stacks.config_maps import MapConfig
from stacks.expressions import jsonata
from stacks.findings import acknowledge, logical_id, wildcard
from stacks.functions import TASK_MARGIN_SECONDS, create_function
from stacks.map_run.expressions import MAP_OUTPUT, tolerance_cause, tolerance_is_exceeded
from stacks.map_run.map_state import RESULTS_PREFIX
from stacks.retries import LAMBDA_TRANSIENT_ERRORS, add_retry

SUMMARISE_SECONDS = 900
SUMMARISE_MEMORY_MB = 1769
"""One vCPU, which is all that the summary of one list can use."""


def create_summarise(scope: Construct, results: s3.Bucket, *, production: bool) -> lambda_.Function:
    """Create the function that reads the results and writes the summary beside them, and no more."""
    function = create_function(
        scope,
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
        acknowledge(scope, {finding: "A run's results are under its own id."})
    return function


def summarise_and_check(
    scope: Construct, *, config: MapConfig, summarise: lambda_.IFunction
) -> tasks.LambdaInvoke:
    """Return the state after the map: the summary is the execution's output, whatever the list's size."""
    task = tasks.LambdaInvoke.jsonata(
        scope,
        "Summarise Results",
        lambda_function=summarise,
        payload=sfn.TaskInput.from_text(jsonata(MAP_OUTPUT)),
        outputs=jsonata("$states.result.Payload"),
        task_timeout=sfn.Timeout.duration(Duration.seconds(SUMMARISE_SECONDS + TASK_MARGIN_SECONDS)),
        retry_on_service_exceptions=False,
    )
    add_retry(task, LAMBDA_TRANSIENT_ERRORS)
    task.next(_check_tolerance(scope, config))
    return task


def _check_tolerance(scope: Construct, config: MapConfig) -> sfn.Choice:
    """End in a named failure if more items failed than are tolerated."""
    exceeded = sfn.Fail.jsonata(
        scope,
        "Tolerated Failure Exceeded",
        error="ToleratedFailureExceeded",
        cause=jsonata(tolerance_cause(config)),
    )
    condition = sfn.Condition.jsonata(jsonata(tolerance_is_exceeded(config)))
    return (
        sfn.Choice.jsonata(scope, "Check Tolerance")
        .when(condition, exceeded, comment="too many items failed")
        .otherwise(sfn.Succeed.jsonata(scope, "Done"))
    )
