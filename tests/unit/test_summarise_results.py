"""The summary of a Map Run: what is counted, what is written, and how little memory it takes."""

import importlib
import io
import json
import sys
import tracemalloc
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.response import StreamingBody
from botocore.stub import Stubber
from moto import mock_aws

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "lambdas" / "distributed_map" / "summarise_results"
EVENT = json.loads((ROOT / "tests" / "events" / "summarise_results.json").read_text(encoding="utf-8"))
BUCKET, MANIFEST = EVENT["bucket"], EVENT["key"]
PREFIX = MANIFEST.removesuffix("manifest.json")


@pytest.fixture
def handler(monkeypatch):
    """The handler as Lambda loads it."""
    monkeypatch.syspath_prepend(FOLDER)
    for name in ("summarise_handler", "summary"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    yield importlib.import_module("summarise_handler")
    for name in ("summarise_handler", "summary"):
        sys.modules.pop(name, None)


@pytest.fixture
def s3(monkeypatch):
    """An S3 with the results bucket."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket=BUCKET)
        yield client


def succeeded(index, attempts=1, result=None):
    return {"index": index, "status": "succeeded", "result": result, "attempts": attempts}


def failed(index, name, attempts=3):
    return {"index": index, "status": "failed", "error": {"name": name, "message": "m"}, "attempts": attempts}


def child(indexes, *, outcomes=None, status="SUCCEEDED", error=None, start="00:00.000", stop="00:01.000"):
    """A line of the ResultWriter's files: a child that processed the items with these indexes."""
    items = [{"index": index, "item": {"text": 'a "quoted" 日\nline\u2028'}} for index in indexes]
    record = {
        "ExecutionArn": "arn:aws:states:us-east-1:123456789012:execution:M/ProcessItems:child",
        "Input": json.dumps({"BatchInput": {"execution": "run"}, "Items": items}, ensure_ascii=False),
        "Name": "child",
        "RedriveCount": 0,
        "StartDate": f"2026-11-20T21:{start}Z",
        "Status": status,
        "StopDate": f"2026-11-20T21:{stop}Z",
    }
    if outcomes is not None:
        record["Output"] = json.dumps({"outcomes": outcomes}, ensure_ascii=False)
    if error is not None:
        record |= {"Error": error, "Cause": "c"}
    return record


def put_results(s3, **children_by_status):
    """Write result files and their manifest as the ResultWriter does."""
    files = {"FAILED": [], "PENDING": [], "SUCCEEDED": []}
    for status, parts in children_by_status.items():
        for number, children in enumerate(parts):
            key = f"{PREFIX}{status}_{number}.jsonl"
            lines = [json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in children]
            body = "".join(f"{line}\n" for line in lines).encode()
            s3.put_object(Bucket=BUCKET, Key=key, Body=body)
            files[status].append({"Key": key, "Size": len(body)})
    manifest = {"DestinationBucket": BUCKET, "MapRunArn": "arn", "ResultFiles": files}
    s3.put_object(Bucket=BUCKET, Key=MANIFEST, Body=json.dumps(manifest).encode())


def read_summary(s3):
    return json.loads(s3.get_object(Bucket=BUCKET, Key=f"{PREFIX}summary.json")["Body"].read())


def test_summary_counts_items_of_all_files_and_is_written_beside_them(handler, s3):
    # Given results in several files: items that succeeded and failed, and children that failed as a whole
    first = child(
        [0, 1], outcomes=[succeeded(0), succeeded(1, attempts=2)], start="10:00.500", stop="10:02.000"
    )
    second = child(
        [2, 3], outcomes=[failed(3, "ValueError"), succeeded(2)], start="09:59.250", stop="10:01.000"
    )
    third = child([4], outcomes=[failed(4, "ValueError")], start="10:01.000", stop="10:30.125")
    crashed = child([5, 6, 7], status="FAILED", error="Lambda.TooManyRequestsException")
    late = child([8], status="TIMED_OUT", start="10:00.000", stop="15:00.000")
    stopped = child([9], status="ABORTED")
    put_results(s3, SUCCEEDED=[[first, second], [third]], FAILED=[[crashed, late], [stopped]])
    # When they are summarised
    summary = handler.summarise(EVENT, None)
    # Then every item is counted once, under its own error or its child's
    assert summary == {
        "items": 10,
        "succeeded": 3,
        "failed": 7,
        "errors": {
            "Lambda.TooManyRequestsException": 3,
            "ValueError": 2,
            "States.Timeout": 1,
            "ABORTED": 1,
        },
        "batches": 6,
        "attempts": 10,
        "childSeconds": 334.375,
        "firstStartedAt": "2026-11-20T21:00:00.000Z",
        "lastEndedAt": "2026-11-20T21:15:00.000Z",
        "results": {"bucket": BUCKET, "manifest": MANIFEST, "summary": f"{PREFIX}summary.json"},
    }
    # And the file says the same
    assert read_summary(s3) == summary


def test_list_without_items_has_a_summary_of_zeros(handler, s3):
    # Given a Map Run without children; when it is summarised
    put_results(s3)
    summary = handler.summarise(EVENT, None)
    # Then nothing was counted, and there are no times
    assert [summary[key] for key in ("items", "succeeded", "failed", "batches", "attempts")] == [0] * 5
    assert summary["errors"] == {}
    assert "routes" not in summary
    assert summary["firstStartedAt"] is summary["lastEndedAt"] is None
    assert read_summary(s3) == summary


def test_items_are_counted_by_the_route_that_their_child_names(handler, s3):
    # Given children that say which way their items went, one that failed as a whole, and so says nothing
    routes = {"queue": [succeeded(0), failed(1, "E")], "direct": [succeeded(2)]}
    children = []
    for route, outcomes in routes.items():
        record = child([row["index"] for row in outcomes], outcomes=outcomes)
        record["Output"] = json.dumps(json.loads(record["Output"]) | {"route": route})
        children.append(record)
    put_results(s3, SUCCEEDED=[children], FAILED=[[child([3], status="FAILED", error="E")]])
    # When they are summarised
    summary = handler.summarise(EVENT, None)
    # Then the routes are counted, whatever became of the items
    assert summary["routes"] == {"direct": 1, "queue": 2}
    assert summary["items"] == 4


def test_summary_made_twice_is_the_same(handler, s3):
    # Given results that were summarised, by a function that was then repeated
    put_results(s3, SUCCEEDED=[[child([0], outcomes=[succeeded(0)])]])
    first = handler.summarise(EVENT, None)
    # When they are summarised again, then that changes nothing
    assert handler.summarise(EVENT, None) == first == read_summary(s3)


@pytest.mark.parametrize(
    ("start", "first"),
    [("00:00Z", "00:00.000Z"), ("00:00.1Z", "00:00.100Z"), ("00:00.123+00:00", "00:00.123Z")],
)
def test_times_are_compared_as_times_and_not_as_texts(handler, s3, start, first):
    # Given two children, the earlier of which has its start written in another way
    early = child([0], outcomes=[succeeded(0)]) | {"StartDate": f"2026-11-20T20:{start}"}
    late = child([1], outcomes=[succeeded(1)], start="00:00.500")
    put_results(s3, SUCCEEDED=[[late, early]])
    # When they are summarised, then the first start is the earlier one's
    assert handler.summarise(EVENT, None)["firstStartedAt"] == f"2026-11-20T20:{first}"


def test_distinct_error_names_do_not_make_the_summary_grow(handler, s3):
    # Given 300 items, each with an error of a name of its own, and a long one
    names = [f"日{number}" + "E" * 5000 for number in range(300)]
    outcomes = [failed(index, name) for index, name in enumerate(names)]
    put_results(s3, SUCCEEDED=[[child(range(300), outcomes=outcomes)]])
    # When they are summarised
    summary = handler.summarise(EVENT, None)
    # Then 100 are named, the rest counted together, and the summary fits a state many times over
    assert len(summary["errors"]) == 101
    assert summary["errors"]["(other)"] == 200
    assert sum(summary["errors"].values()) == summary["failed"] == 300
    assert len(json.dumps(summary)) < 40_000


def test_longest_line_that_a_child_can_leave_is_read(handler, s3):
    # Given children with as large an output as they can have, whose lines end anywhere in a chunk
    outcomes = [succeeded(0, result="\x00" * 42_000)]
    children = [
        child([0], outcomes=outcomes) | {"Cause": "x" * 100_000 + "\u2028\r"[:number]} for number in (0, 1, 2)
    ]
    put_results(s3, SUCCEEDED=[children * 4])
    # When they are summarised, then each is counted
    assert handler.summarise(EVENT, None)["items"] == 12


@pytest.mark.parametrize("missing", [MANIFEST, f"{PREFIX}SUCCEEDED_0.jsonl"])
def test_missing_file_is_named(handler, s3, missing):
    # Given results of which a file was deleted
    put_results(s3, SUCCEEDED=[[child([0], outcomes=[succeeded(0)])]])
    s3.delete_object(Bucket=BUCKET, Key=missing)
    # When they are summarised
    with pytest.raises(Exception, match="cannot read") as raised:
        handler.summarise(EVENT, None)
    # Then the failure says which
    assert type(raised.value).__name__ == "SummaryError"
    assert str(raised.value) == (
        f"cannot read s3://{BUCKET}/{missing}: The specified key does not exist; "
        "if it was deleted, process the list again"
    )


@pytest.mark.parametrize(
    ("code", "status", "raised"),
    [
        ("AccessDenied", 403, "SummaryError"),
        ("SlowDown", 503, "ClientError"),
        ("InternalError", 500, "ClientError"),
    ],
)
@pytest.mark.usefixtures("handler")
def test_failure_of_s3_is_left_to_the_retry_of_the_state(s3, code, status, raised):
    # Given an S3 that answers with an error
    import summary  # noqa: PLC0415

    with Stubber(s3) as stubber:
        stubber.add_client_error("get_object", code, http_status_code=status)
        # When results are summarised, then only that of a missing file is the summary's own
        with pytest.raises((ClientError, summary.SummaryError)) as error:
            summary.summarise_results(s3, BUCKET, MANIFEST)
    assert type(error.value).__name__ == raised


class GeneratedBody(io.RawIOBase):
    """A file of so many equal lines that is never in memory as a whole."""

    def __init__(self, line, count):
        self._line, self._left, self._rest = line, count, b""

    def read(self, size=-1):
        parts, length = [self._rest], len(self._rest)
        while self._left and length < size:
            parts.append(self._line)
            length += len(self._line)
            self._left -= 1
        data = b"".join(parts)
        self._rest = data[size:]
        return data[:size]


def peak_bytes(s3, lines):
    """Summarise a file of so many lines; return the most memory that this took, and the number of items."""
    import summary  # noqa: PLC0415

    outcomes = [succeeded(index, result="x" * 100) for index in range(100)]
    line = json.dumps(child(range(100), outcomes=outcomes)).encode() + b"\n"
    files = {"FAILED": [], "PENDING": [], "SUCCEEDED": [{"Key": "large", "Size": len(line) * lines}]}
    manifest = json.dumps({"ResultFiles": files}).encode()
    with Stubber(s3) as stubber:
        body = StreamingBody(io.BytesIO(manifest), len(manifest))
        stubber.add_response("get_object", {"Body": body})
        body = StreamingBody(GeneratedBody(line, lines), len(line) * lines)
        stubber.add_response("get_object", {"Body": body})
        stubber.add_response("put_object", {})
        tracemalloc.start()
        items = summary.summarise_results(s3, BUCKET, MANIFEST)["items"]
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    return peak, items


@pytest.mark.usefixtures("handler")
def test_memory_does_not_grow_with_the_list(s3):
    # Given results of 10,000 items; when those of ten times as many are summarised
    peak, items = peak_bytes(s3, 100)
    peak_of_ten_times, items_of_ten_times = peak_bytes(s3, 1000)
    # Then all are counted, in the same memory
    assert (items, items_of_ten_times) == (10_000, 100_000)
    assert peak_of_ten_times <= 1.2 * peak
