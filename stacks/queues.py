"""Queues: the one place for their defaults. All are encrypted, and reached over TLS only."""

from aws_cdk import Duration
from aws_cdk import aws_sqs as sqs
from constructs import Construct

VISIBILITY_TIMEOUTS = 6
"""Of a queue, in timeouts of the function that it invokes (Lambda guide, "Using Lambda with Amazon SQS")."""

DEAD_LETTERS_KEPT_DAYS = 14
"""The longest that SQS keeps a message: time to mend a function that fails at every dead letter."""


def create_dead_letter_queue(
    scope: Construct, id_: str, *, visibility_timeout_seconds: int | None = None
) -> sqs.Queue:
    """Create a queue for what could not be processed.

    Parameters
    ----------
    visibility_timeout_seconds
        For a function that it invokes; None where a person reads it.
    """
    timeout = visibility_timeout_seconds
    return sqs.Queue(
        scope,
        id_,
        encryption=sqs.QueueEncryption.SQS_MANAGED,
        enforce_ssl=True,
        visibility_timeout=Duration.seconds(timeout) if timeout else None,
        retention_period=Duration.days(DEAD_LETTERS_KEPT_DAYS),
    )


class WorkQueue(Construct):
    """A queue that invokes a worker, with a dead-letter queue that invokes a function of its own.

    Parameters
    ----------
    worker_seconds, dead_letter_seconds
        Timeouts of the functions that they invoke.
    kept_days
        Days that a message stays in the queue, at most.

    Attributes
    ----------
    queue, dead_letters
        The two queues.
    """

    def __init__(  # noqa: PLR0913 - all but the first two are named
        self,
        scope: Construct,
        id_: str,
        *,
        worker_seconds: int,
        dead_letter_seconds: int,
        max_receive_count: int,
        kept_days: int | None = None,
    ) -> None:
        super().__init__(scope, id_)
        self.dead_letters = create_dead_letter_queue(
            self, "DeadLetters", visibility_timeout_seconds=VISIBILITY_TIMEOUTS * dead_letter_seconds
        )
        dead_letter_queue = sqs.DeadLetterQueue(queue=self.dead_letters, max_receive_count=max_receive_count)
        self.queue = sqs.Queue(
            self,
            "Resource",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            visibility_timeout=Duration.seconds(VISIBILITY_TIMEOUTS * worker_seconds),
            retention_period=Duration.days(kept_days) if kept_days else None,
            dead_letter_queue=dead_letter_queue,
        )
