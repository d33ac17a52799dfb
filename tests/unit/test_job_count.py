"""Counting results: every position once, whatever the stream delivers, and the finish when all are there."""

import random
from collections import Counter
from contextlib import suppress
from functools import partial

import pytest
from boto3.dynamodb.types import TypeSerializer
from botocore.exceptions import ClientError
from fan_in_folder import Clock, fan_in_aws, load_fan_in

from utils.attribute_values import item_bytes

NAME = "list-0123456789ab"


class Crash(BaseException):
    """The function's environment is gone."""


class Counting:
    """The count function over moto, with crashes at the calls that a test names."""

    def __init__(self, modules, aws):
        self.modules = modules
        self.table = aws.jobs_table
        self.jobs = modules.jobs.Jobs(aws.jobs_table, Clock())
        self.finishes = []

    def begin(self, total, name=NAME):
        """Have a job whose list was checked."""
        source = {"bucket": "b", "key": "lists/list.jsonl", "versionId": name, "format": "jsonl"}
        self.jobs.record(name, source, 60.0)
        lease = self.jobs.take_lease(name, "RUNNING")
        lease.save(total=total)

    def count(self, positions, name=NAME, table=None):
        """Deliver records of the stream to an environment of their own."""
        table = table or self.table
        jobs = self.modules.jobs.Jobs(table, Clock())
        records = [stream_record(f"{name}/0", each) for each in positions]
        blocks = self.modules.count.Blocks(table, jobs)
        return self.modules.count.count_records(records, jobs, blocks, self.finishes.append)

    def record(self, name=NAME):
        return self.table.get_item(Key={"job": name})["Item"]

    def blocks(self):
        """Read how many parts of each block are done, by its id."""
        items = [item for item in self.table.scan()["Items"] if "/" in item["job"]]
        assert all("expiresAt" in item for item in items)
        return {item["job"].partition("/")[2]: len(item["places"]) for item in items}


def stream_record(part, position):
    keys = {"part": {"S": part}, "position": {"N": str(position)}}
    return {"eventName": "INSERT", "dynamodb": {"Keys": keys, "StreamViewType": "KEYS_ONLY"}}


@pytest.fixture(scope="module")
def modules():
    with load_fan_in("count", "count_handler", "events", "jobs", "positions") as modules:
        yield modules


@pytest.fixture(scope="module")
def aws():
    with fan_in_aws() as aws:
        yield aws


@pytest.fixture
def counting(modules, aws):
    yield Counting(modules, aws)
    for item in aws.jobs_table.scan()["Items"]:
        aws.jobs_table.delete_item(Key={"job": item["job"]})


@pytest.fixture
def small_blocks(modules, monkeypatch):
    """Blocks of so few positions."""
    monkeypatch.setattr(modules.positions, "BLOCK_POSITIONS", 8)
    return 8


def test_the_last_result_starts_the_finish(counting):
    # Given
    counting.begin(40)
    # When
    assert counting.count(range(39)) == 39
    assert counting.finishes == []
    assert counting.record()["status"] == "RUNNING"
    assert counting.count([39]) == 1
    # Then
    assert counting.finishes == [NAME]
    assert counting.record()["status"] == "FINISHING"
    # And one record has counted them, which expires
    assert counting.blocks() == {"0-0": 40}


def test_what_the_stream_tells_twice_is_counted_once(counting):
    # Given
    counting.begin(20)
    # When all but one are told, again and again
    for _ in range(3):
        counting.count([*range(19), *range(19)])
    # Then
    assert counting.finishes == []
    counting.count([19])
    assert counting.finishes == [NAME]


def test_order_does_not_matter(counting, small_blocks):
    # Given three levels of blocks
    total = small_blocks**3 + 7
    counting.begin(total)
    positions = list(range(total))
    random.Random(6).shuffle(positions)
    # When they come in batches, some of them twice
    batches = [positions[start : start + 50] for start in range(0, total, 50)]
    for batch in batches[:-1]:
        counting.count(batch)
        counting.count(random.Random(7).sample(batches[0], 10))
    assert counting.finishes == []
    counting.count(batches[-1])
    # Then
    assert counting.finishes == [NAME]
    levels = Counter(block.partition("-")[0] for block in counting.blocks())
    assert levels == {"0": 65, "1": 9, "2": 2, "3": 1}


def test_late_duplicates_change_nothing(counting):
    # Given a job that has ended
    counting.begin(20)
    counting.count(range(20))
    counting.jobs.take_lease(NAME, "FINISHING").end("DONE")
    # When
    counting.count(range(5))
    counting.count(range(20))
    # Then
    assert counting.finishes == [NAME]
    assert counting.record()["status"] == "DONE"


def test_jobs_in_one_batch_do_not_mix(counting):
    # Given
    for name in ("one", "two"):
        counting.begin(3, name)
    records = [
        stream_record(f"{name}/0", position)
        for name, position in [("one", 0), ("two", 1), ("one", 1), ("two", 0), ("one", 2)]
    ]
    # When
    blocks = counting.modules.count.Blocks(counting.table, counting.jobs)
    counting.modules.count.count_records(records, counting.jobs, blocks, counting.finishes.append)
    # Then
    assert counting.finishes == ["one"]
    counting.count([2], "two")
    assert counting.finishes == ["one", "two"]


