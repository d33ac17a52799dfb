"""The record handler: what answers a task, which messages are dropped, and which are delivered again."""

import json
import logging
import subprocess
import sys
import threading
from contextlib import suppress
from decimal import Decimal

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import ANY
from record_calls import FOLDER, QUEUE, TOKEN, read_event, start_worker, success

DONE = {"batchItemFailures": []}
MESSAGE_ID = "7c0e9d3a-8b1f-4f5e-9d35-0d6f0a5c1b52"
RETURNED = {"batchItemFailures": [{"itemIdentifier": MESSAGE_ID}]}


@pytest.fixture
def worker(monkeypatch):
    with start_worker(monkeypatch) as started:
        yield started


@pytest.fixture(autouse=True)
def no_token_in_the_logs(caplog):
    """Whatever happens, who reads the log cannot answer a task."""
    caplog.set_level(logging.INFO)
    yield
    # The text would be that of the fixtures' own end.
    assert TOKEN not in "\n".join(map(caplog.handler.format, caplog.get_records("call")))


def warnings_of(caplog):
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def body(**changes):
    content = json.loads(read_event("queue_record.json")["Records"][0]["body"])
    return json.dumps(content | changes)


def event_with(text):
    event = read_event("queue_record.json")
    event["Records"][0]["body"] = text
    return event


def raising(error):
    def process(_):
        raise error

    return process


def closed_error(code="TaskTimedOut"):
    return ClientError({"Error": {"Code": code, "Message": "…"}}, "SendTaskHeartbeat")


def test_the_result_of_an_item_answers_its_task(worker, caplog):
    # Given a message that is received a second time
    worker.expect("heartbeat")
    item = {"topic": "cs", "throttled": True}
    worker.expect("success", output=success({"item": item, "status": "processed"}))
    # When the function is invoked with it, then the answer has the outcome, and the message is done
    assert worker.handle() == DONE
    # And the log says when the item was processed
    (line,) = [
        record.msg for record in caplog.records if isinstance(record.msg, dict) and "index" in record.msg
    ]
    assert {key: line[key] for key in ("execution", "index", "status", "attempts")} == {
        "execution": "first-run",
        "index": 4,
        "status": "succeeded",
        "attempts": 2,
    }
    assert line["startedAt"] < line["endedAt"]


@pytest.mark.usefixtures("worker")
def test_a_log_that_tells_everything_has_no_token(caplog):
    # Given a processor that has all be logged
    caplog.set_level(logging.DEBUG)
    # When a heartbeat is sent
    with suppress(Exception):  # moto has none
        boto3.client("stepfunctions").send_task_heartbeat(taskToken=TOKEN)
    # Then the log has other things of that level, and by the fixture no token
    logging.getLogger("other").debug("its own")
    assert "its own" in caplog.text


def test_the_processor_can_ask_which_item_it_processes(worker):
    # Given a processor that returns what it is told of its item
    import invocation  # noqa: PLC0415

    worker.process_with(lambda _: invocation.current_invocation())
    worker.expect("heartbeat")
    worker.expect("success", output=success(["first-run", 4]))
    # When a message comes, then that is the execution and the item's index
    assert worker.handle() == DONE


def test_an_item_of_the_table_reaches_the_processor_as_plain_python(worker):
    # Given an item in DynamoDB's JSON, and a processor that keeps what it gets
    items = []
    worker.process_with(items.append)
    worker.expect("heartbeat")
    worker.expect("success", output=success(None))
    typed = {"M": {"price": {"N": "0.10"}, "throttled": {"BOOL": True}}}
    # When it comes
    assert worker.handle(event_with(body(item=typed, encoding="dynamodb"))) == DONE
    # Then it is plain, and its number exact
    assert items == [{"price": Decimal("0.10"), "throttled": True}]


@pytest.mark.parametrize("digits", ["12345678901234567890.123456789012345678", "1E+100", "0.10"])
def test_a_decimal_answers_with_its_digits(worker, digits):
    # Given a result that no float holds
    worker.process_with(lambda _: {"price": Decimal(digits), "text": digits})
    worker.expect("heartbeat")
    worker.expect("success", output=success({"price": 0, "text": digits}).replace(": 0", f": {digits}"))
    # When the item is processed, then the answer has the number
    assert worker.handle() == DONE


