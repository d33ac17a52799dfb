"""The functions of the order workflow, one for each step: each may do what its step needs, and no more."""

import re

from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.functions import POWERTOOLS_LAYER, create_function
from stacks.order_processing.tables import OrderTables

FOLDER = "order_processing/order_steps"
MEMORY_MB = 256
"""For boto3's clients, and of the first step for pydantic, too."""

Actions = tuple[str, ...]


class OrderFunctions:
    """Creates the functions; each is an attribute under the name of its handler."""

    def __init__(self, scope: Construct, *, tables: OrderTables, topic: sns.ITopic, production: bool) -> None:
        self._scope, self._tables, self._production = scope, tables, production
        # A transaction has no permission of its own: it needs those of what it does.
        self.check_order = self._create(
            "CheckOrder",
            module="check_handler",
            layer_arn=POWERTOOLS_LAYER,
            orders=("GetItem", "PutItem", "UpdateItem"),
        )
        self.validate_payment = self._create("ValidatePayment")
        self.request_approval = self._create("RequestApproval", orders=("UpdateItem",))
        self.request_approval.add_environment("TOPIC_ARN", topic.topic_arn)
        self.request_approval.add_to_role_policy(
            iam.PolicyStatement(actions=["sns:Publish"], resources=[topic.topic_arn])
        )
        self.record_decision = self._create("RecordDecision", orders=("UpdateItem",))
        self.charge_payment = self._create("ChargePayment", payments=("GetItem", "PutItem"))
        self.check_availability = self._create(
            "CheckAvailability", orders=("GetItem", "PutItem"), inventory=("GetItem", "UpdateItem")
        )
        self.prepare_for_delivery = self._create("PrepareForDelivery", orders=("GetItem", "UpdateItem"))
        self.start_delivery = self._create("StartDelivery", orders=("GetItem", "UpdateItem"))
        self.release_stock = self._create(
            "ReleaseStock", orders=("GetItem", "PutItem", "UpdateItem"), inventory=("UpdateItem",)
        )
        self.refund_payment = self._create("RefundPayment", payments=("GetItem", "PutItem"))
        self.close_order = self._create("CloseOrder", orders=("GetItem", "UpdateItem"), payments=("Query",))
        self.record_compensation_failure = self._create("RecordCompensationFailure", orders=("UpdateItem",))

    @property
    def all(self) -> list[lambda_.Function]:
        """Every one of them."""
        return [it for it in vars(self).values() if isinstance(it, lambda_.Function)]

    def _create(  # noqa: PLR0913 - all but the first are named
        self,
        id_: str,
        *,
        module: str = "step_handlers",
        layer_arn: str | None = None,
        orders: Actions = (),
        inventory: Actions = (),
        payments: Actions = (),
    ) -> lambda_.Function:
        """Create a function that may do these actions on the tables, of which it is told the names."""
        uses = {
            "ORDERS_TABLE": (self._tables.orders, orders),
            "INVENTORY_TABLE": (self._tables.inventory, inventory),
            "PAYMENTS_TABLE": (self._tables.payments, payments),
        }
        used = {variable: use for variable, use in uses.items() if use[1]}
        function = create_function(
            self._scope,
            id_,
            folder=FOLDER,
            handler=f"{module}.{re.sub(r'(?<!^)(?=[A-Z])', '_', id_).lower()}",
            production=self._production,
            memory_mb=MEMORY_MB,
            environment={variable: table.table_name for variable, (table, _) in used.items()},
            layer_arn=layer_arn,
        )
        for table, actions in used.values():
            function.add_to_role_policy(
                iam.PolicyStatement(
                    actions=[f"dynamodb:{action}" for action in actions], resources=[table.table_arn]
                )
            )
        return function
