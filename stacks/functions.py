"""Lambda functions: the one place for their defaults."""

from collections.abc import Mapping
from pathlib import Path

from aws_cdk import Aws, Duration
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

POWERTOOLS_LAYER = (
    f"arn:{Aws.PARTITION}:lambda:{Aws.REGION}:017000801446:layer:"
    "AWSLambdaPowertoolsPythonV3-python314-arm64:36"
)
"""AWS's public layer with Powertools 3.31.1, which requirements-dev.txt has for the tests."""

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
    environment: Mapping[str, str] | None = None,
    layer_arn: str | None = None,
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
    environment
        Environment variables.
    layer_arn
        Layer with packages that the code imports.
    """
    log_group = create_log_group(scope, f"{id_}Logs", production=production)
    role = iam.Role(scope, f"{id_}Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    log_group.grant_write(role)
    layer = layer_arn and lambda_.LayerVersion.from_layer_version_arn(scope, f"{id_}Layer", layer_arn)
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
        environment=environment,
        layers=[layer] if layer else None,
    )
