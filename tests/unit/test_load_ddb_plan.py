"""The loader's pure half: reading a list, converting it, measuring it, judging it."""

import json
from pathlib import Path

import pytest
from boto3.dynamodb.types import TypeDeserializer

from stacks.config import Config
from utils import limits
from utils.attribute_values import item_bytes, json_bytes
from utils.list_file import ListError, read_list
from utils.load_plan import (
    Plan,
    describe_stored,
    find_refusals,
    find_warnings,
    is_loaded,
    plan_load,
    preview_lines,
)

CONFIG = Config()
KEY_BYTES = len("mapstatelist") + len("mapitems") + len("values")
EMPTY_LIST_BYTES = KEY_BYTES + 3


def _plan(tmp_path: Path, text: str) -> Plan:
    path = tmp_path / "list.json"
    path.write_text(text, encoding="utf-8")
    return plan_load(read_list(path), CONFIG)


def _config(**stepfunc: object) -> Config:
    return Config.model_validate({"stepfunc": stepfunc})


@pytest.mark.parametrize(
    ("text", "attribute"),
    [
        ('"Economics"', {"S": "Economics"}),
        ('""', {"S": ""}),
        ('"é 😀 \\ud83d\\ude00 \\u0000"', {"S": "é 😀 😀 \0"}),
        ("null", {"NULL": True}),
        ("true", {"BOOL": True}),
        ("false", {"BOOL": False}),
        ("[]", {"L": []}),
        ("{}", {"M": {}}),
        ('{"a": [1, {"b": null}]}', {"M": {"a": {"L": [{"N": "1"}, {"M": {"b": {"NULL": True}}}]}}}),
        ("0.1", {"N": "0.1"}),
        ("1.0", {"N": "1"}),
        ("-0.0", {"N": "0"}),
        ("1e2", {"N": "100"}),
        ("-12.3400E-2", {"N": "-0.1234"}),
        ("3.14159265358979323846264338327950288419", None),
        ("3.1415926535897932384626433832795028841", {"N": "3.1415926535897932384626433832795028841"}),
        ("12345678901234567890123456789012345678", {"N": "12345678901234567890123456789012345678"}),
        ("123456789012345678901234567890123456789", None),
        ("1" + "0" * 60, {"N": "1" + "0" * 60}),
        ("1e-130", {"N": "0." + "0" * 129 + "1"}),
        ("9.5e125", {"N": "95" + "0" * 124}),
        ("1e-131", None),
        ("1e126", None),
        ("-1e126", None),
        ("1e99999999999999999999", None),
    ],
)
def test_values_are_typed_exactly_or_refused(tmp_path, text: str, attribute: dict | None):
    if attribute is None:
        with pytest.raises(ListError, match=r"^item \[1\]: .*make it a string$"):
            _plan(tmp_path, f"[0, {text}]")
    else:
        assert _plan(tmp_path, f"[{text}]").items == [attribute]


def test_boto3_reads_back_what_is_written(tmp_path):
    plan = _plan(tmp_path, '[{"n": 1.5, "s": "x", "l": [true, null]}]')
    assert TypeDeserializer().deserialize(plan.items[0]) == {"n": 1.5, "s": "x", "l": [True, None]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[0, NaN]", "item [1]: NaN is not JSON: use null or a string"),
        ('[{"a": [0, -Infinity]}]', "item [0].a[1]: -Infinity is not JSON: use null or a string"),
        ('[0, {"a": {"b": 1, "b": 1}}]', 'item [1].a: key "b" occurs twice'),
        ('["\\ud800"]', "item [0]: holds \\ud800, half of a surrogate pair, which is no character"),
        ('[{"\\udc00": 1}]', "item [0]: holds \\udc00, half of a surrogate pair, which is no character"),
        ('[{"": 1}]', 'item [0]: key "" is 0 bytes long: DynamoDB takes 1 to 65,535'),
        (
            '[1, {"a": [' + "9" * 39 + "]}]",
            f'item [1].a[0]: "{"9" * 39}" has 39 significant digits, DynamoDB keeps 38: make it a string',
        ),
        (
            '[{"a": 1e126}]',
            'item [0].a: "1e126" is outside what DynamoDB holds, 0 and 1E-130 to 9.9E+125: make it a string',
        ),
    ],
)
def test_what_dynamodb_cannot_hold_is_refused_by_place(tmp_path, text: str, message: str):
    with pytest.raises(ListError) as caught:
        _plan(tmp_path, text)
    assert str(caught.value) == message


