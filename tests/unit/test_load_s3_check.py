"""Lists for S3: reading them as a stream, refusing what must not be uploaded, working out batches."""

import hashlib
import io
import json
import random
import tracemalloc
from pathlib import Path

import pytest

from utils.list_batches import BatchLimits, children_at_once
from utils.list_check import check_list
from utils.list_csv import CSV_ERRORS
from utils.list_file import ListError
from utils.list_report import ListReport
from utils.list_stream import read_items
from utils.list_text import CHUNK_BYTES, LONGEST_ITEM_CHARACTERS, ListText
from utils.rows.json_text import elements
from utils.watch.plain_json import json_text

ROOT = Path(__file__).parents[2]
LIMITS = BatchLimits(100, 204_800, "a limit")
NAME = "x" * 80
"""As long as the name of an execution may be."""


def _items(content: str | bytes, list_format: str) -> list[object]:
    data = content.encode() if isinstance(content, str) else content
    return [item for _, item in read_items(ListText("list", io.BytesIO(data)), list_format)]


def _check(content: str | bytes, list_format: str, limits: BatchLimits = LIMITS) -> ListReport:
    data = content.encode() if isinstance(content, str) else content
    return check_list(ListText("list", io.BytesIO(data)), list_format, limits)


def _batch_bytes(items: list[object], first: int = 0) -> int:
    batch = {
        "BatchInput": {"execution": NAME},
        "Items": [{"index": index, "item": item} for index, item in enumerate(items, start=first)],
    }
    return len(json.dumps(batch, ensure_ascii=False, separators=(",", ":")).encode())


@pytest.mark.parametrize(
    ("list_format", "content", "items"),
    [
        ("json", '["a", 1, -1.5e3, null, true]', ["a", 1, -1500.0, None, True]),
        ("json", '[[], {}, {"k": [{}]}]', [[], {}, {"k": [{}]}]),
        ("json", " \r\n[ 1 ,\n2\t]\n\n", [1, 2]),
        ("json", "[]", []),
        ("json", " [ \n ] ", []),
        ("json", '["é", "😀", "\\ud83d\\ude00", "\\u0000"]', ["é", "😀", "😀", "\0"]),
        ("json", '\ufeff["a"]', ["a"]),
        ("jsonl", '{"a": 1}\n"b"\n3', [{"a": 1}, "b", 3]),
        ("jsonl", '{"a": 1}\r\n[2]\r\n', [{"a": 1}, [2]]),
        ("jsonl", '\ufeff"a"\n', ["a"]),
        ("jsonl", '"a\u2028b"\n"c\x7f"\n', ["a\u2028b", "c\x7f"]),
        ("csv", "id,name\n1,Ada\n2,Bob\n", [{"id": "1", "name": "Ada"}, {"id": "2", "name": "Bob"}]),
        ("csv", "id,name\r\n1,Ada\r\n", [{"id": "1", "name": "Ada"}]),
        ("csv", "\ufeffid\n1", [{"id": "1"}]),
        ("csv", "id\n", []),
        ("csv", "id", []),
        ("csv", 'a,b\n"x,\ny","say ""so"""\n', [{"a": "x,\ny", "b": 'say "so"'}]),
        ("csv", "a,b\nx,\\,y\n", [{"a": "x", "b": ",y"}]),
        ("csv", "a,\n1,2\n", [{"a": "1", "": "2"}]),
        ("csv", "a,b\n   \n,,,\n", [{"a": "   ", "b": ""}, {"a": "", "b": ""}]),
        ("csv", "a\ntrue\nNull\n'q'\n", [{"a": "true"}, {"a": "Null"}, {"a": "'q'"}]),
    ],
)  # fmt: skip
def test_items_are_what_the_file_holds(list_format: str, content: str, items: list[object]):
    assert _items(content, list_format) == items


