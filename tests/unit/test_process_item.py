"""The item processor: what reaches ``process``, what is logged, what is loaded."""

import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
from awslambdaric.lambda_runtime_log_utils import JsonFormatter
from awslambdaric.lambda_runtime_marshaller import LambdaMarshaller

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "lambdas" / "process_item"
EVENTS = ROOT / "tests" / "events"


@pytest.fixture
def handler(monkeypatch):
    """The handler as Lambda loads it: its folder on the path, its modules not yet imported."""
    monkeypatch.syspath_prepend(FOLDER)
    for name in ("item_handler", "item_encoding", "process", "invocation"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    import item_handler  # noqa: PLC0415

    yield item_handler
    for name in ("item_handler", "item_encoding", "process", "invocation"):
        sys.modules.pop(name, None)


def event(item, encoding="dynamodb"):
    return {"item": item, "index": 0, "execution": "run", "encoding": encoding}


@pytest.mark.parametrize(
    ("file", "item"),
    [
        ("item_dynamodb_string.json", "Mathematics"),
        ("item_dynamodb_map.json", {"topic": "math", "name": "Mathematics"}),
        ("item_json.json", {"S": "Mathematics"}),
    ],
)
def test_shipped_processor_returns_the_plain_item_with_its_status(handler, file, item):
    # Given the event of one item
    content = json.loads((EVENTS / file).read_text(encoding="utf-8"))
    # When the function is invoked with it
    result = handler.handle_item(content, None)
    # Then the item is plain, and one that only looks typed was not touched
    assert result == {"item": item, "status": "processed"}


@pytest.mark.parametrize(
    ("typed", "plain"),
    [
        ({"S": ""}, ""),
        ({"S": "Füße 日本 😀"}, "Füße 日本 😀"),
        ({"N": "0.1"}, Decimal("0.1")),
        ({"N": "1" + "0" * 100}, Decimal("1E+100")),
        (
            {"N": "12345678901234567890.123456789012345678"},
            Decimal("12345678901234567890.123456789012345678"),
        ),
        ({"BOOL": False}, False),
        ({"NULL": True}, None),
        ({"L": []}, []),
        ({"L": [{"L": [{"N": "1"}]}, {"NULL": True}]}, [[Decimal(1)], None]),
        ({"M": {"a": {"M": {"b": {"L": [{"S": "c"}]}}}}}, {"a": {"b": ["c"]}}),
        ({"B": "AAH/"}, b"\x00\x01\xff"),
        ({"SS": ["a", "b"]}, {"a", "b"}),
        ({"NS": ["1", "2.5"]}, {Decimal(1), Decimal("2.5")}),
        ({"BS": ["AA==", "AQ=="]}, {b"\x00", b"\x01"}),
    ],
)
def test_typed_item_reaches_the_processor_exactly(handler, monkeypatch, typed, plain):
    # Given a processor that keeps what it gets
    items = []
    monkeypatch.setattr(handler, "process", items.append)
    # When an item of DynamoDB's JSON comes
    handler.handle_item(event(typed), None)
    # Then it is the plain value, of the same type
    assert items == [plain]
    assert type(items[0]) is type(plain)


@pytest.mark.parametrize("plain", [None, 0, 0.1, "", [], {"N": "not a number"}, {"M": None}, [{"S": "x"}]])
def test_plain_item_reaches_the_processor_untouched(handler, monkeypatch, plain):
    # Given a processor that keeps what it gets
    items = []
    monkeypatch.setattr(handler, "process", items.append)
    # When an item of the execution's input comes
    handler.handle_item(event(plain, "json"), None)
    # Then nothing was converted
    assert items == [plain]


def test_processor_can_ask_which_item_it_processes(handler, monkeypatch):
    # Given a processor that needs a key for its writes
    import invocation  # noqa: PLC0415

    monkeypatch.setattr(handler, "process", lambda _: invocation.current_invocation())
    # When items of two executions come
    keys = [
        handler.handle_item({**event(1, "json"), "execution": execution, "index": index}, None)
        for execution, index in [("a", 0), ("a", 1), ("b", 0)]
    ]
    # Then each has its own
    assert keys == [("a", 0), ("a", 1), ("b", 0)]


def test_error_of_the_processor_is_not_wrapped(handler, monkeypatch):
    # Given a processor that refuses the item
    def refuse(_):
        raise KeyError("topic")

    monkeypatch.setattr(handler, "process", refuse)
    # When the function is invoked, then Lambda sees that very exception
    with pytest.raises(KeyError, match="topic"):
        handler.handle_item(event({"S": "x"}), None)


@pytest.mark.parametrize(
    "item", [{"S": "Mathematics"}, {"M": {"topic": {"S": "cs"}}}, {"N": "0.10"}, {"B": "AA=="}]
)
def test_event_is_logged_as_it_came_and_the_item_as_it_is(handler, caplog, item):
    # Given Lambda's own JSON formatter, and a root logger at Python's default level
    formatter = JsonFormatter()
    # When an item of DynamoDB's JSON comes
    handler.handle_item(event(item), None)
    # Then the first line has the typed event, and the second can be written whatever the item's type
    first, second = (json.loads(formatter.format(record)) for record in caplog.records)
    assert first["message"]["event"] == event(item)
    assert "item" in second["message"]
    assert {first["level"], second["level"]} == {"INFO"}


def test_decimal_leaves_the_function_as_the_same_digits(handler):
    # Given a number that no float holds
    digits = "12345678901234567890.123456789012345678"
    # When the function returns it, and Lambda's runtime writes the response
    body, _ = LambdaMarshaller().marshal_response(handler.handle_item(event({"N": digits}), None))
    # Then it is a JSON number with the same digits
    assert f'"item": {digits},' in body


def test_cold_start_loads_neither_boto3_nor_botocore():
    # Given a fresh interpreter, with only the deployed folder on its path
    program = "import sys, item_handler; print(*sorted({'boto3', 'botocore'} & set(sys.modules)), sep=',')"
    # When it imports the handler
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, check=True)
    # Then what takes longest to load is not loaded
    assert done.stdout.strip() == ""