@pytest.mark.parametrize(
    ("process", "error", "cause"),
    [
        (raising(ValueError("no such topic")), "ValueError", "no such topic"),
        (raising(RuntimeError()), "RuntimeError", ""),
        (raising(SystemExit(3)), "SystemExit", "3"),
        (raising(KeyboardInterrupt()), "KeyboardInterrupt", ""),
        (raising(ValueError("x" * 40_000)), "ValueError", "x" * 1000),
        (lambda _: {1}, "ResultNotJson", "Object of type set is not JSON serializable"),
        (
            lambda _: "x" * 256 * 1024,
            "ResultTooLarge",
            "262,210 bytes with its result, and its batch has 253,952 left",
        ),
    ],
    ids=["error", "no message", "exit", "interrupt", "long message", "not JSON", "too large"],
)
def test_whatever_an_item_does_fails_its_task_under_its_own_name(worker, process, error, cause):
    # Given a processor that fails
    worker.process_with(process)
    worker.expect("heartbeat")
    worker.expect("failure", error=error, cause=cause)
    # When a message comes, then its task is told so, and the message is done: no queue repeats it
    assert worker.handle() == DONE


def test_an_item_that_hangs_fails_before_the_function_does(worker):
    # Given an item that never ends, and half a second until the function's timeout
    worker.process_with(lambda _: threading.Event().wait())
    worker.expect("heartbeat")
    worker.expect("failure", error="ItemTimedOut", cause=ANY)
    # When it is processed
    answer = worker.handle(seconds=0.5)
    # Then it was interrupted in time to answer
    assert answer == DONE


@pytest.mark.parametrize("code", ["TaskTimedOut", "TaskDoesNotExist", "InvalidToken"])
def test_an_item_that_nobody_waits_for_is_not_processed(worker, caplog, code):
    # Given a message whose task timed out, was answered, or never was
    items = []
    worker.process_with(items.append)
    worker.refuse("heartbeat", code)
    # When it comes, then the message is done, and nothing else
    assert worker.handle() == DONE
    assert items == []
    assert warnings_of(caplog) == [f"Message {MESSAGE_ID} dropped: nobody waits for its answer ({code})"]


def test_an_answer_that_comes_too_late_is_dropped(worker, caplog):
    # Given a task that another delivery of the message has answered in the meantime
    worker.expect("heartbeat")
    worker.refuse("success", "TaskTimedOut")
    # When the item is done, then so is its message, and the log says it once
    assert worker.handle() == DONE
    assert warnings_of(caplog) == [
        f"Message {MESSAGE_ID} dropped: nobody waits for its answer (TaskTimedOut)"
    ]


@pytest.mark.parametrize("operation", ["heartbeat", "success"])
def test_a_message_whose_task_cannot_be_reached_is_delivered_again_soon(worker, caplog, operation):
    # Given a message, and a Step Functions that refuses for longer than boto3 tries
    event = worker.receive(body())
    if operation == "success":
        worker.expect("heartbeat")
    worker.refuse(operation, "ThrottlingException")
    # When it is processed
    (failure,) = worker.handle(event)["batchItemFailures"]
    # Then it stays in the queue, and is visible again after a second, not after the queue's six minutes
    message_id = event["Records"][0]["messageId"]
    assert failure["itemIdentifier"] == message_id
    (warning,) = warnings_of(caplog)
    assert warning.startswith(f"Message {message_id} goes back to the queue: ClientError: ")
    assert seconds_until_visible(worker.sqs) <= 1


def test_a_message_is_not_away_for_as_long_as_its_heartbeats_are_apart(worker, monkeypatch):
    # Given heartbeats of days, which a queue that is very long needs
    monkeypatch.setenv("HEARTBEAT_SECONDS", "1000000")
    event = worker.receive(body())
    worker.refuse("heartbeat", "ThrottlingException")
    # When a message goes back
    assert len(worker.handle(event)["batchItemFailures"]) == 1
    # Then it comes again in a quarter of an hour
    assert 800 < seconds_until_visible(worker.sqs) <= 900


