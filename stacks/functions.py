"""Lambda functions: the one place for their defaults."""

from pathlib import Path

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from stacks.logs import create_log_group

RUNTIME = lambda_.Runtime.PYTHON_3_14
MEMORY_MB = 128
TIMEOUT_SECONDS = 60
TASK_MARGIN_SECONDS = 15
"""How much longer a state waits than its function may take, which leaves out a cold start of up to 10 s."""
TASK_TIMEOUT_SECONDS = TIMEOUT_SECONDS + TASK_MARGIN_SECONDS
"""For the state that invokes a function with the default timeout."""

_LAMBDAS = Path(__file__).parent.parent / "lambdas"


def create_function(  # noqa: PLR0913 - all but the first two are named
    scope: Construct,
    id_: str,
    *,
    folder: str,
    handler: str,
    production: bool,
    memory_mb: int = MEMORY_MB,
    timeout_seconds: int = TIMEOUT_SECONDS,
) -> lambda_.Function:
    """Create a Python function with the project's defaults, its log group and its role.

    The role may write to that log group and nothing else; CDK's default role may write to every one.

    Parameters
    ----------
    folder
        Folder under ``lambdas/`` that is deployed.
    handler
        ``module.function`` in that folder.
    production
        Keep the logs when the stack is deleted.
    memory_mb
        Memory, and with it the share of a processor: 1,769 MB have one vCPU (Lambda guide, "memory").
    timeout_seconds
        After which Lambda ends a call; at most 900.
    """
    log_group = create_log_group(scope, f"{id_}Logs", production=production)
    role = iam.Role(scope, f"{id_}Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    log_group.grant_write(role)
    return lambda_.Function(
        scope,
        id_,
        code=lambda_.Code.from_asset(str(_LAMBDAS / folder), exclude=["**/__pycache__", "**/*.pyc"]),
        handler=handler,
        runtime=RUNTIME,
        architecture=lambda_.Architecture.ARM_64,
        memory_size=memory_mb,
        timeout=Duration.seconds(timeout_seconds),
        logging_format=lambda_.LoggingFormat.JSON,
        log_group=log_group,
        role=role,
    )
