"""The batch handler: an outcome for every item, whatever the items do."""

import io
import json
import logging
import random
import subprocess
import sys
from collections import Counter, namedtuple
from decimal import Decimal

import pytest
from awslambdaric.bootstrap import LambdaLoggerHandler, StandardLogSink
from awslambdaric.lambda_runtime_log_utils import JsonFormatter
from awslambdaric.lambda_runtime_marshaller import LambdaMarshaller
from batch_calls import FOLDER, batch_event, context, finish_batch, load_batch_handler, read_event

Point = namedtuple("Point", "x y")


@pytest.fixture
def handler(monkeypatch):
    with load_batch_handler(monkeypatch) as module:
        yield module


class UnreadableError(Exception):
    def __str__(self):
        raise KeyError("no message")


class LeavingError(BaseException):
    pass


class ExitingTextError(Exception):
    def __str__(self):
        raise SystemExit(3)


class NamelessMeta(type):
    @property
    def __name__(cls):
        raise SystemExit(4)


class NamelessError(Exception, metaclass=NamelessMeta):
    pass


class CauselessError(Exception):
    @property
    def __cause__(self):
        raise RuntimeError("no cause")


def raising(error):
    def process(_):
        raise error

    return process


def returning(result):
    return lambda _: result


def circular():
    result = []
    result.append(result)
    return result


def nested(depth):
    result = []
    for _ in range(depth):
        result = [result]
    return result


def test_first_call_processes_all_items_of_the_batch(handler):
    # Given the event of a batch's first call
    event = read_event("batch_first_call.json")
    # When the function is invoked with it
    answer = handler.handle_batch(event, context())
    # Then each item has its outcome, under its index in the list
    assert answer["outcomes"] == [
        {
            "index": row["index"],
            "status": "succeeded",
            "result": {"item": row["item"], "status": "processed"},
            "attempts": 1,
        }
        for row in event["batch"]["Items"]
    ]
    assert answer["pending"] == []


def test_next_call_processes_only_what_is_pending_in_that_order(handler, monkeypatch):
    # Given a processor that keeps what it gets, and an item that failed twice
    items = []
    monkeypatch.setattr(handler, "process", items.append)
    # When the next call comes
    answer = handler.handle_batch(read_event("batch_next_call.json"), context())
    # Then the item that is done was left alone, and attempts and bytes are counted on
    assert items == [None, "Mathematics"]
    assert [(row["index"], row["attempts"]) for row in answer["outcomes"]] == [(6, 1), (4, 3)]
    size = sum(len(json.dumps(row)) + 2 for row in answer["outcomes"])
    assert answer["bytesLeft"] == 200_000 - size


def test_items_of_a_table_reach_the_processor_as_plain_python(handler, monkeypatch):
    # Given a processor that keeps what it gets, and a batch of DynamoDB's JSON with a value of no type of its
    items = []
    monkeypatch.setattr(handler, "process", items.append)
    event = batch_event([{"M": {"price": {"N": "0.10"}}}, {"X": 1}, {"S": "c"}], max_attempts=1)
    event["batch"]["BatchInput"]["encoding"] = "dynamodb"
    # When it is processed
    outcomes, _ = finish_batch(handler, event)
    # Then the items are plain, and the bad one is a failure of its own
    assert items == [{"price": Decimal("0.10")}, "c"]
    assert [row["status"] for row in outcomes] == ["succeeded", "failed", "succeeded"]
    assert outcomes[1]["error"]["name"] == "TypeError"


@pytest.mark.parametrize(
    ("error", "name", "message"),
    [
        (ValueError("no such topic"), "ValueError", "no such topic"),
        (KeyError("topic"), "KeyError", "'topic'"),
        (RuntimeError(), "RuntimeError", ""),
        (SystemExit(3), "SystemExit", "3"),
        (KeyboardInterrupt(), "KeyboardInterrupt", ""),
        (LeavingError("bye"), "LeavingError", "bye"),
        (UnreadableError(), "UnreadableError", "cannot be read: KeyError"),
        (ExitingTextError(), "ExitingTextError", "cannot be read: SystemExit"),
        (NamelessError("nameless"), "NamelessError", "nameless"),
        (CauselessError("causeless"), "CauselessError", "causeless"),
        (SyntaxError("bad", ("f.py", 1, 2, 5)), "SyntaxError", "bad (f.py, line 1)"),
        (ValueError("für Zoë: 拒否 🚫 \n\u2028"), "ValueError", "für Zoë: 拒否 🚫 \n\u2028"),
        (ValueError("half a pair: \ud83d"), "ValueError", "half a pair: ?"),
        (ValueError("x" * 40_000), "ValueError", "x" * 1000),
        (type("E" * 200, (Exception,), {})("long"), "E" * 64, "long"),
    ],
    ids=lambda value: ascii(value)[:25],
)
def test_whatever_an_item_raises_is_its_own_failure(handler, monkeypatch, error, name, message):
    # Given an item that raises, between two that do not
    monkeypatch.setattr(handler, "process", lambda item: raising(error)(item) if item == "bad" else item)
    # When the batch is processed to its end
    outcomes, answers = finish_batch(handler, batch_event(["a", "bad", "c"]))
    # Then it was tried three times, its last error is its outcome, and the others were processed once
    assert answers[0]["pending"] == [{"index": 1, "attempts": 1}]
    failed = {"index": 1, "status": "failed", "error": {"name": name, "message": message}, "attempts": 3}
    assert outcomes[2:] == [failed]
    assert [(row["index"], row["result"], row["attempts"]) for row in outcomes[:2]] == [
        (0, "a", 1),
        (2, "c", 1),
    ]
    assert_runtime_writes(answers[-1])


