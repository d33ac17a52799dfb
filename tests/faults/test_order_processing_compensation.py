"""Whatever step of an order fails, once or for good: all books agree, and the customer is told once."""

from collections.abc import Callable

import pytest
from faulty_orders import PRICES, FaultyOrders
from order_troubles import (
    CHARGE_FAILS,
    ITEM_FAILS,
    KILLED,
    LOST,
    ONE_ATTEMPT_FAILS,
    PACKING_REFUSED,
    REFUSES,
    THROTTLED,
    TROUBLES,
    UNDOING_FAILS,
    Shop,
    check_failed,
)

AT_ONCE = 4
"""Orders, and items of each."""


@pytest.fixture(scope="module")
def project(
    tmp_path_factory: pytest.TempPathFactory, new_cdk_account: Callable[[], dict[str, str]]
) -> FaultyOrders:
    return FaultyOrders.copy(tmp_path_factory.mktemp("compensation"), new_cdk_account())


@pytest.fixture(scope="module", params=["continue", "fail"])
def shop(project: FaultyOrders, request: pytest.FixtureRequest) -> Shop:
    project.configure("orderProcessing", onItemFailure=request.param, maxConcurrency=AT_ONCE)
    project.deploy()
    assert project.mailbox
    shop = Shop(project, request.param, {})
    ended = project.run_all({shop.order_id(name): trouble for name, trouble in TROUBLES.items()})
    shop.ended.update({name: ended[shop.order_id(name)] for name in TROUBLES})
    return shop


@pytest.mark.parametrize("name", ONE_ATTEMPT_FAILS)
def test_step_that_fails_once_changes_nothing(shop: Shop, name: str):
    assert not any(shop.order_id(name) in key for key in shop.project.planned())
    shop.check_item_failed(name, shop.ended[name], PACKING_REFUSED)


@pytest.mark.parametrize("name", ITEM_FAILS)
def test_item_that_fails_is_undone_or_the_whole_order_with_it(shop: Shop, name: str):
    _, error = ITEM_FAILS[name]
    outcome = shop.check_item_failed(name, shop.ended[name], error)
    # And the customer reads why, in words for customers
    reason = f"it could not be fulfilled ({error[0]})" if error in (THROTTLED, LOST, KILLED) else error[1]
    assert reason in outcome["doesNotShip"][-1]["reason"]
    assert reason in outcome["message"]


def test_order_of_which_no_item_can_be_delivered(shop: Shop):
    ended = shop.ended["nothing-ships"]
    if shop.policy == "continue":
        assert ended.status == "SUCCEEDED"
    else:
        check_failed(
            ended, "DeliveryRefused", r"Item at index 0 \(.+\) failed: the carrier does not .+ yesterday"
        )
    shop.check_closed("nothing-ships", "CANCELLED", [])


@pytest.mark.parametrize("name", CHARGE_FAILS)
def test_order_whose_charge_fails_is_undone_as_a_whole(shop: Shop, name: str):
    _, error = CHARGE_FAILS[name]
    check_failed(shop.ended[name], *error)
    outcome = shop.check_closed(name, "CANCELLED", [])
    assert outcome["reason"] == f"it could not be fulfilled ({error[0]})"


def test_payment_that_is_refused_when_it_is_due(shop: Shop):
    assert shop.ended["refused"].status == "SUCCEEDED"
    outcome = shop.check_closed("refused", "REFUSED", [])
    assert outcome["reason"] == "refused by plan"
    assert (shop.books("refused").items, shop.books("refused").ledger) == ({}, {})


@pytest.mark.parametrize("name", ["doubled", "prepared", "shipped", "charged-outside", "charged"])
def test_step_that_runs_again_after_the_end_changes_nothing(shop: Shop, name: str):
    # Given
    before = shop.books(name)
    # When
    errors = shop.project.run_steps_again(shop.ended[name])
    # Then what was undone stays undone
    assert errors <= {None, "OrderBeingCancelled"}
    assert shop.books(name) == before
    assert len(shop.messages(name)) == 1


