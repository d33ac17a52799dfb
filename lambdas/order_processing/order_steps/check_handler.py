"""Lambda handler of an order's first step: checks it, and takes it for the execution.

The event is ``{"order": …, "execution": ARN}``, the order as it came in. Environment: ``ORDERS_TABLE``. It is
apart from the other handlers because it alone needs pydantic, which comes in a layer.
"""

import os
from functools import cache
from typing import Any

import boto3

# Lambda puts this folder, and not the project, on the path.
from order import read_order  # type: ignore[import-not-found]
from order_record import OrderRecords  # type: ignore[import-not-found]


def check_order(event: dict[str, Any], _context: object) -> Any:
    """Return the ``{"outcome"}`` of an order that was closed before, otherwise ``{"order"}``.

    ``{"order", "compensation"}`` is one that another execution could not undo, with what is left of that.
    """
    order = read_order(event["order"])
    return _orders().take(order, event["execution"])


@cache
def _orders() -> OrderRecords:
    return OrderRecords(boto3.resource("dynamodb").Table(os.environ["ORDERS_TABLE"]))
