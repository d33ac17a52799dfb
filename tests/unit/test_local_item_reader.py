"""ItemReader: what a Distributed Map makes of a file and of a bucket."""

import gc
import json
import random
import tracemalloc
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from ministack.services import s3

from local.states.distributed import json_items
from local.states.distributed.item_reader import GET_OBJECT, LIST_OBJECTS, Item, items_of, read_items
from local.states.distributed.json_items import CHUNK_CHARS
from local.states.errors import StatesError

JSON = {"InputType": "JSON"}
JSONL = {"InputType": "JSONL"}


@pytest.fixture
def bucket() -> Iterator[str]:
    name = f"lists-{uuid.uuid4()}"
    assert s3._create_bucket(name, b"")[0] == 200
    yield name
    s3._buckets.pop(name)


def put(bucket: str, key: str, body: bytes) -> None:
    assert s3._put_object(bucket, key, body, {})[0] == 200


def values(body: bytes, config: dict[str, Any]) -> list[Any]:
    return [item.value for item in items_of(body, config)]


def outcome(items: Iterator[Item]) -> tuple[list[Any], str]:
    """The items up to a failure, and its cause."""
    read = []
    with pytest.raises(StatesError) as failure:
        read.extend(item.value for item in iter(items))
    assert failure.value.name == "States.ItemReaderFailed"
    assert failure.value.cause is not None
    return read, failure.value.cause


@pytest.mark.parametrize(
    "items",
    [
        [],
        [1, -2, 0.5, 1e300, 12345678901234567890123, True, False, None, "", [], {}],
        [{"id": 1, "tags": ["a", {"b": [None]}]}, [[["deep"]]], 'quote " and \\ back', "é 😀 \u2028"],
        list(range(100)),
    ],
)
@pytest.mark.parametrize("layout", [{}, {"indent": 2}, {"ensure_ascii": False}, {"separators": (",", ":")}])
def test_an_array_is_read_as_json_reads_it(items: list[Any], layout: dict[str, Any]):
    body = f"\r\n\t {json.dumps(items, **layout)} \n".encode()

    read = values(body, JSON)

    assert read == items
    assert [type(value) for value in read] == [type(value) for value in items]


@pytest.mark.parametrize("shift", range(5))
@pytest.mark.parametrize("item", ["😀", "é", 1234567, 0.25, 1e-7, {"key": "välue"}, "\\"], ids=repr)
def test_an_item_may_lie_across_the_parts_in_which_a_file_is_read(item: Any, shift: int):
    first = "x" * (CHUNK_CHARS - 6 - shift)
    body = json.dumps([first, item, item], ensure_ascii=False).encode()

    assert values(body, JSON) == [first, item, item]


def test_an_item_may_be_larger_than_the_parts_in_which_a_file_is_read():
    large = {"text": "é" * 3 * CHUNK_CHARS}

    assert values(json.dumps([1, large, 2], ensure_ascii=False).encode(), JSON) == [1, large, 2]


@pytest.mark.parametrize(
    ("body", "read", "cause"),
    [
        (b"", [], "The file is not JSON: Expecting value at character 1."),
        (b" \n ", [], "The file is not JSON: Expecting value at character 4."),
        (b"[1, 2", [1, 2], "The file is not JSON: Expecting ',' or ']' at character 6."),
        (b"[1, 2,]", [1, 2], "The file is not JSON: Expecting value at character 7."),
        (b"[1 2]", [1], "The file is not JSON: Expecting ',' or ']' at character 4."),
        (b"[1, 2] 3", [1, 2], "The file is not JSON: Extra data at character 8."),
        (b"[1, nul]", [1], "The file is not JSON: Expecting value at character 5."),
        (b'["open', [], "The file is not JSON: Unterminated string starting at at character 2."),
        (b"[1, NaN]", [1], "The file is not JSON: NaN is not a JSON value at character 5."),
        (b"[-Infinity]", [], "The file is not JSON: -Infinity is not a JSON value at character 2."),
        (b"[1e999]", [], "The file is not JSON: the number 1e999 is too large at character 2."),
        (b"[" * 100_000, [], "The file is nested too deeply at character 2."),
        (b'["\xff"]', [], "The file is not UTF-8: invalid start byte."),
        (b'{"a": 1}', [], "Attempting to map over non-iterable node."),
        (b"{}", [], "Attempting to map over non-iterable node."),
        (b'"text"', [], "Attempting to map over non-iterable node."),
        (b"5", [], "Attempting to map over non-iterable node."),
        (b"\xef\xbb\xbf[]", [], "The file begins with a byte order mark: save it as UTF-8 without one."),
        (b"\xff\xfe[\0]\0", [], "The file begins with a byte order mark: save it as UTF-8 without one."),
    ],
)
def test_a_json_file_that_is_no_list_is_refused(body: bytes, read: list[Any], cause: str):
    assert outcome(items_of_lazily(body, JSON)) == (read, cause)


