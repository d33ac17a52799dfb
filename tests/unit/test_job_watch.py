"""Watching a job: how far it is, what a read costs, when it ends, and which failures are waited out."""

import importlib
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from job_builder import JOB, STARTED, ended, put, record, simulate_aws

from utils.command import CommandError
from utils.jobs.blocks import BlockCounts
from utils.jobs.job import JOB_FORM, LONGEST_JOB_CHARACTERS, job_id, read_job
from utils.jobs.progress import JobReading
from utils.jobs.table import JobsTable, open_jobs
from utils.jobs.watcher import JobWatcher
from utils.watch.samples import Sample

FAN_IN = Path(__file__).parents[2] / "lambdas" / "queue_fan_in" / "fan_in"
BEGUN = datetime.fromisoformat(STARTED)


@pytest.fixture
def aws():
    with simulate_aws() as aws:
        yield aws


class Time:
    """A clock that only sleeping moves; what is planned happens when its time comes."""

    def __init__(self):
        self.now = 0.0
        self.slept = []
        self.plan = {}

    def clock(self):
        return self.now

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds
        for at in [at for at in self.plan if at <= self.now]:
            self.plan.pop(at)()


@pytest.fixture
def time():
    return Time()


@pytest.fixture
def watch(time):
    """Watch the job to its end; returns what each read came to."""

    def run(job=JOB, start_seconds=10.0, table=None):
        watcher = JobWatcher(table or open_jobs(boto3.Session()), job, sleep=time.sleep, clock=time.clock)
        seen = []
        for _ in watcher.watch(start_seconds):
            seen.append((watcher.job.status if watcher.job else None, watcher.done))
            assert len(seen) < 100
        return seen, watcher

    return run


def fan_in_module(monkeypatch, name):
    """A module of the functions, which are deployed without the folder of the commands."""
    monkeypatch.syspath_prepend(FAN_IN)
    monkeypatch.delitem(sys.modules, name, raising=False)
    return importlib.import_module(name)


@pytest.mark.parametrize("total", [1, 249, 250, 251, 62_500, 62_501, 1_000_000, 15_625_001])
def test_blocks_are_those_that_the_functions_count(monkeypatch, total):
    positions = fan_in_module(monkeypatch, "positions")
    counts = BlockCounts(total)
    blocks, parts = [counts.top], 1
    for level in range(counts.top.level, -1, -1):
        # Then each level has as many as the functions find, the same ones
        assert [block.number for block in blocks] == list(range(parts))
        assert {block.level for block in blocks} == {level}
        assert sum(block.size(total) for block in blocks) == total
        assert positions.has_all(blocks[0], total) == (level == counts.top.level)
        parts = sum(positions.block_size(block, total) for block in blocks)
        blocks = [below for block in blocks for below in counts.open_blocks(block)]
    assert parts == total


@pytest.mark.parametrize(
    ("key", "stem"),
    [
        ("lists/orders.jsonl", "orders"),
        ("lists/2026/orders of may.v2.csv", "ordersofmayv2"),
        ("lists/zamówienia.json", "zamwienia"),
        ("lists/訂單.json", "list"),
        ("lists/-_x.json", "_x"),
        ("lists/" + "x" * 60 + ".json", "x" * 40),
    ],
)
def test_a_job_is_named_as_the_functions_name_it(monkeypatch, key, stem):
    split = fan_in_module(monkeypatch, "split")
    name = job_id(key, "3/L4kqtJlcpXroDTDmJ+rmSpXd3dIbrHY")
    assert name == split.name_job(key, "3/L4kqtJlcpXroDTDmJ+rmSpXd3dIbrHY")
    assert name.startswith(f"{stem}-")
    assert len(name) <= LONGEST_JOB_CHARACTERS
    # The name is one that the commands take, and another version is another job
    assert JOB_FORM.fullmatch(name)
    assert job_id(key, "another") != name


def put_blocks(table, blocks):
    """Write the records of blocks: by id, the places that are done."""
    for block, places in blocks.items():
        table.put_item(Item={"job": f"{JOB}/{block}", "places": set(places), "expiresAt": 1})


