"""The stack of the order workflow: tables, a topic, a function for each step, and two state machines."""

from aws_cdk import Annotations, CfnOutput, Stack
from constructs import Construct

from stacks.config import INLINE_MAP_CONCURRENCY_LIMIT, Config
from stacks.config_orders import OrderProcessingConfig
from stacks.failure_alarms import FailureAlarms
from stacks.findings import acknowledge_workflow
from stacks.order_processing.batch import OrderBatchStateMachine
from stacks.order_processing.compensation_alarm import CompensationFailedAlarm
from stacks.order_processing.functions import OrderFunctions
from stacks.order_processing.state_machine import OrderStateMachine
from stacks.order_processing.tables import OrderTables
from stacks.order_processing.topic import OrderTopic


class OrderProcessingStack(Stack):
    """Runs one order, or a batch of them: payment, a Map over the items, one message to the customer."""

    def __init__(self, scope: Construct, id_: str, *, config: Config) -> None:
        description = "Have an order paid, fulfil its items in parallel, and tell the customer once"
        super().__init__(scope, id_, description=description)
        tables = OrderTables(self, "Tables", production=config.production)
        topic = OrderTopic(self, "Announcements")
        functions = OrderFunctions(self, tables=tables, topic=topic, production=config.production)
        order = OrderStateMachine(self, "StateMachine", config=config, functions=functions, topic=topic)
        machine = order.state_machine
        batch = OrderBatchStateMachine(self, "OrderBatch", config=config, order_machine=machine)
        batch_machine = batch.state_machine
        FailureAlarms(self, "Alarms", state_machine=machine, workflow="order")
        FailureAlarms(self, "BatchAlarms", state_machine=batch_machine, workflow="order batch")
        CompensationFailedAlarm(
            self, "CompensationFailedAlarm", function=functions.record_compensation_failure
        )
        CfnOutput(self, "StateMachineArn", value=machine.state_machine_arn)
        CfnOutput(self, "StateMachineName", value=machine.state_machine_name)
        CfnOutput(self, "BatchStateMachineArn", value=batch_machine.state_machine_arn)
        CfnOutput(self, "OrdersTableName", value=tables.orders.table_name)
        CfnOutput(self, "InventoryTableName", value=tables.inventory.table_name)
        CfnOutput(self, "PaymentsTableName", value=tables.payments.table_name)
        CfnOutput(self, "TopicArn", value=topic.topic_arn)
        _warn(self, config.orderProcessing)
        acknowledge_workflow(order, *functions.all)


def _warn(stack: Stack, config: OrderProcessingConfig) -> None:
    """Say at synthesis what deploys and yet is seldom meant."""
    annotations = Annotations.of(stack)
    timeout, limit = config.timeoutDurationSeconds, config.maxConcurrency
    if config.approval_timeout_seconds >= timeout:
        annotations.add_warning_v2(
            "order-processing:approval-timeout-reaches-timeout",
            f"orderProcessing.approvalTimeoutHours is {config.approvalTimeoutHours:g}, which is "
            f"{config.approval_timeout_seconds} s, and orderProcessing.timeoutDurationSeconds {timeout}: "
            "executions end TIMED_OUT while their orders still wait for approval",
        )
    if limit > INLINE_MAP_CONCURRENCY_LIMIT:
        annotations.add_warning_v2(
            "order-processing:concurrency-over-limit",
            f"orderProcessing.maxConcurrency is {limit}: AWS runs at most {INLINE_MAP_CONCURRENCY_LIMIT} "
            "items of an inline Map at once",
        )
