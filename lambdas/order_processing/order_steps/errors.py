"""What a step refuses for good. Step Functions sees the class's name, and does not try the step again."""


class StepRefused(Exception):  # noqa: N818 - the names stand in the definition and in outcomes
    """Another attempt would end alike. Every other exception is worth one: each step is idempotent."""


class OrderInvalid(StepRefused):
    """The order has something wrong; the message names each place."""


class OrderConflict(StepRefused):
    """The order's id is that of another order."""


class OrderAlreadyStarted(StepRefused):
    """Another execution has the order, and has not closed it."""


class OrderBeingCancelled(StepRefused):
    """What the step would do was undone before: the step is late."""


class ProductUnknown(StepRefused):
    """The inventory has no such product."""


class OutOfStock(StepRefused):
    """Less is available than the item wants."""


class PreparationRefused(StepRefused):
    """The warehouse does not take the item."""


class DeliveryRefused(StepRefused):
    """The carrier does not take the package."""


class PaymentRefused(StepRefused):
    """The payment provider does not accept the payment; the message is for the customer."""


FOR_CUSTOMER = frozenset(
    error.__name__ for error in (ProductUnknown, OutOfStock, PreparationRefused, DeliveryRefused)
)
"""Names of the errors whose message the customer may read."""
