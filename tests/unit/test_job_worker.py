"""The worker of the queue fan-in: what is recorded, what goes back to the queue, what an item cannot harm."""

import json
import os
import random
import subprocess
import time
from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError
from fan_in_folder import fan_in_aws, load_fan_in
from worker_folder import (
    EXPIRES_AT,
    JOB,
    Queue,
    Results,
    body,
    context,
    event,
    failed,
    load_worker,
    records,
)

PROCESS = """
import json, os, signal, subprocess, sys, time
from decimal import Decimal
from pathlib import Path

from invocation import current_invocation

IMPORTED_BY = os.getpid()


class Declined(Exception):
    pass


def process(item):
    match item:
        case {"note in": file}:
            with Path(file).open("a") as diary:
                print(json.dumps(item), file=diary)
            return process(item["and"])
        case "where":
            return list(current_invocation())
        case "which process":
            return [os.getpid(), IMPORTED_BY, os.getppid()]
        case {"raise": message}:
            raise Declined(message)
        case {"return characters": count}:
            return os.urandom(count // 2).hex()
        case {"return the same character": count}:
            return "x" * count
        case {"start a process and hang": file}:
            child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
            Path(file).write_text(str(child.pid))
            time.sleep(600)
        case "hang":
            while True:
                try:
                    time.sleep(600)
                except BaseException:
                    pass
        case "wait":
            time.sleep(600)
        case "decimal":
            return {"price": Decimal("1.10")}
        case "set":
            return {1}
        case "exit":
            os._exit(3)
        case "sys.exit":
            sys.exit("bye")
        case "be killed":
            os.kill(os.getpid(), signal.SIGKILL)
        case "be ended":
            os.kill(os.getpid(), signal.SIGTERM)
        case "thread":
            import threading
            threading.Thread(target=time.sleep, args=[600]).start()
    return {"of": item}
"""


class Worker:
    """The handler over moto, with a queue that keeps what is sent."""

    def __init__(self, modules, aws, monkeypatch):
        self.modules = modules
        self.aws = aws
        self.queue = Queue()
        self.results = Results(aws.dynamodb)
        monkeypatch.setattr(modules.job_handler, "_dynamodb", lambda: self.results)
        monkeypatch.setattr(modules.job_handler, "_sqs", lambda: self.queue)
        monkeypatch.setattr(modules.job_results, "FIRST_PAUSE_SECONDS", 0.001)

    def handle(self, *bodies, receipts=1, seconds=60.0):
        return failed(
            self.modules.job_handler.handle_messages(event(*bodies, receipts=receipts), context(seconds))
        )

    @property
    def records(self):
        return records(self.aws)


@pytest.fixture(scope="module")
def aws():
    with fan_in_aws() as aws:
        yield aws


@pytest.fixture(scope="module")
def modules(tmp_path_factory):
    folder = tmp_path_factory.mktemp("worker")
    names = ("job_handler", "job_worker", "job_results", "job_message", "child_process")
    with load_worker(folder, PROCESS, *names) as modules:
        yield modules


@pytest.fixture
def worker(modules, aws, monkeypatch):
    monkeypatch.setenv("QUEUE_URL", "the-queue")
    monkeypatch.setenv("RESULTS_TABLE", "results")
    monkeypatch.setenv("MAX_RECEIVE_COUNT", "3")
    yield Worker(modules, aws, monkeypatch)
    for item in aws.results_table.scan()["Items"]:
        aws.results_table.delete_item(Key={"part": item["part"], "position": item["position"]})


def test_each_item_of_each_message_has_its_result(worker):
    # When
    assert worker.handle(body("a", "b"), body((40, {"c": 1}), (41, None))) == []
    # Then
    assert worker.records == {
        0: ("result", {"of": "a"}, 1),
        1: ("result", {"of": "b"}, 1),
        40: ("result", {"of": {"c": 1}}, 1),
        41: ("result", {"of": None}, 1),
    }
    assert worker.queue.sent == []
    # And a record has nothing else, for a write costs by its size
    item = worker.aws.results_table.get_item(Key={"part": f"{JOB}/0", "position": 40})["Item"]
    assert item.keys() == {"part", "position", "result", "expiresAt"}
    assert item["expiresAt"] == EXPIRES_AT


