"""The stack of the fan-out workflow: a table with the list, a function for an item, a state machine."""

from aws_cdk import Annotations, CfnOutput, Stack
from constructs import Construct

from stacks.config import INLINE_MAP_CONCURRENCY_LIMIT, Config, StepfuncConfig
from stacks.failure_alarms import FailureAlarms
from stacks.fan_out.items_table import ItemsTable
from stacks.fan_out.state_machine import FanOutStateMachine
from stacks.findings import acknowledge, acknowledge_workflow
from stacks.functions import create_function


class FanOutStack(Stack):
    """Runs the item processor over a list that is in one DynamoDB item, or is given with the execution."""

    def __init__(self, scope: Construct, id_: str, *, config: Config) -> None:
        super().__init__(scope, id_, description="Process each item of a list in an inline Map")
        table = ItemsTable(self, "ItemsTable", config=config.ddb, production=config.production)
        function = create_function(
            self,
            "ItemProcessor",
            folder="process_item",
            handler="item_handler.handle_item",
            production=config.production,
        )
        workflow = FanOutStateMachine(self, "StateMachine", config=config, table=table, function=function)
        FailureAlarms(self, "Alarms", state_machine=workflow.state_machine, workflow="fan-out")

        CfnOutput(self, "StateMachineArn", value=workflow.state_machine.state_machine_arn)
        CfnOutput(self, "StateMachineName", value=workflow.state_machine.state_machine_name)
        CfnOutput(self, "TableName", value=table.table_name)
        _warn(self, config.stepfunc)
        acknowledge_workflow(workflow, function)
        if not config.production:
            reason = 'The list is loaded from a file; "production": true turns point-in-time recovery on.'
            acknowledge(table, {"AwsSolutions-DDB3": reason})


def _warn(stack: Stack, config: StepfuncConfig) -> None:
    """Say at synthesis what deploys and yet is seldom meant."""
    wait, timeout, limit = config.waitDurationSeconds, config.timeoutDurationSeconds, config.maxConcurrency
    annotations = Annotations.of(stack)
    if wait >= timeout:
        annotations.add_warning_v2(
            "fan-out:wait-reaches-timeout",
            f"stepfunc.waitDurationSeconds is {wait} and stepfunc.timeoutDurationSeconds {timeout}: "
            "executions end TIMED_OUT while their first items still wait",
        )
    if limit > INLINE_MAP_CONCURRENCY_LIMIT:
        annotations.add_warning_v2(
            "fan-out:concurrency-over-limit",
            f"stepfunc.maxConcurrency is {limit}: AWS runs at most {INLINE_MAP_CONCURRENCY_LIMIT} items of "
            "an inline Map at once",
        )