def seconds_until_visible(sqs):
    """Ask moto, which keeps the moment in its own form."""
    from moto.core.utils import unix_time_millis  # noqa: PLC0415
    from moto.sqs.models import sqs_backends  # noqa: PLC0415

    (message,) = sqs_backends["123456789012"]["eu-west-1"].queues[QUEUE]._messages
    assert sqs.get_queue_url(QueueName=QUEUE)
    return (message.visible_at - unix_time_millis()) / 1000


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("not JSON", "its body cannot be read (JSONDecodeError)"),
        ("[" * 100_000, "its body cannot be read (RecursionError)"),
        ("[]", "its body has not the fields that the state machine sends"),
        (json.dumps({"token": TOKEN}), "its body has not the fields that the state machine sends"),
        (body(token=""), "its body has not the fields that the state machine sends"),
        (body(token=TOKEN * 1000), "its body has not the fields that the state machine sends"),
        (body(index="4"), "its body has not the fields that the state machine sends"),
        (body(encoding="xml"), "its body has not the fields that the state machine sends"),
        (body(item={"X": 1}, encoding="dynamodb"), "its body cannot be read (TypeError)"),
        (TOKEN, "its body cannot be read (JSONDecodeError)"),
    ],
    ids=["text", "deep", "list", "fields", "no token", "long token", "index", "encoding", "typed", "token"],
)
def test_a_message_of_somebody_else_goes_to_the_dead_letters(worker, caplog, text, reason):
    # Given a message that the state machine did not send
    event = worker.receive(text)
    message_id = event["Records"][0]["messageId"]
    # When it comes, then it is left to the queue, which gives it up after some more receipts
    assert worker.handle(event) == {"batchItemFailures": [{"itemIdentifier": message_id}]}
    assert warnings_of(caplog) == [
        f"Message {message_id} goes back to the queue: MessageInvalidError: {reason}"
    ]


def test_a_message_that_cannot_be_made_visible_is_delivered_again_all_the_same(worker, caplog):
    # Given a message whose receipt has expired: that of the shipped event, which moto does not know
    # When it cannot be processed, then it is left to the queue, and the log says when it comes
    assert worker.handle(event_with("not JSON")) == RETURNED
    assert warnings_of(caplog)[1].startswith(
        f"Message {MESSAGE_ID} comes only after the queue's timeout: An error occurred"
    )


def test_one_message_of_an_event_costs_the_others_nothing(worker):
    # Given an event of two messages, the first of which is no message of ours
    event = event_with("not JSON")
    event["Records"] += read_event("queue_record.json")["Records"]
    event["Records"][0]["messageId"] = "poison"
    worker.process_with(lambda _: None)
    worker.expect("heartbeat")
    worker.expect("success", output=success(None))
    # When it comes, then only the first is delivered again
    assert worker.handle(event) == {"batchItemFailures": [{"itemIdentifier": "poison"}]}


def test_heartbeats_go_on_while_an_item_is_processed_and_end_with_it(worker):
    # Given an item that takes until three heartbeats were sent
    third = threading.Event()
    worker.hearts.react = lambda: third.set() if len(worker.hearts.tokens) == 3 else None
    worker.process_with(lambda _: third.wait(20))
    worker.expect("heartbeat")
    worker.expect("success", output=success(True))
    # When it is processed
    assert worker.handle() == DONE
    # Then they were for its task, and none can follow
    assert set(worker.hearts.tokens) == {TOKEN}
    assert not [thread for thread in threading.enumerate() if thread.name == "heartbeats"]


def test_a_heartbeat_that_fails_is_followed_by_another(worker, caplog):
    # Given a network that loses the first heartbeat
    second = threading.Event()

    def react():
        if len(worker.hearts.tokens) == 1:
            raise ConnectionError("network is unreachable")
        second.set()

    worker.hearts.react = react
    worker.process_with(lambda _: second.wait(20))
    worker.expect("heartbeat")
    worker.expect("success", output=success(True))
    # When an item is processed for that long, then its answer is not lost
    assert worker.handle() == DONE
    assert warnings_of(caplog) == ["A heartbeat failed, the next is due in 0.02 s: network is unreachable"]


