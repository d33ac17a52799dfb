"""Which errors of a service are worth another attempt, and how the attempts are spaced."""

from aws_cdk import Duration
from aws_cdk import aws_stepfunctions as sfn

# From the Step Functions guide, "Handle Lambda service exceptions". A handler's own error is not among them:
# whether an item may be processed twice is for its `process` to say.
LAMBDA_TRANSIENT_ERRORS = [
    "Lambda.TooManyRequestsException",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.ClientExecutionTimeoutException",
]

# The names of the optimised integrations: what the SDK could not do, and what the service refused.
SQS_TRANSIENT_ERRORS = ["SQS.SdkClientException", "SQS.AmazonSQSException"]
SNS_TRANSIENT_ERRORS = [
    "SNS.SdkClientException",
    "SNS.AmazonSNSException",
    "SNS.ThrottledException",
    "SNS.InternalErrorException",
]
STEP_FUNCTIONS_TRANSIENT_ERRORS = [
    "StepFunctions.SdkClientException",
    "StepFunctions.AWSStepFunctionsException",
    "StepFunctions.ExecutionLimitExceededException",
]

# Those of the SDK integration.
SFN_TRANSIENT_ERRORS = ["Sfn.SdkClientException", "Sfn.SfnException"]


def add_retry(task: sfn.TaskStateBase, errors: list[str], *, max_retries: int = 6) -> None:
    """Retry with backoff and full jitter, so that concurrent items do not come back all at once."""
    task.add_retry(
        errors=errors,
        interval=Duration.seconds(1),
        backoff_rate=2,
        max_attempts=max_retries,
        max_delay=Duration.seconds(30),
        jitter_strategy=sfn.JitterType.FULL,
    )
