"""The streaming readers of a job: the loader's idea of a list, from any checkpoint, whatever the chunks."""

import gzip
import io
import json
import tracemalloc
from types import SimpleNamespace

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from fan_in_folder import LISTS, fan_in_aws, load_fan_in
from hypothesis import given, settings
from hypothesis import strategies as st
from moto.core.botocore_stubber import MockRawResponse

from utils.list_file import ListError
from utils.list_stream import read_items
from utils.list_text import ListText

FORMATS = ("json", "jsonl", "csv")


@pytest.fixture(scope="module")
def reader():
    with load_fan_in("list_reader", "list_text", "jobs") as modules:
        yield modules


def in_chunks(data, size):
    """Give a list's bytes so many at a time."""
    return lambda offset: data[offset : offset + size]


def read(reader, data, list_format, size=1 << 20, *, checked=False):
    return list(
        reader.list_reader.read_list(
            in_chunks(data, size), list_format, reader.list_reader.START, checked=checked
        )
    )


def load(data, list_format):
    """Read a list as the loader does."""
    return [item for _, item in read_items(ListText("the list", io.BytesIO(data)), list_format)]


numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
texts = st.text(st.characters(codec="utf-8"), max_size=8)
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
chunk_sizes = st.integers(1, 40)


@st.composite
def json_lists(draw):
    """A JSON array or JSON Lines as somebody may write it: its bytes, format and items."""
    items = draw(st.lists(values, max_size=6))
    ascii_only, mark = draw(st.booleans()), draw(st.sampled_from([b"", b"\xef\xbb\xbf"]))
    if draw(st.booleans()):
        indent = draw(st.sampled_from([None, 2]))
        text = json.dumps(items, ensure_ascii=ascii_only, indent=indent)
        return mark + draw(st.sampled_from(["", " \r\n"])).encode() + text.encode(), "json", items
    ends = st.sampled_from(["\n", "\r\n", "\n\n", "\n \t\n"])
    lines = [json.dumps(item, ensure_ascii=ascii_only) + draw(ends) for item in items]
    text = "".join(lines)
    return mark + (text.rstrip("\n") if draw(st.booleans()) else text).encode(), "jsonl", items


@st.composite
def csv_lists(draw):
    """CSV: its bytes and format."""
    fields = st.text(st.sampled_from('ab,"\n\\é€😀 '), max_size=5)
    header = draw(st.lists(st.text("abcé", min_size=1, max_size=3), min_size=1, max_size=3, unique=True))
    rows = draw(st.lists(st.lists(fields, max_size=4), max_size=6))
    end = draw(st.sampled_from(["\n", "\r\n"]))
    lines = [",".join(_quote(field) for field in row) for row in [header, *rows]]
    text = end.join(lines) + draw(st.sampled_from(["", end]))
    return draw(st.sampled_from([b"", b"\xef\xbb\xbf"])) + text.encode(), "csv"


def _quote(field):
    escaped = field.replace("\\", "\\\\").replace('"', '""')
    return f'"{escaped}"' if any(char in field for char in ',"\n') else escaped


@settings(deadline=None)
@given(json_lists(), chunk_sizes)
def test_any_json_is_read_as_the_loader_reads_it(reader, a_list, size):
    data, list_format, items = a_list
    # When
    read_texts = read(reader, data, list_format, size)
    # Then
    assert [json.loads(text) for text in read_texts] == items == load(data, list_format)
    assert not any("\n" in text for text in read_texts)
    assert read(reader, data, list_format, size, checked=True) == read_texts


@settings(deadline=None)
@given(csv_lists(), chunk_sizes)
def test_any_csv_is_read_as_the_loader_reads_it(reader, a_list, size):
    data, list_format = a_list
    assert [json.loads(text) for text in read(reader, data, list_format, size)] == load(data, list_format)


@settings(deadline=None)
@given(json_lists().map(lambda drawn: drawn[:2]) | csv_lists(), chunk_sizes, st.data())
def test_a_reader_goes_on_exactly_where_another_stopped(reader, a_list, size, draw):
    # Given
    data, list_format = a_list
    whole = read(reader, data, list_format)
    stops = draw.draw(st.sets(st.integers(1, max(len(whole), 1)), max_size=3))
    # When
    got, checkpoint = [], reader.list_reader.START
    for stop in [*sorted(stops), None]:
        if stop is None and got and len(got) == len(whole):
            break
        items = reader.list_reader.read_list(
            in_chunks(data, size), list_format, checkpoint, checked=draw.draw(st.booleans())
        )
        for text in items:
            got.append(text)
            if len(got) == stop:
                break
        checkpoint = json.loads(json.dumps(items.checkpoint())) if got else checkpoint
        # Then its checkpoint counts what was read
        assert checkpoint["position"] == len(got)
    # And there is no gap, and no copy
    assert got == whole