def test_an_item_whose_task_is_closed_meanwhile_is_finished_and_its_answer_dropped(worker, caplog):
    # Given an execution that is stopped while the item is processed
    beaten, done = threading.Event(), []

    def react():
        beaten.set()
        raise closed_error()

    def process(_):
        beaten.wait(20)
        done.append("finished")

    worker.hearts.react = react
    worker.process_with(process)
    worker.expect("heartbeat")
    # When a heartbeat finds that out
    assert worker.handle() == DONE
    # Then it was the last, the item was finished, nothing was answered, and the log says so once
    assert worker.hearts.tokens == [TOKEN]
    assert done == ["finished"]
    assert warnings_of(caplog) == [
        f"Message {MESSAGE_ID} dropped: nobody waits for its answer (TaskTimedOut)"
    ]


class Pace:
    """A pace that does what a test says, and notes how long it was let wait."""

    def __init__(self, act):
        self.act = act
        self.max_seconds = None

    def wait_for_slot(self, max_seconds, wait):
        self.max_seconds = max_seconds
        self.act(wait)


def test_the_slot_is_the_last_thing_before_the_start(worker, monkeypatch):
    # Given a pace, and everything that happens
    events = []
    pace = Pace(lambda _: events.append("slot"))
    monkeypatch.setattr(worker.handler, "_pace", lambda: pace)
    worker.process_with(lambda _: events.append("start"))
    worker.expect("heartbeat")
    worker.expect("success", output=success(None))
    # When an item is processed
    assert worker.handle(seconds=60) == DONE
    # Then it may wait for half of the time, so that it has the other half
    assert events == ["slot", "start"]
    assert pace.max_seconds == pytest.approx(28.5, abs=0.1)


def test_a_closed_task_takes_no_slot(worker, monkeypatch):
    # Given a message whose task has timed out in the queue
    pace = Pace(lambda _: pytest.fail("a slot was taken"))
    monkeypatch.setattr(worker.handler, "_pace", lambda: pace)
    worker.refuse("heartbeat", "TaskTimedOut")
    # When it comes, then the slot is left to another item
    assert worker.handle() == DONE


def test_an_item_without_a_slot_in_time_is_delivered_again(worker, monkeypatch, caplog):
    # Given a pace without a slot for it
    def refuse(_):
        from pace import NoSlotInTimeError  # noqa: PLC0415

        raise NoSlotInTimeError("none")

    monkeypatch.setattr(worker.handler, "_pace", lambda: Pace(refuse))
    worker.process_with(lambda _: pytest.fail("started"))
    event = worker.receive(body())
    worker.expect("heartbeat")
    # When it comes, then it goes back, and comes again soon
    assert len(worker.handle(event)["batchItemFailures"]) == 1
    assert seconds_until_visible(worker.sqs) <= 1
    assert warnings_of(caplog)[0].endswith("goes back to the queue: NoSlotInTimeError: none")


def test_a_task_that_is_closed_while_its_item_waits_is_not_started(worker, monkeypatch):
    # Given an item whose task times out while it waits for its slot
    def react():
        raise closed_error()

    worker.hearts.react = react
    monkeypatch.setattr(worker.handler, "_pace", lambda: Pace(lambda wait: wait(20)))
    worker.process_with(lambda _: pytest.fail("started"))
    worker.expect("heartbeat")
    # When a heartbeat finds that out, then the wait is over, and the message done
    assert worker.handle() == DONE


def test_the_pace_of_the_environment_is_kept(worker, monkeypatch):
    # Given the environment of a worker with a pace, and without one
    assert worker.handler._pace() is None
    worker.handler._pace.cache_clear()
    monkeypatch.setenv("MAX_PER_SECOND", "0.5")
    monkeypatch.setenv("PACE_TABLE", "the-table")
    # When it is asked for
    pace = worker.handler._pace()
    # Then it is that of the table, and the same for each message
    assert (pace._table, pace._interval) == ("the-table", 2 * 10**9)
    assert worker.handler._pace() is pace


def test_the_handler_needs_nothing_but_its_folder():
    # Given a fresh interpreter with only the deployed folder on its path; when it imports the handler
    command = [sys.executable, "-W", "error", "-c", "import record_handler"]
    done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, check=False)
    # Then all modules are there
    assert done.stderr == ""
