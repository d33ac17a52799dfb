"""Approving orders: which ones are listed, what an answer does, and what is said when it comes too late."""

import json
import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from order_tables import ORDERS, SessionWith, Stacks, create_tables, simulate_aws

from utils import approve
from utils.approve import main, parse_arguments
from utils.command import CommandError

PROJECT_ROOT = Path(__file__).parents[2]
EXECUTION = "arn:aws:states:eu-west-1:123456789012:execution:Orders:12345681"
TOKEN = "AQCkAAAAKgAAAAMAAAAA-the-secret-token"
SEE = f"see it with `python utils/run.py --execution-arn {EXECUTION}`"
MOTO_ARN = "arn:aws:sts::123456789012:user/moto"


class States:
    """Step Functions that takes answers; a refusal is raised, after what happens before it."""

    def __init__(self):
        self.answers = []
        self.refusal = None
        self.before_refusal = None

    def send_task_success(self, *, taskToken, output):  # noqa: N803 - boto3's names
        if self.before_refusal:
            self.before_refusal()
        if self.refusal:
            error = {"Error": {"Code": self.refusal, "Message": "Task Timed Out: 'the task'"}}
            raise ClientError(error, "SendTaskSuccess")
        self.answers.append((taskToken, json.loads(output)))


@pytest.fixture
def session():
    with simulate_aws() as session:
        yield session


@pytest.fixture
def orders(session):
    create_tables(session)
    return session.resource("dynamodb").Table(ORDERS)


@pytest.fixture
def states():
    return States()


@pytest.fixture
def run(session, states, monkeypatch, capsys):
    """Run the command; returns the lines it printed."""

    def run(*arguments, deployed=True):
        simulated = SessionWith(session, stepfunctions=states, cloudformation=Stacks(deployed=deployed))
        monkeypatch.setattr(approve, "open_session", lambda *_: simulated)
        main(list(arguments))
        return capsys.readouterr().out.splitlines()

    return run


def waiting(order_id="12345681", **changes):
    """Build the header of an order that waits; None leaves an attribute out."""
    header = {
        "orderId": order_id,
        "part": "order",
        "execution": EXECUTION,
        "status": "WAITING_FOR_APPROVAL",
        "customerId": "1236",
        "total": Decimal(1240),
        "taskToken": TOKEN,
        "approval": "waiting",
        "waitingSince": "2026-03-02T09:00:00.250Z",
        "answerBy": "2026-03-03T09:00:00+00:00",
        "updatedAt": "2026-03-02T09:00:00.250Z",
    } | changes
    return {name: value for name, value in header.items() if value is not None}


def decided(status="SHIPPED", *, approved=True, reason=None, by=MOTO_ARN):
    """Build the header of an order that waited, and was answered."""
    decision = {"approved": approved, "reason": reason, "by": by, "at": "2026-03-02T10:00:00.000Z"}
    gone = {"taskToken": None, "approval": None, "waitingSince": None, "answerBy": None}
    return waiting(status=status, decision=decision, **gone)


def test_orders_that_wait_are_listed_the_longest_waiting_first(orders, run):
    # Given two that wait, and one that does not
    orders.put_item(Item=waiting("B-2", waitingSince="2026-03-02T09:05:00Z", total=Decimal("1000.5")))
    orders.put_item(Item=waiting("A-1"))
    orders.put_item(Item=decided() | {"orderId": "C-3"})

    assert run() == [
        "Order  Customer  Total     Waits since              Answer by",
        "A-1    1236      1,240.00  2026-03-02 09:00:00 UTC  2026-03-03 09:00:00 UTC",
        "B-2    1236      1,000.50  2026-03-02 09:05:00 UTC  2026-03-03 09:00:00 UTC",
        "approve one: python utils/approve.py ORDER_ID --approve",
        "reject one:  python utils/approve.py ORDER_ID --reject --reason TEXT",
    ]


def test_all_pages_of_a_long_list_are_read(orders, run):
    # Given more than DynamoDB answers at once, which is a MiB
    for number in range(12):
        orders.put_item(Item=waiting(f"A-{number:02}", customerId="c" * 100_000))

    lines = run()

    assert [line[:4] for line in lines[1:-2]] == [f"A-{number:02}" for number in range(12)]