@settings(deadline=None)
@given(
    st.sampled_from(FORMATS), st.binary(max_size=30) | st.text('[]{}",:1ae\n\\ ', max_size=12), chunk_sizes
)
def test_whatever_the_bytes_are_the_loader_and_the_reader_agree(reader, list_format, content, size):
    data = content if isinstance(content, bytes) else content.encode()
    # When
    try:
        loaded = load(data, list_format)
    except ListError:
        # Then the job fails too, and in one line
        with pytest.raises(reader.list_text.ListInvalid) as failed:
            read(reader, data, list_format, size)
        assert len(str(failed.value).splitlines()) == 1
    else:
        assert [json.loads(text) for text in read(reader, data, list_format, size)] == loaded


@pytest.mark.parametrize(
    ("list_format", "data", "said"),
    [
        ("jsonl", b'{"a": 1}\n\n{"a": \n', "line 3: item [1] is not JSON: Expecting value"),
        ("jsonl", b"[\n1]", "line 1: item [0] is not JSON: Expecting value: a JSON array is another format"),
        ("jsonl", b"1\nNaN\n", "line 2: item [1]: NaN is not JSON: use null or a string"),
        ("jsonl", b'{"a": 1, "a": 2}', 'line 1: item [0]: key "a" occurs twice'),
        ("jsonl", b"1e999", "line 1: item [0]: holds a number beyond 1.8E+308"),
        ("jsonl", b"9" * 5000, "line 1: item [0]: holds a number of more than 4,300 digits"),
        ("jsonl", b'"\\ud83d"', "line 1: item [0]: holds \\ud83d, half of a surrogate pair"),
        ("jsonl", b"[" * 201 + b"]" * 201, "line 1: item [0]: is nested deeper than 200 levels"),
        ("jsonl", b"[" * 9000 + b"]" * 9000, "line 1: item [0]: is nested deeper than 200 levels"),
        ("jsonl", b"1\n" + b"caf\xe9\n", "is not UTF-8 text, at byte 5: save it as UTF-8"),
        ("jsonl", b"1\n" + b" " * (3 << 20), "line 2: is longer than 2,097,152 bytes"),
        *(
            (name, gzip.compress(b"[1]", mtime=0), "is compressed with gzip: unpack it first")
            for name in FORMATS
        ),
        ("json", b"", "is empty: a list of no items is []"),
        ("json", b'{"a": [1]}', "holds an object, not an array: put the items in [ and ]"),
        ("json", b"7", "holds one value, not an array"),
        ("json", b"[1]\n[2]", "line 2: is not JSON: it goes on after its first value"),
        ("json", b"[1,\n2", "line 2: the object ends after item [1] without the ] of the list"),
        ("json", b"[1,\n[2,", "line 2: ends in the middle of item [1]"),
        ("json", b"[1\n\n2]", "line 3: is not JSON: expecting ',' or ']' after item [0]"),
        ("json", b"[1,\n]", "line 2: item [1] is not JSON: Expecting value"),
        ("json", b"[1, 2]\n[3]", "line 2: is not JSON: it goes on after its first value"),
        ("json", b'[1,\n"\xff"]', "is not UTF-8 text, at byte 5"),
        ("json", b'[1, "\xe2\x82', "is not UTF-8 text, at byte 5"),
        (
            "json",
            b'[1,\n["' + b"x" * (3 << 20) + b'"]]',
            "line 2: an item is longer than 2,097,152 characters",
        ),
        ("csv", b"", "line 1: has no header: the first line must name the columns"),
        ("csv", b"a,b,a\n1,2,3", 'line 1: column "a" is in the header twice'),
        ("csv", b'a\n1\n"two', "line 3: the file ends inside quotation marks that are not closed"),
        ("csv", b'a\n"1"2\n', "line 2: text follows a closing quotation mark"),
        ("csv", b"a\n1\r2\n", "line 2: holds a carriage return outside quotation marks"),
        ("csv", b"a\n1\\", "line 2: the file ends in a backslash"),
        ("csv", b"a" * 11_000 + b"\n1", "line 1: the header is 11,000 bytes long: at most 10,240 are taken"),
        ("csv", b"a\n" + b"1" * 300_000, "line 2: a field is longer than 262,144 characters"),
        ("csv", b'a\n"' + b"\n" * 3_000_000, "line 2: a "),
        (
            "txt",
            b"one\n",
            "its key ends in .txt: the format of a list is its suffix, one of .json, .jsonl, .csv",
        ),
        (
            "",
            b"one\n",
            "its key has no suffix: the format of a list is its suffix, one of .json, .jsonl, .csv",
        ),
    ],
)
def test_a_list_that_is_none_is_refused_with_the_place_and_what_to_do(reader, list_format, data, said):
    with pytest.raises(reader.list_text.ListInvalid) as failed:
        read(reader, data, list_format)
    assert str(failed.value).startswith(said)


def test_numbers_stay_the_text_that_the_list_has(reader):
    data = b'[1.10, 1E2, 123456789012345678901234567890, {"a" : 0.1234567890123456789}]'
    assert read(reader, data, "json") == [
        "1.10",
        "1E2",
        "123456789012345678901234567890",
        '{"a" : 0.1234567890123456789}',
    ]


