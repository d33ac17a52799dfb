"""The stack of the throttled Map workflow: as distributedMap, and a queue with its consumers."""

from aws_cdk import Annotations, CfnOutput, Stack
from constructs import Construct

from stacks.buckets import ListsBucket, ResultsBucket
from stacks.config import Config
from stacks.config_maps import ThrottledMapConfig
from stacks.failure_alarms import FailureAlarms
from stacks.findings import acknowledge_workflow
from stacks.functions import create_function
from stacks.map_run.checks import acknowledge_map_run, warn_of_concurrency
from stacks.map_run.summary import create_summarise
from stacks.queues import WorkQueue
from stacks.throttled_map.consumers import (
    DEAD_LETTER_SECONDS,
    create_dead_letter_handler,
    create_worker,
    worker_seconds,
)
from stacks.throttled_map.state_machine import ThrottledMapStateMachine


class ThrottledMapStack(Stack):
    """Runs the item processor over a list, with a hard limit on how many marked items run at once."""

    def __init__(self, scope: Construct, id_: str, *, config: Config) -> None:
        description = "Process each item of a list in a Distributed Map, the marked ones through a queue"
        super().__init__(scope, id_, description=description)
        throttled_map, production = config.throttledMap, config.production
        lists = ListsBucket(self, "ListsBucket", production=production)
        results = ResultsBucket(self, "ResultsBucket", production=production)
        queues = WorkQueue(
            self,
            "Queue",
            worker_seconds=worker_seconds(throttled_map),
            dead_letter_seconds=DEAD_LETTER_SECONDS,
            max_receive_count=throttled_map.maxReceiveCount,
        )
        process_batch = create_function(
            self,
            "ItemProcessor",
            folder="process_item",
            handler="batch_handler.handle_batch",
            production=production,
        )
        summarise = create_summarise(self, results, production=production)
        workflow = ThrottledMapStateMachine(
            self,
            "StateMachine",
            config=config,
            lists=lists,
            results=results,
            queue=queues.queue,
            process_batch=process_batch,
            summarise=summarise,
        )
        machine = workflow.state_machine
        create_worker(
            self, config=throttled_map, production=production, queue=queues.queue, state_machine=machine
        )
        create_dead_letter_handler(
            self,
            production=production,
            dead_letters=queues.dead_letters,
            results=results,
            state_machine=machine,
        )
        FailureAlarms(self, "Alarms", state_machine=machine, workflow="throttled Map")
        CfnOutput(self, "StateMachineArn", value=machine.state_machine_arn)
        CfnOutput(self, "StateMachineName", value=machine.state_machine_name)
        CfnOutput(self, "ListsBucketName", value=lists.bucket_name)
        CfnOutput(self, "ResultsBucketName", value=results.bucket_name)
        CfnOutput(self, "QueueUrl", value=queues.queue.queue_url)
        CfnOutput(self, "DeadLetterQueueUrl", value=queues.dead_letters.queue_url)
        _warn(self, throttled_map)
        acknowledge_map_run(workflow, machine, lists, results)
        acknowledge_workflow(workflow, process_batch, summarise)


def _warn(stack: Stack, config: ThrottledMapConfig) -> None:
    """Say at synthesis what deploys and yet is seldom meant."""
    warn_of_concurrency(stack, "throttledMap", config, what="items")
    annotations = Annotations.of(stack)
    item_timeout, timeout = config.itemTimeoutSeconds, config.timeoutDurationSeconds
    if item_timeout >= timeout:
        annotations.add_warning_v2(
            "throttled-map:item-timeout-reaches-timeout",
            f"throttledMap.itemTimeoutSeconds is {item_timeout} and throttledMap.timeoutDurationSeconds "
            f"{timeout}: executions end TIMED_OUT before an item of the queue does",
        )
    # A worker waits for its turn in the first half of its time: lambdas/process_item/record.py.
    workers, pace, longest_wait = config.workerMaxConcurrency, config.maxPerSecond, worker_seconds(config) / 2
    if pace and workers / pace > longest_wait:
        annotations.add_warning_v2(
            "throttled-map:turn-comes-too-late",
            f"throttledMap.maxPerSecond is {pace:g} and throttledMap.workerMaxConcurrency {workers}: a "
            f"worker's turn comes after up to {workers / pace:g} s, and it waits {longest_wait:g} s for it. "
            "Lower workerMaxConcurrency",
        )