def items_of_lazily(body: bytes, config: dict[str, Any]) -> Iterator[Item]:
    yield from items_of(body, config)


def test_a_large_file_that_is_malformed_at_its_end_fails_there():
    body = ("[" + "12345678, " * 300_000 + "oops]").encode()

    read, cause = outcome(items_of(body, JSON))

    assert len(read) == 300_000
    assert cause == "The file is not JSON: Expecting value at character 3000002."


def test_an_item_larger_than_aws_reads_is_refused():
    body = json.dumps([1, "x" * 20_000_000]).encode()

    read, cause = outcome(items_of(body, JSON))

    assert read == [1]
    assert "an item larger than 8 MB, at character 5" in cause


def random_value(source: random.Random, depth: int = 0) -> Any:
    kind = source.random()
    if depth < 3 and kind < 0.2:
        return [random_value(source, depth + 1) for _ in range(source.randrange(4))]
    if depth < 3 and kind < 0.4:
        return {key: random_value(source, depth + 1) for key in source.sample(["a", "é", "😀", "", '"'], 2)}
    return source.choice([0, -1, 1.5, 1e-7, 1e22, 10**30, -0.0, True, None, "", "text", '😀\n"\\'])


@pytest.mark.parametrize("chunk_chars", [1, 2, 3, 7, 64])
def test_a_file_is_accepted_and_read_as_json_does_it(chunk_chars: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(json_items, "CHUNK_CHARS", chunk_chars)
    source = random.Random(chunk_chars)
    for _ in range(200):
        text = json.dumps([random_value(source) for _ in range(5)], ensure_ascii=source.random() < 0.5)
        at = source.randrange(len(text))
        for body in (text, text[:at] + source.choice(["", *',]}x1" ']) + text[at + 1 :]):
            try:
                expected = json.loads(body)
            except ValueError:
                expected = None
            try:
                read = values(body.encode(), JSON)
            except StatesError:
                read = None
            assert repr(read) == repr(expected if isinstance(expected, list) else None), body


DOCUMENT = b'{"skip": [1, {"items": 2}], "a/b": {"m~n": [{"x": 1}, "y"]}, "map": {"k": 1, "l": [2]}, "n": 7}'


@pytest.mark.parametrize(
    ("pointer", "inputs"),
    [
        ("/a~1b/m~0n", [{"x": 1}, "y"]),
        ("/skip", [1, {"items": 2}]),
        ("/map/l", [2]),
        ("/map", [{"Key": "k", "Value": 1}, {"Key": "l", "Value": [2]}]),
        ("/skip/1", [{"Key": "items", "Value": 2}]),
    ],
)
def test_a_pointer_leads_to_the_items(pointer: str, inputs: list[Any]):
    items = items_of(DOCUMENT, {"InputType": "JSON", "ItemsPointer": pointer})

    assert [item.child_input() for item in items] == inputs


@pytest.mark.parametrize(
    ("body", "pointer", "cause"),
    [
        (
            DOCUMENT,
            "/none",
            "The provided ReaderConfig.ItemsPointer does not match any valid path",
        ),
        (
            DOCUMENT,
            "/n/x",
            "The provided ReaderConfig.ItemsPointer does not match any valid path",
        ),
        (DOCUMENT, "/n", "Attempting to map over non-iterable node."),
        (DOCUMENT, "n", "ItemsPointer must begin with a slash but was: n"),
        (b'{"a": [1], "b" 2}', "/a", "The file is not JSON: Expecting ':' at character 16."),
        (
            b'{"a": [1], b: 2}',
            "/a",
            "The file is not JSON: Expecting a key in double quotes",
        ),
        (b'{"a": [1]', "/a", "The file is not JSON: Expecting ',' or '}' at character 10."),
        (b"[" * 20_000, "/0" * 20_000, "The file is nested too deeply at character"),
    ],
)
def test_a_pointer_that_leads_nowhere_is_refused(body: bytes, pointer: str, cause: str):
    _, actual = outcome(items_of_lazily(body, {"InputType": "JSON", "ItemsPointer": pointer}))

    assert actual.startswith(cause)


def test_json_lines_are_one_value_a_line():
    body = '{"a": 1}\r\n\n  [2, 3]  \n"line\u2028separator"\n \t\nnull\n12345678901234567890123'.encode()

    assert values(body, JSONL) == [{"a": 1}, [2, 3], "line\u2028separator", None, 12345678901234567890123]


def test_an_empty_file_of_json_lines_has_no_items():
    assert values(b"", JSONL) == []


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        (b'{"a": 1', "Line 2 is not JSON: Expecting ',' delimiter at column 8."),
        (b"1 2", "Line 2 is not JSON: Extra data at column 2."),
        (b"NaN", "Line 2 is not JSON: NaN is not a JSON value."),
        (b"1e999", "Line 2 is not JSON: the number 1e999 is too large."),
        (b"9" * 5000, "Line 2 is not JSON: Exceeds the limit"),
        (b"[" * 100_000, "Line 2 is nested too deeply."),
        (b'"\xe9"', "Line 2 is not UTF-8: invalid continuation byte."),
    ],
    ids=lambda value: value[:12],
)
def test_a_malformed_line_is_named(line: bytes, cause: str):
    read, actual = outcome(items_of(b"1\n" + line + b"\n3\n", JSONL))

    assert read == [1]
    assert actual.startswith(cause)


