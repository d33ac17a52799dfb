"""Dead letters: their tasks are answered, their messages kept, and none is lost."""

import importlib
import json
import logging
import sys
from contextlib import suppress
from pathlib import Path

import boto3
import pytest
from botocore.stub import ANY, Stubber
from moto import mock_aws

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "lambdas" / "throttled_map" / "dead_letters"
BUCKET = "the-results"
MESSAGE_ID = "2f1d7f7e-5a43-4a06-8f0e-3d1c0a9b8e77"
KEY = f"undeliverable/{MESSAGE_ID}.json"
TOKEN = "the-token-of-item-7"
DONE = {"batchItemFailures": []}


@pytest.fixture
def handler(monkeypatch):
    """The handler as Lambda loads it, with the results bucket."""
    monkeypatch.syspath_prepend(FOLDER)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("RESULTS_BUCKET", BUCKET)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    for name in ("dead_letter_handler", "dead_letters"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket=BUCKET)
        yield importlib.import_module("dead_letter_handler")
    for name in ("dead_letter_handler", "dead_letters"):
        sys.modules.pop(name, None)


@pytest.fixture
def tasks(handler, monkeypatch):
    """A Step Functions whose answers a test decides on."""
    client = boto3.client("stepfunctions")
    monkeypatch.setattr(handler, "_step_functions", lambda: client)
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


@pytest.fixture(autouse=True)
def no_token_in_the_logs(caplog):
    """Whatever happens, who reads the log cannot answer a task."""
    caplog.set_level(logging.INFO)
    yield
    # The text would be that of the fixtures' own end.
    assert TOKEN not in "\n".join(map(caplog.handler.format, caplog.get_records("call")))


def event_with(body=None, **attributes):
    event = json.loads((ROOT / "tests" / "events" / "dead_letter.json").read_text(encoding="utf-8"))
    (record,) = event["Records"]
    record["body"] = record["body"] if body is None else body
    record["attributes"] |= attributes
    return event


def expect_failure(tasks):
    expected = {"taskToken": TOKEN, "error": "ItemUndeliverable", "cause": ANY}
    tasks.add_response("send_task_failure", {}, expected)


def read_letter():
    return json.loads(boto3.client("s3").get_object(Bucket=BUCKET, Key=KEY)["Body"].read())


def warnings_of(caplog):
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def test_a_dead_letter_fails_its_item_and_is_kept(handler, tasks, caplog):
    # Given a message that the queue gave up
    expect_failure(tasks)
    event = event_with()
    # When the function is invoked with it, then the dead-letter queue is rid of it
    assert handler.handle_dead_letters(event, None) == DONE
    # And the message is in the bucket, with the reason, and without the token that answers for its item
    letter = read_letter()
    assert letter["body"] == {
        "execution": "first-run",
        "index": 7,
        "item": "Füße 日本",
        "encoding": "json",
    }
    assert letter["attributes"] == event["Records"][0]["attributes"]
    assert letter["reason"].startswith(
        "received 4 times and never done with, sent 2026-11-20T22:00:00Z, "
        "first received 2026-11-20T22:00:01Z, given up before 20"
    )
    assert letter["reason"].endswith(f"; its message is s3://{BUCKET}/{KEY}")
    # And the log says it once
    assert warnings_of(caplog) == [
        f"Message {MESSAGE_ID}: its item failed with ItemUndeliverable: {letter['reason']}"
    ]


def test_the_cause_of_the_item_is_the_reason_of_the_letter(handler, tasks):
    # Given a task that keeps how it failed
    causes = []
    expect_failure(tasks)
    tasks.client.meta.events.register(
        "provide-client-params.sfn.SendTaskFailure", lambda params, **_: causes.append(params["cause"])
    )
    # When its message is dead, then its cause leads to the message
    assert handler.handle_dead_letters(event_with(), None) == DONE
    assert causes == [read_letter()["reason"]]


@pytest.mark.usefixtures("handler")
def test_a_log_that_tells_everything_has_no_token(caplog):
    caplog.set_level(logging.DEBUG)
    with suppress(Exception):  # moto knows no such task
        boto3.client("stepfunctions").send_task_failure(taskToken=TOKEN)
    logging.getLogger("other").debug("its own")
    assert "its own" in caplog.text


