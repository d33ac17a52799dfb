"""Putting a checked list into a bucket: whole, once, and only what was checked."""

import io
import os
import signal

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.core.botocore_stubber import MockRawResponse

from utils.command import CommandError
from utils.list_batches import BatchLimits
from utils.list_bucket import PART_BYTES, CheckedFile, Target, upload_list
from utils.list_check import check_list
from utils.list_report import ListReport
from utils.list_text import ListText

TARGET = Target("lists", "lists/items.jsonl")
STACK = "ThrottledMapStack"
LARGE = b'"' + b"x" * 99 + b'"\n'
"""A line; so many times that the upload has three parts."""
LARGE *= 2 * PART_BYTES // len(LARGE) + 100


@pytest.fixture
def session(monkeypatch):
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    with mock_aws():
        yield boto3.Session(region_name="eu-west-1")


@pytest.fixture
def client(session):
    client = session.client("s3")
    client.create_bucket(Bucket=TARGET.bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    return client


@pytest.fixture
def calls(session, client, monkeypatch) -> list[str]:
    """The names of what the loader's client calls."""
    calls: list[str] = []
    client.meta.events.register("before-call.s3", lambda model, **_: calls.append(model.name))
    monkeypatch.setattr(session, "client", lambda _: client)
    return calls


def _check(content: bytes) -> ListReport:
    return check_list(ListText("list", io.BytesIO(content)), "jsonl", BatchLimits(100, 204_800, "a limit"))


def _load(session, content: bytes, sent: bytes | None = None) -> str:
    """Check a list and upload it, or what became of it meanwhile."""
    source = CheckedFile(io.BytesIO(content if sent is None else sent), "list", _check(content))
    return upload_list(session, TARGET, source, STACK, advance=lambda _: None).said


def _stored(client) -> bytes:
    return client.get_object(Bucket=TARGET.bucket, Key=TARGET.key)["Body"].read()


def _is_empty(client) -> bool:
    """Say whether the bucket has no object and no upload that goes on."""
    uploads = client.list_multipart_uploads(Bucket=TARGET.bucket).get("Uploads", [])
    return not uploads and client.list_objects_v2(Bucket=TARGET.bucket)["KeyCount"] == 0


def test_first_load_writes_the_bytes_of_the_file(session, client):
    said = _load(session, b'"a"\r\n"b"\n')
    assert said == "wrote 2 items to s3://lists/lists/items.jsonl (9 bytes)"
    assert _stored(client) == b'"a"\r\n"b"\n'
    assert client.head_object(Bucket=TARGET.bucket, Key=TARGET.key)["ContentType"] == "application/jsonl"


@pytest.mark.parametrize("content", [b'"a"\n', LARGE], ids=["one request", "parts"])
def test_same_list_again_is_said_and_not_written(session, calls, content):
    _load(session, content)
    calls.clear()
    said = _load(session, content)
    assert said.startswith("s3://lists/lists/items.jsonl already holds this list of ")
    assert said.endswith(": nothing written")
    assert calls == ["HeadObject"]


def test_another_list_of_the_same_size_says_what_it_replaced(session, client):
    _load(session, b'"a"\n"b"\n')
    said = _load(session, b'"a"\n"c"\n')
    assert said == "wrote 2 items to s3://lists/lists/items.jsonl (8 bytes), replacing 2 items (8 bytes)"
    assert _stored(client) == b'"a"\n"c"\n'


def test_an_object_that_another_program_put_is_replaced(session, client):
    client.put_object(Bucket=TARGET.bucket, Key=TARGET.key, Body=b'"a"\n')
    said = _load(session, b'"a"\n')
    assert said == "wrote 1 item to s3://lists/lists/items.jsonl (4 bytes), replacing an object (4 bytes)"


def test_a_large_list_goes_in_parts_and_is_whole(session, client, calls):
    said = _load(session, LARGE)
    assert calls.count("UploadPart") == 3
    assert said.startswith(f"wrote {LARGE.count(10):,} items to ")
    assert _stored(client) == LARGE


@pytest.mark.parametrize("size", [0, PART_BYTES - 1, PART_BYTES, PART_BYTES + 1, 2 * PART_BYTES])
@pytest.mark.usefixtures("client")
def test_files_as_long_as_a_part_and_around_are_whole(session, client, size):
    content = b'"' + b"x" * 98 + b'"' + b"\n"
    content *= size // len(content)
    content += b" " * (size - len(content)) if content else b'"a"\n'
    _load(session, content)
    assert _stored(client) == content


@pytest.mark.parametrize("content", [b'"a"\n' * 10, LARGE], ids=["one request", "parts"])
@pytest.mark.parametrize(
    "change",
    [
        lambda content: content.replace(b"a", b"b").replace(b"x", b"y"),
        lambda content: content + b'"z"\n',
        lambda content: content[:-4],
        lambda _: b"",
    ],
    ids=["other content", "longer", "shorter", "emptied"],
)
def test_a_file_that_changed_after_the_check_is_not_uploaded(session, client, content, change):
    with pytest.raises(CommandError) as caught:
        _load(session, content, sent=change(content))
    assert str(caught.value) == (
        "list: was changed after it was checked: nothing written; run the command again"
    )
    assert _is_empty(client)


def test_a_file_that_cannot_be_read_any_more_is_named(session, client):
    class Gone(io.BytesIO):
        def read(self, _: int | None = None) -> bytes:
            raise OSError(5, "Input/output error")

    with pytest.raises(CommandError, match=r"^list: cannot be read: Input/output error$"):
        upload_list(session, TARGET, CheckedFile(Gone(), "list", _check(b"1")), STACK, lambda _: None)
    assert _is_empty(client)


def test_ctrl_c_leaves_the_old_list_and_no_upload(session, client, calls):
    # Given a list in the bucket
    _load(session, b'"old"\n')
    presses = iter([signal.SIGINT])

    def press(**_):
        for press in presses:
            os.kill(os.getpid(), press)

    # When the user interrupts the upload of another
    client.meta.events.register("before-call.s3.UploadPart", press)
    with pytest.raises(KeyboardInterrupt):
        _load(session, LARGE)
    # Then
    assert _stored(client) == b'"old"\n'
    assert "Uploads" not in client.list_multipart_uploads(Bucket=TARGET.bucket)
    assert "AbortMultipartUpload" in calls


def test_a_part_that_aws_refuses_leaves_nothing(session, client, calls):
    def refuse(**_):
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "m"}}, "UploadPart")

    client.meta.events.register("before-call.s3.UploadPart", refuse)
    with pytest.raises(CommandError) as caught:
        _load(session, LARGE)
    assert str(caught.value) == (
        "loading the list into s3://lists/lists/items.jsonl: "
        "no permission: use a profile that may do this (AccessDenied: m)"
    )
    assert _is_empty(client)
    assert "AbortMultipartUpload" in calls


