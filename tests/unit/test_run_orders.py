"""What the command shows of an order and of a batch, what it says while one waits, and its exit codes."""

import io
import re
import sys
from functools import partial

import pytest
from history_builder import START, HistoryBuilder
from order_history import NO_STOCK, ORDER_ID, TOKEN, BatchHistory, OrderHistory, outcome
from rich.console import Console

import utils.run
from utils.run import parse_arguments, show, start
from utils.watch.history import History
from utils.watch.progress import Reading, progress_text
from utils.watch.watcher import Watcher

ARN = "arn:aws:states:eu-west-1:111122223333:execution:Orders:run-1"
REDRIVE = f"  go on with it: python utils/redrive.py {ARN}"
BY = "arn:aws:sts::111122223333:assumed-role/Boss/anna"


class Reads:
    """Step Functions whose history grows from read to read."""

    def __init__(self, events, *lengths):
        self._events = events
        self._lengths = [*lengths, len(events)]

    def get_execution_history(self, **_):
        return {"events": self._events[: self._lengths.pop(0)][::-1]}


@pytest.fixture
def shown(monkeypatch):
    """Show an execution; returns the exit code and the lines."""
    monkeypatch.setattr(sys, "argv", ["utils/run.py"])
    monkeypatch.setattr(utils.run, "Watcher", partial(Watcher, sleep=lambda _: None))

    def run(events, *lengths, terminal=False, arguments=("--execution-arn", ARN)):
        console = Console(file=io.StringIO(), width=100, force_terminal=terminal, color_system=None)
        code = show(parse_arguments([*arguments]), Reads(events, *lengths), ARN, console)
        return code, console.file.getvalue().splitlines()

    return run


def partly_shipped(**closing):
    order = OrderHistory()
    order.check()
    order.fulfil()
    return order.close(outcome(), **closing)


def test_items_have_a_row_and_the_order_an_outcome(shown):
    code, lines = shown(partly_shipped())

    assert code == 0
    first, second = (next(line for line in lines if line.startswith(f"{index}  ")) for index in (0, 1))
    assert re.match(r"0  1 x Agile Software .* 0\.20 s  succeeded  ships as T-1", first)
    assert re.match(r"1  2 x The Art of Computer .* 0\.20 s  failed +OutOfStock: The Art of", second)
    assert lines[-7:] == [
        f"Order          {ORDER_ID}, customer 1234",
        "Status         PARTLY_SHIPPED",
        "Ships          1 x Agile Software Development, 60.00, as T-1",
        f"Does not ship  2 x The Art of Computer Programming, 91.10: {NO_STOCK}",
        "Charged        60.00",
        "",
        "SUCCEEDED in 0.70 s (1 of 2 items succeeded, 1 failed)",
    ]


def test_a_refused_order_has_no_items_and_ends_well(shown):
    order = OrderHistory()
    order.step("Check Order", {"order": {}})
    order.step("Validate Payment", {"accepted": False, "reason": "the card has expired"})
    closed = outcome("REFUSED", charged=0, reason="the card has expired", ships=False)
    closed["doesNotShip"][0]["reason"] = "the card has expired"

    code, lines = shown(order.close(closed))

    assert code == 0
    assert lines[-5:] == [
        "Does not ship  2 x The Art of Computer Programming, 91.10",
        "Charged        0.00",
        "Reason         the card has expired",
        "",
        "SUCCEEDED in 0.40 s",
    ]


def test_what_a_terminal_would_obey_is_shown_and_not_done(shown):
    # Given texts of a customer in the outcome
    closed = outcome(reason="\x1b[31mred\nlines") | {"customerId": "\x07"}
    closed["ships"][0]["productName"] = "\x1b]0;title"
    order = OrderHistory()
    order.check()
    events = order.close(closed)

    _, lines = shown(events)

    assert f"Order          {ORDER_ID}, customer \\x07" in lines
    assert "Ships          1 x \\x1b]0;title, 60.00, as T-1" in lines
    assert "Reason         \\x1b[31mred lines" in lines


