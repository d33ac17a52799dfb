"""The states of a child workflow execution, which processes one batch of items."""

from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from stacks.config_maps import MapConfig
from stacks.expressions import jsonata
from stacks.functions import TASK_TIMEOUT_SECONDS
from stacks.map_run.expressions import (
    ADD_OUTCOMES,
    BATCH_IS_DONE,
    ISOLATE_PENDING,
    LOST_ITEM,
    LOST_OUTCOME,
    MERGE_ITEMS,
    ONE_PENDING_ITEM,
    SHARE_OF_BYTES,
    batch_payload,
    task_timeout_seconds,
    wait_seconds,
)
from stacks.retries import LAMBDA_TRANSIENT_ERRORS, add_retry

# What an item can do to the function that runs it, and with it to the other items of its batch. A function
# that took too long is not tried again with the item: that would take as long.
CRASHES = ["Runtime.ExitError", "Runtime.OutOfMemory"]
TIMEOUTS = ["Sandbox.Timedout", "Lambda.Unknown", "States.Timeout"]
# What Lambda's runtime says of an item that is nested too deeply for Python's `json`.
UNREADABLE = ["Runtime.UnmarshalError"]
LOST = CRASHES + TIMEOUTS + UNREADABLE


class BatchProcessor(Construct):
    """Invokes ``function`` for a batch until each item has an outcome; only failed items are tried again.

    Parameters
    ----------
    route
        Added to the child's output, for the results to tell which way a batch went; None adds nothing.

    Attributes
    ----------
    start
        The first state.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        config: MapConfig,
        function: lambda_.IFunction,
        route: str | None = None,
    ) -> None:
        super().__init__(scope, id_)
        self._config = config
        self._function = function
        process_batch = self._invoke("Process Batch", outputs=ADD_OUTCOMES)
        one_by_one = self._process_one_by_one()
        process_batch.add_catch(one_by_one, errors=LOST, outputs=jsonata(ISOLATE_PENDING))
        wait = sfn.Wait.jsonata(
            self, "Wait Before Retry", time=sfn.WaitTime.seconds(jsonata(wait_seconds(config)))
        )
        outputs = {"outcomes": jsonata("$states.input.outcomes")} | ({"route": route} if route else {})
        collect = sfn.Succeed.jsonata(self, "Collect Outcomes", outputs=outputs)
        done = (
            sfn.Choice.jsonata(self, "Batch Done?")
            .when(sfn.Condition.jsonata(jsonata(BATCH_IS_DONE)), collect, comment="nothing pending")
            .otherwise(wait)
        )
        wait.next(process_batch)
        one_by_one.next(done)
        process_batch.next(done)
        self.start: sfn.IChainable = process_batch

    def _process_one_by_one(self) -> sfn.Map:
        """Process the pending items apart from each other, after one of them ended the function."""
        process_item = self._invoke("Process One Item", outputs="$states.result.Payload")
        if self._config.maxAttempts > 1:
            add_retry(process_item, CRASHES, max_retries=self._config.maxAttempts - 1)
        lost = sfn.Pass.jsonata(self, "Record Lost Item", outputs=jsonata(LOST_OUTCOME))
        process_item.add_catch(lost, errors=LOST, outputs=jsonata(LOST_ITEM))
        return sfn.Map.jsonata(
            self,
            "Process Items One by One",
            items=sfn.ProvideItems.jsonata(jsonata("$states.input.pending")),
            max_concurrency=1,
            item_selector={"pending": jsonata(ONE_PENDING_ITEM), "bytesLeft": jsonata(SHARE_OF_BYTES)},
            outputs=jsonata(MERGE_ITEMS),
        ).item_processor(process_item)

    def _invoke(self, name: str, *, outputs: str) -> tasks.LambdaInvoke:
        """Invoke the batch handler for the pending items of the state's input."""
        task = tasks.LambdaInvoke.jsonata(
            self,
            name,
            lambda_function=self._function,
            payload=sfn.TaskInput.from_text(jsonata(batch_payload(self._config))),
            outputs=jsonata(outputs),
            task_timeout=self._task_timeout(),
            retry_on_service_exceptions=False,
        )
        add_retry(task, LAMBDA_TRANSIENT_ERRORS)
        return task

    def _task_timeout(self) -> sfn.Timeout:
        if self._config.childType == "EXPRESS":
            return sfn.Timeout.jsonata(jsonata(task_timeout_seconds(TASK_TIMEOUT_SECONDS)))
        return sfn.Timeout.duration(Duration.seconds(TASK_TIMEOUT_SECONDS))