@pytest.mark.parametrize("list_format", ["json", "jsonl", "csv"])
def test_where_the_chunks_of_a_read_end_makes_no_difference(list_format: str):
    # Given items of all lengths, one longer than two chunks of a read, with characters of one to four bytes
    lengths = [*range(0, 120_000, 991), 2 * CHUNK_BYTES // 3, 5]
    items = [
        {"n": str(number), "t": "aé€😀\n"[number % 5 :] * (size // 9)} for number, size in enumerate(lengths)
    ]
    content = {
        "json": json.dumps(items, ensure_ascii=False, indent=1),
        "jsonl": "\n".join(json.dumps(item, ensure_ascii=False) for item in items),
        "csv": "n,t\n" + "".join(f'{item["n"]},"{item["t"]}"\n' for item in items[:-2]),
    }[list_format]
    assert len(content.encode()) > 5 * CHUNK_BYTES
    # When, then
    assert _items(content, list_format) == (items[:-2] if list_format == "csv" else items)


@pytest.mark.parametrize("number", ["1234567", "-0.5", "1e5"])
def test_a_number_or_a_word_that_a_chunk_cuts_is_read_whole(number: str):
    for cut in range(1, len(number)):
        padding = " " * (CHUNK_BYTES - 1 - cut)
        assert _items(f"[{padding}{number}, null]", "json") == [json.loads(number), None]
        assert _items(f"[{padding}null, {number}]", "json") == [None, json.loads(number)]


TOO_DEEP = "is nested deeper than 200 levels: flatten it"
CSV_END = "the file ends in a backslash, which the workflow takes as an escape: double it"
GOES_ON = "is not JSON: it goes on after its first value; one value a line is the format jsonl"


def test_half_a_character_after_the_last_chunk_is_refused():
    list_of_a_chunk = b"[" + b" " * (CHUNK_BYTES - 2) + b"]"
    with pytest.raises(ListError, match=f"is not UTF-8 text, at byte {CHUNK_BYTES}"):
        _check(list_of_a_chunk + b"\xe2\x82", "json")


JSON_REFUSALS = [
    ("", "list: is empty: a list of no items is []"),
    (" \n", "list: is empty: a list of no items is []"),
    ("\ufeff", "list: is empty: a list of no items is []"),
    ('{"a": 1}', "list: holds an object, not a list: put the items in [ and ]"),
    ('"a"', "list: holds one value, not a list: put the items in [ and ]"),
    ("null", "list: holds one value, not a list: put the items in [ and ]"),
    ('{"a": 1}\n{"a": 2}', f"list:2: {GOES_ON}"),
    ("[1]\n[2]", f"list:2: {GOES_ON}"),
    ("[1, 2", "list:1: ends after item [1] without the ] of the list"),
    ("[1,\n 2,\n", "list:3: ends in the middle of item [2]"),
    ('[1,\n {"a": ', "list:2: ends in the middle of item [1]"),
    ('[1,\n "abc', "list:2: item [1] is not JSON: Unterminated string starting at"),
    ("[1,\n2,\n]", "list:3: item [2] is not JSON: Expecting value"),
    ("[1,\n\n2 3]", "list:3: is not JSON: expecting ',' or ']' after item [1]"),
    ('[1,\n{"a":\n b}, 4]' + " " * 20, "list:3: item [1] is not JSON: Expecting value"),
    ("[0,\n1, NaN]", "list:2: item [2]: NaN is not JSON: use null or a string"),
    ('[{"a": [-Infinity]}]', "list:1: item [0]: -Infinity is not JSON: use null or a string"),
    ('[0,\n{"a": {"b": 1, "b": 1}}]', 'list:2: item [1]: key "b" occurs twice'),
    (f"[1, [{'2' + '0' * 308}]]", "list:1: item [1]: holds a number beyond 1.8E+308: make it a string"),
    ("[1e999]", "list:1: item [0]: holds a number beyond 1.8E+308: make it a string"),
    (f"[1, {'9' * 5_000}]", "list:1: item [1]: holds a number of more than 4,300 digits"),
    ('["\\ud800"]', "list:1: item [0]: holds \\ud800, half of a surrogate pair, which is no character"),
    ('[{"\\udc00": 1}]', "list:1: item [0]: holds \\udc00, half of a surrogate pair, which is no character"),
    ("[" * 200_000, f"list:1: item [0]: {TOO_DEEP}"),
    (f"[1,\n{'[' * 201}{']' * 201}]", f"list:2: item [1]: {TOO_DEEP}"),
    (b'["a", "\xff"]', "list: is not UTF-8 text, at byte 7: save it as UTF-8"),
    ('["a"]'.encode("utf-16"), "list: is not UTF-8 text, at byte 0: save it as UTF-8"),
    (b"\x1f\x8b\x08\x00\xff", "list: is compressed with gzip: unpack it first, with gunzip"),
    (b'["\xe2\x82', "list: is not UTF-8 text, at byte 2: save it as UTF-8"),
    ("[\ufeff1]", "list:1: item [0] is not JSON: Expecting value"),
]  # fmt: skip

JSON_LINES_REFUSALS = [
    ("", "list: is empty: it needs one item at least"),
    ("\n \r\n", "list: is empty: it needs one item at least"),
    ('1\n{"a": \n}', "list:2: item [1] is not JSON: Expecting value"),
    ("1\n\n2 3\n", "list:3: item [1] is not JSON: Extra data"),
    ('[\n{"a": 1}\n]', "list:1: item [0] is not JSON: Expecting value: a JSON array is another format, json"),
    ("1\n\xa0\n", "list:2: item [1] is not JSON: Expecting value"),
    ("1\nNaN", "list:2: item [1]: NaN is not JSON: use null or a string"),
    ('{"a": 1, "a": 2}', 'list:1: item [0]: key "a" occurs twice'),
    ("9" * 5_000, "list:1: item [0]: holds a number of more than 4,300 digits"),
    ("[" * 200_000, f"list:1: item [0]: {TOO_DEEP}"),
    ('{"a": [' * 100 + "{}" + "]}" * 100, f"list:1: item [0]: {TOO_DEEP}"),
    (b'"a"\n\x89PNG', "list: is not UTF-8 text, at byte 4: save it as UTF-8"),
    (b'\xef\xbb\xbf"\xff"', "list: is not UTF-8 text, at byte 4: save it as UTF-8"),
]  # fmt: skip

CSV_REFUSALS = [
    ("", "list:1: has no header: the first line must name the columns"),
    ("\nid\n1", "list:1: has no header: the first line must name the columns"),
    ("id,name,id\n1,2,3", 'list:1: column "id" is in the header twice'),
    (",\n1,2", 'list:1: column "" is in the header twice'),
    ("h" * 10_241 + "\n", "list:1: the header is 10,241 bytes long, and may have 10,240"),
    ('a,b\n1,2\n3,"4\n5,6\n', "list:3: the file ends inside quotation marks that are not closed"),
    ('a,b\n"1" 2,3\n', "list:2: " + CSV_ERRORS["',' expected"]),
    ("a,b\n1,2\r3,4\n", f"list:2: {CSV_ERRORS['new-line']}"),
    ('a\n1\n"' + "x\n" * 140_000, f"list:3: {CSV_ERRORS['field larger']}"),
    ("a\nx\nC:\\", f"list:3: {CSV_END}"),
    ("a,b\nx,C:\\\\\\\n", f"list:2: {CSV_END}"),
    ("id\nM\xfcller".encode("latin-1"), "list: is not UTF-8 text, at byte 4: save it as UTF-8"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("list_format", "content", "message"),
    [
        *[("json", *case) for case in JSON_REFUSALS],
        *[("jsonl", *case) for case in JSON_LINES_REFUSALS],
        *[("csv", *case) for case in CSV_REFUSALS],
    ],
)
def test_a_list_that_must_not_be_uploaded_is_refused_by_place(list_format, content, message):
    with pytest.raises(ListError) as caught:
        _check(content, list_format)
    assert str(caught.value) == message


@pytest.mark.parametrize("item", ["[" * 200 + "]" * 200, '{"a": [' * 100 + '"[[{{"' + "]}" * 100])
def test_the_deepest_item_is_uploaded_and_can_be_shown_and_read_again(item: str):
    assert _check(f"[{item}, {'[' * 3}{']' * 3}]", "json").items == 2
    assert json_text(item) == item
    assert elements(f"[{item}]") == [item]


def test_many_digits_are_no_large_number():
    assert _check(json.dumps(["1" * 400, 17 * 10**307, {"2" * 400: 1}]), "json").items == 3


def test_many_brackets_are_no_depth():
    assert _check(json.dumps([[[]] * 300]), "json").items == 1


@pytest.mark.parametrize("ending", [",\n oops]", ',\n"' + "x" * 40, ",\n1"])
def test_what_is_wrong_at_the_end_of_a_large_array_is_found_there(ending: str):
    count = 200_000
    with pytest.raises(ListError, match=rf"^list:{count + 1}: .*item \[{count}\]"):
        _check("[" + ",\n".join(["12345"] * count) + ending, "json")


@pytest.mark.parametrize(
    ("list_format", "start", "place"),
    [("json", '[1,\n"', "list:2: item [1]"), ("jsonl", '1\n"', "list:2:")],
)
def test_an_item_without_end_is_given_up(list_format: str, start: str, place: str):
    with pytest.raises(ListError) as caught:
        _check(start + "x" * 3 * LONGEST_ITEM_CHARACTERS, list_format)
    assert str(caught.value) == f"{place} is longer than 2,097,152 characters"


@pytest.mark.parametrize("character", ["x", "é", '"'])
@pytest.mark.parametrize("list_format", ["json", "jsonl", "csv"])
def test_the_batch_limit_of_an_item_is_exact_to_the_byte(list_format: str, character: str):
    # Given an item that alone makes the largest input that a child may have
    def content(length: int) -> str:
        items = [{"t": "a"}, {"t": character + "y" * (length - 1)}]
        match list_format:
            case "json":
                return json.dumps(items, indent=2)
            case "jsonl":
                return "\n".join(map(json.dumps, items))
        return "t\n" + "".join('"{}"\n'.format(item["t"].replace('"', '""')) for item in items)

    longest = 2_000 - _batch_bytes([{"t": character}], first=1) + 1
    limits = BatchLimits(10, 2_000, "what sets it")
    # When, then
    assert _check(content(longest), list_format, limits).batches == 2
    with pytest.raises(ListError) as caught:
        _check(content(longest + 1), list_format, limits)
    line = {"json": 5, "jsonl": 2, "csv": 3}[list_format]
    assert str(caught.value) == (
        f"list:{line}: item [1] makes 2,001 bytes by itself, and a child takes at most 2,000 (what sets it)"
    )


@pytest.mark.parametrize("limits", [(3, 204_800), (1_000, 1_024), (7, 700), (1, 204_800)])
def test_batches_are_those_that_filling_one_after_the_other_makes(limits: tuple[int, int]):
    # Given
    most_items, most_bytes = limits
    rng = random.Random(7)
    items: list[object] = ["é" * rng.randrange(1, 200) for _ in range(500)]
    # When batches are filled, each until the next item would exceed a limit
    first, batches = 0, 0
    while first < len(items):
        last = first + 1
        while (
            last < len(items)
            and last - first < most_items
            and _batch_bytes(items[first : last + 1], first) <= most_bytes
        ):
            last += 1
        first, batches = last, batches + 1
    # Then
    report = _check(json.dumps(items), "json", BatchLimits(*limits, "a limit"))
    assert (report.items, report.batches) == (500, batches)


def test_the_report_tells_sizes_and_checksum_without_the_byte_order_mark():
    content = '"a"\n"éé"\n"b"\n'
    report = _check(b"\xef\xbb\xbf" + content.encode(), "jsonl")
    assert report == ListReport(
        list_format="jsonl",
        items=3,
        file_bytes=len(content.encode()),
        sha256=hashlib.sha256(content.encode()).hexdigest(),
        batches=1,
        largest_index=1,
        largest_bytes=6,
        warnings=(),
        has_byte_order_mark=True,
    )


def test_an_empty_list_makes_no_batch():
    report = _check("[]", "json")
    assert (report.items, report.batches, report.largest_bytes) == (0, 0, 0)


SHORT = "fewer fields than the header: the workflow takes empty strings for the others"
LONG = "more fields than the header: the workflow drops the additional ones"
BACKSLASH = "a backslash, which the workflow takes as an escape and removes: double it to keep it"
SEPARATOR = "a header of one column that holds a semicolon or a tab: only commas separate columns"
ROUNDED = "a fraction that no double holds, which the workflow rounds: make it a string to keep it"
BLANK = "nothing in it, not counted as an item: remove it, as not every reader passes over it"


@pytest.mark.parametrize(
    ("list_format", "content", "warnings"),
    [
        ("csv", "a,b\n1\n1,2\n1\n", [f"list:2: the first of 2 lines with {SHORT}"]),
        ("csv", 'a,b\n1,2\n"1\n",2,3\n', [f"list:3: 1 line with {LONG}"]),
        ("csv", "a,b\n1,2,3\n1\n", [f"list:2: 1 line with {LONG}", f"list:3: 1 line with {SHORT}"]),
        ("csv", "a\nC:\\temp\n", [f"list:2: 1 line with {BACKSLASH}"]),
        ("csv", "a\n1\n\n2\n\n", [f"list:3: the first of 2 lines with {BLANK}"]),
        ("jsonl", "1\n\n2\n", [f"list:2: 1 line with {BLANK}"]),
        ("csv", "a;b\n1;2\n", [f"list:1: 1 line with {SEPARATOR}"]),
        ("csv", "a\tb\n1\t2\n", [f"list:1: 1 line with {SEPARATOR}"]),
        ("csv", "a;b,c\n1,2\n", []),
        ("csv", "a\nC:\\\\\n", [f"list:2: 1 line with {BACKSLASH}"]),
        (
            "jsonl",
            "1.5\n1e-400\n2\n0.12345678901234567890\n",
            [f"list:2: the first of 2 lines with {ROUNDED}"],
        ),
        ("jsonl", "1e-99999999999999999999\n", [f"list:1: 1 line with {ROUNDED}"]),
        ("json", '[1,\n{"a": [1e-320, 1.2345e-320], "b": 1e-400}]', [f"list:2: 1 line with {ROUNDED}"]),
        ("json", "[0.1, -2.50, 0.0, 0e-500, 1.00000000000000000000, 0.30000000000000004, 1.7e308]", []),
        ("jsonl", '"C:\\\\temp"\n2\n', []),
        ("csv", "a,b\n1,2\n", []),
    ],
)
def test_what_is_read_and_may_surprise_is_warned_of_once(list_format: str, content: str, warnings: list[str]):
    assert list(_check(content, list_format).warnings) == warnings


@pytest.mark.parametrize(
    ("batches", "max_concurrency", "at_once"),
    [(0, 1_000, 0), (3, 1_000, 3), (5_000, 1_000, 1_000), (20_000, 0, 10_000), (7, 0, 7)],
)
def test_children_at_once_are_bounded_by_batches_and_concurrency(batches, max_concurrency, at_once):
    assert children_at_once(batches, max_concurrency) == at_once


@pytest.mark.parametrize("list_format", ["json", "jsonl", "csv"])
def test_memory_does_not_grow_with_the_list(tmp_path, list_format: str):
    # Given a list of 50 MB
    item = "x" * 4_990
    start, line, end = {
        "json": ("[", f'"{item}",\n', "0]"),
        "jsonl": ("", f'"{item}"\n', "0"),
        "csv": ("t\n", f"{item}\n", "0"),
    }[list_format]
    path = tmp_path / "list"
    with path.open("w") as file:
        file.write(start)
        file.writelines([line] * 10_000)
        file.write(end)
    # When
    tracemalloc.start()
    try:
        with path.open("rb") as file:
            report = check_list(ListText("list", file), list_format, LIMITS)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # Then
    assert report.items == 10_001
    assert report.file_bytes > 49_000_000
    assert peak_bytes < 10 * CHUNK_BYTES


@pytest.mark.parametrize("name", ["simplelist.jsonl", "listofdicts.jsonl", "listofdicts.csv"])
def test_sample_lists_are_those_of_the_other_loader(name: str):
    path = ROOT / "utils" / name
    like = json.loads(path.with_suffix(".json").read_text())
    assert _items(path.read_bytes(), path.suffix.removeprefix(".")) == like