def test_an_order_that_was_processed_before_shows_its_outcome(shown):
    # Given one that another execution has closed
    order = OrderHistory()
    order.step("Check Order", {"outcome": outcome()})
    order.event("SucceedStateEntered", {"name": "Already Processed"})
    order.event(
        "SucceedStateExited", {"name": "Already Processed", "output": __import__("json").dumps(outcome())}
    )
    order.event("ExecutionSucceeded", {"output": "{}"})

    code, lines = shown(order.events)

    assert code == 0
    assert "Status         PARTLY_SHIPPED" in lines
    assert lines[-1] == "SUCCEEDED in 0.10 s"


def waiting(decision=None):
    order = OrderHistory()
    order.check()
    order.wait_for_approval()
    events = len(order.events)
    if decision:
        order.answer(decision)
        order.fulfil()
        order.close(outcome())
    return order, events


APPROVAL = [
    f"order {ORDER_ID} waits for approval until 2026-03-03 09:00:00 UTC",
    f"  approve it: python utils/approve.py {ORDER_ID} --approve",
    f"  reject it:  python utils/approve.py {ORDER_ID} --reject --reason TEXT",
]


@pytest.mark.parametrize("terminal", [False, True])
def test_while_an_order_waits_it_is_said_how_to_answer_and_only_once(shown, terminal):
    # Given an order that waits for four reads, and is then approved
    order, submitted = waiting({"approved": True, "reason": "a good customer", "by": BY})

    code, lines = shown(order.events, 3, *[submitted] * 4, terminal=terminal)

    text = "\n".join(re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\r", "", line).rstrip() for line in lines)
    assert code == 0
    assert text.count("\n".join(APPROVAL)) == 1
    assert f"Approval       approved by {BY}: a good customer" in text
    assert TOKEN not in text


def test_the_commands_carry_the_session(shown):
    order, submitted = waiting({"approved": True, "reason": None, "by": None})

    _, lines = shown(order.events, submitted, arguments=["--execution-arn", ARN, "--profile", "my profile"])

    assert f"{APPROVAL[1]} --profile 'my profile'" in lines


def test_the_progress_says_that_the_order_waits():
    history = History()
    history.add(waiting()[0].events)
    assert progress_text(Reading.of(history, START), START) == "waits for approval, 0.0 s elapsed"

    history.add([{**HistoryBuilder().events[0], "id": 99, "type": "ExecutionAborted"}])
    assert history.order.waiting is None


def test_a_token_that_is_not_an_orders_is_nothing_to_approve():
    # Given a workflow of somebody else that waits for a callback
    other = HistoryBuilder()
    other.event("TaskStateEntered", {"name": "Wait", "input": "{}"})
    other.event(
        "TaskScheduled", {"resource": "sendMessage.waitForTaskToken", "parameters": '{"QueueUrl": ""}'}
    )
    other.event("TaskSubmitted", {"resource": "sendMessage.waitForTaskToken", "output": "{}"})
    history = History()
    history.add(other.events)

    assert history.order.waiting is None


def test_an_order_that_stopped_halfway_can_go_on(shown):
    # Given one whose last step failed, which no catcher took
    order = OrderHistory()
    order.check()
    order.fulfil()
    order.event("TaskStateEntered", {"name": "Close Order", "input": "{}"})
    order.event("ExecutionFailed", {"error": "Lambda.Unknown", "cause": "killed"})

    code, lines = shown(order.events)

    assert code == 1
    assert lines[-2].startswith("FAILED after ")
    assert lines[-2].endswith(": Lambda.Unknown: killed")
    assert lines[-1] == REDRIVE


def test_an_order_that_was_stopped_while_it_waited_can_go_on(shown):
    order, _ = waiting()
    order.event("ExecutionAborted", {})

    code, lines = shown(order.events)

    assert (code, lines[-1]) == (1, REDRIVE)


@pytest.mark.parametrize(
    ("state", "error"),
    [
        ("Order Not Taken", "OrderInvalid"),
        ("Compensation Failed", "CompensationFailed"),
    ],
)
def test_an_order_that_ended_for_good_is_not_redriven(shown, state, error):
    order = OrderHistory()
    order.give_up(state, error, "what is wrong")

    code, lines = shown(order.events)

    assert code == 1
    assert lines[-1] == f"FAILED after 0.0 s: {error}: what is wrong"


def test_an_order_that_was_undone_as_a_whole_shows_its_outcome_and_fails(shown):
    cause = 'Item at index 1 ("The Art") failed'

    code, lines = shown(partly_shipped(fail=("OutOfStock", cause)))

    assert code == 1
    assert "Status         PARTLY_SHIPPED" in lines
    assert lines[-1].endswith(f": OutOfStock: {cause}")


def test_a_batch_has_a_row_an_order_and_names_the_executions_of_those_that_failed(shown):
    code, lines = shown(BatchHistory().run())

    assert code == 0
    rows = [next(line for line in lines if line.startswith(f"{index}  ")) for index in range(3)]
    assert re.match(rf"0  order {ORDER_ID} .* PARTLY_SHIPPED, charged 60\.00", rows[0])
    assert re.match(r"1  order bad .* failed +OrderInvalid: detail.customerId is missing", rows[1])
    assert re.match(r"2  order without an orderId .* failed +OrderInvalid: orderId = 3", rows[2])
    assert lines[-9:] == [
        "Orders            3",
        "Succeeded         1",
        "  PARTLY_SHIPPED  1",
        "Failed            2",
        "  OrderInvalid    2",
        "",
        "SUCCEEDED in 3.0 s (1 of 3 items succeeded, 2 failed)",
        f"  see order bad: python utils/run.py --execution-arn {BatchHistory.child_arn}bad",
        (f"  see order without an orderId: python utils/run.py --execution-arn {BatchHistory.child_arn}None"),
    ]


def test_a_batch_says_from_the_start_how_to_find_what_waits(shown):
    _, lines = shown(BatchHistory().run(), arguments=["--workflow", "orderProcessing", "--batch"])

    assert lines[:2] == [f"Execution {ARN}", "  orders that wait for approval: python utils/approve.py"]


class Deployed:
    """A session and a Step Functions in one: the stack has two state machines."""

    region_name = "eu-west-1"

    def client(self, _):
        return self

    def describe_stacks(self, *, StackName):  # noqa: N803 - boto3's name
        assert StackName == "OrderProcessingStack"
        outputs = {"StateMachineArn": "one", "BatchStateMachineArn": "many"}
        pairs = [{"OutputKey": key, "OutputValue": value} for key, value in outputs.items()]
        return {"Stacks": [{"StackStatus": "CREATE_COMPLETE", "Outputs": pairs}]}

    def start_execution(self, **request):
        return {"executionArn": f"{request['stateMachineArn']} {request['input']}"}


@pytest.mark.parametrize(
    ("arguments", "started"),
    [
        (["--input", '{"orderId": "1"}'], 'one {"orderId": "1"}'),
        (["--batch", "--input", '{"items": []}'], 'many {"items": []}'),
        (["--batch"], "many {}"),
    ],
)
def test_batch_chooses_the_state_machine(arguments, started):
    options = parse_arguments(["--workflow", "orderProcessing", *arguments])

    assert start(options, Deployed(), Deployed()) == started


NEEDS = "--batch goes with --workflow orderProcessing"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--batch"], NEEDS),
        (["--workflow", "fanOut", "--batch"], NEEDS),
        (["--execution-arn", ARN, "--batch"], NEEDS),
        (["--state-machine-arn", ARN, "--batch"], NEEDS),
        (
            ["--workflow", "orderProcessing"],
            "--workflow orderProcessing needs an order: --input file://utils/orders/order.json",
        ),
    ],
)
def test_a_usage_error_ends_with_2_and_says_what_is_wrong(arguments, line, capsys):
    with pytest.raises(SystemExit) as caught:
        parse_arguments(arguments)

    assert caught.value.code == 2
    assert capsys.readouterr().err.splitlines()[-1].endswith(f"error: {line}")