@pytest.mark.usefixtures("orders")
def test_that_none_waits_is_said(run):
    assert run() == ["no order waits for approval"]


def test_the_commands_that_are_shown_carry_the_session(orders, run):
    orders.put_item(Item=waiting())

    listed = run("--profile", "my profile", "--region", "eu-west-1")
    answered = run("12345681", "--approve", "--region", "eu-west-1")

    assert listed[-2].endswith("ORDER_ID --approve --profile 'my profile' --region eu-west-1")
    assert answered[-1].endswith(f"{EXECUTION} --region eu-west-1")


@pytest.mark.parametrize(
    ("arguments", "done", "reason"),
    [
        (["--approve"], "approved", None),
        (["--approve", "--reason", "a good customer"], "approved", "a good customer"),
        (["--reject", "--reason", "zu groß"], "rejected", "zu groß"),
    ],
)
def test_an_answer_goes_to_the_execution_with_who_gave_it(orders, states, run, *, arguments, done, reason):
    orders.put_item(Item=waiting())

    lines = run("12345681", *arguments)

    answer = {"approved": done == "approved", "reason": reason, "by": MOTO_ARN}
    assert states.answers == [(TOKEN, answer)]
    assert lines == [
        f"{done} order 12345681",
        f"watch it: python utils/run.py --execution-arn {EXECUTION}",
    ]


@pytest.mark.parametrize(
    ("header", "line"),
    [
        (
            decided(),
            f"it was approved by {MOTO_ARN} at 2026-03-02 10:00:00 UTC, and is SHIPPED now",
        ),
        (
            decided("REJECTED", approved=False, reason="too large"),
            f"it was rejected by {MOTO_ARN} at 2026-03-02 10:00:00 UTC (too large), and is REJECTED now",
        ),
        (
            decided("REJECTED", approved=False, reason="no answer within 24 hours", by=None),
            "it was rejected at 2026-03-02 10:00:00 UTC (no answer within 24 hours), and is REJECTED now",
        ),
        (waiting(status="RECEIVED", approval=None, taskToken=None), "it is RECEIVED"),
        (waiting(status="REFUSED", approval=None, taskToken=None), "it is REFUSED"),
    ],
)
def test_of_an_order_that_does_not_wait_it_is_said_what_became(orders, states, run, header, line):
    # Given an order that was answered before, or never waited
    orders.put_item(Item=header)

    with pytest.raises(CommandError) as caught:
        run("12345681", "--approve")

    assert str(caught.value) == f"order 12345681 does not wait for approval: {line}"
    assert states.answers == []


@pytest.mark.parametrize("refusal", ["TaskTimedOut", "TaskDoesNotExist", "InvalidToken"])
def test_an_answer_that_comes_too_late_is_said_in_one_line(orders, states, run, refusal):
    # Given an execution that was stopped while it waited, so that its record still says that it does
    orders.put_item(Item=waiting())
    states.refusal = refusal

    with pytest.raises(CommandError) as caught:
        run("12345681", "--approve")

    assert str(caught.value) == (
        "too late: nobody waits for an answer about order 12345681 any more: it was answered just now, "
        f"the time for it is over, or its execution was stopped; {SEE}"
    )


def test_of_two_answers_at_once_the_second_is_told_of_the_first(orders, states, run):
    # Given somebody else whose answer arrives between this one's read and its own
    orders.put_item(Item=waiting())
    states.refusal = "TaskTimedOut"
    states.before_refusal = lambda: orders.put_item(
        Item=decided("REJECTED", approved=False, reason="too large")
    )

    with pytest.raises(CommandError) as caught:
        run("12345681", "--approve")

    assert str(caught.value) == (
        f"too late: order 12345681 was rejected by {MOTO_ARN} at 2026-03-02 10:00:00 UTC (too large), "
        f"and is REJECTED now; {SEE}"
    )