@pytest.mark.parametrize(
    ("result", "message"),
    [
        ({1}, "Object of type set is not JSON serializable"),
        (b"bytes", "Object of type bytes is not JSON serializable"),
        (object(), "Object of type object is not JSON serializable"),
        (float("nan"), "Out of range float values are not JSON compliant"),
        ([{"a": float("-inf")}], "Out of range float values are not JSON compliant"),
        (Decimal("NaN"), "Object of type Decimal is not JSON serializable"),
        ([10**309], "it has a number beyond 1.8E+308"),
        ({"a": Decimal("-1E+400")}, "it has a number beyond 1.8E+308"),
        ({"a": Decimal(1), "b": -(10**309)}, "it has a number beyond 1.8E+308"),
        ({(1, 2): "x"}, "keys must be str, int, float, bool or None, not tuple"),
        (circular(), "Circular reference detected"),
        ("half a pair: \ud83d", "'utf-8' codec can't encode character"),
        (nested(100_000), "maximum recursion depth exceeded"),
        ([nested(200)], "it is nested deeper than 200 levels"),
        ({"price": Decimal(1), "deep": nested(200)}, "it is nested deeper than 200 levels"),
    ],
    ids=[
        *(
            "set",
            "bytes",
            "object",
            "NaN",
            "infinity",
            "Decimal NaN",
            "int",
            "Decimal",
            "int with a Decimal",
            "key",
            "circular",
            "surrogate",
        ),
        *("far too deep", "too deep", "too deep with a Decimal"),
    ],
)
def test_result_that_lambda_cannot_return_is_that_items_failure(handler, monkeypatch, result, message):
    # Given an item whose result is no JSON, and one whose result is
    monkeypatch.setattr(handler, "process", lambda item: result if item == "bad" else item)
    # When the batch is processed
    outcomes, _ = finish_batch(handler, batch_event(["bad", "good"], max_attempts=1))
    # Then only the first has failed
    assert outcomes[0]["error"]["name"] == "ResultNotJson"
    assert message in outcomes[0]["error"]["message"]
    assert outcomes[1]["result"] == "good"


@pytest.mark.parametrize(
    ("result", "written"),
    [
        (None, None),
        ("Füße 日本 😀", "Füße 日本 😀"),
        ((1, (2, 3)), [1, [2, 3]]),
        ({1: "a", None: "b", False: "c"}, {"1": "a", "null": "b", "false": "c"}),
        (Point(1, 2), [1, 2]),
        (0.1, 0.1),
        (10**30, 10**30),
        (10**308, 10**308),
        (Decimal("1.7E+308"), Decimal("1.7E+308")),
        ({"price": Decimal("12345678901234567890.10")}, {"price": Decimal("12345678901234567890.10")}),
        (nested(199), nested(199)),
    ],
    ids=[
        *("null", "unicode", "tuple", "keys", "named tuple", "float", "large", "largest", "largest Decimal"),
        *("Decimal", "nested"),
    ],
)
def test_result_is_what_lambdas_runtime_writes(handler, monkeypatch, result, written):
    # Given an item with a result that JSON has other words for
    monkeypatch.setattr(handler, "process", returning(result))
    # When the function answers
    answer = handler.handle_batch(batch_event(["item"]), context())
    # Then the runtime writes it, and as it was measured
    assert assert_runtime_writes(answer)["outcomes"][0]["result"] == written


