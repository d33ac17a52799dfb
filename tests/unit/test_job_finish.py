"""Finishing a job: its rows in the list's order, its summary, one end, whatever crashes in between."""

import json
import zlib
from dataclasses import replace

import pytest
from botocore.exceptions import ClientError
from fan_in_folder import LISTS, RESULTS, Clock, fan_in_aws, load_fan_in
from hypothesis import given, settings
from hypothesis import strategies as st

NAME = "list-0123456789ab"
MODULES = ("jobs", "finish", "list_reader", "ordered_results", "positions", "results", "rows", "summary")


class Crash(BaseException):
    """The function's environment is gone."""


class Finishing:
    """The finish function over moto, with a clock of the test's own."""

    def __init__(self, modules, aws):
        self.modules = modules
        self.aws = aws
        self.clock = Clock()
        self.jobs = modules.jobs.Jobs(aws.jobs_table, self.clock)
        self.due = []
        self.announced = []

    def begin(self, content, total, key="lists/list.jsonl", **ending):
        """Have a job whose list was sent, and that is to be finished."""
        body = content if isinstance(content, bytes) else content.encode()
        version = self.aws.s3.put_object(Bucket=LISTS, Key=key, Body=body)["VersionId"]
        source = {"bucket": LISTS, "key": key, "versionId": version, "format": key.rpartition(".")[2]}
        self.jobs.record(NAME, source, 60.0)
        if total is not None:
            self.jobs.take_lease(NAME, "RUNNING").save(total=total, sent=total // 2)
        self.jobs.begin_finish(NAME, **ending)

    def put(self, position, result=None, *, error=None, attempts=1):
        """Record what became of a position, as a worker does."""
        kind, value = ("error", error) if error else ("result", result)
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        self.aws.results_table.put_item(
            Item={
                "part": f"{NAME}/{self.modules.positions.partition_of(position)}",
                "position": position,
                kind: zlib.compress(text.encode()),
                **({} if attempts == 1 else {"attempts": attempts}),
            }
        )

    def run(self, has_time=lambda: True):
        self.modules.finish.finish_job(
            self.jobs,
            NAME,
            open_source=lambda job: self.modules.list_reader.open_list(self.aws.s3, job),
            output=self.modules.finish.Output(self.aws.dynamodb, "results", self.aws.s3, RESULTS),
            continue_job=lambda job, phase: self.due.append((job, phase)),
            announce_end=self.announced.append,
            has_time=has_time,
            clock=self.clock,
        )

    def files(self):
        """Read the output: the texts of all objects by key."""
        listed = self.aws.s3.list_objects_v2(Bucket=RESULTS).get("Contents", [])
        return {
            each["Key"]: self.aws.s3.get_object(Bucket=RESULTS, Key=each["Key"])["Body"].read().decode()
            for each in listed
        }

    def rows(self):
        """Read the rows as the summary names them."""
        files = self.files()
        summary = json.loads(files[f"jobs/{NAME}/summary.json"])
        return [json.loads(line) for key in summary["results"]["rows"] for line in files[key].splitlines()]

    def record(self):
        return self.aws.jobs_table.get_item(Key={"job": NAME})["Item"]


@pytest.fixture
def finishing(monkeypatch):
    with fan_in_aws() as aws, load_fan_in(*MODULES) as modules:
        monkeypatch.setattr(modules.finish, "LOOK_ROWS", 5)
        monkeypatch.setattr(modules.positions, "BLOCK_POSITIONS", 2)
        monkeypatch.setattr(modules.rows, "FILE_ROWS", 20)
        yield Finishing(modules, aws)


def lines(items):
    return "".join(f"{json.dumps(item)}\n" for item in items)


def test_rows_have_items_and_results_as_they_are_in_the_order_of_the_list(finishing):
    # Given
    finishing.begin('{"n": 1.10}\n12345678901234567890123\n"ü"\n', 3)
    finishing.put(2, {"of": "ü"})
    finishing.put(0, None)
    finishing.put(1, error={"name": "ValueError", "message": "bad"}, attempts=3)
    # When
    finishing.clock.sleep(2.5)
    finishing.run()
    # Then
    files = finishing.files()
    assert files[f"jobs/{NAME}/rows-00000.jsonl"] == (
        '{"index":0,"item":{"n": 1.10},"status":"succeeded","result":null,"attempts":1}\n'
        '{"index":1,"item":12345678901234567890123,"status":"failed",'
        '"error":{"name":"ValueError","message":"bad"},"attempts":3}\n'
        '{"index":2,"item":"ü","status":"succeeded","result":{"of":"ü"},"attempts":1}\n'
    )
    # And the summary counts them
    summary = json.loads(files[f"jobs/{NAME}/summary.json"])
    assert summary == {
        "items": 3,
        "succeeded": 2,
        "failed": 1,
        "missing": 0,
        "errors": {"ValueError": 1},
        "attempts": 5,
        "status": "DONE",
        "startedAt": "2027-01-15T08:00:00.000Z",
        "endedAt": "2027-01-15T08:00:02.500Z",
        "list": {
            "bucket": LISTS,
            "key": "lists/list.jsonl",
            "versionId": finishing.record()["versionId"],
        },
        "results": {
            "bucket": RESULTS,
            "rows": [f"jobs/{NAME}/rows-00000.jsonl"],
            "summary": f"jobs/{NAME}/summary.json",
        },
    }
    # And the end is announced, and recorded
    assert finishing.announced == [{"job": NAME, **summary}]
    record = finishing.record()
    assert (record["status"], record["summary"], record["endedAt"]) == ("DONE", summary, summary["endedAt"])
    assert "open" not in record
    # And all was sent, even if the split function could not note it any more
    assert record["sent"] == 3


@pytest.mark.parametrize("key", ["lists/a.jsonl", "lists/a.json", "lists/a.csv"])
def test_long_output_is_in_several_files_and_takes_several_invocations(finishing, key):
    # Given
    items = [{"n": str(number)} for number in range(70)]
    content = {
        "jsonl": lines(items),
        "json": json.dumps(items, indent=2),
        "csv": "n\n" + "".join(f"{number}\n" for number in range(70)),
    }[key.rpartition(".")[2]]
    finishing.begin(content, 70, key)
    for position in range(70):
        finishing.put(position, position)
    # When each has time for about a file
    for _ in range(3):
        looks = iter(range(4))
        finishing.run(lambda looks=looks: next(looks, None) is not None)
        assert finishing.due.pop() == (NAME, "finish")
        assert finishing.announced == []
    finishing.run()
    # Then
    assert finishing.due == []
    assert finishing.rows() == [
        {"index": number, "item": item, "status": "succeeded", "result": number, "attempts": 1}
        for number, item in enumerate(items)
    ]
    counts = [text.count("\n") for key, text in finishing.files().items() if "rows" in key]
    assert counts == [20, 20, 20, 10]


def test_a_file_is_full_by_its_bytes_too(finishing, monkeypatch):
    monkeypatch.setattr(finishing.modules.rows, "FILE_BYTES", 400)
    finishing.begin(lines(range(12)), 12)
    for position in range(12):
        finishing.put(position, "x" * 150)
    finishing.run()
    assert [text.count("\n") for key, text in finishing.files().items() if "rows" in key] == [2] * 6
    assert [row["index"] for row in finishing.rows()] == list(range(12))


@pytest.mark.parametrize("crash_at", range(1, 15))
def test_a_crash_anywhere_is_repeated_to_the_same_bytes_and_one_end(finishing, crash_at, monkeypatch):
    # Given what the output is without a crash
    finishing.begin(lines(range(45)), 45, incomplete=True)
    for position in range(45):
        if position % 9:
            finishing.put(position, position)
    calls, update, put = [], finishing.jobs.update, finishing.aws.s3.put_object

    def count():
        calls.append(1)
        if len(calls) == crash_at:
            raise Crash

    def dying_update(*arguments):
        count()
        return update(*arguments)

    def dying_put(**arguments):
        count()
        put(**arguments)
        count()

    finishing.jobs.update = dying_update
    monkeypatch.setattr(finishing.aws.s3, "put_object", dying_put)
    try:
        finishing.run()
    except Crash:
        # When it is tried again, later, and a result comes late
        finishing.clock.sleep(60)
        finishing.run()
    # Then
    rows = finishing.rows()
    assert [row["index"] for row in rows] == list(range(45))
    assert [row["index"] for row in rows if row["status"] == "missing"] == [0, 9, 18, 27, 36]
    assert finishing.record()["status"] == "INCOMPLETE"
    # And what was announced, perhaps twice, is the same each time and what is recorded
    assert {json.dumps(each) for each in finishing.announced} == {
        json.dumps({"job": NAME, **json.loads(finishing.files()[f"jobs/{NAME}/summary.json"])})
    }
    assert finishing.record()["summary"] == json.loads(finishing.files()[f"jobs/{NAME}/summary.json"])


def test_what_is_missing_at_the_deadline_stays_missing(finishing):
    # Given
    finishing.begin(lines("abc"), 3, incomplete=True)
    finishing.put(1, "B")
    # When
    finishing.run()
    # Then
    assert finishing.rows() == [
        {"index": 0, "item": "a", "status": "missing", "attempts": 0},
        {"index": 1, "item": "b", "status": "succeeded", "result": "B", "attempts": 1},
        {"index": 2, "item": "c", "status": "missing", "attempts": 0},
    ]
    summary = finishing.announced[0]
    counts = {name: summary[name] for name in ("items", "succeeded", "failed", "missing", "attempts")}
    assert counts == {"items": 3, "succeeded": 1, "failed": 0, "missing": 2, "attempts": 1}
    assert (summary["status"], finishing.record()["status"]) == ("INCOMPLETE", "INCOMPLETE")
    # And a worker that comes late finds it taken
    with pytest.raises(ClientError, match="ConditionalCheckFailed"):
        finishing.aws.results_table.put_item(
            Item={"part": f"{NAME}/0", "position": 0, "result": b"late"},
            ConditionExpression="attribute_not_exists(part)",
        )


def test_a_job_past_its_deadline_that_lacks_nothing_is_done(finishing):
    finishing.begin(lines("a"), 1, incomplete=True)
    finishing.put(0, "A")
    finishing.run()
    assert finishing.record()["status"] == "DONE"


def test_a_complete_job_that_lacks_a_result_is_tried_again(finishing):
    # Given
    finishing.begin(lines(range(40)), 40)
    for position in range(40):
        if position != 33:
            finishing.put(position, position)
    # When
    with pytest.raises(finishing.modules.finish.ResultsMissingError, match=r"no result of item \[33\]"):
        finishing.run()
    # Then nothing is announced, and a later attempt finds it
    assert finishing.announced == []
    assert finishing.record()["status"] == "FINISHING"
    finishing.put(33, 33)
    finishing.clock.sleep(60)
    finishing.run()
    assert [row["result"] for row in finishing.rows()] == list(range(40))


def test_a_page_that_lags_behind_the_table_is_filled_up(finishing, monkeypatch):
    # Given pages that lack what was written last
    finishing.begin(lines(range(64)), 64)
    for position in range(64):
        finishing.put(position, position)
    read_page = finishing.modules.finish.read_page

    def lagging(*arguments):
        return [result for result in read_page(*arguments) if result.position not in {3, 17, 62, 63}]

    monkeypatch.setattr(finishing.modules.finish, "read_page", lagging)
    # When
    finishing.run()
    # Then
    assert [row["result"] for row in finishing.rows()] == list(range(64))


def test_an_empty_job_has_a_summary_and_no_rows(finishing):
    finishing.begin("", 0)
    finishing.run()
    assert list(finishing.files()) == [f"jobs/{NAME}/summary.json"]
    assert finishing.rows() == []
    assert finishing.announced[0]["items"] == 0
    assert finishing.record()["status"] == "DONE"


def test_a_job_whose_list_could_not_be_split_says_what_split_failed_with(finishing):
    # Given a list at which Split failed until the deadline
    source = {"bucket": LISTS, "key": "lists/list.jsonl", "versionId": "v1", "format": "jsonl"}
    finishing.jobs.record(NAME, source, 60.0)
    failure = {"name": "ClientError", "message": "An error occurred (AccessDenied)"}
    finishing.jobs.take_lease(NAME, "RUNNING").note(splitFailure=failure)
    finishing.jobs.begin_finish(NAME, incomplete=True)
    # When
    finishing.run()
    # Then
    (announced,) = finishing.announced
    assert announced["error"] == {
        "name": "SplitFailed",
        "message": "the list was not checked to its end at the job's deadline, because Split failed, the "
        "last time with ClientError: An error occurred (AccessDenied): see its log and the queue "
        "FailedEvents, and drop the list again",
    }
    assert finishing.record()["error"] == announced["error"]


@pytest.mark.parametrize(
    ("ending", "error"),
    [
        (
            {"error": {"name": "ListInvalid", "message": "line 3: no"}},
            {"name": "ListInvalid", "message": "line 3: no"},
        ),
        (
            {"incomplete": True},
            {
                "name": "DeadlineExceeded",
                "message": "the list was not checked to its end at the job's deadline: "
                "if Split's log names no error, raise queueFanIn.deadlineMinutes",
            },
        ),
    ],
)
def test_a_job_that_fails_is_announced_with_its_error(finishing, ending, error):
    # When
    finishing.begin("{", None, **ending)
    finishing.run()
    # Then
    record = finishing.record()
    moments = {"startedAt": "2027-01-15T08:00:00.000Z", "endedAt": "2027-01-15T08:00:00.000Z"}
    source = {"bucket": LISTS, "key": "lists/list.jsonl", "versionId": record["versionId"]}
    assert finishing.announced == [
        {"job": NAME, "status": "FAILED", "error": error, **moments, "list": source}
    ]
    assert (record["status"], record["error"]) == ("FAILED", error)
    assert "open" not in record
    assert finishing.files() == {}


def test_a_list_whose_version_is_gone_fails_the_job_and_leaves_its_results_in_the_table(finishing):
    finishing.begin(lines("a"), 1)
    finishing.put(0, "A")
    record = finishing.record()
    finishing.aws.s3.delete_object(Bucket=LISTS, Key=record["key"], VersionId=record["versionId"])
    finishing.run()
    assert finishing.record()["status"] == "FAILED"
    assert finishing.announced[0]["error"]["name"] == "ListNotFound"
    assert finishing.files() == {}
    (kept,) = finishing.aws.results_table.scan()["Items"]
    assert (kept["part"], zlib.decompress(kept["result"].value)) == (f"{NAME}/0", b'"A"')


@pytest.mark.parametrize(("items", "status"), [(40, "DONE"), (41, "FAILED")])
def test_rows_in_more_files_than_an_event_can_name_fail_the_job(finishing, monkeypatch, items, status):
    # Given files of twenty rows
    monkeypatch.setattr(finishing.modules.finish, "FILES_LIMIT", 2)
    finishing.begin(lines(range(items)), items)
    for position in range(items):
        finishing.put(position, position)
    # When
    finishing.run()
    # Then
    assert finishing.record()["status"] == status
    if status == "FAILED":
        assert finishing.announced[0]["error"] == {
            "name": "OutputTooLarge",
            "message": "the rows of 40 of 41 items fill 2 files, and a job has no more: drop the list in "
            "parts, or keep large results in S3",
        }


def test_longest_summary_fits_an_event(finishing):
    # Given as many files as a job may have, and error names of characters of three bytes
    modules = finishing.modules
    finishing.begin(lines("a"), 1)
    job = finishing.jobs.read(NAME)
    counts = modules.summary.Counts({"errors": {f"{number:03}" + "訂" * 253: 10**9 for number in range(100)}})
    job = replace(job, name="a" * 40 + "-0123456789ab", key="lists/" + "訂" * 339, total=10**9)
    # When
    files = modules.finish.FILES_LIMIT
    summary = modules.summary.summarise_job(
        job, counts, files=files, bucket="b" * 63, ended_at=job.started_at
    )
    # Then
    assert len(json.dumps({"job": job.name, **summary}, ensure_ascii=False).encode()) < 250_000


def test_a_list_that_is_deleted_or_replaced_stays_a_version_that_the_rows_are_written_from(finishing):
    finishing.begin(lines("a"), 1)
    finishing.put(0, "A")
    key = finishing.record()["key"]
    finishing.aws.s3.put_object(Bucket=LISTS, Key=key, Body=b'"another"')
    finishing.aws.s3.delete_object(Bucket=LISTS, Key=key)
    finishing.run()
    assert finishing.record()["status"] == "DONE"
    assert [row["item"] for row in finishing.rows()] == ["a"]


def test_a_second_event_does_nothing_while_one_is_at_work_and_after_the_end(finishing):
    # Given
    finishing.begin(lines("a"), 1)
    finishing.put(0, "A")
    lease = finishing.jobs.take_lease(NAME, "FINISHING")
    # When
    finishing.run()
    # Then
    assert finishing.files() == {}
    lease.release()
    finishing.run()
    finishing.run()
    assert len(finishing.announced) == 1


def test_error_names_beyond_a_hundred_are_counted_together(finishing):
    # Given
    finishing.begin(lines(range(110)), 110)
    for position in range(110):
        finishing.put(position, error={"name": f"Error{min(position, 105)}", "message": ""})
    # When
    finishing.run()
    # Then
    errors = finishing.announced[0]["errors"]
    assert len(errors) == 101
    assert next(iter(errors.items())) == ("(other)", 10)
    assert finishing.announced[0]["failed"] == 110


positions_there = st.sets(st.integers(0, 199))


@settings(deadline=None)
@given(positions_there, st.integers(0, 200), st.integers(0, 200), st.integers(1, 5), st.integers(1, 8))
def test_results_come_in_order_whatever_is_there_and_wherever_it_begins(
    there, first, total, page_size, block_size
):
    with load_fan_in("ordered_results", "positions", "results") as modules:
        modules.positions.BLOCK_POSITIONS = block_size

        def result(position, kind):
            return modules.results.Result(position, kind, 1, b"")

        def read_page(partition, first):
            found = sorted(each for each in there if each // block_size % 16 == partition and each >= first)
            return [result(position, "result") for position in found[:page_size]]

        def find_absent(positions):
            assert not there & set(positions)
            return [result(position, "missing") for position in positions]

        modules.ordered_results.GAP_POSITIONS = page_size
        # When
        with modules.ordered_results.ordered_results(read_page, find_absent, first, total) as results:
            found = [(each.position, each.kind) for each in results]
    # Then
    assert found == [
        (position, "result" if position in there else "missing") for position in range(first, total)
    ]
