"""The stock and the delivery of an item: reserved, packed, sent, and given back, each once."""

import pytest
from order_outside import Outside
from order_steps import AGILE, DOMAIN, Calls, read_event, run_with_faults, start_steps

STOCK = 100


@pytest.fixture
def steps(monkeypatch):
    with start_steps() as started:
        started.stock(**{AGILE: STOCK, DOMAIN: STOCK})
        started.outside = Outside(started.modules.errors)
        started.outside.install(started.modules, monkeypatch)
        yield started


ORDER = read_event("order_checked.json")["order"]
LINE = ORDER["items"][1]
ADDRESSED = {key: ORDER[key] for key in ("orderId", "deliveryAddress", "deliverySpeed")}


def reserve(steps, order_id="12345678", **changes):
    return steps.check_availability(orderId=order_id, item=LINE | changes)


def prepare(steps, order_id="12345678", **changes):
    return steps.prepare_for_delivery(order=ADDRESSED | {"orderId": order_id}, item=LINE | changes)


def deliver(steps, order_id="12345678", **changes):
    return steps.start_delivery(order=ADDRESSED | {"orderId": order_id} | changes, item=LINE)


def release(steps, order_id="12345678"):
    return steps.release_stock(orderId=order_id, items=[LINE])


FORWARD = [reserve, prepare, deliver]
STATUSES = ["RESERVED", "PREPARED", "SHIPPED"]


def fulfil(steps, number, order_id="12345678"):
    """Take the item through so many of its steps."""
    return [step(steps, order_id) for step in FORWARD[:number]]


def status(steps, order_id="12345678"):
    return steps.item(LINE["index"], order_id)["status"]


def test_item_goes_through_its_steps(steps):
    # When an item is reserved, packed and handed over
    answers = fulfil(steps, 3)
    # Then each step says what it did, and so does the item's record
    assert answers == [
        {"reserved": 3},
        {"packageId": "package-12345678/1"},
        {"trackingId": "tracking-12345678/1"},
    ]
    assert steps.item(1) == {
        "orderId": "12345678",
        "part": "item#001",
        "status": "SHIPPED",
        "productName": DOMAIN,
        "quantity": 3,
        "packageId": "package-12345678/1",
        "trackingId": "tracking-12345678/1",
    }
    assert (steps.available(DOMAIN), steps.available(AGILE)) == (STOCK - 3, STOCK)


@pytest.mark.parametrize("number", range(3), ids=STATUSES)
def test_step_is_done_once_whatever_happens(steps, monkeypatch, number):
    # Given orders whose item is about to take a step
    runs = [f"order-{run}" for run in range(20)]
    for order_id in runs:
        fulfil(steps, number, order_id)
    before = steps.available(DOMAIN)
    reserved = []

    def is_done(run, answers):
        assert answers[0] == answers[1]
        assert status(steps, f"order-{run}") == STATUSES[number]
        reserved.append(run)
        assert steps.available(DOMAIN) == before - (3 * len(reserved) if number == 0 else 0)

    run_with_faults(Calls(monkeypatch), lambda run: FORWARD[number](steps, f"order-{run}"), is_done)


@pytest.mark.parametrize("number", range(3), ids=STATUSES)
def test_step_that_runs_again_later_does_nothing(steps, number):
    # Given an item that was sent; when an earlier step comes again, then it has its answer of before
    answers = fulfil(steps, 3)
    assert FORWARD[number](steps) == answers[number]
    assert status(steps) == "SHIPPED"
    assert steps.available(DOMAIN) == STOCK - 3


def test_last_copies_are_sold_once(steps):
    # Given four copies
    steps.stock(**{DOMAIN: 4})
    # When two orders want three each
    reserve(steps, "first")
    with pytest.raises(steps.error("OutOfStock")) as refused:
        reserve(steps, "second")
    # Then the second is told what there is, and leaves no record
    assert str(refused.value) == "3 wanted, 1 in stock"
    assert steps.available(DOMAIN) == 1
    assert steps.item(1, "second") is None
    # And the first one's step, which runs again, still has them
    assert reserve(steps, "first") == {"reserved": 3}


def test_product_that_nobody_knows_is_refused(steps):
    with pytest.raises(steps.error("ProductUnknown")) as refused:
        reserve(steps, productName="Unwritten")
    assert str(refused.value) == "the inventory has no such product"


def test_stock_that_came_between_two_looks_is_worth_another_attempt(steps, monkeypatch):
    # Given copies that come back between the refused transaction and the look at the stock
    steps.stock(**{DOMAIN: 0})
    stock = steps.modules.stock
    read_item = stock.read_item

    def read_late(*arguments):
        steps.stock(**{DOMAIN: 3})
        return read_item(*arguments)

    monkeypatch.setattr(stock, "read_item", read_late)
    # When the item is reserved, then that is no final error
    with pytest.raises(stock.StockChangedError) as changed:
        reserve(steps)
    assert not isinstance(changed.value, steps.error("StepRefused"))
    # And the next attempt has them
    assert reserve(steps) == {"reserved": 3}


