"""Stand-in for a payment provider: put the calls of your own in its place.

Each call has an idempotency key: the same call again does nothing more, and returns the same id.
"""

from decimal import Decimal

from errors import PaymentRefused  # type: ignore[import-not-found]

REFUSED_METHOD = "anExpiredCard"


def authorise(key: str, method: str, amount: Decimal) -> None:
    """Ask whether a payment would be accepted; no money moves.

    Raises
    ------
    PaymentRefused
        It would not.
    """
    if method == REFUSED_METHOD:
        raise PaymentRefused(f"the payment of {amount:.2f} for order {key} was refused: the card has expired")


def charge(key: str, method: str, amount: Decimal) -> str:
    """Take the money, and return the charge's id.

    Raises
    ------
    PaymentRefused
        Nothing was taken.
    """
    authorise(key, method, amount)
    return f"charge-{key}"


def void(key: str) -> None:
    """Give back a charge as a whole if there is one, and refuse one under this key that comes later."""


def refund(key: str, charge_id: str, amount: Decimal) -> str:  # noqa: ARG001 - your provider needs all
    """Give back a part of a charge, and return the refund's id."""
    return f"refund-{key}"