@pytest.mark.parametrize("input_type", [None, "PARQUET", "MANIFEST", "json", 5])
def test_an_unknown_input_type_is_refused(input_type: Any):
    _, cause = outcome(items_of_lazily(b"[]", {"InputType": input_type}))

    assert cause == f"InputType must be one of JSON, JSONL, CSV here but was: {input_type}"


def test_an_object_is_read_from_its_bucket(bucket: str):
    put(bucket, "lists/a b.json", b'["x", "y"]')

    items = list(read_items(GET_OBJECT, {"Bucket": bucket, "Key": "lists/a b.json"}, JSON, None))

    source = f"S3://{bucket}/lists/a b.json"
    assert items == [Item("x", None, source), Item("y", None, source)]


def test_an_older_version_of_an_object_can_be_read(bucket: str):
    s3._bucket_versioning[bucket] = "Enabled"
    put(bucket, "list", b"[1]")
    version_id = s3._buckets[bucket]["objects"]["list"]["version_id"]
    put(bucket, "list", b"[2]")

    items = read_items(GET_OBJECT, {"Bucket": bucket, "Key": "list", "VersionId": version_id}, JSON, None)

    assert [item.value for item in items] == [1]


@pytest.mark.parametrize(
    ("max_items", "read"), [(None, [1, 2, 3]), (0, [1, 2, 3]), (2, [1, 2]), (9, [1, 2, 3])]
)
def test_max_items_limits_what_is_read(bucket: str, max_items: int | None, read: list[int]):
    put(bucket, "list", b"1\n2\n3\n")

    items = read_items(GET_OBJECT, {"Bucket": bucket, "Key": "list"}, JSONL, max_items)

    assert [item.value for item in items] == read