@pytest.mark.parametrize("name", ["check", "validation"])
def test_order_that_fails_before_the_charge_can_be_redriven(shop: Shop, name: str):
    # Given an order that failed, of which nothing was done
    failed = shop.ended[name]
    assert (failed.status, failed.failure[0]) == ("FAILED", "ClientError")
    books = shop.books(name)
    assert (books.items, books.taken, books.ledger, shop.messages(name)) == ({}, [0, 0], {}, [])
    # When
    ended = shop.project.redrive(failed)
    # Then
    shop.check_item_failed(name, ended, PACKING_REFUSED)


@pytest.mark.parametrize("name", ["closing", "closed"])
def test_order_that_fails_at_its_end_can_be_redriven(shop: Shop, name: str):
    # Given an order of which everything is done, but the customer was not told
    failed = shop.ended[name]
    assert (failed.status, failed.failure[0]) == ("FAILED", LOST[0] if name == "closed" else THROTTLED[0])
    assert shop.messages(name) == []
    # When it is started again, then it is left alone
    if name == "closing":
        again = shop.project.execute(shop.order(name))
        check_failed(
            again, "OrderAlreadyStarted", f".+ is in execution {failed.arn}, .+ redrive it if it failed"
        )
    # When it is redriven
    ended = shop.project.redrive(failed)
    # Then
    shop.check_item_failed(name, ended, PACKING_REFUSED)


def test_order_that_failed_as_it_should_is_not_told_twice_by_a_redrive(shop: Shop):
    ended = shop.ended["charged"]
    assert shop.project.redrive(ended).failure == ended.failure
    shop.check_closed("charged", "CANCELLED", [])


def test_customer_that_could_not_be_told_is_told_by_a_redrive(shop: Shop):
    # Given a topic that is gone
    project, topic = shop.project, shop.project.outputs["TopicArn"]
    sns = project.client("sns")
    sns.delete_topic(TopicArn=topic)
    # When
    failed = shop.run("untold")
    assert (failed.status, failed.failure[0]) == ("FAILED", "SNS.NotFoundException")
    # When it is there again
    assert sns.create_topic(Name=topic.rpartition(":")[2])["TopicArn"] == topic
    project.mailbox.subscribe(project)
    ended = project.redrive(failed)
    # Then
    shop.check_item_failed("untold", ended, PACKING_REFUSED)


@pytest.mark.parametrize("name", UNDOING_FAILS)
def test_order_that_cannot_be_undone_is_finished_by_starting_it_again(shop: Shop, name: str):
    # Given an order that failed so, and maybe once more
    ended = shop.ended[name]
    if name == "not-recorded":
        assert (ended.status, ended.failure[0]) == ("FAILED", "ClientError")
        ended = shop.project.redrive(ended)
    shop.check_broken(name, ended)
    if name == "refunded-half":
        ended = shop.project.execute(shop.order(name))
        shop.check_broken(name, ended)
    # When
    finished = shop.project.execute(shop.order(name))
    # Then
    shop.check_undone(name, finished)
    # And neither a redrive of the first execution nor another one changes anything
    assert shop.project.redrive(ended).failure == ended.failure
    again = shop.project.execute(shop.order(name))
    assert again.status == "SUCCEEDED"
    shop.check_undone(name, finished)


def test_inventory_that_refuses_to_take_stock_back_sets_off_the_alarm(shop: Shop):
    # Given an inventory that is throttled after both items were reserved
    before = shop.alarm_measure()
    shop.project.plan({"TransactWriteItems": ["pass"] * len(PRICES) + REFUSES})
    # When
    ended = shop.run("not-released")
    # Then
    shop.check_broken("not-released", ended)
    assert shop.books("not-released").taken == [1, 1]
    assert shop.alarm_measure() == before + 1
    # When the order is started again, by two at once
    started = [shop.project.start(shop.order("not-released")) for _ in range(2)]
    first, second = map(shop.project.wait, started)
    # Then one of them finishes it, and the other leaves it alone
    header = shop.books("not-released").header
    ended, other = (first, second) if header["execution"] == first.arn else (second, first)
    shop.check_undone("not-released", ended)
    assert other.status == "SUCCEEDED" or other.failure[0] == "OrderAlreadyStarted"
