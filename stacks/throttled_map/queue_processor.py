"""The states of a child workflow execution whose item goes through the queue."""

from aws_cdk import Duration
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from stacks.config_maps import ThrottledMapConfig
from stacks.expressions import jsonata
from stacks.retries import SQS_TRANSIENT_ERRORS, add_retry
from stacks.throttled_map.expressions import (
    CAUGHT_ERROR,
    FAILED_OUTCOME,
    MESSAGE,
    QUEUE_OUTCOME,
    caught_timeout,
)

# Another attempt would end alike. The names are those of lambdas/throttled_map/dead_letters/dead_letters.py
# and of lambdas/process_item/outcomes.py.
FINAL = ["ItemUndeliverable", "ResultTooLarge"]

# What the processor raised, and a worker that was lost. Not the task's own timeout: another attempt would
# wait as long as this one.
WORTH_AN_ATTEMPT = ["States.TaskFailed", "States.HeartbeatTimeout"]


class QueueProcessor(Construct):
    """Sends the item to ``queue`` and waits for the answer to its task token; the child always succeeds.

    Attributes
    ----------
    start
        The first state.
    """

    def __init__(self, scope: Construct, id_: str, *, config: ThrottledMapConfig, queue: sqs.IQueue) -> None:
        super().__init__(scope, id_)
        send = tasks.SqsSendMessage.jsonata(
            self,
            "Process Through Queue",
            queue=queue,
            integration_pattern=sfn.IntegrationPattern.WAIT_FOR_TASK_TOKEN,
            message_body=sfn.TaskInput.from_object({key: jsonata(it) for key, it in MESSAGE.items()}),
            outputs=jsonata(QUEUE_OUTCOME),
            task_timeout=sfn.Timeout.duration(Duration.seconds(config.itemTimeoutSeconds)),
            heartbeat_timeout=sfn.Timeout.duration(Duration.seconds(config.heartbeatSeconds)),
        )
        # The first retrier that names an error counts. An undeliverable item had its attempts in the queue.
        add_retry(send, FINAL, max_retries=0)
        add_retry(send, SQS_TRANSIENT_ERRORS)
        if config.maxAttempts > 1:
            add_retry(send, WORTH_AN_ATTEMPT, max_retries=config.maxAttempts - 1)
        record = sfn.Pass.jsonata(self, "Record Failure", outputs=jsonata(FAILED_OUTCOME))
        for error, message in _timeouts(config).items():
            send.add_catch(record, errors=[error], outputs=jsonata(caught_timeout(error, message)))
        # The first is that of data over 256 KiB, which States.ALL leaves out by AWS's guide.
        for error in ("States.DataLimitExceeded", "States.ALL"):
            send.add_catch(record, errors=[error], outputs=jsonata(CAUGHT_ERROR))
        self.start: sfn.IChainable = send


def _timeouts(config: ThrottledMapConfig) -> dict[str, str]:
    """Say of each timeout what it means, by name; the first is also one of the second."""
    return {
        "States.HeartbeatTimeout": f"no sign of life for {config.heartbeatSeconds} s: it waited for longer "
        "in the queue, or its worker was lost",
        "States.Timeout": f"no answer in the {config.itemTimeoutSeconds} s since it was sent, its wait "
        "in the queue included",
    }