def test_nesting_is_refused_beyond_32_levels_of_which_the_list_is_the_first(tmp_path):
    def nested(containers: int) -> str:
        return "[" * containers + '"leaf"' + "]" * containers

    assert _plan(tmp_path, nested(31)).items
    with pytest.raises(ListError, match=r"^item \[0\] is nested deeper than the 32 levels of DynamoDB$"):
        _plan(tmp_path, nested(32))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", ":1:1: is not JSON: Expecting value"),
        (b'[\n  "a",\n  b\n]', ":3:3: is not JSON: Expecting value"),
        (b'{"a": 1}\n{"a": 2}', ":2:1: is not JSON: Extra data"),
        (b'["a", ]', ": is not JSON: "),
        (b"\x1f\x8b\x08\x00\xff", ": is compressed with gzip: unpack it first, with gunzip"),
        (b"\x89PNG\r\n", ": is not UTF-8 text, at byte 0: save it as UTF-8"),
        ('["a"]'.encode("utf-16"), ": is not UTF-8 text, at byte 0: save it as UTF-8"),
        (b'{"a": 1}', ": holds an object, not a list: put the items in [ and ]"),
        (b'"a"', ": holds a string, not a list: put the items in [ and ]"),
        (b"7", ": holds the number 7, not a list: put the items in [ and ]"),
        (b"null", ": holds null, not a list: put the items in [ and ]"),
        (b"true", ": holds true or false, not a list: put the items in [ and ]"),
        (b"[" * 200_000, ": is nested too deeply to be read"),
    ],
)
def test_a_file_that_holds_no_list_is_refused_by_name(tmp_path, content: bytes, message: str):
    path = tmp_path / "list.json"
    path.write_bytes(content)
    with pytest.raises(ListError) as caught:
        read_list(path)
    line = str(caught.value)
    assert line.startswith(str(path))
    assert message in line
    assert "\n" not in line


def test_a_byte_order_mark_is_skipped(tmp_path):
    (tmp_path / "list.json").write_bytes(b'\xef\xbb\xbf["a"]')
    assert read_list(tmp_path / "list.json") == ["a"]


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    with pytest.raises(ListError, match=r"none\.json: cannot be read: No such file"):
        read_list(tmp_path / "none.json")
    with pytest.raises(ListError, match="cannot be read: Is a directory"):
        read_list(tmp_path)


def test_the_item_has_the_configured_key_and_the_list():
    config = Config.model_validate(
        {"ddb": {"tableName": "Lists", "partitionKeyName": "name", "partitionKeyValueField": "today"}}
    )
    plan = plan_load(["a"], config)
    assert (plan.table_name, plan.key_name) == ("Lists", "name")
    assert plan.item == {"name": {"S": "today"}, "values": {"L": [{"S": "a"}]}}


@pytest.mark.parametrize(
    ("text", "value_bytes"),
    [
        ("[]", 0),
        ('["abc"]', 1 + 3),
        ('["é😀"]', 1 + 2 + 4),
        ("[true, null]", 2 * (1 + 1)),
        ("[7]", 1 + 2),
        ("[-7]", 1 + 3),
        ("[1234567]", 1 + 5),
        ("[1e100]", 1 + 2),
        ("[[]]", 1 + 3),
        ('[{"ab": "c"}]', 1 + 3 + (1 + 2 + 1)),
    ],
)
def test_item_size_follows_dynamodbs_rules(tmp_path, text: str, value_bytes: int):
    assert _plan(tmp_path, text).item_bytes == EMPTY_LIST_BYTES + value_bytes


def test_payload_is_what_getitem_returns_in_utf8_and_the_reserve(tmp_path):
    plan = _plan(tmp_path, '["é😀\\n"]')
    returned = '{"Item":{"mapstatelist":{"S":"mapitems"},"values":{"L":[{"S":"é😀\\n"}]}}}'
    assert plan.payload_bytes == len(returned.encode()) + limits.TASK_METADATA_BYTES


def _filled(length: int) -> Plan:
    return plan_load(["é" + "x" * (length - 2)], CONFIG)


def test_payload_limit_is_exact_to_the_byte():
    overhead = _filled(2).payload_bytes - 2
    fits = _filled(limits.PAYLOAD_BYTES_LIMIT - overhead)
    assert fits.payload_bytes == 262_144
    assert find_refusals(fits) == []
    (refusal,) = find_refusals(_filled(limits.PAYLOAD_BYTES_LIMIT - overhead + 1))
    assert refusal == (
        "the list makes 262,145 bytes of typed JSON, and Step Functions passes at most 262,144 between "
        "states: the workflow `distributedMap` takes longer lists, from S3: "
        "`python utils/load-s3.py --file FILE`"
    )


def test_item_limit_is_refused_besides():
    overhead = _filled(2).item_bytes - 2
    assert len(find_refusals(_filled(409_600 - overhead))) == 1
    item, payload = find_refusals(_filled(409_600 - overhead + 1))
    assert item == (
        "the list makes a table item of 409,601 bytes, and DynamoDB holds at most 409,600: "
        "the workflow `distributedMap` takes longer lists, from S3: `python utils/load-s3.py --file FILE`"
    )
    assert "Step Functions" in payload