@pytest.mark.parametrize("colon", [":", " : "])
def test_an_item_that_is_nested_too_deeply_is_failed_and_kept_without_its_token(handler, tasks, colon):
    # Given a message of the state machine that Python's json does not read
    deep = "[" * 50_000 + "]" * 50_000
    expect_failure(tasks)
    # When it comes
    body = f'{{"index":7,"token"{colon}"{TOKEN}","item":{deep}}}'
    assert handler.handle_dead_letters(event_with(body), None) == DONE
    # Then its task has failed, and whoever looks for the item finds it
    kept = read_letter()["body"]
    assert TOKEN not in kept
    assert deep in kept


@pytest.mark.parametrize("code", ["TaskTimedOut", "TaskDoesNotExist", "InvalidToken"])
def test_a_task_that_is_closed_is_logged_once_and_the_message_kept(handler, tasks, caplog, code):
    # Given a message whose task timed out long ago
    tasks.add_client_error("send_task_failure", code, "gone")
    # When it comes, then it is done with
    assert handler.handle_dead_letters(event_with(), None) == DONE
    (warning,) = warnings_of(caplog)
    assert warning.startswith(f"Message {MESSAGE_ID}: nobody waits for its answer ({code}): received 4 times")
    assert read_letter()["body"]["index"] == 7


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        ("not JSON", "not JSON"),
        ("", ""),
        ("[1, 2]", [1, 2]),
        ("5", 5),
        ('{"index": 7}', {"index": 7}),
        ('{"token": "", "index": 7}', {"index": 7}),
        ('{"token": 5}', {}),
        (json.dumps({"token": TOKEN * 200}), {}),
        ("[" * 100_000, "[" * 100_000),
        ('"\\ud83d"', "\ud83d"),
    ],
    ids=[
        *("text", "empty", "list", "number", "no token", "empty token", "token", "long token", "deep"),
        "surrogate",
    ],
)
@pytest.mark.usefixtures("tasks")
def test_a_message_without_a_token_is_kept_as_it_is(handler, caplog, body, kept):
    # Given a message that the state machine did not send; when it comes
    assert handler.handle_dead_letters(event_with(body), None) == DONE
    # Then nothing is answered, and whoever looks for it finds it
    assert read_letter()["body"] == kept
    assert "it has no token, so nobody waits for its answer" in caplog.text


def test_a_message_of_an_unknown_age_is_kept(handler, tasks):
    # Given a message that was moved to the queue by hand, without its times
    event = event_with()
    event["Records"][0]["attributes"] = {"ApproximateReceiveCount": "1"}
    expect_failure(tasks)
    # When it comes, then that is said
    assert handler.handle_dead_letters(event, None) == DONE
    assert "sent at a time that is not known" in read_letter()["reason"]


def test_what_cannot_be_answered_now_stays_in_the_queue(handler, tasks, caplog):
    # Given two dead letters, and a Step Functions that refuses the first answer
    event = event_with()
    event["Records"].append(event["Records"][0] | {"messageId": "second"})
    tasks.add_client_error("send_task_failure", "ThrottlingException", "slow down")
    expect_failure(tasks)
    # When they come
    answer = handler.handle_dead_letters(event, None)
    # Then only the first comes again, and finishes then
    assert answer == {"batchItemFailures": [{"itemIdentifier": MESSAGE_ID}]}
    assert warnings_of(caplog)[0].startswith(f"Message {MESSAGE_ID} stays in the queue: ClientError: ")
    expect_failure(tasks)
    assert handler.handle_dead_letters(event_with(), None) == DONE


@pytest.mark.usefixtures("tasks")
def test_a_message_that_cannot_be_kept_is_not_answered_yet(handler, monkeypatch, caplog):
    # Given a bucket that is not there
    monkeypatch.setenv("RESULTS_BUCKET", "no-such-bucket")
    # When a message comes, then it stays, and its content with it
    assert handler.handle_dead_letters(event_with(), None) == {
        "batchItemFailures": [{"itemIdentifier": MESSAGE_ID}]
    }
    assert "NoSuchBucket" in caplog.text
