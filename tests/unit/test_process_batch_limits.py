"""The limits of a batch: bytes for its outcomes, the function's time, the batch's time, attempts."""

import json
import re
import signal
import threading
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from batch_calls import batch_event, context, finish_batch, load_batch_handler


@pytest.fixture
def handler(monkeypatch):
    with load_batch_handler(monkeypatch) as module:
        yield module


class Clock:
    """Seconds that pass only when an item says so."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


def process_with_clock(pending, seconds_by_index, *, call_seconds, batch_seconds=None, max_attempts=3):
    """Process items that each take so many seconds; return their indexes, the outcomes and the rest."""
    from batch import Limits, PendingItem, process_batch  # noqa: PLC0415

    clock, started = Clock(), []

    def process(index, _):
        started.append(index)
        clock.now += seconds_by_index[index]
        if index >= 90:
            raise ValueError("bad item")

    outcomes, left = process_batch(
        [PendingItem(index, None, attempts) for index, attempts in pending],
        process,
        limits=Limits(max_attempts, call_seconds, batch_seconds),
        bytes_left=100_000,
        clock=clock,
    )
    return started, outcomes.final, [(item.index, item.attempts) for item in left]


def loop_forever():
    while True:
        pass


def swallow_once():
    """Wait, and be late once more after an interruption that nothing is to escape."""
    try:
        time.sleep(30)
    except BaseException:
        time.sleep(30)


@pytest.mark.usefixtures("handler")
@pytest.mark.parametrize(
    ("seconds", "call_seconds", "started"),
    [
        ([4, 4, 4, 4], 20, [0, 1, 2]),
        ([5, 5, 5, 5], 20, [0, 1]),
        ([15, 1, 1, 1], 20, [0]),
        ([1, 1, 1, 1], 20, [0, 1, 2, 3]),
        ([0.1, 0, 0, 0], 0.1, [0]),
    ],
)
def test_items_are_started_in_the_first_half_of_the_call(seconds, call_seconds, started):
    # Given four items that take a while; when there is time for some of them
    done, outcomes, left = process_with_clock([(i, 0) for i in range(4)], seconds, call_seconds=call_seconds)
    # Then each that was started had half of the time, and the others wait, not tried
    assert done == started
    assert [row["index"] for row in outcomes] == started
    assert left == [(index, 0) for index in range(len(started), 4)]


@pytest.mark.usefixtures("handler")
def test_items_that_failed_come_after_those_that_were_not_started():
    # Given an item that fails, and time for one more
    done, _, left = process_with_clock([(90, 1), (0, 0), (1, 0)], {90: 1, 0: 9, 1: 0}, call_seconds=20)
    # When the call ends, then the failed one is last
    assert done == [90, 0]
    assert left == [(1, 0), (90, 2)]


@pytest.mark.usefixtures("handler")
def test_last_call_of_a_batch_uses_all_of_its_time_and_leaves_nothing_pending():
    # Given a batch with 20 seconds left, fewer than the call has
    seconds = {0: 12, 90: 5, 1: 4, 2: 1}
    pending = [(0, 0), (90, 0), (1, 1), (2, 2), (3, 0)]
    # When its items take longer
    done, outcomes, left = process_with_clock(pending, seconds, call_seconds=57, batch_seconds=20)
    # Then what has no outcome has failed, for its own reason, and only attempts that were made are counted
    assert (done, left) == ([0, 90, 1], [])
    assert [row["index"] for row in outcomes] == [0, 1, 2, 3, 90]
    assert [row["attempts"] for row in outcomes] == [1, 2, 2, 0, 1]
    assert [row.get("error", {}).get("name") for row in outcomes] == [
        *(None, None, "BatchTimedOut", "BatchTimedOut", "ValueError")
    ]
    assert outcomes[2]["error"]["message"] == (
        "no time left in its batch: lower maxItemsPerBatch, or set childType to STANDARD"
    )


@pytest.mark.usefixtures("handler")
def test_failed_items_stay_pending_while_the_batch_has_time():
    # Given a batch whose time is longer than that of its items; when one fails
    _, outcomes, left = process_with_clock([(90, 0)], {90: 5}, call_seconds=57, batch_seconds=20)
    # Then it is tried again
    assert (outcomes, left) == ([], [(90, 1)])


def test_batch_whose_time_is_over_processes_nothing_and_ends(handler, monkeypatch):
    # Given a batch that began 300 seconds ago and may take 270
    items = []
    monkeypatch.setattr(handler, "process", items.append)
    started_at = (datetime.now(UTC) - timedelta(seconds=300)).isoformat()
    # When it is called
    answer = handler.handle_batch(batch_event(["a"], max_seconds=270, started_at=started_at), context())
    # Then its items have failed, untouched
    assert (items, answer["pending"]) == ([], [])
    assert answer["outcomes"][0]["error"]["name"] == "BatchTimedOut"


@pytest.mark.parametrize("time_format", ["%Y-%m-%dT%H:%M:%S.123Z", "%Y-%m-%dT%H:%M:%SZ"])
def test_time_of_the_batch_counts_from_its_start(handler, time_format):
    # Given a batch that began 200 seconds ago and may take 270
    started_at = (datetime.now(UTC) - timedelta(seconds=200)).strftime(time_format)
    # When it is called
    answer = handler.handle_batch(batch_event(["a"], max_seconds=270, started_at=started_at), context())
    # Then its items are processed
    assert answer["outcomes"][0]["status"] == "succeeded"


@pytest.mark.parametrize("hang", [lambda: time.sleep(30), loop_forever], ids=["waits", "computes"])
def test_item_that_would_outlast_the_function_is_interrupted(handler, monkeypatch, hang):
    # Given an item that never ends, and a function with two seconds left
    monkeypatch.setattr(handler, "process", lambda item: hang() if item == "hangs" else item)
    before = signal.getsignal(signal.SIGALRM)
    # When it is processed
    answer = handler.handle_batch(batch_event(["a", "hangs", "c"]), context(2))
    # Then the call ends a little earlier, with the outcomes that there are
    assert [row["index"] for row in answer["outcomes"]] == [0]
    assert answer["pending"] == [{"index": 2, "attempts": 0}, {"index": 1, "attempts": 1}]
    # And neither timer nor signal handler is left behind
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    assert signal.getsignal(signal.SIGALRM) is before


@pytest.mark.parametrize(("remaining", "limit"), [(60, 57), (900, 897), (2, 1.8)])
def test_item_has_the_time_of_the_function_but_for_a_margin(handler, monkeypatch, remaining, limit):
    # Given an item that sees how long it may take
    monkeypatch.setattr(handler, "process", lambda _: signal.getitimer(signal.ITIMER_REAL)[0])
    # When a function with so many seconds left processes it
    answer = handler.handle_batch(batch_event(["a"]), context(remaining))
    # Then it is nearly all of them
    assert limit - 1 < answer["outcomes"][0]["result"] <= limit


def test_interruption_is_no_error_that_an_item_catches_to_try_again(handler, monkeypatch):
    # Given an item that makes the best of every error
    def process(_):
        try:
            time.sleep(30)
        except Exception:
            return "rescued"

    monkeypatch.setattr(handler, "process", process)
    # When it is interrupted
    answer = handler.handle_batch(batch_event(["a"], max_attempts=1), context(0.2))
    # Then it ends
    assert answer["outcomes"][0]["error"]["name"] == "ItemTimedOut"


def test_interrupted_item_fails_with_its_seconds(handler, monkeypatch):
    # Given an item that never ends; when it is tried for the last time
    monkeypatch.setattr(handler, "process", lambda _: time.sleep(30))
    answer = handler.handle_batch(batch_event(["hangs"], max_attempts=1), context(0.3))
    # Then its outcome says how long it was given
    error = answer["outcomes"][0]["error"]
    assert error["name"] == "ItemTimedOut"
    assert re.fullmatch(r"interrupted after \d\.\d s: the time was over", error["message"])


def test_items_beside_one_that_hangs_are_all_processed(handler, monkeypatch):
    # Given an item that hangs each time, in front of two others
    monkeypatch.setattr(handler, "process", lambda item: time.sleep(30) if item == "hangs" else item)
    # When the batch is processed to its end
    outcomes, _ = finish_batch(handler, batch_event(["hangs", "b", "c"]), seconds=0.3)
    # Then only that one has failed
    assert [(row["index"], row["status"], row["attempts"]) for row in outcomes] == [
        (1, "succeeded", 1),
        (2, "succeeded", 1),
        (0, "failed", 3),
    ]


def test_item_that_catches_everything_is_interrupted_again(handler, monkeypatch):
    # Given an item that goes on after the first interruption, as a bare except does
    import time_limit  # noqa: PLC0415

    monkeypatch.setattr(time_limit, "REPEAT_SECONDS", 0.1)
    monkeypatch.setattr(handler, "process", lambda _: swallow_once())
    # When it is processed, then the second one ends it
    answer = handler.handle_batch(batch_event(["stubborn"], max_attempts=1), context(0.2))
    assert answer["outcomes"][0]["error"]["name"] == "ItemTimedOut"


def test_item_that_ends_well_after_its_interruption_has_succeeded(handler, monkeypatch):
    # Given an item that catches the interruption and returns
    def process(_):
        try:
            time.sleep(30)
        except BaseException:
            return "rescued"

    monkeypatch.setattr(handler, "process", process)
    # When there is no time for the next one
    answer = handler.handle_batch(batch_event(["a", "b"]), context(0.2))
    # Then its result counts, and the next one waits
    assert [row["result"] for row in answer["outcomes"]] == ["rescued"]
    assert answer["pending"] == [{"index": 1, "attempts": 0}]


@pytest.mark.usefixtures("handler")
def test_timer_between_two_items_fails_none_of_them():
    # Given a time limit that no item runs under
    import time_limit  # noqa: PLC0415

    with time_limit.TimeLimit(0.01) as limit:
        # When the signal comes
        signal.pause()
        # Then nothing is raised, and what comes next can still run
        assert limit.run(lambda value: value, "next") == "next"


def test_outside_the_main_thread_nothing_is_interrupted_and_a_warning_says_so(handler, caplog):
    # Given a handler that is called in another thread
    answers = []
    event = batch_event(["a"])
    thread = threading.Thread(target=lambda: answers.append(handler.handle_batch(event, context())))
    # When it processes a batch
    thread.start()
    thread.join()
    # Then it does so, and says what it cannot do
    assert answers[0]["outcomes"][0]["status"] == "succeeded"
    assert caplog.messages[0] == "No item will be interrupted when time runs out: this is not the main thread"


def size(outcome):
    return len(json.dumps(outcome, ensure_ascii=False).encode())


@pytest.mark.parametrize("character", ["x", "ü", "日", "😀", '"', "\n", "\x00"])
def test_result_is_measured_in_bytes_of_json(handler, monkeypatch, character):
    # Given an item that returns 1,000 characters or more, and bytes for 1,000
    monkeypatch.setattr(handler, "process", lambda item: character * item)
    full = {"index": 0, "status": "succeeded", "result": character * 1000, "attempts": 1}
    event = batch_event([1000]) | {"bytesLeft": size(full) + 2}
    # When it returns 1,000, and when it returns 1,001
    fits = handler.handle_batch(event, context())
    too_large = handler.handle_batch(event | {"batch": batch_event([1001])["batch"]}, context())
    # Then the first fits to the byte, and the second does not
    assert fits["outcomes"] == [full]
    assert fits["bytesLeft"] == 0
    assert too_large["outcomes"][0]["error"]["name"] == "ResultTooLarge"


def test_result_with_decimals_is_measured_too(handler, monkeypatch):
    # Given an item with more Decimals than there are bytes for
    monkeypatch.setattr(handler, "process", lambda _: [Decimal("0.1")] * 1000)
    # When it is processed
    answer = handler.handle_batch(batch_event([1]) | {"bytesLeft": 1000}, context())
    # Then it is too large
    assert answer["outcomes"][0]["error"]["name"] == "ResultTooLarge"


def test_result_that_is_too_large_is_final_and_the_others_keep_their_reserve(handler, monkeypatch):
    # Given 1,000 items that each return as much as a whole batch may
    monkeypatch.setattr(handler, "process", lambda _: "x" * 248 * 1024)
    # When they are processed
    outcomes, answers = finish_batch(handler, batch_event(range(1000)))
    # Then each has failed at once, and says by how much
    assert len(answers) == 1
    assert {(row["error"]["name"], row["attempts"]) for row in outcomes} == {("ResultTooLarge", 1)}
    message = "254,018 bytes with its result, and its batch has 54,152 left"
    assert outcomes[0]["error"]["message"] == message


def test_message_of_a_failure_is_cut_to_the_reserve_but_its_name_is_kept(handler, monkeypatch):
    # Given 1,000 items with a long message each, more than fits
    def process(_):
        raise ValueError("日" * 1000)

    monkeypatch.setattr(handler, "process", process)
    # When they are processed
    outcomes, answers = finish_batch(handler, batch_event(range(1000), max_attempts=1))
    # Then all of them still say something
    assert {row["error"]["name"] for row in outcomes} == {"ValueError"}
    assert min(len(row["error"]["message"]) for row in outcomes) >= 30
    assert answers[-1]["bytesLeft"] >= 0


@pytest.mark.usefixtures("handler")
def test_definition_and_handler_share_out_the_same_bytes():
    # Given the two places that know how many bytes a batch has
    import outcomes  # noqa: PLC0415

    from stacks.map_run import expressions  # noqa: PLC0415

    # When they are compared, then they agree
    assert expressions.OUTCOMES_BYTES == outcomes.OUTCOMES_BYTES
    assert expressions.RESERVE_BYTES == outcomes.RESERVE_BYTES