def test_results_of_a_job_that_is_gone_are_passed_over(counting):
    counting.begin(1)
    assert counting.count([0, 1], "gone") == 2
    assert counting.blocks() == {}
    counting.count([0])
    assert counting.finishes == [NAME]


class CrashingTable:
    """A table whose n-th call is the last one of its environment, before or after it is made."""

    def __init__(self, table, number, *, is_made):
        self._table = table
        self._number = number
        self._is_made = is_made

    def __getattr__(self, name):
        attribute = getattr(self._table, name)
        return partial(self._call, attribute) if callable(attribute) else attribute

    def _call(self, call, **arguments):
        self._number -= 1
        if self._number == 0 and not self._is_made:
            raise Crash
        answer = call(**arguments)
        if self._number == 0:
            raise Crash
        return answer


@pytest.mark.parametrize("is_made", [False, True])
@pytest.mark.parametrize("number", range(1, 10))
def test_batch_that_is_repeated_after_a_crash_finishes_the_job(counting, small_blocks, number, is_made):
    # Given two blocks that lack one position each, which come in one batch
    counting.begin(2 * small_blocks)
    lacking = [0, 2 * small_blocks - 1]
    counting.count(range(1, 2 * small_blocks - 1))
    # When
    with suppress(Crash):
        counting.count(lacking, table=CrashingTable(counting.table, number, is_made=is_made))
    counting.count(lacking)
    # Then it is finished, once or twice, but not never
    assert set(counting.finishes) == {NAME}
    assert counting.record()["status"] == "FINISHING"
    assert counting.blocks() == {"0-0": small_blocks, "0-1": small_blocks, "1-0": 2}


def test_crash_of_the_finish_event_repeats_it(counting, modules):
    # Given
    counting.begin(1)
    calls = []

    def fail_once(name):
        calls.append(name)
        if len(calls) == 1:
            raise ClientError({"Error": {"Code": "InternalException"}}, "PutEvents")

    blocks = modules.count.Blocks(counting.table, counting.jobs)
    records = [stream_record(f"{NAME}/0", 0)]
    # When
    with pytest.raises(ClientError):
        modules.count.count_records(records, counting.jobs, blocks, fail_once)
    modules.count.count_records(records, counting.jobs, blocks, fail_once)
    # Then
    assert calls == [NAME, NAME]


def test_half_of_a_batch_is_enough_to_repeat_what_was_lost(counting, small_blocks):
    """Lambda halves a batch that fails, so that a repetition may not hold all of it."""
    # Given a crash right after the last position of a block was added
    counting.begin(2 * small_blocks)
    counting.count(range(small_blocks - 4))
    last = range(small_blocks - 4, small_blocks)
    with pytest.raises(Crash):
        counting.count(last, table=CrashingTable(counting.table, 2, is_made=True))
    assert "1-0" not in counting.blocks()
    # When
    counting.count(last[-2:])
    # Then the block is counted in the one above
    assert counting.blocks() == {"0-0": small_blocks, "1-0": 1}


def test_items_of_a_message_take_one_write_and_a_record_less_than_a_kilobyte(counting, monkeypatch):
    # Given a job of the longest name and the most digits
    name = "a" * 40 + "-0123456789ab"
    counting.begin(10**9, name)
    writes = []
    update = counting.table.update_item
    monkeypatch.setattr(counting.table, "update_item", lambda **call: writes.append(call) or update(**call))
    # When
    counting.count(range(10**9 - 260, 10**9 - 250), name)
    assert len(writes) == 1
    counting.count(range(10**9 - 500, 10**9 - 250), name)
    # Then
    found = counting.table.meta.client.get_item(TableName="jobs", Key={"job": f"{name}/0-3999998"})["Item"]
    assert len(found["places"]) == 250
    assert item_bytes(TypeSerializer().serialize(found)["M"]) + 250 < 1024


def test_the_handler_counts_an_event_and_sends_for_the_finish(counting, aws, modules, monkeypatch):
    # Given
    counting.begin(2)
    sent = []
    monkeypatch.setenv("JOBS_TABLE", "jobs")
    monkeypatch.setattr(modules.count_handler, "_events", lambda: aws.events)
    monkeypatch.setattr(aws.events, "put_events", lambda **call: sent.append(call) or {"FailedEntryCount": 0})
    # When
    event = {"Records": [stream_record(f"{NAME}/{position}", position) for position in (0, 1)]}
    assert modules.count_handler.count(event, None) is None
    # Then
    (entry,) = sent[0]["Entries"]
    assert entry == {
        "Source": "queue-fan-in",
        "DetailType": "Job Continues",
        "Detail": f'{{"job": "{NAME}", "phase": "finish"}}',
    }


def test_event_that_is_refused_fails_the_batch(aws, modules, monkeypatch):
    refusal = {
        "FailedEntryCount": 1,
        "Entries": [{"ErrorCode": "ThrottlingException", "ErrorMessage": "Rate exceeded"}],
    }
    monkeypatch.setattr(aws.events, "put_events", lambda **_: refusal)
    with pytest.raises(modules.events.EventRefusedError) as refused:
        modules.events.continue_job(aws.events, NAME, "finish")
    assert str(refused.value) == (
        f'event "Job Continues" of job {NAME} was refused: ThrottlingException: Rate exceeded'
    )
