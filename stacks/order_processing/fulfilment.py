"""The states that fulfil an order's items side by side, and judge them when all are done."""

from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from stacks.config_orders import OrderProcessingConfig
from stacks.expressions import jsonata
from stacks.order_processing.expressions import (
    ALL_FULFILLED,
    CAUGHT_ERROR,
    CAUGHT_ITEM_ERROR,
    DELIVERY,
    FAILED_ITEM,
    FAILED_LINES,
    FIRST_FAILURE,
    FULFILLED,
    ITEM,
    PACKAGE_ID,
    SHIPPED_ITEM,
)
from stacks.order_processing.functions import OrderFunctions
from stacks.order_processing.steps import EVERY_ERROR, FINAL_FOR_ITEM, condition, expressions, run_step

UNDO_ORDER = {"undo": "$order.items", "failure": CAUGHT_ERROR}
"""What a catcher assigns so that the whole order is undone."""


class Fulfilment(Construct):
    """Takes each item through its three steps, at most ``maxConcurrency`` of them at once.

    No item fails the Map, since that would abort the others at any point. What is to be undone is decided
    when each has its outcome.

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
        compensation: sfn.IChainable,
        close_order: sfn.IChainable,
    ) -> None:
        super().__init__(scope, id_)
        fulfil_items = sfn.Map.jsonata(
            self,
            "Fulfil Items",
            items=sfn.ProvideItems.jsonata(jsonata("$order.items")),
            max_concurrency=config.maxConcurrency,
            item_selector={"item": jsonata("$states.context.Map.Item.Value")},
            assign=expressions({"outcomes": "$states.result"}),
        ).item_processor(self._fulfil_item(functions))
        for error in EVERY_ERROR:
            fulfil_items.add_catch(compensation, errors=[error], assign=expressions(UNDO_ORDER))
        fulfil_items.next(self._judge(config, compensation, close_order))
        self.start: sfn.IChainable = fulfil_items

    def _fulfil_item(self, functions: OrderFunctions) -> tasks.LambdaInvoke:
        """Return the steps of an item; its input goes from one to the next."""
        check = run_step(
            self,
            "Check Availability",
            functions.check_availability,
            payload=ITEM,
            outputs="$states.input",
            final=FINAL_FOR_ITEM,
        )
        prepare = run_step(
            self,
            "Prepare For Delivery",
            functions.prepare_for_delivery,
            payload=DELIVERY,
            outputs="$states.input",
            assign={"packageId": PACKAGE_ID},
            final=FINAL_FOR_ITEM,
        )
        start = run_step(
            self,
            "Start Delivery",
            functions.start_delivery,
            payload=DELIVERY,
            outputs=SHIPPED_ITEM,
            final=FINAL_FOR_ITEM,
        )
        record = sfn.Pass.jsonata(self, "Record Failure", outputs=jsonata(FAILED_ITEM))
        for step in (check, prepare, start):
            for error in EVERY_ERROR:
                step.add_catch(record, errors=[error], outputs=jsonata(CAUGHT_ITEM_ERROR))
        check.next(prepare.next(start))
        return check

    def _judge(
        self, config: OrderProcessingConfig, compensation: sfn.IChainable, close_order: sfn.IChainable
    ) -> sfn.Choice:
        """Undo what the failed items had, or the whole order, as the failure policy says."""
        if config.onItemFailure == "continue":
            undo = {"undo": FAILED_LINES}
        else:
            undo = {"undo": "$order.items", "failure": FIRST_FAILURE}
        return (
            sfn.Choice.jsonata(self, "All Fulfilled?", assign=expressions(undo))
            .when(
                condition(ALL_FULFILLED),
                close_order,
                comment="all",
                assign=expressions({"ending": FULFILLED}),
            )
            .otherwise(compensation)
        )
