"""AWS's prices and quotas: the one reader of prices_and_quotas.json, which has unit, source and date of each.

A figure that differs by region is an object of them there; every region of the file has all figures.
"""

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("prices_and_quotas.json")
DEFAULT_REGION = "us-east-1"
"""The region of README's figures, and of an estimate for which none is named."""

READ_UNIT_BYTES, WRITE_UNIT_BYTES = 4096, 1024
"""Of an item, that a unit of a consistent read covers, and one of a write (DynamoDB pricing)."""
REQUEST_BYTES = 64 * 1024
"""That a request to a queue covers (Amazon SQS pricing)."""


@cache
def _content() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return content


def regions() -> list[str]:
    """List the regions whose figures are known."""
    return list(_content()["regions"])


def prices_year() -> int:
    """Return the year in which the prices were last looked up."""
    return max(int(figure["date"][:4]) for figure in _content()["prices"].values())


def quota(name: str, region: str = DEFAULT_REGION) -> int:
    """Return a quota of AWS, in the unit that the file gives.

    Raises
    ------
    KeyError
        The file has no such quota, or not for this region.
    """
    return int(_value("quotas", name, region))


def price(name: str, region: str = DEFAULT_REGION) -> float:
    """Return a price in US dollars, for the unit that the file gives; KeyError as for `quota`."""
    return float(_value("prices", name, region))


def tiered_dollars(name: str, region: str, amount: float) -> float:
    """Price an amount whose unit gets cheaper from tier to tier of a month.

    Parameters
    ----------
    name
        A price that is a list of tiers: up to which amount, and the price of a unit.
    amount
        All of the month; an estimate takes what it prices for all.
    """
    tiers: Sequence[tuple[float | None, float]] = _value("prices", name, region)
    dollars, begin = 0.0, 0.0
    for end, unit_price in tiers:
        within = amount if end is None else min(amount, end)
        dollars += max(within - begin, 0) * unit_price
        begin = within
    return dollars


def _value(kind: str, name: str, region: str) -> Any:
    value = _content()[kind][name]["value"]
    return value[region] if isinstance(value, dict) else value
