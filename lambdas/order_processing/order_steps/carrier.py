"""Stand-in for a carrier: put the calls of your own in its place.

Each call has an idempotency key: the same call again does nothing more, and returns the same id.
"""

from errors import DeliveryRefused  # type: ignore[import-not-found]

REFUSED_SPEED = "yesterday"


def start_delivery(key: str, package_id: str, address: str, speed: str) -> str:
    """Hand a package over, and return the id under which it is tracked.

    Raises
    ------
    DeliveryRefused
        The carrier does not take it.
    """
    if speed == REFUSED_SPEED:
        raise DeliveryRefused(f"the carrier does not deliver {package_id} to {address} {speed}")
    return f"tracking-{key}"


def cancel_delivery(key: str) -> None:
    """Bring a package back if it is under way, and refuse one under this key that comes later."""