def test_the_token_is_never_printed(orders, states, run, capsys):
    orders.put_item(Item=waiting())
    printed = "\n".join([*run(), *run("12345681", "--approve")])
    for refusal in ("TaskTimedOut", "InvalidOutput", "ThrottlingException"):
        states.refusal = refusal
        with pytest.raises(CommandError) as caught:
            run("12345681", "--approve")
        printed += str(caught.value)

    assert TOKEN not in printed + "".join(capsys.readouterr())


@pytest.mark.usefixtures("orders")
@pytest.mark.parametrize("order_id", ["12345681", "../x", "x" * 3000])
def test_an_unknown_order_is_said(run, order_id):
    with pytest.raises(CommandError) as caught:
        run(order_id, "--approve")

    line = str(caught.value)
    assert line.startswith(
        f"there is no order {order_id} in eu-west-1: `python utils/approve.py` lists"
    ) or line.startswith(f"reading order {order_id}: ValidationException: ")
    assert "\n" not in line


@pytest.mark.parametrize("arguments", [[], ["12345681", "--approve"]])
def test_a_stack_that_is_not_deployed_is_said(run, arguments):
    with pytest.raises(CommandError) as caught:
        run(*arguments, deployed=False)

    assert str(caught.value) == (
        "stack OrderProcessingStack does not exist in eu-west-1: "
        "deploy it first with `npx cdk deploy OrderProcessingStack`"
    )


@pytest.mark.parametrize(
    ("arguments", "doing"),
    [([], "listing the orders that wait"), (["12345681", "--approve"], "reading order 12345681")],
)
def test_a_table_that_is_gone_is_said(orders, run, arguments, doing):
    orders.delete()

    with pytest.raises(CommandError) as caught:
        run(*arguments)

    assert str(caught.value) == (
        f"{doing}: table the-orders does not exist in eu-west-1: "
        "deploy it again with `npx cdk deploy OrderProcessingStack`"
    )


def test_missing_permission_is_said(orders, states, run):
    orders.put_item(Item=waiting())
    states.refusal = "AccessDeniedException"

    with pytest.raises(CommandError) as caught:
        run("12345681", "--approve")

    assert str(caught.value) == (
        "answering for order 12345681: no permission: use a profile that may do this "
        "(AccessDeniedException: Task Timed Out: 'the task')"
    )


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["", "--approve"], "ORDER_ID is empty: `python utils/approve.py` lists the orders that wait"),
        (["--approve"], "an answer needs the ORDER_ID: `python utils/approve.py` lists"),
        (["--reason", "why"], "an answer needs the ORDER_ID: `python utils/approve.py` lists"),
        (["A-1"], "say what becomes of order A-1: --approve, or --reject --reason TEXT"),
        (["A-1", "--reason", "why"], "say what becomes of order A-1: --approve, or --reject --reason TEXT"),
        (["A-1", "--reject"], "--reject needs a --reason: the customer reads it"),
        (["A-1", "--reject", "--reason", " \n"], "--reason is empty: say why"),
        (["A-1", "--approve", "--reason", ""], "--reason is empty: say why"),
        (["A-1", "--approve", "--reason", "x" * 1001], "--reason is longer than 1,000 characters"),
        (["A-1", "--approve", "--reason", "\udcff"], "ORDER_ID and --reason must be text in UTF-8"),
        (["A-\udcff", "--approve"], "ORDER_ID and --reason must be text in UTF-8"),
        (["A-1", "--approve", "--reject"], "argument --reject: not allowed with argument --approve"),
        (["A-1", "B-2", "--approve"], "unrecognized arguments: B-2"),
    ],
)
def test_a_usage_error_ends_with_2_and_says_what_is_wrong(arguments, line, capsys):
    with pytest.raises(SystemExit) as caught:
        parse_arguments(arguments)

    assert caught.value.code == 2
    assert re.search(f"error: .*{re.escape(line)}", capsys.readouterr().err.splitlines()[-1])


@pytest.mark.parametrize("folder", [".", "utils"])
def test_the_command_runs_from_the_root_and_from_its_folder(folder):
    command = [sys.executable, PROJECT_ROOT / "utils" / "approve.py", "--help"]

    done = subprocess.run(command, cwd=PROJECT_ROOT / folder, capture_output=True, text=True, check=True)

    assert "--reject" in done.stdout
