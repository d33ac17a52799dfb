"""The states that have an order paid, and approved before that if it costs much."""

from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from stacks.config_orders import OrderProcessingConfig
from stacks.expressions import jsonata
from stacks.order_processing.expressions import (
    DECISION,
    IS_APPROVED,
    IS_REFUSED,
    ORDER,
    REFUSED,
    REJECTED,
    needs_approval,
    no_answer,
    request_approval,
)
from stacks.order_processing.fulfilment import UNDO_ORDER
from stacks.order_processing.functions import OrderFunctions
from stacks.order_processing.steps import EVERY_ERROR, condition, expressions, run_step


class Payment(Construct):
    """Validates the payment, waits for an approval above the threshold, and charges the customer.

    Attributes
    ----------
    start
        The first state.
    """

    def __init__(  # noqa: PLR0913 - all but the first two are named
        self,
        scope: Construct,
        id_: str,
        *,
        config: OrderProcessingConfig,
        functions: OrderFunctions,
        fulfilment: sfn.IChainable,
        compensation: sfn.IChainable,
        close_order: sfn.IChainable,
    ) -> None:
        super().__init__(scope, id_)
        self._config, self._functions, self._close_order = config, functions, close_order
        charge = self._charge(fulfilment, compensation)
        validate = run_step(self, "Validate Payment", functions.validate_payment, payload=ORDER)
        validate.next(
            self._unless_refused("Payment Accepted?")
            .when(
                condition(needs_approval(config.approvalThreshold)),
                self._wait_for_approval(charge),
                comment="above the threshold",
            )
            .otherwise(charge)
        )
        self.start: sfn.IChainable = validate

    def _unless_refused(self, name: str) -> sfn.Choice:
        """Return a choice that closes an order whose payment was refused."""
        return sfn.Choice.jsonata(self, name).when(
            condition(IS_REFUSED),
            self._close_order,
            comment="refused",
            assign=expressions({"ending": REFUSED}),
        )

    def _wait_for_approval(self, charge: sfn.IChainable) -> tasks.LambdaInvoke:
        """Wait until somebody approves or rejects the order; no answer in time rejects it."""
        seconds = self._config.approval_timeout_seconds
        wait = run_step(
            self,
            "Wait For Approval",
            self._functions.request_approval,
            payload=request_approval(seconds),
            outputs="$states.result",
            final=["States.Timeout"],
            wait_seconds=seconds,
        )
        record = run_step(self, "Record Decision", self._functions.record_decision, payload=DECISION)
        no_decision = jsonata(no_answer(self._config.approvalTimeoutHours))
        wait.add_catch(record, errors=["States.Timeout"], outputs=no_decision)
        wait.next(record)
        record.next(
            sfn.Choice.jsonata(self, "Approved?", assign=expressions({"ending": REJECTED}))
            .when(condition(IS_APPROVED), charge, comment="approved")
            .otherwise(self._close_order)
        )
        return wait

    def _charge(self, fulfilment: sfn.IChainable, compensation: sfn.IChainable) -> tasks.LambdaInvoke:
        """Charge the customer; where it is not known if that was done, it is undone."""
        charge = run_step(self, "Charge Payment", self._functions.charge_payment, payload=ORDER)
        for error in EVERY_ERROR:
            charge.add_catch(compensation, errors=[error], assign=expressions(UNDO_ORDER))
        charge.next(self._unless_refused("Charged?").otherwise(fulfilment))
        return charge