def test_transaction_that_conflicts_with_another_is_worth_another_attempt(steps, monkeypatch):
    # Given a table that is busy with the same product
    client = steps.modules.step_handlers._table("ORDERS_TABLE").meta.client
    reasons = [{"Code": "TransactionConflict"}, {"Code": "None"}]
    busy = client.exceptions.TransactionCanceledException(
        {"Error": {"Code": "TransactionCanceledException"}, "CancellationReasons": reasons},
        "TransactWriteItems",
    )

    def refuse(**_):
        raise busy

    monkeypatch.setattr(client, "transact_write_items", refuse)
    # When an item is reserved, then the step fails by that, and not as out of stock
    with pytest.raises(type(busy)):
        reserve(steps)


def test_services_outside_refuse_by_name(steps, monkeypatch):
    # Given the stand-ins
    monkeypatch.undo()
    reserve(steps)
    # When they do not take an item, then that is a final error
    with pytest.raises(steps.error("PreparationRefused")) as refused:
        prepare(steps, category="hazardous")
    assert str(refused.value) == "the warehouse does not pack what is hazardous"
    assert status(steps) == "RESERVED"
    prepare(steps)
    with pytest.raises(steps.error("DeliveryRefused")) as refused:
        deliver(steps, deliverySpeed="yesterday")
    assert (
        str(refused.value) == "the carrier does not deliver package-12345678/1 to 123, Seattle, WA yesterday"
    )
    assert status(steps) == "PREPARED"


@pytest.mark.parametrize("done", range(4), ids=["NEW", *STATUSES])
def test_release_undoes_what_was_done_once_whatever_happens(steps, monkeypatch, done):
    # Given orders whose item got so far
    runs = [f"order-{run}" for run in range(20)]
    for order_id in runs:
        fulfil(steps, done, order_id)
    before = steps.available(DOMAIN)
    released = []

    def is_released(run, answers):
        assert answers == [{"released": 1}] * 2
        assert status(steps, f"order-{run}") == "RELEASED"
        released.append(run)
        assert steps.available(DOMAIN) == before + (3 * len(released) if done else 0)
        # Then nothing of it is packed or under way
        assert f"order-{run}/1" not in steps.outside.packed | steps.outside.delivered

    run_with_faults(Calls(monkeypatch), lambda run: release(steps, f"order-{run}"), is_released)


@pytest.mark.parametrize("late", range(3), ids=STATUSES)
@pytest.mark.parametrize("done", range(4), ids=["NEW", *STATUSES])
def test_step_that_comes_after_the_release_is_refused(steps, done, late):
    # Given an item that was released
    fulfil(steps, done)
    release(steps)
    # When one of its steps comes late
    with pytest.raises(steps.error("OrderBeingCancelled")) as refused:
        FORWARD[late](steps)
    # Then it does nothing
    assert str(refused.value) == "item 1 of order 12345678 was released before this step"
    assert status(steps) == "RELEASED"
    assert steps.available(DOMAIN) == STOCK
    assert steps.outside.packed | steps.outside.delivered == set()


@pytest.mark.parametrize(
    ("number", "service", "call"), [(1, "warehouse", "prepare"), (2, "carrier", "start_delivery")]
)
def test_step_that_is_overtaken_by_the_release_calls_off_what_it_did(
    steps, monkeypatch, number, service, call
):
    # Given a service that answers only when the item was released, and forgets what it was told before
    fulfil(steps, number)
    outside = steps.outside
    answer = getattr(outside, call)

    def answer_late(*arguments):
        packed = set(outside.packed)
        release(steps)
        outside.unpacked.clear()
        outside.cancelled.clear()
        outside.packed |= packed
        return answer(*arguments)

    monkeypatch.setattr(getattr(steps.modules, service), call, answer_late)
    # When the step runs
    with pytest.raises(steps.error("OrderBeingCancelled")):
        FORWARD[number](steps)
    # Then it told the service to forget it
    assert "12345678/1" in (outside.unpacked if number == 1 else outside.cancelled)
    assert status(steps) == "RELEASED"


def test_release_bears_a_product_that_is_gone(steps):
    # Given an item whose product was taken from the inventory
    reserve(steps)
    steps.inventory.delete_item(Key={"productName": DOMAIN})
    # When it is released, then its copies are there
    release(steps)
    assert steps.available(DOMAIN) == 3