def test_items_are_counted_by_whole_blocks_and_by_the_positions_of_the_others(aws, time, watch):
    # Given 40,100 items, of which two blocks are whole, one of them the short last one, and two have begun
    put(aws.table, record(total=40_100, sent=40_100))
    put_blocks(aws.table, {"1-0": [0, 160], "0-0": range(250), "0-160": range(100)})
    put_blocks(aws.table, {"0-1": [0, 16, 32], "0-7": [249]})

    time.plan = {
        0.9: lambda: put_blocks(aws.table, {"0-1": range(250), "1-0": [0, 1, 160]}),
        3: lambda: put(aws.table, ended()),
    }
    # When
    seen, _ = watch()
    # Then
    assert seen[0] == ("RUNNING", 354)
    assert seen[-2:] == [("RUNNING", 601), ("DONE", 601)]


def test_a_list_of_one_block_is_counted_by_its_positions(aws, time, watch):
    put(aws.table, record(total=250, sent=250))
    put_blocks(aws.table, {"0-0": range(17)})
    time.plan = {0.9: lambda: put(aws.table, ended())}
    assert watch()[0][0] == ("RUNNING", 17)


def test_a_read_that_lags_behind_takes_nothing_back(aws, time, watch):
    put(aws.table, record(total=250, sent=250))
    put_blocks(aws.table, {"0-0": range(17)})
    time.plan = {0.4: lambda: put_blocks(aws.table, {"0-0": range(5)}), 3: lambda: put(aws.table, ended())}
    assert {done for _, done in watch()[0]} == {17}


def test_a_read_asks_for_a_hundred_blocks_of_each_level_at_most(aws, time, watch):
    # Given a job of 1,000 blocks of 4 others, all of which have one position
    put(aws.table, record(total=250_000, sent=250_000))
    put_blocks(aws.table, {"2-0": [3], "1-0": [0, 1, 2], "1-1": [10]})
    with aws.table.batch_writer() as batch:
        for number in range(750):
            batch.put_item({"job": f"{JOB}/0-{number}", "places": {1}})
    calls = []
    aws_table = open_counting(calls)
    time.plan = {30: lambda: put(aws.table, ended())}
    # When
    seen, _ = watch(table=aws_table)
    # Then the whole ones count at once, and of the others a hundred more with each read
    reads = [call for call in calls if call != "GetItem"]
    assert reads[:9] == [1, 3, 100] * 3
    assert seen[0] == ("RUNNING", 62_500 + 4 * 250 + 100)
    assert seen[1] == ("RUNNING", 62_500 + 4 * 250 + 200)
    assert seen[7] == ("RUNNING", 62_500 + 4 * 250 + 746)
    # and reading so much is done less often
    assert min(time.slept[:7]) >= 2.0


def open_counting(calls):
    """Open the jobs table, noting each request: how many keys a batch has, of others the name."""
    resource = boto3.resource("dynamodb")

    def note(params, model, **_):
        keys = params.get("RequestItems", {}).get("the-jobs", {}).get("Keys")
        calls.append(len(keys) if keys else model.name)

    resource.meta.client.meta.events.register("before-parameter-build.dynamodb", note)
    return JobsTable(resource, "the-jobs")


def test_a_job_that_starts_late_is_waited_for(aws, time, watch):
    time.plan = {4: lambda: put(aws.table, record()), 6: lambda: put(aws.table, ended())}
    seen, watcher = watch()
    statuses = [status for status, _ in seen]
    assert statuses[0] is None
    assert [status for status in dict.fromkeys(statuses) if status] == ["RUNNING", "DONE"]
    assert watcher.job.summary.succeeded == 2


@pytest.mark.usefixtures("aws")
def test_a_job_that_does_not_start_is_given_up(time, watch):
    seen, watcher = watch(start_seconds=10.0)
    assert watcher.job is None
    assert 10 <= time.now < 11
    assert set(seen) == {(None, 0)}


@pytest.mark.parametrize("status", ["DONE", "INCOMPLETE", "FAILED"])
def test_an_ended_job_is_read_once(aws, time, watch, status):
    put(aws.table, ended(status))
    seen, _ = watch()
    assert [status for status, _ in seen] == [status]
    assert time.slept == []


class Failing:
    """A jobs table whose reads fail a number of times after the first."""

    def __init__(self, error, times):
        self._failures = [error] * times
        self._reads = 0

    def find(self, job):
        self._reads += 1
        if self._reads > 1 and self._failures:
            raise self._failures.pop()
        return read_job(ended(job=job) if self._reads > 1 else record(job=job))


