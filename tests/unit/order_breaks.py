"""Ways to break the order's steps, each of which must show in the books."""

import itertools
import json
from decimal import Decimal


def sell_without_a_look(modules, patch):
    """Reserve what is not there."""

    def wrote_all(table, *writes):
        for write in writes:
            write.get("Update", {}).pop("ConditionExpression", None)
        return modules.tables.wrote_all(table, *writes)

    patch.setattr(modules.stock, "wrote_all", wrote_all)


def reserve_with_each_attempt(modules, patch):
    patch.setattr(modules.stock, "IS_NEW", "attribute_not_exists(nothing)")


def release_without_a_trace(modules, patch):
    """Leave no record of a release that found nothing, so that a step that is late finds a new item."""

    def is_new(put_item, **request):
        key = {name: request["Item"][name] for name in ("orderId", "part")}
        return "Item" not in put_item.__self__.get_item(Key=key)

    patch.setattr(modules.stock, "wrote", is_new)


def charge_with_each_attempt(modules, patch):
    charge, keys = modules.payment_provider.charge, itertools.count()
    patch.setattr(modules.payment_provider, "charge", lambda key, *rest: charge(f"{key}.{next(keys)}", *rest))


def let_the_delivery_go_on(modules, patch):
    patch.setattr(modules.carrier, "cancel_delivery", lambda _: None)


def refund_without_the_ledger(modules, patch):
    """Leave no trace of a refund, only of a charge."""
    write = modules.payments.Ledger._write

    def write_charge(ledger, order_id, entry, *rest, **provided):
        if entry == "charge":
            write(ledger, order_id, entry, *rest, **provided)

    patch.setattr(modules.payments.Ledger, "_write", write_charge)


def take_over_with_each_execution(modules, patch):
    patch.setattr(modules.order_record.OrderRecords, "_take_over", lambda *_: True)


def count_in_binary_fractions(modules, patch):
    def inexact(content):
        return json.loads(json.dumps(content), parse_float=lambda text: Decimal(float(text)))

    patch.setattr(modules.step_handlers, "exact", inexact)


BREAKS = [
    sell_without_a_look,
    reserve_with_each_attempt,
    release_without_a_trace,
    charge_with_each_attempt,
    let_the_delivery_go_on,
    refund_without_the_ledger,
    take_over_with_each_execution,
    count_in_binary_fractions,
]
