"""An order as it comes in, checked field by field, and the order that every step gets."""

import json
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from errors import OrderInvalid  # type: ignore[import-not-found]
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

MAX_ITEMS = 100
MAX_ORDER_BYTES = 48 * 1024
"""An order goes with its outcomes from state to state, and where another execution finishes a compensation
with its lines once more: all that must fit into 256 KiB (Step Functions quotas)."""

MAX_QUANTITY = 1_000_000
MAX_TOTAL = Decimal("9999999999999.99")
"""Has 15 digits: so many survive in a number of JSON, which is a binary fraction to JSONata."""

DATE_CHARACTERS = 14

MAX_SHOWN_CHARACTERS = 80

Order = dict[str, Any]


def _check_number(value: Any) -> Any:
    """Refuse what pydantic would make a number of: a text, true and false."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise ValueError("should be a number")
    return value


def _check_date(text: str) -> str:
    """Refuse what is no moment, as the 31st of a short month."""
    try:
        if not (len(text) == DATE_CHARACTERS and text.isascii() and text.isdigit()):
            raise ValueError
        datetime.strptime(text, "%Y%m%d%H%M%S")
    except ValueError:
        raise ValueError("should be a date and a time of 14 digits, such as 20190820101213") from None
    return text


Text = Annotated[str, Field(strict=True, min_length=1, max_length=200)]
Price = Annotated[Decimal, BeforeValidator(_check_number), Field(ge=0, decimal_places=2)]
Quantity = Annotated[int, BeforeValidator(_check_number), Field(ge=1, le=MAX_QUANTITY)]


class _Given(BaseModel):
    """Fields under the names that the JSON has; more of them do no harm."""

    model_config = ConfigDict(alias_generator=to_camel, frozen=True)


class GivenItem(_Given):
    """A line of the order."""

    product_name: Text
    category: Text
    price: Price
    quantity: Quantity


class Detail(_Given):
    """Who gets what, where, how fast, and how it is paid."""

    customer_id: Text
    delivery_address: Text
    delivery_speed: Text
    payment_method: Text
    items: list[GivenItem] = Field(min_length=1, max_length=MAX_ITEMS)


class GivenOrder(_Given):
    """An order; its id is the name of its execution in a batch, too."""

    order_id: str = Field(strict=True, pattern=r"^[A-Za-z0-9_-]{1,64}$")
    order_date: Annotated[str, Field(strict=True), AfterValidator(_check_date)]
    detail: Detail


def read_order(raw: Any) -> Order:
    """Check an order, and return it as the steps want it: flat, its lines with index and amount.

    Parameters
    ----------
    raw
        Plain JSON, whatever it is.

    Raises
    ------
    OrderInvalid
        The message says everything that is wrong, in one line.
    """
    try:
        given = _validate(raw)
    except RecursionError:
        raise OrderInvalid("the order is nested too deeply to be read") from None
    lines = [
        {"index": index, **item.model_dump(by_alias=True), "amount": item.price * item.quantity}
        for index, item in enumerate(given.detail.items)
    ]
    order = {
        **given.model_dump(by_alias=True, exclude={"detail"}),
        **given.detail.model_dump(by_alias=True, exclude={"items"}),
        "items": lines,
        "total": sum(line["amount"] for line in lines),
    }
    _check_size(order)
    return order


def _validate(raw: Any) -> GivenOrder:
    try:
        return GivenOrder.model_validate(raw)
    except ValidationError as error:
        raise OrderInvalid("; ".join(map(_problem, error.errors()))) from None


def _check_size(order: Order) -> None:
    if order["total"] > MAX_TOTAL:
        raise OrderInvalid(f"the total is {order['total']:.17g}: should be at most {MAX_TOTAL:,}")
    size = len(json.dumps(order, ensure_ascii=False, default=str).encode())
    if size > MAX_ORDER_BYTES:
        raise OrderInvalid(f"the order has {size:,} bytes of JSON: should be at most {MAX_ORDER_BYTES:,}")


def _problem(error: Any) -> str:
    """Name the place, its value and what it should be."""
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error["loc"])
    place = place.removeprefix(".") or "the order"
    if error["type"] == "missing":
        return f"{place} is missing"
    value = json.dumps(error["input"])
    if len(value) > MAX_SHOWN_CHARACTERS:
        value = value[: MAX_SHOWN_CHARACTERS - 3] + "..."
    is_object = error["type"] == "model_type"
    # Of a list pydantic says how many were counted until it gave up.
    said = error["msg"].partition(" after validation")[0]
    should = " be an object" if is_object else said.partition("should")[2]
    return f"{place} = {value}: should{should}"
