"""The state machine of a batch: one execution of the order's state machine for each order of a list."""

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from stacks.config import Config
from stacks.expressions import jsonata
from stacks.fan_out.table_list import TableList
from stacks.findings import acknowledge, acknowledge_workflow, logical_id, wildcard
from stacks.order_processing import batch_expressions as batch
from stacks.order_processing.steps import EVERY_ERROR, condition, expressions
from stacks.retries import SFN_TRANSIENT_ERRORS, STEP_FUNCTIONS_TRANSIENT_ERRORS, add_retry
from stacks.state_machines import create_state_machine

MAX_EXECUTION_SECONDS = 365 * 24 * 3600
"""Longest that AWS lets an execution run (Step Functions quotas). Each order has a timeout of its own."""


class OrderBatchStateMachine(Construct):
    """Standard workflow that runs an execution of ``order_machine`` for each order, and gathers the outcomes.

    The orders are given as input, or are the list in the table of the fan-out workflow if that is deployed.

    Attributes
    ----------
    state_machine
        The workflow, allowed to start, watch and stop the executions of ``order_machine``.
    """

    def __init__(
        self, scope: Construct, id_: str, *, config: Config, order_machine: sfn.StateMachine
    ) -> None:
        super().__init__(scope, id_)
        self._config, self._order_machine = config, order_machine
        self._has_table = "fanOut" in config.workflows
        self.state_machine = create_state_machine(
            self,
            comment="Run one workflow for each order",
            start=self._get_list(self._run_orders()),
            timeout_seconds=MAX_EXECUTION_SECONDS,
            log_data=False,
            production=config.production,
            log_name=f"{Stack.of(self).stack_name}Batch",
        )
        self._acknowledge()

    def _acknowledge(self) -> None:
        """Give the reason for each cdk-nag finding that stays."""
        acknowledge_workflow(self)
        machine = logical_id(self._order_machine)
        names = (
            # As CDK takes the machine's name from its ARN, for the task that starts an order.
            f'{{"Fn::Select":[6,{{"Fn::Split":[":",{{"Ref":"{machine}"}}]}}]}}',
            f"<{machine}.Name>:",
        )
        for name in names:
            executions = f"arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution:{name}*"
            acknowledge(self, {wildcard(executions): "The names of executions are those of the orders."})

    def _get_list(self, run_orders: sfn.Map) -> sfn.IChainable:
        """Take the orders from the input, or from the table if there is one."""
        if self._has_table:
            ddb = self._config.ddb
            table = dynamodb.TableV2.from_table_name(self, "ItemsTable", ddb.tableName)
            return TableList(self, "List", config=ddb, table=table, process_items=run_orders).start
        invalid = sfn.Fail.jsonata(
            self,
            "Item List Invalid",
            error="ItemListInvalid",
            cause='The input is not like {"items": [...]}. Give a list of orders in that form',
        )
        return (
            sfn.Choice.jsonata(self, "Check List")
            .when(condition(batch.LIST_IS_GIVEN), run_orders, comment="a list")
            .otherwise(invalid)
        )

    def _run_orders(self) -> sfn.Map:
        """Run the orders, so many at once; a failed order fails nothing else."""
        order = batch.GIVEN_OR_TABLE_ORDER if self._has_table else batch.GIVEN_ORDER
        return sfn.Map.jsonata(
            self,
            "Run Orders",
            items=sfn.ProvideItems.jsonata(jsonata("$states.input.items")),
            max_concurrency=self._config.orderProcessing.maxConcurrency,
            item_selector=expressions({"index": "$states.context.Map.Item.Index", **order}),
            outputs=jsonata(batch.SUMMARY),
        ).item_processor(self._run_order())

    def _run_order(self) -> tasks.StepFunctionsStartExecution:
        """Run one order. What did not succeed, or has been run before, is looked up.

        The execution's name derives from the order, so that a batch started twice runs no order twice.
        """
        run = tasks.StepFunctionsStartExecution.jsonata(
            self,
            "Run Order",
            state_machine=self._order_machine,
            name=jsonata(batch.NAME),
            input=sfn.TaskInput.from_text(jsonata("$states.input.item")),
            integration_pattern=sfn.IntegrationPattern.RUN_JOB,
            outputs=jsonata(batch.RAN),
        )
        add_retry(run, STEP_FUNCTIONS_TRANSIENT_ERRORS)
        look_up = self._look_up_order()
        for error in EVERY_ERROR:
            run.add_catch(
                look_up,
                errors=[error],
                assign=expressions(batch.NOT_RUN),
                outputs=jsonata("$states.input"),
            )
        return run

    def _look_up_order(self) -> tasks.CallAwsService:
        """Find the execution that has the order's name; a failed task says too little of it."""
        prefix = self._executions_arn("")
        every_execution = self._executions_arn("*")
        look_up = tasks.CallAwsService.jsonata(
            self,
            "Look Up Order",
            service="sfn",
            action="describeExecution",
            parameters={"ExecutionArn": jsonata(batch.execution_arn(prefix))},
            iam_action="states:DescribeExecution",
            iam_resources=[every_execution],
            assign=expressions(batch.FOUND),
            outputs=jsonata("$states.input"),
        )
        add_retry(look_up, SFN_TRANSIENT_ERRORS)
        record = sfn.Pass.jsonata(self, "Record Failure", outputs=jsonata(batch.FAILED))
        for error in EVERY_ERROR:
            look_up.add_catch(record, errors=[error], outputs=jsonata("$states.input"))
        wait = sfn.Wait.jsonata(
            self,
            "Wait For Order",
            time=sfn.WaitTime.seconds(jsonata("$pause")),
            assign=expressions(batch.LONGER_PAUSE),
        )
        wait.next(look_up)
        outcome = sfn.Pass.jsonata(self, "Record Outcome", outputs=jsonata(batch.FOUND_OUTCOME))
        look_up.next(
            sfn.Choice.jsonata(self, "Order Ended?", assign=expressions(batch.NOT_SUCCEEDED))
            .when(
                condition(batch.IS_OTHER),
                record,
                comment="another order",
                assign=expressions(batch.CONFLICT),
            )
            .when(condition(batch.IS_RUNNING), wait, comment="it runs")
            .when(condition(batch.IS_SUCCEEDED), outcome, comment="it succeeded")
            .otherwise(record)
        )
        return look_up

    def _executions_arn(self, name: str) -> str:
        machine = self._order_machine.state_machine_name
        return Stack.of(self).format_arn(
            service="states",
            resource="execution",
            resource_name=f"{machine}:{name}",
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
