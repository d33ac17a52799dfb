"""What the functions of the workflow share: where lists come in, where items wait, where results go."""

from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.buckets import DroppedListsBucket, ResultsBucket
from stacks.config_queue import QueueFanInConfig
from stacks.findings import acknowledge
from stacks.functions import TIMEOUT_SECONDS
from stacks.queue_fan_in.tables import JobsTable, ResultsTable
from stacks.queues import WorkQueue, create_dead_letter_queue

MESSAGES_KEPT_DAYS = 7
"""Longer than any job takes: stacks/config_queue.py."""

DEAD_LETTER_SECONDS = TIMEOUT_SECONDS


class Resources:
    """Buckets, tables and queues of the workflow.

    Attributes
    ----------
    lists, results
        Buckets: for lists that are dropped, and for the output.
    jobs_table, results_table
        Tables: of the jobs, and of what each item gave until the output has it.
    queue, dead_letters
        Queues: of messages with items, and of those that no worker was done with.
    failed_events, failed_records
        Queues for a person to look at: events that a function failed at for good, and where in the stream
        the records are that could not be counted.
    """

    def __init__(self, scope: Construct, *, config: QueueFanInConfig, production: bool) -> None:
        self.lists = DroppedListsBucket(scope, "ListsBucket", production=production)
        self.results = ResultsBucket(scope, "ResultsBucket", production=production)
        self.jobs_table = JobsTable(scope, "JobsTable", production=production)
        self.results_table = ResultsTable(scope, "ResultsTable", production=production)
        queues = WorkQueue(
            scope,
            "Queue",
            worker_seconds=config.workerTimeoutSeconds,
            dead_letter_seconds=DEAD_LETTER_SECONDS,
            max_receive_count=config.maxReceiveCount,
            kept_days=MESSAGES_KEPT_DAYS,
        )
        self.queue, self.dead_letters = queues.queue, queues.dead_letters
        self.failed_events = _create_last_queue(scope, "FailedEvents")
        self.failed_records = _create_last_queue(scope, "FailedRecords")


def _create_last_queue(scope: Construct, id_: str) -> sqs.Queue:
    queue = create_dead_letter_queue(scope, id_)
    acknowledge(queue, {"AwsSolutions-SQS3": "It is a dead-letter queue itself, of functions."})
    return queue
