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
TASK_TIMEOUT_SECONDS = TIMEOUT_SECONDS + 15
"""For the state that invokes. The function's own timeout leaves out a cold start, of at most 10 s."""

_LAMBDAS = Path(__file__).parent.parent / "lambdas"


def create_function(
    scope: Construct, id_: str, *, folder: str, handler: str, production: bool
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
        memory_size=MEMORY_MB,
        timeout=Duration.seconds(TIMEOUT_SECONDS),
        logging_format=lambda_.LoggingFormat.JSON,
        log_group=log_group,
        role=role,
    )