def test_item_is_told_its_job_and_position(worker):
    # When the second is processed in another process
    worker.handle(body((17, "where")), body((18, "where"), attempts=1))
    # Then
    assert worker.records == {17: ("result", [JOB, 17], 1), 18: ("result", [JOB, 18], 2)}


def test_failed_item_goes_back_alone_and_later(worker):
    # When
    assert worker.handle(body("a", {"raise": "no"}, "c")) == []
    # Then
    assert worker.records.keys() == {0, 2}
    content = {"job": JOB, "expiresAt": EXPIRES_AT, "attempts": 1, "items": [[1, {"raise": "no"}]]}
    assert worker.queue.sent == [(content, 1)]


def test_failed_item_waits_longer_each_time_but_not_for_ever(worker, monkeypatch):
    # Given
    monkeypatch.setenv("MAX_RECEIVE_COUNT", "1000")
    # When
    for attempts in (0, 1, 2, 900):
        worker.handle(body({"raise": "no"}, attempts=attempts))
    # Then
    assert [(content["attempts"], delay) for content, delay in worker.queue.sent] == [
        (1, 1),
        (2, 2),
        (3, 4),
        (901, 60),
    ]


def test_item_that_fails_in_its_last_attempt_is_recorded_with_its_error(worker):
    # When
    assert worker.handle(body({"raise": "never works"}, "b", attempts=2)) == []
    # Then
    assert worker.records == {
        0: ("error", {"name": "Declined", "message": "never works"}, 3),
        1: ("result", {"of": "b"}, 3),
    }
    assert worker.queue.sent == []


def test_attempts_in_other_messages_and_receipts_of_this_one_add_up(worker):
    # When one receipt was lost, after one attempt in another message
    worker.handle((body({"raise": "no"}, attempts=1), 2))
    # Then
    assert worker.records == {0: ("error", {"name": "Declined", "message": "no"}, 3)}


def test_message_that_comes_again_is_not_processed_again(worker, tmp_path):
    # Given a message of more items than one request reads, of which all but two were done
    diary = tmp_path / "diary"
    items = [{"note in": str(diary), "and": number} for number in range(130)]
    worker.handle(body(*[(number, item) for number, item in enumerate(items) if number not in {3, 120}]))
    diary.unlink()
    # When
    assert worker.handle((body(*items), 2)) == []
    # Then
    assert [json.loads(line)["and"] for line in diary.read_text().splitlines()] == [3, 120]
    assert {attempts for _, _, attempts in worker.records.values()} == {1, 2}
    assert worker.records.keys() == set(range(130))


def test_what_is_recorded_stays(worker):
    # Given a result from another worker, which had the same message at the same time
    worker.handle(body("first", "other"))
    # When
    assert worker.handle(body("second")) == []
    # Then
    assert worker.records[0] == ("result", {"of": "first"}, 1)
    assert worker.queue.sent == []


@pytest.mark.parametrize(
    ("item", "name", "message"),
    [
        ("exit", "ItemCrashed", "its process ended with exit code 3"),
        ("be killed", "ItemCrashed", "its process was ended by SIGKILL, as it is when memory runs out"),
        ("be ended", "ItemCrashed", "its process was ended by SIGTERM"),
        ("sys.exit", "SystemExit", "bye"),
        ({"raise": "no"}, "Declined", "no"),
        ("set", "ResultNotJson", "Object of type set is not JSON serializable"),
    ],
)
def test_item_that_breaks_its_process_fails_alone(worker, item, name, message):
    # When it comes for the last time, among others
    assert worker.handle(body("before", item, "after", attempts=2)) == []
    # Then
    assert worker.records == {
        0: ("result", {"of": "before"}, 3),
        1: ("error", {"name": name, "message": message}, 3),
        2: ("result", {"of": "after"}, 3),
    }