def throttled(code="ThrottlingException"):
    return ClientError({"Error": {"Code": code, "Message": "m"}}, "GetItem")


NO_ANSWER = EndpointConnectionError(endpoint_url="https://dynamodb.eu-west-1.amazonaws.com")


@pytest.mark.parametrize(
    ("error", "times"),
    [
        (throttled(), 20),
        (throttled("ProvisionedThroughputExceededException"), 20),
        (throttled("InternalServerError"), 5),
        (NO_ANSWER, 5),
    ],
)
def test_what_passes_is_waited_out(watch, error, times):
    seen, _ = watch(table=Failing(error, times))
    assert len(seen) == times + 2
    assert seen[-1][0] == "DONE"


@pytest.mark.parametrize(
    ("error", "times", "line"),
    [
        (NO_ANSWER, 6, f"reading job {JOB}: AWS does not answer"),
        (throttled("AccessDeniedException"), 1, f"reading job {JOB}: no permission: use a profile that may"),
    ],
)
def test_what_does_not_pass_is_one_line(watch, error, times, line):
    with pytest.raises(CommandError) as caught:
        watch(table=Failing(error, times))
    assert str(caught.value).startswith(line)
    assert "\n" not in str(caught.value)


def reading(samples=(), done=0, **job):
    watcher = JobWatcher(None, JOB)
    watcher.job = read_job(record(**job)) if job else None
    watcher.done, watcher.samples = done, list(samples)
    return JobReading.of(watcher, BEGUN)


GROWING = [Sample(0, 0, 10_000), Sample(10, 4_000, 10_000)]


@pytest.mark.parametrize(
    ("shown", "text"),
    [
        (reading(), "waiting for the job to start, 6.0 s"),
        (reading(checkpoint={"phase": "check"}), "checking the list, 6.0 s elapsed"),
        (
            reading(checkpoint={"phase": "check", "position": 120_000}),
            "checking the list, 120,000 items so far, 6.0 s elapsed",
        ),
        (reading(total=10_000), "0/10,000 done, 0 sent, 6.0 s elapsed"),
        (
            reading(total=10, sent=2, splitFailure={"name": "ClientError", "message": "no"}),
            "0/10 done, 2 sent, Split failed: ClientError, 6.0 s elapsed",
        ),
        (
            reading(splitFailure={"name": "ClientError", "message": "no"}),
            "checking the list, Split failed: ClientError, 6.0 s elapsed",
        ),
        (
            reading(total=2, sent=2, splitFailure={"name": "ClientError", "message": "no"}),
            "0/2 done, 6.0 s elapsed",
        ),
        (
            reading(GROWING, 4_000, total=10_000, sent=5_000),
            "4,000/10,000 done, 400 items/s, 15.0 s left, 5,000 sent, 6.0 s elapsed",
        ),
        (
            reading(GROWING, 4_000, total=10_000, sent=10_000),
            "4,000/10,000 done, 400 items/s, 15.0 s left, 6.0 s elapsed",
        ),
        (
            reading(
                [*GROWING, Sample(20, 9_999, 10_000), Sample(21, 9_999, 10_000)],
                9_999,
                total=10_000,
                sent=10_000,
            ),
            "9,999/10,000 done, 476 items/s, 6.0 s elapsed",
        ),
        (reading(done=10, total=10, sent=10, status="FINISHING"), "writing the rows, 6.0 s elapsed"),
        (
            reading(done=10, total=200_000, status="FINISHING", finish={"position": 100_000}),
            "writing the rows, 100,000/200,000 written, 6.0 s elapsed",
        ),
        (
            reading(status="FINISHING", error={"name": "ListInvalid", "message": "line 3"}),
            "failed, ending, 6.0 s elapsed",
        ),
    ],
)
def test_the_progress_in_words(shown, text):
    assert shown.text(BEGUN + timedelta(seconds=6)) == text


def test_a_clock_that_is_behind_makes_no_nonsense():
    assert reading(total=1).text(datetime(2026, 3, 2, 8, tzinfo=UTC)) == "0/1 done, 0 sent, 0.0 s elapsed"
