"""The fan-out state machine: read the list, then process each item in an inline Map."""

from aws_cdk import Duration
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from stacks.config import Config
from stacks.expressions import jsonata
from stacks.fan_out.expressions import CAUGHT_ERROR, FAILED_ITEM, FAILURE_CAUSE, FAILURE_NAME
from stacks.fan_out.table_list import TableList
from stacks.functions import TASK_TIMEOUT_SECONDS
from stacks.retries import LAMBDA_TRANSIENT_ERRORS, add_retry
from stacks.state_machines import create_state_machine


class FanOutStateMachine(Construct):
    """Standard workflow that runs ``function`` over the list in ``table``, or over the list given as input.

    Attributes
    ----------
    state_machine
        The workflow, allowed to read the table and to invoke the function.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        config: Config,
        table: dynamodb.ITableV2,
        function: lambda_.IFunction,
    ) -> None:
        super().__init__(scope, id_)
        self._config = config
        process_items = self._process_items(function)
        table_list = TableList(self, "List", config=config.ddb, table=table, process_items=process_items)
        self.state_machine = create_state_machine(
            self,
            comment="Process each item of a list",
            start=table_list.start,
            timeout_seconds=config.stepfunc.timeoutDurationSeconds,
            log_data=True,
            production=config.production,
        )

    def _process_items(self, function: lambda_.IFunction) -> sfn.Map:
        """Invoke the function once for each item; the results keep the order of the list."""
        stepfunc = self._config.stepfunc
        processor: sfn.IChainable = self._process_item(function)
        if stepfunc.waitDurationSeconds:
            wait_time = sfn.WaitTime.duration(Duration.seconds(stepfunc.waitDurationSeconds))
            processor = sfn.Wait.jsonata(self, "Wait Before Item", time=wait_time).next(processor)
        return sfn.Map.jsonata(
            self,
            "Process Items",
            items=sfn.ProvideItems.jsonata(jsonata("$states.input.items")),
            max_concurrency=stepfunc.maxConcurrency,
            item_selector={
                "item": jsonata("$states.context.Map.Item.Value"),
                "index": jsonata("$states.context.Map.Item.Index"),
                "execution": jsonata("$states.context.Execution.Name"),
                "encoding": jsonata("$states.input.encoding"),
            },
        ).item_processor(processor)

    def _process_item(self, function: lambda_.IFunction) -> tasks.LambdaInvoke:
        """Invoke the function for one item, with the failure policy of the configuration."""
        task = tasks.LambdaInvoke.jsonata(
            self,
            "Process Item",
            lambda_function=function,
            outputs=jsonata("$states.result.Payload"),
            task_timeout=sfn.Timeout.duration(Duration.seconds(TASK_TIMEOUT_SECONDS)),
            retry_on_service_exceptions=False,
        )
        add_retry(task, LAMBDA_TRANSIENT_ERRORS)
        on_failure: sfn.Fail | sfn.Pass
        if self._config.stepfunc.onItemFailure == "continue":
            on_failure = sfn.Pass.jsonata(self, "Record Failure", outputs=jsonata(FAILED_ITEM))
        else:
            on_failure = sfn.Fail.jsonata(
                self, "Item Failed", error=jsonata(FAILURE_NAME), cause=jsonata(FAILURE_CAUSE)
            )
        # The first is that of a result over 256 KiB, which States.ALL leaves out by AWS's guide.
        for error in ("States.DataLimitExceeded", "States.ALL"):
            task.add_catch(on_failure, errors=[error], outputs=jsonata(CAUGHT_ERROR))
        return task
