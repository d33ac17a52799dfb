"""The approval of an order: the token that answers, its announcement, and the decision that stays."""

import logging
from datetime import UTC, datetime, timedelta

import pytest
from order_steps import Calls, Mailbox, raw_order, run_with_faults, start_steps

TOKEN = "the-token"
TOPIC_FIELDS = ("Subject", "Message")
YES = {"approved": True, "reason": None, "by": "arn:aws:iam::123456789012:user/ada"}
NO = {"approved": False, "reason": "too many", "by": "arn:aws:iam::123456789012:user/ada"}


@pytest.fixture
def steps():
    with start_steps() as started:
        yield started


@pytest.fixture
def mailbox(steps):
    assert steps
    return Mailbox()


def request(steps, order, token=TOKEN):
    return steps.request_approval(order=order, token=token, timeoutSeconds=3600)


def decide(steps, decision, order_id="12345678"):
    return steps.record_decision(orderId=order_id, decision=decision)


def test_order_waits_with_its_token_and_is_announced_without(steps, mailbox):
    # Given
    order = steps.checked()
    # When
    before = datetime.now(UTC)
    assert request(steps, order) is None
    # Then the index finds it, and who approves can answer
    header = steps.header()
    assert (header["status"], header["approval"], header["taskToken"]) == (
        "WAITING_FOR_APPROVAL",
        "waiting",
        TOKEN,
    )
    since, until = (datetime.fromisoformat(header[key]) for key in ("waitingSince", "answerBy"))
    assert before <= since <= datetime.now(UTC)
    assert until - since == timedelta(hours=1)
    # And it is announced
    (message,) = mailbox.messages()
    assert message["Subject"] == "Order 12345678 waits for approval"
    assert message["Message"] == (
        f"Order 12345678 of customer 1234 over 155.97 waits for approval until {header['answerBy']}.\n\n"
        "Approve it: python utils/approve.py 12345678 --approve\n"
        "Reject it:  python utils/approve.py 12345678 --reject --reason TEXT\n"
    )
    values = {name: each["Value"] for name, each in message["MessageAttributes"].items()}
    assert values == {"event": "approvalRequested", "orderId": "12345678"}
    assert TOKEN not in str(message)


@pytest.mark.usefixtures("mailbox")
def test_a_log_that_tells_everything_has_no_token(steps, caplog):
    # Given
    order = steps.checked()
    token = "a token of its own"
    caplog.set_level(logging.DEBUG)
    # When
    request(steps, order, token)
    # Then
    logging.getLogger("other").debug("its own")
    assert "its own" in caplog.text
    assert token not in caplog.text


def test_announcement_has_no_lines_of_the_customers(steps, mailbox):
    # Given a customer's id that adds a command to the message
    forged = "1234\n\nApprove it: python utils/approve.py 666 --approve\u2028\x1b[2J"
    order = steps.check_order(order=raw_order(customerId=forged), execution="first")["order"]
    # When
    request(steps, order)
    # Then it stays in the line that tells of the customer
    (message,) = mailbox.messages()
    lines = message["Message"].splitlines()
    assert len(lines) == 4
    assert lines[0].startswith(
        "Order 12345678 of customer 1234  Approve it: python utils/approve.py 666 --approve  [2J over 155.97"
    )


def test_newest_token_counts(steps, mailbox):
    # Given a request that was tried again, and its first attempt, which is late
    order = steps.checked()
    request(steps, order, "newest")
    early = datetime.now(UTC) - timedelta(seconds=1)
    mailbox.messages()
    # When that one writes
    answer = steps.modules.approval.await_answer(steps.orders, "12345678", "first", 3600, early)
    # Then it leaves the token, which is the one that is waited for
    assert answer is None
    assert steps.header()["taskToken"] == "newest"
    # And a request that is tried again later replaces it
    request(steps, order, "later")
    assert steps.header()["taskToken"] == "later"


@pytest.mark.parametrize(("decision", "status"), [(YES, "APPROVED"), (NO, "REJECTED")])
@pytest.mark.usefixtures("mailbox")
def test_decision_ends_the_wait(steps, decision, status):
    # Given
    request(steps, steps.checked())
    # When
    assert decide(steps, decision) == decision
    # Then the order waits no more, and nobody can answer again
    header = steps.header()
    assert header["status"] == status
    assert {"taskToken", "approval", "waitingSince", "answerBy"} & set(header) == set()
    at = header["decision"].pop("at")
    assert datetime.fromisoformat(at).tzinfo is not None
    assert header["decision"] == decision


def test_decision_is_recorded_once_whatever_happens(steps, monkeypatch):
    for run in range(5):
        steps.check_order(order=raw_order() | {"orderId": f"order-{run}"}, execution="first")

    def is_recorded(run, answers):
        assert answers == [YES, YES]
        assert steps.header(f"order-{run}")["decision"]["approved"] is True

    run_with_faults(Calls(monkeypatch), lambda run: decide(steps, YES, f"order-{run}"), is_recorded)


def test_first_decision_stays(steps):
    # Given an order that was rejected
    steps.checked()
    decide(steps, NO)
    first = steps.header()
    # When a decision comes late
    decide(steps, YES)
    # Then
    assert steps.header() == first


def test_request_after_the_decision_does_nothing(steps, mailbox):
    # Given
    order = steps.checked()
    decide(steps, YES)
    # When an attempt of the request comes late
    request(steps, order)
    # Then
    assert steps.header()["status"] == "APPROVED"
    assert "taskToken" not in steps.header()
    assert mailbox.messages() == []


@pytest.mark.parametrize("answer", [{}, "yes", None, [1], {"approved": "true"}, {"approved": 1}])
def test_answer_that_is_not_plainly_yes_rejects(steps, answer):
    # Given somebody who answers the token without the command
    steps.checked()
    # When it is recorded, then the order is rejected
    assert decide(steps, answer) == {"approved": False, "reason": None, "by": None}
    assert steps.header()["status"] == "REJECTED"
