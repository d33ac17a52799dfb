"""Approval of large orders: yes, no, no answer, and answers that come twice or too late."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from order_project import OrderProject, attributes, make_order
from projects import wait_until

BOOK = "Agile Software Development"
STOCK = 20
THRESHOLD = 100
TIMEOUT_HOURS = 0.002
"""7.2 seconds: the order that nobody answers waits for so long."""


@pytest.fixture(scope="module")
def project(
    tmp_path_factory: pytest.TempPathFactory, new_cdk_account: Callable[[], dict[str, str]]
) -> OrderProject:
    project = OrderProject.copy(tmp_path_factory.mktemp("approval"), new_cdk_account())
    project.name_workflows("orderProcessing")
    project.configure("orderProcessing", approvalThreshold=THRESHOLD, approvalTimeoutHours=24)
    project.deploy()
    project.load_stock({BOOK: STOCK})
    assert project.mailbox
    return project


def wait_for_approval(project: OrderProject, order_id: str, *, price: float = THRESHOLD + 0.01) -> str:
    """Start an order just above the threshold; returns its execution once it waits."""
    arn = project.start(make_order(order_id, {"productName": BOOK, "price": price}))
    project.wait_for_status(order_id, "WAITING_FOR_APPROVAL")
    return arn


def test_order_at_the_threshold_needs_no_approval(project: OrderProject):
    ended = project.execute(make_order("at-threshold", {"productName": BOOK, "price": THRESHOLD}))
    assert ended.output["status"] == "SHIPPED"


def test_approvers_are_told_without_the_token(project: OrderProject):
    # When
    arn = wait_for_approval(project, "announced")
    # Then
    (message,) = wait_until(lambda: project.mailbox.messages("announced", "approvalRequested"))
    assert "announced" in message["Message"]
    assert "100.01" in message["Message"]
    token = project.header("announced")["taskToken"]
    assert token not in message["Message"] + str(attributes(message))
    # And the list of what waits names the order, and not the token either
    listed = project.approve()
    assert "announced" in listed
    assert token[:20] not in listed
    project.approve("announced", "--approve")
    assert project.wait(arn).output["status"] == "SHIPPED"


def test_rejected_order_is_told_and_costs_nothing(project: OrderProject):
    # Given
    arn = wait_for_approval(project, "rejected")
    before = project.available(BOOK)
    # When
    project.approve("rejected", "--reject", "--reason", "too many books for one desk")
    ended = project.wait(arn)
    # Then
    assert ended.status == "SUCCEEDED"
    assert ended.output["status"] == "REJECTED"
    assert "too many books for one desk" in ended.output["reason"]
    assert project.ledger("rejected") == {}
    assert project.available(BOOK) == before
    (message,) = project.mailbox.messages("rejected", "orderClosed")
    assert "too many books for one desk" in message["Message"]


def test_second_answer_says_what_became_of_the_order(project: OrderProject):
    # Given
    arn = wait_for_approval(project, "twice")
    project.approve("twice", "--approve", "--reason", "a good customer")
    # When it is answered again, at once or after the end
    at_once = project.approve("twice", "--reject", "--reason", "no", exit_code=1)
    ended = project.wait(arn)
    after_end = project.approve("twice", "--reject", "--reason", "no", exit_code=1)
    # Then the first answer counts
    assert ended.output["status"] == "SHIPPED"
    for said in (at_once, after_end):
        assert said.count("\n") == 1
        assert "twice" in said
        assert "does not wait" in said or "answered" in said
    assert "approved" in after_end


def test_nothing_waits_after_all_are_answered(project: OrderProject):
    assert "no order waits" in project.approve().lower()


def test_order_that_is_not_there_is_one_line(project: OrderProject):
    said = project.approve("no-such-order", "--approve", exit_code=1)
    assert said.count("\n") == 1
    assert "no-such-order" in said


def test_order_that_nobody_answers_is_rejected_and_a_late_answer_refused(project: OrderProject):
    # Given a deployment that waits for seconds
    project.configure("orderProcessing", approvalTimeoutHours=TIMEOUT_HOURS)
    project.deploy()
    arn = wait_for_approval(project, "late")
    # When
    ended = project.wait(arn)
    said = project.approve("late", "--approve", exit_code=1)
    # Then
    assert ended.status == "SUCCEEDED"
    assert ended.output["status"] == "REJECTED"
    assert "no answer" in ended.output["reason"]
    assert project.charged("late") == Decimal(0)
    assert said.count("\n") == 1
    assert "no answer" in said