@pytest.mark.parametrize(
    ("count", "wait", "warned"),
    [(2_776, 1, False), (2_777, 1, True), (3_569, 0, False), (3_570, 0, True)],
)
def test_history_limit_is_warned_of(count: int, wait: int, warned: bool):
    config = _config(maxConcurrency=0, waitDurationSeconds=wait, timeoutDurationSeconds=100_000)
    warnings = find_warnings(count, config)
    assert len(warnings) == warned
    if warned:
        assert f"{count:,} items make at least 25," in warnings[0]
        assert f"load at most {count - 1:,} items" in warnings[0]
        assert warnings[0].endswith(
            "`distributedMap` takes longer lists, from S3: `python utils/load-s3.py --file FILE`"
        )


@pytest.mark.parametrize(
    ("count", "stepfunc", "seconds"),
    [
        (9, {}, None),
        (10, {}, 20),
        (3, {"waitDurationSeconds": 25}, 75),
        (3, {"waitDurationSeconds": 25, "maxConcurrency": 3}, 25),
        (30, {"maxConcurrency": 3}, 20),
        (27, {"maxConcurrency": 3}, None),
        (400, {"maxConcurrency": 0}, 20),
        (400, {"maxConcurrency": 400}, 20),
        (1_000, {"waitDurationSeconds": 0}, None),
        (0, {"waitDurationSeconds": 25}, None),
    ],
)
def test_a_list_that_cannot_finish_in_time_is_warned_of(count: int, stepfunc: dict, seconds: int | None):
    warnings = find_warnings(count, _config(**stepfunc))
    if seconds is None:
        assert warnings == []
    else:
        (warning,) = warnings
        assert f"take more than {seconds} s, and the execution ends TIMED_OUT after 20 s" in warning
        assert "raise timeoutDurationSeconds or maxConcurrency" in warning


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [
        ("[1.0]", "[1]", True),
        ("[100]", "[1e2]", True),
        ("[1]", "[true]", False),
        ("[0]", "[false]", False),
        ("[1]", '["1"]', False),
        ("[null]", '[""]', False),
        ('["a", "b"]', '["b", "a"]', False),
        ('[{"a": 1, "b": 2}]', '[{"b": 2, "a": 1}]', True),
        ("[[]]", "[{}]", False),
        ("[]", "[]", True),
        ('["é"]', '["e\\u0301"]', False),
    ],
)
def test_same_list_means_what_dynamodb_stores(tmp_path, before: str, after: str, same: bool):
    stored = _plan(tmp_path, before).item
    assert is_loaded(_plan(tmp_path, after), stored) is same


def test_numbers_that_others_wrote_in_another_form_are_the_same(tmp_path):
    stored = {"mapstatelist": {"S": "mapitems"}, "values": {"L": [{"N": "1.50"}, {"N": "1E+2"}]}}
    assert is_loaded(_plan(tmp_path, "[1.5, 100]"), stored)


def test_nothing_stored_and_more_stored_are_not_the_same(tmp_path):
    plan = _plan(tmp_path, "[1]")
    assert not is_loaded(plan, None)
    assert not is_loaded(plan, {**plan.item, "note": {"S": "x"}})


@pytest.mark.parametrize(
    ("stored", "text"),
    [
        ({"values": {"L": [{"S": "a"}]}}, "1 item"),
        ({"values": {"L": []}}, "0 items"),
        ({"values": {"M": {}}}, "'values' that were no list"),
        ({}, "an item without 'values'"),
    ],
)
def test_what_is_replaced_is_described(stored: dict, text: str):
    assert describe_stored(stored) == text


def test_preview_shows_table_key_sizes_and_the_first_items_cut():
    lines = preview_lines(plan_load(["é" * 200, *"bcdefg"], CONFIG))
    assert lines[0] == "would write 7 items to table StepFunctionsProjectDDBTable"
    assert lines[1] == "  key      mapstatelist = mapitems"
    assert lines[2].endswith("bytes in DynamoDB, of 409,600")
    assert lines[3].endswith("bytes in Step Functions, of 262,144")
    assert lines[4].startswith('  [0] {"S": "ééé')
    assert lines[4].endswith("…")
    assert len(lines[4]) < 110
    assert lines[8] == '  [4] {"S": "e"}'
    assert lines[9] == "  and 2 more"


def test_sizes_are_counted_in_bytes_not_characters():
    assert json_bytes({"é": "😀"}) == len('{"":""}') + 2 + 4
    assert item_bytes({"é": {"S": "😀"}}) == 2 + 4
    assert item_bytes({"b": {"B": b"12345"}}) == 1 + 5
    assert item_bytes({"s": {"SS": ["a", "é"]}, "n": {"NS": ["1", "1234", "-12"]}}) == 1 + 3 + 1 + 2 + 3 + 3


def test_sample_lists_are_the_known_ones():
    utils = Path(__file__).parents[2] / "utils"
    assert json.loads((utils / "simplelist.json").read_text()) == [
        "Computer Science",
        "Economics",
        "Mathematics",
    ]
    topics = json.loads((utils / "listofdicts.json").read_text())
    assert [(topic["topic"], topic["name"]) for topic in topics] == [
        ("cs", "Computer Science"),
        ("econ", "Economics"),
        ("math", "Mathematics"),
    ]
