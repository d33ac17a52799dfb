"""Stand-in for a warehouse: put the calls of your own in its place.

Each call has an idempotency key: the same call again does nothing more, and returns the same id.
"""

from typing import Any

from errors import PreparationRefused  # type: ignore[import-not-found]

REFUSED_CATEGORY = "hazardous"


def prepare(key: str, item: dict[str, Any]) -> str:
    """Have an item packed, and return the package's id.

    Raises
    ------
    PreparationRefused
        The warehouse does not pack it.
    """
    if item["category"] == REFUSED_CATEGORY:
        raise PreparationRefused(f"the warehouse does not pack what is {REFUSED_CATEGORY}")
    return f"package-{key}"


def take_back(key: str) -> None:
    """Unpack an item if it was packed, and refuse to pack it under this key later."""