def test_result_stays_as_it_was_when_the_item_returned(handler, monkeypatch):
    # Given a processor that returns the same list each time, one longer
    seen = []

    def process(item):
        seen.append(item)
        return seen

    monkeypatch.setattr(handler, "process", process)
    # When a batch is processed
    answer = handler.handle_batch(batch_event(["a", "b"]), context())
    # Then a later item has not changed an earlier one's result
    assert [row["result"] for row in answer["outcomes"]] == [["a"], ["a", "b"]]


def test_processor_can_ask_which_item_it_processes(handler, monkeypatch):
    # Given a processor that needs a key for its writes
    import invocation  # noqa: PLC0415

    monkeypatch.setattr(handler, "process", lambda _: invocation.current_invocation())
    # When a batch comes
    answer = handler.handle_batch(read_event("batch_first_call.json"), context())
    # Then each item has its own
    assert [row["result"] for row in answer["outcomes"]] == [["first-run", index] for index in (4, 5, 6)]


def test_log_has_the_counts_of_a_batch_and_the_cause_of_each_failure(handler, monkeypatch, caplog):
    # Given two items of which one fails
    monkeypatch.setattr(handler, "process", lambda item: 1 / item)
    # When they are processed
    handler.handle_batch(batch_event([0, 1]), context())
    # Then one line says where the failure came from, and one how many there are
    failure, counts = caplog.records
    assert failure.getMessage().startswith("Item 0 failed in attempt 1: Traceback")
    assert failure.getMessage().endswith("ZeroDivisionError: division by zero\n")
    assert counts.msg == {"execution": "run", "succeeded": 1, "failed": 0, "pending": 1}


@pytest.mark.parametrize("error", [ValueError("half a pair: \ud83d"), UnreadableError()], ids=ascii)
def test_failure_that_cannot_be_logged_as_it_is_does_not_end_the_batch(handler, monkeypatch, error):
    # Given the log of Lambda's runtime, which raises what it cannot write
    log = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    monkeypatch.setattr(sys, "stdout", log)
    log_handler = LambdaLoggerHandler(StandardLogSink())
    log_handler.setFormatter(JsonFormatter())
    logger = logging.getLogger("batch")
    logger.addHandler(log_handler)
    monkeypatch.setattr(handler, "process", lambda item: raising(error)(item) if item == "bad" else item)
    # When an item raises what UTF-8 cannot write
    answer = handler.handle_batch(batch_event(["bad", "good"]), context())
    logger.removeHandler(log_handler)
    # Then the other has its outcome
    assert [row["index"] for row in answer["outcomes"]] == [1]


@pytest.mark.parametrize("seed", range(20))
def test_every_item_has_exactly_one_outcome(handler, monkeypatch, seed):
    # Given a batch of items that do anything
    chance = random.Random(seed)
    count, max_attempts = chance.choice([1, 2, 40, 1000]), chance.randint(1, 4)

    def process(_):
        size = chance.choice([0, 10, 300, 5_000, 100_000])
        what = chance.choice(["result", "result", "result", "error", "exit", "set", "unicode", "escapes"])
        match what:
            case "error":
                raise ValueError("x" * size)
            case "exit":
                raise SystemExit("ü" * size)
            case "set":
                return {size}
        return {"result": "x", "unicode": "日", "escapes": '"\x00'}[what] * size

    monkeypatch.setattr(handler, "process", process)
    # When it is processed to its end
    outcomes, answers = finish_batch(handler, batch_event(range(count), max_attempts=max_attempts))
    # Then no item is lost or there twice, none was tried too often, and all fit into one state
    assert Counter(row["index"] for row in outcomes) == Counter(range(count))
    assert all(1 <= row["attempts"] <= max_attempts for row in outcomes)
    assert all(answer["bytesLeft"] >= 0 for answer in answers)
    for done in range(len(answers)):
        so_far = [row for answer in answers[: done + 1] for row in answer["outcomes"]]
        state = answers[done] | {"outcomes": so_far}
        assert len(json.dumps(state, ensure_ascii=False).encode()) <= 262_144


def test_cold_start_loads_neither_boto3_nor_botocore():
    # Given a fresh interpreter, with only the deployed folder on its path
    program = "import sys, batch_handler; print(*sorted({'boto3', 'botocore'} & set(sys.modules)), sep=',')"
    # When it imports the handler
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, check=True)
    # Then what takes longest to load is not loaded
    assert done.stdout.strip() == ""


def assert_runtime_writes(answer):
    """Return what Lambda's runtime makes of an answer, read again."""
    text, _ = LambdaMarshaller().marshal_response(answer)
    return json.loads(text.encode("utf-8"), parse_float=Decimal if "Decimal" in repr(answer) else None)
