"""The queue that marked items go through, and the one for messages that no worker was done with."""

from aws_cdk import Duration
from aws_cdk import aws_sqs as sqs
from constructs import Construct

VISIBILITY_TIMEOUTS = 6
"""Of a queue, in timeouts of the function that it invokes (Lambda guide, "Using Lambda with Amazon SQS")."""

DEAD_LETTERS_KEPT_DAYS = 14
"""The longest that SQS keeps a message: time to mend a function that fails at every dead letter."""


class ThrottledQueue(Construct):
    """A queue with a dead-letter queue: encrypted, and reached over TLS only.

    Parameters
    ----------
    worker_seconds, dead_letter_seconds
        Timeouts of the functions that they invoke.

    Attributes
    ----------
    queue, dead_letters
        The two queues.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        worker_seconds: int,
        dead_letter_seconds: int,
        max_receive_count: int,
    ) -> None:
        super().__init__(scope, id_)
        self.dead_letters = sqs.Queue(
            self,
            "DeadLetters",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            visibility_timeout=Duration.seconds(VISIBILITY_TIMEOUTS * dead_letter_seconds),
            retention_period=Duration.days(DEAD_LETTERS_KEPT_DAYS),
        )
        dead_letter_queue = sqs.DeadLetterQueue(queue=self.dead_letters, max_receive_count=max_receive_count)
        self.queue = sqs.Queue(
            self,
            "Resource",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            visibility_timeout=Duration.seconds(VISIBILITY_TIMEOUTS * worker_seconds),
            dead_letter_queue=dead_letter_queue,
        )
