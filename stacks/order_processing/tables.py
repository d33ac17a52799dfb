"""The DynamoDB tables of the orders: how each stands, what is in stock, and what was paid."""

from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct

from stacks.findings import acknowledge
from stacks.tables import OnDemandTable, text

_NOT_KEPT = 'They are sample orders; "production": true turns point-in-time recovery on.'


class OrderTables(Construct):
    """Three tables with the keys that lambdas/order_processing/order_steps uses.

    Attributes
    ----------
    orders
        An order and its items, by ``orderId`` and ``part``; the index ``WaitingForApproval`` has the orders
        that wait, by ``waitingSince``.
    inventory
        What is available, by ``productName``.
    payments
        The ledger: what was charged and refunded, by ``orderId`` and ``entry``.
    """

    def __init__(self, scope: Construct, id_: str, *, production: bool) -> None:
        super().__init__(scope, id_)
        waiting = dynamodb.GlobalSecondaryIndexPropsV2(
            index_name="WaitingForApproval",
            partition_key=text("approval"),
            sort_key=text("waitingSince"),
            projection_type=dynamodb.ProjectionType.INCLUDE,
            non_key_attributes=["customerId", "total", "answerBy"],
        )
        self.orders = OnDemandTable(
            self, "Orders", key="orderId", sort_key="part", production=production, indexes=[waiting]
        )
        self.inventory = OnDemandTable(self, "Inventory", key="productName", production=production)
        self.payments = OnDemandTable(
            self, "Payments", key="orderId", sort_key="entry", production=production
        )
        if not production:
            acknowledge(self, {"AwsSolutions-DDB3": _NOT_KEPT})