@pytest.fixture
def items_of_a_third(worker, monkeypatch):
    """Count 0.3 s for each item of a call, however long this machine takes for it."""
    handler, now = worker.modules.job_handler, 0.0

    def counted(run):
        def run_and_count(*arguments):
            nonlocal now
            try:
                return run(*arguments)
            finally:
                now += 0.3

        return run_and_count

    monkeypatch.setattr(handler, "time", SimpleNamespace(monotonic=lambda: now))
    for name in ("run_in_place", "run_in_child"):
        monkeypatch.setattr(handler, name, counted(getattr(handler, name)))


@pytest.mark.usefixtures("items_of_a_third")
def test_item_that_hangs_fails_alone_and_the_others_wait_for_another_call(worker):
    # When
    assert worker.handle(body("before", "hang", "after", attempts=2), seconds=1.0) == []
    # Then it had all of the call's time that was left
    kind, error, attempts = worker.records.pop(1)
    assert (kind, error["name"], attempts) == ("error", "ItemTimedOut", 3)
    assert error["message"].startswith("killed after 0.")
    assert worker.records == {0: ("result", {"of": "before"}, 3), 1: (kind, error, 3)}
    # And who waited has lost no attempt by it
    ((content, delay),) = worker.queue.sent
    assert (content["items"], content["attempts"], delay) == ([[2, "after"]], 2, 0)


def test_processes_that_a_hanging_item_started_are_ended_with_it(worker, tmp_path):
    # When
    file = tmp_path / "pid"
    worker.handle(body({"start a process and hang": str(file)}, attempts=2), seconds=4.0)
    # Then
    assert worker.records[0][1]["name"] == "ItemTimedOut"
    deadline = time.monotonic() + 10
    while is_running(int(file.read_text())):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def is_running(pid):
    """Whether a process runs; one that waits to be reaped does not."""
    try:
        os.kill(pid, 0)
        state = subprocess.run(
            ["ps", "-o", "state=", "-p", str(pid)], capture_output=True, text=True, check=False
        ).stdout
    except ProcessLookupError:
        return False
    return state.strip()[:1] not in {"", "Z"}


def test_threads_that_an_item_leaves_behind_are_not_waited_for(worker):
    started = time.monotonic()
    worker.handle(body("thread", attempts=1))
    assert worker.records == {0: ("result", {"of": "thread"}, 2)}
    assert time.monotonic() - started < 30


def test_item_with_a_process_of_its_own_shares_no_module_with_the_others(worker):
    # Given modules that may have opened connections
    worker.handle(body("which process"))
    # When
    worker.handle(body((1, "which process"), (2, "which process"), attempts=1))
    # Then they are imported again, so that two processes never use one connection
    parent = os.getpid()
    assert worker.records[0][1][:2] == [parent, parent]
    for position in (1, 2):
        own, imported_by, parent_of_it = worker.records[position][1]
        assert own == imported_by != parent
        assert parent_of_it == parent
    assert worker.records[1][1][0] != worker.records[2][1][0]


def test_the_only_attempt_has_a_process_of_its_own(worker, monkeypatch):
    # Given
    monkeypatch.setenv("MAX_RECEIVE_COUNT", "1")
    # When
    worker.handle(body("be killed", "b"))
    # Then
    assert worker.records[0][1]["name"] == "ItemCrashed"
    assert worker.records[1] == ("result", {"of": "b"}, 1)


def test_messages_that_were_lost_before_come_first(worker, tmp_path):
    # Given
    diary = tmp_path / "diary"
    first, second, third = ({"note in": str(diary), "and": name} for name in ("new", "twice", "once"))
    # When
    worker.handle((body((0, first)), 1), (body((1, second)), 3), (body((2, third)), 2))
    # Then
    noted = [json.loads(line)["and"] for line in diary.read_text().splitlines()]
    assert noted == ["twice", "once", "new"]


