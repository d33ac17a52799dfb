"""Dead letters of a job: their items fail, unless they have a result, so that the job can end."""

import pytest
from fan_in_folder import fan_in_aws, load_fan_in
from worker_folder import EXPIRES_AT, JOB, Results, body, event, failed, records

REASON = "received 3 times, and each time its worker was lost before it was done"
UNDELIVERABLE = {"name": "ItemUndeliverable", "message": REASON}


@pytest.fixture(scope="module")
def modules():
    with load_fan_in("dead_letter_handler", "results") as modules:
        yield modules


@pytest.fixture
def aws(modules, monkeypatch):
    monkeypatch.setenv("RESULTS_TABLE", "results")
    monkeypatch.setattr(modules.results, "PAUSES_SECONDS", (0.001, 0.001))
    with fan_in_aws() as aws:
        aws.letters = Results(aws.dynamodb)
        monkeypatch.setattr(modules.dead_letter_handler, "_dynamodb", lambda: aws.letters)
        yield aws


def handle(modules, *bodies, receipts=4):
    """Handle letters; the receipt from the dead-letter queue is one more."""
    return failed(modules.dead_letter_handler.handle_dead_letters(event(*bodies, receipts=receipts), None))


def test_items_without_a_result_fail_and_the_others_keep_theirs(modules, aws):
    # Given a result that the worker wrote before it was lost
    aws.results_table.put_item(
        Item={"part": f"{JOB}/0", "position": 1, "result": b"x\x9cSJTR\x02\x00\x03\x0f\x01\x05"}
    )
    before = aws.results_table.get_item(Key={"part": f"{JOB}/0", "position": 1})["Item"]
    # When
    assert handle(modules, body("a", "b", "c")) == []
    # Then
    assert aws.results_table.get_item(Key={"part": f"{JOB}/0", "position": 1})["Item"] == before
    aws.results_table.delete_item(Key={"part": f"{JOB}/0", "position": 1})
    assert records(aws) == {0: ("error", UNDELIVERABLE, 3), 2: ("error", UNDELIVERABLE, 3)}
    item = aws.results_table.get_item(Key={"part": f"{JOB}/0", "position": 0})["Item"]
    assert item["expiresAt"] == EXPIRES_AT


def test_letter_that_comes_again_changes_nothing(modules, aws):
    # Given
    handle(modules, body("a"))
    before = records(aws)
    # When
    assert handle(modules, body("a"), receipts=9) == []
    # Then
    assert records(aws) == before


def test_attempts_in_other_messages_count(modules, aws):
    handle(modules, body("a", attempts=2), receipts=2)
    assert records(aws)[0][2] == 3


def test_all_items_of_a_large_message_fail(modules, aws):
    assert handle(modules, body(*range(100))) == []
    assert records(aws).keys() == set(range(100))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("not JSON", "its body cannot be read (JSONDecodeError)"),
        ("[" * 100_000, "its body cannot be read (RecursionError)"),
        ('["a", "list"]', "its body has not the fields that the split function sends"),
        (
            '{"job": "x", "expiresAt": 1, "attempts": 0, "items": [["a", 1]]}',
            "its body has not the fields that the split function sends",
        ),
        (
            '{"job": "x", "expiresAt": 1, "attempts": 0, "items": [7]}',
            "its body has not the fields that the split function sends",
        ),
    ],
)
def test_letter_of_no_job_is_logged_and_not_kept(modules, aws, caplog, text, said):
    # When
    assert handle(modules, text, body("a")) == []
    # Then
    assert f"Message message 0 belongs to no job: {said}: {text[:100]}" in caplog.text
    assert len(caplog.records[0].getMessage()) < 1_200
    assert records(aws).keys() == {0}


def test_letter_that_cannot_be_recorded_comes_again_alone(modules, aws, caplog):
    # Given
    aws.letters.refusals = [["ValidationError"]]
    # When
    assert handle(modules, body("a"), body((1, "b"))) == ["message 0"]
    # Then
    assert records(aws).keys() == {1}
    assert "Message message 0 stays in the queue: TableRefusedError: results: ValidationError: because" in (
        caplog.text
    )


def test_table_that_is_throttled_is_asked_again(modules, aws):
    aws.letters.refusals = [["ThrottlingError", None], ["ThrottlingError"]]
    assert handle(modules, body("a", "b")) == []
    assert records(aws).keys() == {0, 1}


def test_table_that_stays_throttled_keeps_the_letter(modules, aws, caplog):
    aws.letters.refusals = [["ThrottlingError"]] * 3
    assert handle(modules, body("a")) == ["message 0"]
    assert "results is throttled: it did not answer in 3 attempts" in caplog.text