def test_max_items_below_zero_is_refused(bucket: str):
    arguments = {"Bucket": bucket, "Key": "list"}

    assert outcome(read_items(GET_OBJECT, arguments, JSON, -1))[1] == "field MaxItems must be positive"


@pytest.mark.parametrize(
    ("resource", "arguments", "cause"),
    [
        (
            GET_OBJECT,
            {"Key": "none"},
            "s3://{bucket}/none cannot be read: The specified key does not exist. (Error Code: NoSuchKey)",
        ),
        (
            GET_OBJECT,
            {"Bucket": "no-such-bucket", "Key": "list"},
            (
                "s3://no-such-bucket/list cannot be read: The specified bucket does not exist "
                "(Error Code: NoSuchBucket)"
            ),
        ),
        (
            LIST_OBJECTS,
            {"Bucket": "no-such-bucket"},
            (
                "s3://no-such-bucket cannot be read: The specified bucket does not exist "
                "(Error Code: NoSuchBucket)"
            ),
        ),
        (GET_OBJECT, {}, "The ItemReader needs a Key: a string that is not empty."),
        (GET_OBJECT, {"Bucket": 5, "Key": "k"}, "The ItemReader needs a Bucket: a string that is not empty."),
        (
            "arn:aws:states:::s3:putObject",
            {},
            (
                "The Resource of an ItemReader is arn:aws:states:::s3:getObject or "
                "arn:aws:states:::s3:listObjectsV2, not arn:aws:states:::s3:putObject"
            ),
        ),
    ],
)
def test_what_s3_does_not_have_is_named(bucket: str, resource: str, arguments: dict[str, Any], cause: str):
    items = read_items(resource, {"Bucket": bucket} | arguments, JSON, None)

    assert outcome(items) == ([], cause.format(bucket=bucket))


def test_the_objects_of_a_bucket_are_items(bucket: str):
    for number in range(1100):
        put(bucket, f"in/{number:04}", b"x" * (number % 3))
    put(bucket, "other", b"")
    record = s3._buckets[bucket]["objects"]["in/0002"]
    record["last_modified"] = "2026-01-02T03:04:05Z"

    items = list(read_items(LIST_OBJECTS, {"Bucket": bucket, "Prefix": "in/"}, {}, None))

    assert [item.value["Key"] for item in items] == [f"in/{number:04}" for number in range(1100)]
    assert items[2].source == f"S3://{bucket}"
    assert list(items[2].value.items()) == [
        ("Etag", record["etag"]),
        ("Key", "in/0002"),
        ("LastModified", 1767323045),
        ("Size", 2),
        ("StorageClass", "STANDARD"),
    ]
    assert record["etag"].startswith('"')


def test_a_prefix_that_no_object_has_gives_no_items(bucket: str):
    assert list(read_items(LIST_OBJECTS, {"Bucket": bucket, "Prefix": "in/"}, {}, None)) == []


def test_the_items_inside_the_objects_of_a_bucket_are_read(bucket: str):
    put(bucket, "a", b"[1, 2]")
    put(bucket, "b", b"[3]")
    config = {"Transformation": "LOAD_AND_FLATTEN", "InputType": "JSON"}

    items = list(read_items(LIST_OBJECTS, {"Bucket": bucket}, config, None))

    assert items == [
        Item(1, None, f"S3://{bucket}/a"),
        Item(2, None, f"S3://{bucket}/a"),
        Item(3, None, f"S3://{bucket}/b"),
    ]


@pytest.mark.parametrize(
    ("config", "line"),
    [
        ({"InputType": "CSV", "CSVHeaderLocation": "GIVEN", "CSVHeaders": ["a"]}, b"value\n"),
        (JSONL, b'{"a": "value"}\n'),
    ],
)
def test_reading_holds_no_copy_of_the_file(config: dict[str, Any], line: bytes):
    body = line * (8 * 1024 * 1024 // len(line))
    gc.collect()
    tracemalloc.start()
    try:
        items = sum(1 for _ in zip(items_of(body, config), range(20_000), strict=False))
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert items == 20_000
    assert peak_bytes < len(body) / 8