@pytest.mark.usefixtures("items_of_a_third")
def test_no_item_is_started_in_the_second_half_of_a_call(worker):
    # When an item takes all of the time, and is interrupted
    assert worker.handle(body("a"), body((1, "wait"), (2, "b")), body((3, "c")), seconds=1.0) == []
    # Then
    assert worker.records == {0: ("result", {"of": "a"}, 1)}
    # And the interrupted item has failed once, the others have not been tried
    sent = [(content["items"], content["attempts"], delay) for content, delay in worker.queue.sent]
    assert sent == [([[2, "b"]], 0, 0), ([[1, "wait"]], 1, 1), ([[3, "c"]], 0, 0)]


@pytest.mark.parametrize(
    "code",
    ["ThrottlingError", "ProvisionedThroughputExceeded", "RequestLimitExceeded", "InternalServerError"],
)
def test_records_that_the_table_refuses_for_now_are_written_again(worker, code):
    # Given
    worker.results.refusals = [[None, code, None], [code], None]
    # When
    assert worker.handle(body("a", "b", "c")) == []
    # Then
    assert worker.records.keys() == {0, 1, 2}
    assert worker.queue.sent == []


def test_requests_that_are_throttled_are_made_again(worker):
    # Given what the SDK raises when its own attempts are used up
    error = {"Error": {"Code": "ThrottlingException", "Message": "slow down"}}
    worker.results.refusals = [ClientError(error, "BatchExecuteStatement")] * 2
    # When
    assert worker.handle(body("a")) == []
    # Then
    assert worker.records == {0: ("result", {"of": "a"}, 1)}


def test_items_whose_records_are_refused_to_the_end_lose_no_attempt(worker):
    # Given
    worker.results.refusals = [["ThrottlingError", None, "ThrottlingError"]] + [
        ["ThrottlingError"] * 2
    ] * 1000
    # When
    assert worker.handle(body("a", "b", "c"), seconds=2.0) == []
    # Then
    assert worker.records == {1: ("result", {"of": "b"}, 1)}
    ((content, delay),) = worker.queue.sent
    assert (content["items"], content["attempts"], delay) == ([[0, "a"], [2, "c"]], 0, 0)


def test_message_whose_records_are_refused_for_good_comes_again(worker, caplog):
    # Given
    worker.results.refusals = [["ValidationError"]]
    # When
    assert worker.handle(body("a"), body((1, "b"))) == ["message 0"]
    # Then
    assert worker.records == {1: ("result", {"of": "b"}, 1)}
    (warning,) = [each.getMessage() for each in caplog.records if "goes back" in each.getMessage()]
    assert warning == (
        "Message message 0 goes back to the queue: TableRefusedError: results: ValidationError: because"
    )


def test_message_whose_items_cannot_be_sent_back_comes_again(worker):
    # Given
    worker.queue.refuses = True
    # When
    assert worker.handle(body({"raise": "no"}), body((1, "b"))) == ["message 0"]
    # Then
    assert worker.records == {1: ("result", {"of": "b"}, 1)}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("not JSON", "its body cannot be read (JSONDecodeError)"),
        ("[" * 100_000, "its body cannot be read (RecursionError)"),
        ('{"job": "x"}', "its body has not the fields that the split function sends"),
        ('{"job": "x", "expiresAt": 1, "attempts": 0, "items": [1]}', "its body cannot be read (TypeError)"),
    ],
)
def test_message_that_is_none_of_a_job_fails_alone(worker, caplog, text, said):
    # When
    assert worker.handle(text, body("a")) == ["message 0"]
    # Then
    assert worker.records.keys() == {0}
    assert f"Message message 0 goes back to the queue: MessageInvalidError: {said}" in caplog.text


