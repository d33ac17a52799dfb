"""The states that undo what was done for an order, or for some of its items."""

from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from stacks.expressions import jsonata
from stacks.order_processing.expressions import (
    CAUGHT_ERROR,
    COMPENSATED,
    COMPENSATION_FAILURE,
    COMPENSATION_FAILURE_CAUSE,
    UNDO,
)
from stacks.order_processing.functions import OrderFunctions
from stacks.order_processing.steps import EVERY_ERROR, run_step

MAX_RETRIES = 10
"""Of a step that undoes something: up to three minutes, after which a person has to look."""


class Compensation(Construct):
    """Releases the stock of the lines in ``$undo``, refunds them, and goes on to ``close_order``.

    A step that cannot be done leaves a record of what is left to undo, from which another execution of the
    same order goes on.

    Attributes
    ----------
    start
        The first state.
    """

    def __init__(
        self, scope: Construct, id_: str, *, functions: OrderFunctions, close_order: sfn.IChainable
    ) -> None:
        super().__init__(scope, id_)
        refund = run_step(
            self,
            "Refund Payment",
            functions.refund_payment,
            payload=UNDO,
            assign={"ending": COMPENSATED},
            max_retries=MAX_RETRIES,
        )
        refund.next(close_order)
        release = run_step(
            self, "Release Stock", functions.release_stock, payload=UNDO, max_retries=MAX_RETRIES
        )
        release.next(refund)
        record = self._record_failure(functions)
        for step in (release, refund):
            for error in EVERY_ERROR:
                step.add_catch(record, errors=[error], outputs=jsonata(CAUGHT_ERROR))
        self.start: sfn.IChainable = release

    def _record_failure(self, functions: OrderFunctions) -> tasks.LambdaInvoke:
        """Leave the record, and fail; the alarm watches this function."""
        record = run_step(
            self,
            "Record Compensation Failure",
            functions.record_compensation_failure,
            payload=COMPENSATION_FAILURE,
            outputs="$states.input",
            max_retries=MAX_RETRIES,
        )
        failed = sfn.Fail.jsonata(
            self,
            "Compensation Failed",
            error="CompensationFailed",
            cause=jsonata(COMPENSATION_FAILURE_CAUSE),
        )
        record.next(failed)
        return record