def test_a_bucket_that_is_gone_is_named(session):
    with pytest.raises(CommandError) as caught:
        _load(session, b'"a"\n')
    assert str(caught.value) == (
        "bucket lists does not exist: deploy it again with `npx cdk deploy ThrottledMapStack`"
    )


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (403, "no permission: use a profile that may do this"),
        (400, "what answers is not AWS (HTTP status 400): check "),
    ],
)
def test_a_head_that_is_refused_is_explained(session, client, calls, status, message):
    client.meta.events.register(
        "before-send.s3.HeadObject",
        lambda request, **_: AWSResponse(request.url, status, {}, MockRawResponse(b"")),
    )
    with pytest.raises(CommandError) as caught:
        _load(session, b'"a"\n')
    assert message in str(caught.value)
    assert "PutObject" not in calls


@pytest.mark.usefixtures("calls")
def test_a_list_that_is_not_there_after_writing_it_is_an_error(session, client):
    # Given something that answers every request with 200, and stores nothing
    client.meta.events.register(
        "before-send.s3.*",
        lambda request, **_: AWSResponse(request.url, 200, {}, MockRawResponse(b"")),
    )
    with pytest.raises(CommandError) as caught:
        _load(session, b'"a"\n')
    assert "is not AWS" in str(caught.value)
