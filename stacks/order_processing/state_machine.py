"""The state machine of an order: check it, have it paid, fulfil its items, tell the customer once."""

from aws_cdk import aws_sns as sns
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from stacks.config import Config
from stacks.expressions import jsonata
from stacks.order_processing.compensation import Compensation
from stacks.order_processing.expressions import (
    BROKEN_ORDER,
    CAUGHT_ERROR,
    CHECK_ORDER,
    CLOSE_ORDER,
    CLOSED_BEFORE,
    COMPENSATION_IS_OPEN,
    IS_UNDONE,
    NEW_ORDER,
    UNREADABLE_ORDER,
    without_message,
)
from stacks.order_processing.fulfilment import Fulfilment
from stacks.order_processing.functions import OrderFunctions
from stacks.order_processing.payment import Payment
from stacks.order_processing.steps import FINAL_FOR_ORDER, UNREADABLE, condition, expressions, run_step
from stacks.retries import SNS_TRANSIENT_ERRORS, add_retry
from stacks.state_machines import create_state_machine


class OrderStateMachine(Construct):
    """Standard workflow that takes one order from its check to the message to the customer.

    Attributes
    ----------
    state_machine
        The workflow, allowed to invoke the functions and to publish to ``topic``.
    """

    def __init__(
        self, scope: Construct, id_: str, *, config: Config, functions: OrderFunctions, topic: sns.ITopic
    ) -> None:
        super().__init__(scope, id_)
        orders = config.orderProcessing
        close_order = run_step(self, "Close Order", functions.close_order, payload=CLOSE_ORDER)
        close_order.next(self._notify_customer(topic))
        compensation = Compensation(self, "Compensation", functions=functions, close_order=close_order)
        ways = {"compensation": compensation.start, "close_order": close_order}
        fulfilment = Fulfilment(self, "Fulfilment", config=orders, functions=functions, **ways)
        payment = Payment(
            self, "Payment", config=orders, functions=functions, fulfilment=fulfilment.start, **ways
        )
        self.state_machine = create_state_machine(
            self,
            comment="Take one order from its check to the message to the customer",
            start=self._check_order(functions, payment.start, compensation.start),
            timeout_seconds=orders.timeoutDurationSeconds,
            # The input of Wait For Approval's function has the task token.
            log_data=False,
            production=config.production,
        )

    def _check_order(
        self, functions: OrderFunctions, payment: sfn.IChainable, compensation: sfn.IChainable
    ) -> tasks.LambdaInvoke:
        """Check the order and take it, unless another execution has it or is done with it."""
        check = run_step(
            self,
            "Check Order",
            functions.check_order,
            payload=CHECK_ORDER,
            final=[*FINAL_FOR_ORDER, UNREADABLE],
        )
        not_taken = sfn.Fail.jsonata(
            self,
            "Order Not Taken",
            error=jsonata("$states.input.name"),
            cause=jsonata("$states.input.message"),
        )
        # Any other error fails this state, not that one: then a redrive checks the order again.
        check.add_catch(not_taken, errors=FINAL_FOR_ORDER, outputs=jsonata(CAUGHT_ERROR))
        check.add_catch(not_taken, errors=[UNREADABLE], outputs=jsonata(UNREADABLE_ORDER))
        outcome = jsonata(without_message("$states.input.outcome"))
        already_processed = sfn.Succeed.jsonata(self, "Already Processed", outputs=outcome)
        check.next(
            sfn.Choice.jsonata(self, "Known Order?", assign=expressions(NEW_ORDER))
            .when(condition(CLOSED_BEFORE), already_processed, comment="closed before")
            .when(
                condition(COMPENSATION_IS_OPEN),
                compensation,
                comment="compensation to finish",
                assign=expressions(BROKEN_ORDER),
            )
            .otherwise(payment)
        )
        return check

    def _notify_customer(self, topic: sns.ITopic) -> tasks.SnsPublish:
        """Send the one message, then end as the order did."""
        notify = tasks.SnsPublish.jsonata(
            self,
            "Notify Customer",
            topic=topic,
            subject=jsonata("$states.input.subject"),
            message=sfn.TaskInput.from_text(jsonata("$states.input.message")),
            message_attributes={
                "event": tasks.MessageAttribute(value="orderClosed"),
                "orderId": tasks.MessageAttribute(value=jsonata("$states.input.orderId")),
                "status": tasks.MessageAttribute(value=jsonata("$states.input.status")),
            },
            outputs=jsonata(without_message("$states.input")),
        )
        add_retry(notify, SNS_TRANSIENT_ERRORS)
        failed = sfn.Fail.jsonata(
            self, "Order Failed", error=jsonata("$failure.name"), cause=jsonata("$failure.message")
        )
        notify.next(
            sfn.Choice.jsonata(self, "Order Undone?")
            .when(condition(IS_UNDONE), failed, comment="as a whole")
            .otherwise(sfn.Succeed.jsonata(self, "Done"))
        )
        return notify