def test_result_that_is_too_large_is_not_tried_again(worker):
    # When
    worker.handle(body({"return characters": 800_000}, {"return the same character": 7 << 20}, "c"))
    # Then
    first, second, third = (worker.records[position] for position in range(3))
    assert first[1]["name"] == second[1]["name"] == "ResultTooLarge"
    assert first[1]["message"].endswith("bytes, compressed, over 358,400: keep it in S3 and return its key")
    assert second[1]["message"] == "7,340,034 bytes of JSON, over 6,291,456"
    assert third[0] == "result"
    assert worker.queue.sent == []


def test_large_results_of_one_message_are_recorded(worker):
    # When
    worker.handle(body(*[{"return characters": 600_000}] * 3))
    # Then
    assert [len(worker.records[position][1]) for position in range(3)] == [600_000] * 3


def test_decimals_keep_their_digits(worker):
    worker.handle(body("decimal"))
    item = worker.aws.results_table.get_item(Key={"part": f"{JOB}/0", "position": 0})["Item"]
    with load_fan_in("results") as fan_in:
        result = fan_in.results.Result(0, "result", 1, item["result"].value)
        assert result.text == '{"price": 1.10}'


def test_items_that_go_back_are_what_they_were(worker):
    # Given characters that SQS takes only as an escape, and numbers of any size
    item = {"raise": "\ufffe\uffff zażółć 𝄞 \x1f", "number": 12345678901234567890, "float": 0.1, "none": None}
    # When
    worker.handle(body(item))
    # Then
    assert worker.queue.sent[0][0]["items"] == [[0, item]]
    text = worker.modules.job_message.write_message(
        SimpleNamespace(job=JOB, expires_at=EXPIRES_AT), [(0, item)], 1
    )
    assert not {"\ufffe", "\uffff", "\x1f"} & set(text)
    assert len(text.encode()) < len(json.dumps(item, ensure_ascii=False).encode()) + 120


def test_the_two_folders_write_and_read_the_same(worker):
    # Given what the split function sends
    with load_fan_in("messages", "results") as fan_in:
        job = SimpleNamespace(name=JOB, results_expire_at=EXPIRES_AT)
        texts = [json.dumps(text) for text in ("a", "set", "c")]
        # in two blocks, and in the last partition and the first one
        (message,) = fan_in.messages.pack_messages(job, 3_998, texts, 10)
        # When
        worker.handle((message, 3))
        # Then the finish function reads what the worker has recorded
        found = fan_in.results.read_positions(
            worker.aws.dynamodb, "results", JOB, [3_998, 3_999, 4_000, 4_001]
        )
        assert [(each.position, each.kind, each.attempts) for each in sorted(found)] == [
            (3_998, "result", 3),
            (3_999, "error", 3),
            (4_000, "result", 3),
        ]
        assert [json.loads(each.text) for each in sorted(found)] == [
            {"of": "a"},
            {"name": "ResultNotJson", "message": "Object of type set is not JSON serializable"},
            {"of": "c"},
        ]


def test_log_says_what_became_of_a_message_and_nothing_of_its_items(worker, caplog):
    caplog.set_level("INFO")
    worker.handle(body("secret", {"raise": "no"}))
    lines = [record.msg for record in caplog.records if isinstance(record.msg, dict)]
    assert lines == [
        {"job": JOB, "attempts": 1, "succeeded": 1, "failed": 0, "again": 1, "waiting": 0},
    ]
    assert "secret" not in caplog.text


def test_any_mix_of_items_ends_in_records_and_messages(worker):
    """No item is lost, and none is in two places, whatever the others do."""
    choice = random.Random(20_26)
    for attempts in (0, 2):
        items = [
            (attempts * 100 + number, choice.choice(["a", {"raise": "no"}, "set", "decimal"]))
            for number in range(16)
        ]
        # When
        assert worker.handle(body(*items[:8], attempts=attempts), body(*items[8:], attempts=attempts)) == []
        # Then
        back = {position for content, _ in worker.queue.sent for position, _ in content["items"]}
        there = {position for position, _ in items} & worker.records.keys()
        assert back | there == {position for position, _ in items}
        assert not back & there
        assert bool(back) == (attempts < 2)
        worker.queue.sent.clear()
