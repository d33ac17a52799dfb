"""config.json: what is accepted, and what a mistake in it is answered with."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from stacks.config import Config, ConfigError, load_config, schema_text

ROOT = Path(__file__).parents[2]
STEPFUNC_KEYS = "maxConcurrency, waitDurationSeconds, timeoutDurationSeconds, onItemFailure"
DDB_KEYS = "tableName, partitionKeyName, partitionKeyValueField"
X, E = "x" * 76, "é" * 76
POLICIES = "allowed is one of fail, continue"
UNKNOWN = "there is no such key; allowed are"
ALL_KEYS = "workflows, production, ddb, stepfunc, distributedMap, throttledMap, orderProcessing, queueFanIn"
KEY_NAME = (
    "allowed is text of 1 to 255 bytes in UTF-8 without '${', other than 'values', which holds the list"
)
KEY_VALUE = (
    "allowed is text of 1 to 2048 bytes in UTF-8 without '${', that does not start with '{%', "
    "which Step Functions takes for an expression"
)
TABLE_NAME = "allowed is 3 to 255 letters, digits, '_', '-' or '.'"
WORKFLOW_NAMES = "fanOut, distributedMap, throttledMap, orderProcessing, queueFanIn"
WORKFLOWS = f"allowed is a list of one or more of {WORKFLOW_NAMES}, each once"
FROM_0 = "allowed is a whole number from 0"
SECONDS = "allowed is a whole number from 0 to 99999999"
LIST_KEY = "allowed is text of 1 to 1024 bytes in UTF-8 without '${'"
PERCENTAGE = "allowed is a number from 0 to 100"
FIELD = "allowed is text of 1 character or more without '${'"
SOURCE = 'allowed is "s3", unless workflows has fanOut, which has the table'
CHILD_TYPE = "allowed is only STANDARD, since an EXPRESS child cannot wait for a token"
PACE = "allowed is 0, or a number from 0.001 to 1000"
HEARTBEAT = "allowed is a whole number from 1, and less than itemTimeoutSeconds"
THROTTLED_MAP_KEYS = (
    "key, format, maxConcurrency, childType, maxAttempts, toleratedFailurePercentage, toleratedFailureCount, "
    "timeoutDurationSeconds, source, throttledField, workerMaxConcurrency, maxPerSecond, itemTimeoutSeconds, "
    "heartbeatSeconds, maxReceiveCount"
)
QUEUE_FAN_IN_KEYS = (
    "workerMaxConcurrency, maxReceiveCount, deadlineMinutes, workerTimeoutSeconds, maxItemsPerMessage"
)

ORDER_PROCESSING_KEYS = (
    "maxConcurrency, onItemFailure, approvalThreshold, approvalTimeoutHours, timeoutDurationSeconds"
)


@pytest.fixture
def load(tmp_path):
    """Write a text to a file and load it."""

    def write_and_load(text):
        path = tmp_path / "config.json"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return load_config(path)

    return write_and_load


def message(load, content):
    """Return what is said of a content, without the name of the file."""
    with pytest.raises(ConfigError) as caught:
        load(content if isinstance(content, str | bytes) else json.dumps(content))
    return [line.partition("config.json")[2] for line in str(caught.value).splitlines()]


def test_shipped_file_has_the_defaults():
    assert load_config(ROOT / "config.json") == Config()


def test_distributed_map_has_the_defaults_that_the_page_describes(load):
    assert load('{"workflows": ["distributedMap"]}').distributedMap.model_dump() == {
        "key": "lists/items.jsonl",
        "format": "jsonl",
        "maxConcurrency": 1000,
        "childType": "EXPRESS",
        "maxItemsPerBatch": 100,
        "maxInputBytesPerBatch": 204_800,
        "maxAttempts": 3,
        "toleratedFailurePercentage": 0,
        "toleratedFailureCount": 0,
        "timeoutDurationSeconds": 3600,
    }


def test_throttled_map_has_the_defaults_that_the_page_describes(load):
    assert load('{"workflows": ["throttledMap"]}').throttledMap.model_dump() == {
        "source": "s3",
        "key": "lists/items.jsonl",
        "format": "jsonl",
        "maxConcurrency": 1000,
        "childType": "STANDARD",
        "maxAttempts": 3,
        "toleratedFailurePercentage": 0,
        "toleratedFailureCount": 0,
        "timeoutDurationSeconds": 3600,
        "throttledField": "throttled",
        "workerMaxConcurrency": 2,
        "maxPerSecond": 0,
        "itemTimeoutSeconds": 300,
        "heartbeatSeconds": 60,
        "maxReceiveCount": 3,
    }


def test_order_processing_has_the_defaults_that_the_page_describes(load):
    assert load('{"workflows": ["orderProcessing"]}').orderProcessing.model_dump() == {
        "maxConcurrency": 3,
        "onItemFailure": "continue",
        "approvalThreshold": 1000,
        "approvalTimeoutHours": 24,
        "timeoutDurationSeconds": 172_800,
    }


@pytest.mark.parametrize(("hours", "seconds"), [(24, 86_400), (0.001, 4), (0.5, 1800), (27_777, 99_997_200)])
def test_time_to_approve_is_in_whole_seconds(load, hours, seconds):
    config = load(json.dumps({"orderProcessing": {"approvalTimeoutHours": hours}}))
    assert config.orderProcessing.approval_timeout_seconds == seconds


def test_queue_fan_in_has_the_defaults_that_the_page_describes(load):
    assert load('{"workflows": ["queueFanIn"]}').queueFanIn.model_dump() == {
        "workerMaxConcurrency": 10,
        "maxReceiveCount": 3,
        "deadlineMinutes": 240,
        "workerTimeoutSeconds": 60,
        "maxItemsPerMessage": 10,
    }


def test_file_with_only_the_keys_of_the_reference_is_accepted(load):
    # Given a file without any key that this project added
    content = {
        "ddb": {"tableName": "Lists", "partitionKeyName": "pk", "partitionKeyValueField": "today"},
        "stepfunc": {"maxConcurrency": 3, "waitDurationSeconds": 0, "timeoutDurationSeconds": 99},
    }
    # When it is loaded
    config = load(json.dumps(content))
    # Then it says what it says, and the rest has its defaults
    assert config.model_dump(include={"ddb": True, "stepfunc": set(content["stepfunc"])}) == content
    assert (config.workflows, config.production, config.stepfunc.onItemFailure) == (
        ("fanOut",),
        False,
        "fail",
    )


@pytest.mark.parametrize(
    "text", ["{}", "\ufeff{}", '{"$schema": "./config.schema.json"}', '{"stepfunc": {}}']
)
def test_what_is_missing_has_its_default(load, text):
    assert load(text) == Config()


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("ddb", "tableName", "a.b"),
        ("ddb", "tableName", "x" * 255),
        ("ddb", "partitionKeyName", "é" * 127),
        ("ddb", "partitionKeyName", "a key"),
        ("ddb", "partitionKeyValueField", "x" * 2048),
        ("ddb", "partitionKeyValueField", 'a "quoted" {% key'),
        ("stepfunc", "maxConcurrency", 0),
        ("stepfunc", "maxConcurrency", 5000),
        ("stepfunc", "waitDurationSeconds", 99_999_999),
        ("stepfunc", "timeoutDurationSeconds", 1),
        ("stepfunc", "onItemFailure", "continue"),
        ("distributedMap", "key", "é" * 512),
        ("distributedMap", "key", '{% "a" %}'),
        ("distributedMap", "format", "csv"),
        ("distributedMap", "maxConcurrency", 0),
        ("distributedMap", "maxConcurrency", 10_000),
        ("distributedMap", "childType", "STANDARD"),
        ("distributedMap", "maxItemsPerBatch", 1),
        ("distributedMap", "maxItemsPerBatch", 1000),
        ("distributedMap", "maxInputBytesPerBatch", 1024),
        ("distributedMap", "maxInputBytesPerBatch", 204_800),
        ("distributedMap", "maxAttempts", 1),
        ("distributedMap", "maxAttempts", 10),
        ("distributedMap", "toleratedFailurePercentage", 100),
        ("distributedMap", "toleratedFailurePercentage", 0.5),
        ("distributedMap", "toleratedFailureCount", 10**9),
        ("throttledMap", "childType", "STANDARD"),
        ("throttledMap", "throttledField", 'is "slow"'),
        ("throttledMap", "workerMaxConcurrency", 2),
        ("throttledMap", "workerMaxConcurrency", 1000),
        ("throttledMap", "maxPerSecond", 0),
        ("throttledMap", "maxPerSecond", 0.001),
        ("throttledMap", "maxPerSecond", 1000),
        ("throttledMap", "itemTimeoutSeconds", 61),
        ("throttledMap", "heartbeatSeconds", 1),
        ("throttledMap", "heartbeatSeconds", 299),
        ("throttledMap", "maxReceiveCount", 1),
        ("throttledMap", "maxReceiveCount", 1000),
        ("throttledMap", "source", "dynamodb"),
        ("orderProcessing", "maxConcurrency", 0),
        ("orderProcessing", "onItemFailure", "fail"),
        ("orderProcessing", "approvalThreshold", 0),
        ("orderProcessing", "approvalThreshold", 99.95),
        ("orderProcessing", "approvalTimeoutHours", 0.001),
        ("orderProcessing", "approvalTimeoutHours", 27_777),
        ("orderProcessing", "timeoutDurationSeconds", 1),
        ("queueFanIn", "workerMaxConcurrency", 2),
        ("queueFanIn", "workerMaxConcurrency", 1000),
        ("queueFanIn", "maxReceiveCount", 1),
        ("queueFanIn", "maxReceiveCount", 1000),
        ("queueFanIn", "deadlineMinutes", 0.1),
        ("queueFanIn", "deadlineMinutes", 8640),
        ("queueFanIn", "workerTimeoutSeconds", 2),
        ("queueFanIn", "workerTimeoutSeconds", 900),
        ("queueFanIn", "maxItemsPerMessage", 1),
        ("queueFanIn", "maxItemsPerMessage", 100),
    ],
)
def test_value_at_its_limit_is_accepted(load, section, key, value):
    config = load(json.dumps({section: {key: value}}))
    assert getattr(getattr(config, section), key) == value


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"worflows": []}, f"worflows = []: {UNKNOWN} {ALL_KEYS}"),
        ({"stepfunc": {"maxConcurency": 3}}, f"stepfunc.maxConcurency = 3: {UNKNOWN} {STEPFUNC_KEYS}"),
        ({"stepfunc": {"maxConcurrency": -1}}, f"stepfunc.maxConcurrency = -1: {FROM_0}"),
        ({"stepfunc": {"maxConcurrency": 2.5}}, f"stepfunc.maxConcurrency = 2.5: {FROM_0}"),
        ({"stepfunc": {"maxConcurrency": 2.0}}, f"stepfunc.maxConcurrency = 2.0: {FROM_0}"),
        ({"stepfunc": {"maxConcurrency": True}}, f"stepfunc.maxConcurrency = true: {FROM_0}"),
        ({"stepfunc": {"maxConcurrency": None}}, f"stepfunc.maxConcurrency = null: {FROM_0}"),
        ({"stepfunc": {"waitDurationSeconds": "2"}}, f'stepfunc.waitDurationSeconds = "2": {SECONDS}'),
        (
            {"stepfunc": {"waitDurationSeconds": 10**8}},
            f"stepfunc.waitDurationSeconds = 100000000: {SECONDS}",
        ),
        (
            {"stepfunc": {"timeoutDurationSeconds": 0}},
            "stepfunc.timeoutDurationSeconds = 0: allowed is a whole number from 1 to 99999999",
        ),
        ({"stepfunc": {"onItemFailure": "stop"}}, f'stepfunc.onItemFailure = "stop": {POLICIES}'),
        ({"stepfunc": None}, f"stepfunc = null: allowed is an object with the keys {STEPFUNC_KEYS}"),
        ({"ddb": []}, f"ddb = []: allowed is an object with the keys {DDB_KEYS}"),
        ({"ddb": {"tableName": "ab"}}, f'ddb.tableName = "ab": {TABLE_NAME}'),
        ({"ddb": {"tableName": "my table"}}, f'ddb.tableName = "my table": {TABLE_NAME}'),
        ({"ddb": {"tableName": "table\n"}}, f'ddb.tableName = "table\\n": {TABLE_NAME}'),
        ({"ddb": {"tableName": "täble"}}, f'ddb.tableName = "täble": {TABLE_NAME}'),
        ({"ddb": {"partitionKeyName": ""}}, f'ddb.partitionKeyName = "": {KEY_NAME}'),
        ({"ddb": {"partitionKeyName": "values"}}, f'ddb.partitionKeyName = "values": {KEY_NAME}'),
        ({"ddb": {"partitionKeyName": "é" * 128}}, f'ddb.partitionKeyName = "{E}...: {KEY_NAME}'),
        ({"ddb": {"partitionKeyName": "\ud800"}}, f'ddb.partitionKeyName = "\\ud800": {KEY_NAME}'),
        ({"ddb": {"partitionKeyName": "a${b}"}}, f'ddb.partitionKeyName = "a${{b}}": {KEY_NAME}'),
        (
            {"ddb": {"partitionKeyValueField": "${Token[TOKEN.1]}"}},
            f'ddb.partitionKeyValueField = "${{Token[TOKEN.1]}}": {KEY_VALUE}',
        ),
        ({"a\x1b[31m\nb": "\x9b"}, rf'"a\u001b[31m\nb" = "\u009b": {UNKNOWN} {ALL_KEYS}'),
        ({"ddb": {"partitionKeyValueField": ""}}, f'ddb.partitionKeyValueField = "": {KEY_VALUE}'),
        (
            {"ddb": {"partitionKeyValueField": "x" * 2049}},
            f'ddb.partitionKeyValueField = "{X}...: {KEY_VALUE}',
        ),
        (
            {"ddb": {"partitionKeyValueField": "{% 1 %}"}},
            f'ddb.partitionKeyValueField = "{{% 1 %}}": {KEY_VALUE}',
        ),
        ({"distributedMap": {"key": ""}}, f'distributedMap.key = "": {LIST_KEY}'),
        ({"distributedMap": {"key": "é" * 513}}, f'distributedMap.key = "{E}...: {LIST_KEY}'),
        ({"distributedMap": {"key": "${a}"}}, f'distributedMap.key = "${{a}}": {LIST_KEY}'),
        (
            {"distributedMap": {"format": "parquet"}},
            'distributedMap.format = "parquet": allowed is one of json, jsonl, csv',
        ),
        (
            {"distributedMap": {"maxConcurrency": 10_001}},
            "distributedMap.maxConcurrency = 10001: allowed is a whole number from 0 to 10000",
        ),
        (
            {"distributedMap": {"childType": "express"}},
            'distributedMap.childType = "express": allowed is one of EXPRESS, STANDARD',
        ),
        (
            {"distributedMap": {"maxItemsPerBatch": 1001}},
            "distributedMap.maxItemsPerBatch = 1001: allowed is a whole number from 1 to 1000",
        ),
        (
            {"distributedMap": {"maxInputBytesPerBatch": 262_144}},
            "distributedMap.maxInputBytesPerBatch = 262144: allowed is a whole number from 1024 to 204800",
        ),
        (
            {"distributedMap": {"maxAttempts": 0}},
            "distributedMap.maxAttempts = 0: allowed is a whole number from 1 to 10",
        ),
        (
            {"distributedMap": {"toleratedFailurePercentage": 100.5}},
            f"distributedMap.toleratedFailurePercentage = 100.5: {PERCENTAGE}",
        ),
        (
            {"distributedMap": {"toleratedFailurePercentage": "5"}},
            f'distributedMap.toleratedFailurePercentage = "5": {PERCENTAGE}',
        ),
        (
            '{"distributedMap": {"toleratedFailurePercentage": NaN}}',
            f"distributedMap.toleratedFailurePercentage = NaN: {PERCENTAGE}",
        ),
        (
            {"distributedMap": {"toleratedFailurePercentage": True}},
            f"distributedMap.toleratedFailurePercentage = true: {PERCENTAGE}",
        ),
        (
            {"distributedMap": {"toleratedFailureCount": -1}},
            f"distributedMap.toleratedFailureCount = -1: {FROM_0}",
        ),
        (
            {"workflows": ["fanout"]},
            f'workflows[0] = "fanout": allowed is one of {WORKFLOW_NAMES}',
        ),
        (
            {"workflows": ["throttledMap"], "throttledMap": {"source": "dynamodb"}},
            f'throttledMap.source = "dynamodb": {SOURCE}',
        ),
        (
            {"throttledMap": {"source": "sqs"}},
            'throttledMap.source = "sqs": allowed is one of s3, dynamodb',
        ),
        (
            {"throttledMap": {"childType": "EXPRESS"}},
            f'throttledMap.childType = "EXPRESS": {CHILD_TYPE}',
        ),
        ({"throttledMap": {"throttledField": ""}}, f'throttledMap.throttledField = "": {FIELD}'),
        ({"throttledMap": {"throttledField": "a${b}"}}, f'throttledMap.throttledField = "a${{b}}": {FIELD}'),
        ({"throttledMap": {"throttledField": True}}, f"throttledMap.throttledField = true: {FIELD}"),
        (
            {"throttledMap": {"workerMaxConcurrency": 1}},
            "throttledMap.workerMaxConcurrency = 1: allowed is a whole number from 2 to 1000",
        ),
        (
            {"throttledMap": {"workerMaxConcurrency": 1001}},
            "throttledMap.workerMaxConcurrency = 1001: allowed is a whole number from 2 to 1000",
        ),
        ({"throttledMap": {"maxPerSecond": -0.5}}, f"throttledMap.maxPerSecond = -0.5: {PACE}"),
        ({"throttledMap": {"maxPerSecond": 1000.5}}, f"throttledMap.maxPerSecond = 1000.5: {PACE}"),
        # Its slots would be further apart than a number of the table can say.
        ({"throttledMap": {"maxPerSecond": 1e-320}}, f"throttledMap.maxPerSecond = 1e-320: {PACE}"),
        ({"throttledMap": {"maxPerSecond": 0.0009}}, f"throttledMap.maxPerSecond = 0.0009: {PACE}"),
        ('{"throttledMap": {"maxPerSecond": 1e400}}', f"throttledMap.maxPerSecond = Infinity: {PACE}"),
        (
            {"throttledMap": {"itemTimeoutSeconds": 1}},
            "throttledMap.itemTimeoutSeconds = 1: allowed is a whole number from 2 to 99999999",
        ),
        ({"throttledMap": {"heartbeatSeconds": 0}}, f"throttledMap.heartbeatSeconds = 0: {HEARTBEAT}"),
        ({"throttledMap": {"heartbeatSeconds": 300}}, f"throttledMap.heartbeatSeconds = 300: {HEARTBEAT}"),
        # The default is too long for that timeout.
        ({"throttledMap": {"itemTimeoutSeconds": 60}}, f"throttledMap.heartbeatSeconds = 60: {HEARTBEAT}"),
        (
            {"throttledMap": {"maxReceiveCount": 0}},
            "throttledMap.maxReceiveCount = 0: allowed is a whole number from 1 to 1000",
        ),
        (
            {"throttledMap": {"maxItemsPerBatch": 1}},
            f"throttledMap.maxItemsPerBatch = 1: {UNKNOWN} {THROTTLED_MAP_KEYS}",
        ),
        ({"orderProcessing": {"maxConcurrency": -1}}, f"orderProcessing.maxConcurrency = -1: {FROM_0}"),
        (
            {"orderProcessing": {"onItemFailure": "undo"}},
            f'orderProcessing.onItemFailure = "undo": {POLICIES}',
        ),
        (
            {"orderProcessing": {"approvalThreshold": -0.01}},
            "orderProcessing.approvalThreshold = -0.01: allowed is a number from 0",
        ),
        (
            '{"orderProcessing": {"approvalThreshold": Infinity}}',
            "orderProcessing.approvalThreshold = Infinity: allowed is a number from 0",
        ),
        (
            {"orderProcessing": {"approvalTimeoutHours": 0}},
            "orderProcessing.approvalTimeoutHours = 0: allowed is a number from 0.001 to 27777",
        ),
        (
            {"orderProcessing": {"threshold": 1}},
            f"orderProcessing.threshold = 1: {UNKNOWN} {ORDER_PROCESSING_KEYS}",
        ),
        (
            {"queueFanIn": {"workerMaxConcurrency": 1}},
            "queueFanIn.workerMaxConcurrency = 1: allowed is a whole number from 2 to 1000",
        ),
        (
            {"queueFanIn": {"maxReceiveCount": 0}},
            "queueFanIn.maxReceiveCount = 0: allowed is a whole number from 1 to 1000",
        ),
        (
            {"queueFanIn": {"deadlineMinutes": 0.05}},
            "queueFanIn.deadlineMinutes = 0.05: allowed is a number from 0.1 to 8640",
        ),
        (
            '{"queueFanIn": {"deadlineMinutes": Infinity}}',
            "queueFanIn.deadlineMinutes = Infinity: allowed is a number from 0.1 to 8640",
        ),
        (
            {"queueFanIn": {"workerTimeoutSeconds": 901}},
            "queueFanIn.workerTimeoutSeconds = 901: allowed is a whole number from 2 to 900",
        ),
        (
            {"queueFanIn": {"maxItemsPerMessage": 101}},
            "queueFanIn.maxItemsPerMessage = 101: allowed is a whole number from 1 to 100",
        ),
        (
            {"queueFanIn": {"maxConcurrency": 1}},
            f"queueFanIn.maxConcurrency = 1: {UNKNOWN} {QUEUE_FAN_IN_KEYS}",
        ),
        ({"workflows": "fanOut"}, f'workflows = "fanOut": {WORKFLOWS}'),
        ({"workflows": []}, f"workflows = []: {WORKFLOWS}"),
        ({"workflows": ["fanOut", "fanOut"]}, f'workflows = ["fanOut", "fanOut"]: {WORKFLOWS}'),
        ({"production": "yes"}, 'production = "yes": allowed is true or false'),
        ({"production": 1}, "production = 1: allowed is true or false"),
        ([], f"[]: allowed is an object with the keys {ALL_KEYS}"),
        ("null", f"null: allowed is an object with the keys {ALL_KEYS}"),
        ('{"stepfunc": {"maxConcurrency": NaN}}', f"stepfunc.maxConcurrency = NaN: {FROM_0}"),
        ('{"ddb": {}, "ddb": {}}', "ddb is there more than once; allowed is once in an object"),
        ('{"\\u001b": 1, "\\u001b": 1}', r'"\u001b" is there more than once; allowed is once in an object'),
        ("9" * 5000, "holds a whole number of 5,000 digits; allowed are at most 100"),
        ("[" * 100_000, "is nested too deeply to be read"),
    ],
)
def test_mistake_is_answered_with_key_value_and_what_is_allowed(load, content, said):
    assert message(load, content) == [f": {said}"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"ddb": }', ":1:9: is not JSON: Expecting value"),
        ("", ":1:1: is not JSON: Expecting value"),
        (b'{"ddb": "\xff"}', ": is not UTF-8 text, at byte 9"),
    ],
)
def test_file_that_is_not_json_is_answered_with_the_place(load, content, said):
    assert message(load, content) == [said]


@pytest.mark.parametrize("depth", [*range(100, 1200, 50)])
def test_nesting_of_any_depth_is_answered_in_one_line(load, depth):
    # Given nesting that may be read, and may then be too deep to be shown
    assert len(message(load, '{"stepfunc": ' + "[" * depth + "]" * depth + "}")) == 1


def test_each_mistake_has_its_line(load):
    assert len(message(load, {"production": 1, "stepfunc": {"maxConcurrency": -1, "wait": 1}})) == 3


def test_no_more_than_a_screen_of_mistakes_is_said(load):
    lines = message(load, {"workflows": ["fanout"] * 1_000})
    assert len(lines) == 21
    assert lines[-1] == ": and 980 more like these"


@pytest.mark.parametrize(
    ("name", "said"), [("absent.json", "No such file or directory"), (".", "Is a directory")]
)
def test_file_that_cannot_be_read_is_named(tmp_path, name, said):
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path / name)
    assert str(caught.value) == f"{tmp_path / name}: cannot be read: {said}"


def test_schema_file_is_current():
    assert (ROOT / "config.schema.json").read_text(encoding="utf-8") == schema_text(), (
        "run: python -m stacks.config > config.schema.json"
    )


def test_reading_the_configuration_does_not_load_the_cdk():
    # Given a fresh interpreter
    program = "import sys, stacks.config; print('aws_cdk' in sys.modules)"
    # When it imports the configuration, as the commands in utils do
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    # Then it did not wait for the CDK
    assert done.stdout.strip() == "False"