def test_a_long_item_is_brought_to_its_shortest_form(reader):
    # Given
    item = {"a": "é" * 10_000, "b": 'quote " and \\ and tab \t', "c": 1}
    text = json.dumps(item, indent=1).replace(" 1", " 1.00")
    # When
    (short,) = read(reader, f"[{text}]".encode(), "json")
    # Then
    assert short == json.dumps(item, ensure_ascii=False, separators=(",", ":")).replace(":1}", ":1.00}")


@pytest.mark.parametrize("list_format", FORMATS)
def test_memory_does_not_grow_with_the_list(reader, list_format):
    # Given a list of any length that is not in memory itself
    line = {"json": b'{"number": 12345},\n', "jsonl": b'{"number": 12345}\n', "csv": b"12345,x\n"}[
        list_format
    ]
    begin = {"json": b"[", "jsonl": b"", "csv": b"a,b\n"}[list_format]
    end = b"0]" if list_format == "json" else b""

    def most_memory(lines):
        length = len(begin) + lines * len(line)

        def give(offset):
            if offset >= length:
                return end[offset - length :]
            if offset < len(begin):
                return begin[offset:]
            within = (offset - len(begin)) % len(line)
            return (line[within:] + line * 2000)[: length - offset]

        tracemalloc.start()
        items = reader.list_reader.read_list(give, list_format, reader.list_reader.START, checked=False)
        assert sum(1 for _ in items) == lines + (list_format == "json")
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    assert most_memory(50_000) < 1.2 * most_memory(5_000)


@pytest.mark.parametrize("part_bytes", [7, 1 << 20])
def test_the_version_of_the_event_is_read_in_parts(reader, monkeypatch, part_bytes):
    with fan_in_aws() as aws:
        # Given an object that was replaced since
        monkeypatch.setattr(reader.list_reader, "PART_BYTES", part_bytes)
        version = aws.s3.put_object(Bucket=LISTS, Key="lists/a b.jsonl", Body=b'"x"\n"y"\n"zz"\n')[
            "VersionId"
        ]
        aws.s3.put_object(Bucket=LISTS, Key="lists/a b.jsonl", Body=b'"new"')
        jobs = reader.jobs.Jobs(aws.jobs_table)
        jobs.record(
            "a", {"bucket": LISTS, "key": "lists/a b.jsonl", "versionId": version, "format": "jsonl"}, 60
        )
        # When
        source = reader.list_reader.open_list(aws.s3, jobs.read("a"))
        # Then
        assert list(
            reader.list_reader.read_list(source, "jsonl", reader.list_reader.START, checked=True)
        ) == [
            '"x"',
            '"y"',
            '"zz"',
        ]


def test_a_version_that_is_gone_is_named(reader):
    with fan_in_aws() as aws:
        jobs = reader.jobs.Jobs(aws.jobs_table)
        version = aws.s3.put_object(Bucket=LISTS, Key="lists/a.jsonl", Body=b"1")["VersionId"]
        aws.s3.delete_object(Bucket=LISTS, Key="lists/a.jsonl", VersionId=version)
        jobs.record(
            "a", {"bucket": LISTS, "key": "lists/a.jsonl", "versionId": version, "format": "jsonl"}, 60
        )
        with pytest.raises(
            reader.list_reader.ListNotFound, match=r"lists/a\.jsonl, version .* drop the list again"
        ):
            reader.list_reader.open_list(aws.s3, jobs.read("a"))(0)


@pytest.mark.parametrize(("status", "error"), [(416, None), (404, "ListNotFound"), (503, "ClientError")])
def test_an_answer_that_boto3_cannot_read_is_told_by_its_status(reader, status, error):
    # Given S3's error about a key with a control character, which is no XML
    keys = {"aws_access_key_id": "any", "aws_secret_access_key": "any"}
    once = Config(retries={"total_max_attempts": 1})
    s3 = boto3.client("s3", region_name="eu-west-1", config=once, **keys)
    body = b"<Error><Code>Any</Code><Key>lists/\x1b.jsonl</Key></Error>"
    s3.meta.events.register(
        "before-send.s3.GetObject",
        lambda request, **_: AWSResponse(request.url, status, {}, MockRawResponse(body)),
    )
    job = SimpleNamespace(bucket=LISTS, key="lists/\x1b.jsonl", version_id="1")
    # When
    read = reader.list_reader.open_list(s3, job)
    # Then
    if error is None:
        assert read(2) == b""
    else:
        with pytest.raises(Exception, match=str(status)) as raised:
            read(2)
        assert type(raised.value).__name__ == error


def test_an_empty_object_has_no_bytes(reader):
    with fan_in_aws() as aws:
        jobs = reader.jobs.Jobs(aws.jobs_table)
        version = aws.s3.put_object(Bucket=LISTS, Key="lists/a.jsonl", Body=b"")["VersionId"]
        jobs.record(
            "a", {"bucket": LISTS, "key": "lists/a.jsonl", "versionId": version, "format": "jsonl"}, 60
        )
        assert reader.list_reader.open_list(aws.s3, jobs.read("a"))(0) == b""
