"""Splitting a list: all of it or nothing, every item once unless there was a crash, and never a gap."""

import json
from types import SimpleNamespace

import pytest
from fan_in_folder import LISTS, Clock, fan_in_aws, load_fan_in

from utils.jobs.job import job_id

DEADLINE_SECONDS = 3600.0


class Crash(BaseException):
    """The function's environment is gone."""


def crash(*_):
    raise Crash


def only_leases(update):
    """Let only the lease be taken."""

    def refuse(name, condition, sets, removes=None):
        if "leaseOwner" not in sets:
            raise ConnectionError("no network")
        return update(name, condition, sets, removes)

    return refuse


class Splitting:
    """The split function over moto, with what a test decides on: the time, and what is in a stretch."""

    def __init__(self, modules, aws):
        self.modules = modules
        self.aws = aws
        self.clock = Clock()
        self.jobs = modules.jobs.Jobs(aws.jobs_table, self.clock)
        self.due = []
        self.max_items = 10
        self.sqs = aws.sqs
        self.waits = []

    def drop(self, content, key="lists/list.jsonl"):
        """Drop a list; returns its job."""
        body = content if isinstance(content, bytes) else content.encode()
        version = self.aws.s3.put_object(Bucket=LISTS, Key=key, Body=body)["VersionId"]
        return self.modules.split.record_job(self.jobs, LISTS, key, version, DEADLINE_SECONDS)

    def run(self, name, has_time=lambda: True):
        self.modules.split.split_list(
            self.jobs,
            name,
            open_source=lambda job: self.modules.list_reader.open_list(self.aws.s3, job),
            sender=self.modules.messages.MessageSender(self.sqs, self.aws.queue_url, self.waits.append),
            max_items=self.max_items,
            continue_job=lambda job, phase: self.due.append((job, phase)),
            has_time=has_time,
        )

    def run_all(self, name, has_time):
        """Invoke as often as the function asks for it; returns how often."""
        self.due = [(name, "split")]
        for count in range(1, 1000):
            assert self.due.pop(0) == (name, "split")
            self.run(name, has_time())
            if not self.due:
                return count
        raise AssertionError("it never ends")

    def messages(self):
        """Take all messages from the queue."""
        bodies = []
        while batch := self.aws.sqs.receive_message(QueueUrl=self.aws.queue_url, MaxNumberOfMessages=10).get(
            "Messages"
        ):
            bodies += [message["Body"] for message in batch]
        return bodies

    def sent(self):
        """Take the items from the queue, as pairs of position and item in the order of positions."""
        pairs = [tuple(pair) for body in self.messages() for pair in json.loads(body)["items"]]
        return sorted(pairs, key=lambda pair: pair[0])


@pytest.fixture
def splitting(monkeypatch):
    with (
        fan_in_aws() as aws,
        load_fan_in("jobs", "split", "list_reader", "messages") as modules,
    ):
        monkeypatch.setattr(modules.split, "STRETCH_ITEMS", 7)
        yield Splitting(modules, aws)


def lines(items):
    return "".join(f"{json.dumps(item)}\n" for item in items)


def times(count):
    """Have time so often, and then no more."""
    left = iter(range(count))
    return lambda: next(left, None) is not None


def test_every_item_is_sent_once_with_its_position(splitting):
    # When
    name = splitting.drop(lines(f"item {number}" for number in range(100)))
    splitting.run(name)
    # Then
    assert splitting.sent() == [(number, f"item {number}") for number in range(100)]
    job = splitting.jobs.read(name)
    assert (job.status, job.total, job.sent) == ("RUNNING", 100, 100)
    assert job.checkpoint["phase"] == "sent"
    assert splitting.due == []
    # And the lease is free
    assert splitting.jobs.take_lease(name, "RUNNING")


def test_a_message_says_what_the_worker_needs(splitting):
    name = splitting.drop(lines([1.50, {"a": "b"}]).replace("1.5", "1.50"))
    splitting.run(name)
    (body,) = splitting.messages()
    assert body == (
        f'{{"job":"{name}","expiresAt":{int(splitting.clock.now + DEADLINE_SECONDS) + 7 * 86_400},'
        '"attempts":0,"items":[[0,1.50],[1,{"a": "b"}]]}'
    )


def test_items_fill_messages_and_messages_fill_batches(splitting, monkeypatch):
    # Given
    monkeypatch.setattr(splitting.modules.split, "STRETCH_ITEMS", 1000)
    batches = []
    send = splitting.sqs.send_message_batch
    splitting.sqs = SimpleNamespace(
        send_message_batch=lambda **request: batches.append(request["Entries"]) or send(**request)
    )
    # When
    name = splitting.drop(lines(range(950)))
    splitting.run(name)
    # Then
    assert sorted(len(batch) for batch in batches) == [5, *[10] * 9]
    items = [len(json.loads(entry["MessageBody"])["items"]) for batch in batches for entry in batch]
    assert items == [10] * 95


def test_a_message_of_several_items_has_64_kib_and_a_batch_256(splitting, monkeypatch):
    # Given
    monkeypatch.setattr(splitting.modules.split, "STRETCH_ITEMS", 1000)
    batches = []
    send = splitting.sqs.send_message_batch
    splitting.sqs = SimpleNamespace(
        send_message_batch=lambda **request: batches.append(request["Entries"]) or send(**request)
    )
    # When
    items = ["é" * 10_000, *["x" * 30_000] * 30, "€" * 60_000, "y" * 200_000, "z"]
    name = splitting.drop(lines(items))
    splitting.run(name)
    # Then
    for batch in batches:
        sizes = [len(entry["MessageBody"].encode()) for entry in batch]
        assert sum(sizes) <= 256 * 1024
        assert all(
            size <= 64 * 1024 or len(json.loads(entry["MessageBody"])["items"]) == 1
            for size, entry in zip(sizes, batch, strict=True)
        )
    assert splitting.sent() == list(enumerate(items))


def test_characters_that_sqs_refuses_travel_as_escapes(splitting):
    name = splitting.drop('"a\uffffb"\n"\ufffe\\\\"\n')
    splitting.run(name)
    (body,) = splitting.messages()
    assert "\uffff" not in body
    assert json.loads(body)["items"] == [[0, "a\uffffb"], [1, "\ufffe\\"]]


@pytest.mark.parametrize("key", ["lists/a.jsonl", "lists/a.json", "lists/a.CSV"])
@pytest.mark.parametrize("stretches", [1, 2, 5])
def test_a_list_longer_than_an_invocation_goes_on_with_no_gap_and_no_copy(splitting, key, stretches):
    # Given a list that takes many invocations to check, and many to send
    items = [{"n": str(number), "t": "ü" * (number % 5)} for number in range(60)]
    content = {
        "jsonl": lines(items),
        "json": json.dumps(items, indent=1, ensure_ascii=False),
        "CSV": "n,t\n" + "".join(f'{item["n"]},"{item["t"]}"\n' for item in items),
    }[key.rpartition(".")[2]]
    name = splitting.drop(content, key)
    # When each has time for so many stretches only
    count = splitting.run_all(name, lambda: times(stretches))
    # Then
    assert count > 9 / stretches
    assert splitting.sent() == list(enumerate(items))
    assert splitting.jobs.read(name).total == 60


@pytest.mark.parametrize("crash_at", range(1, 14))
def test_a_crash_between_two_calls_sends_at_most_one_stretch_again(splitting, crash_at):
    # Given a function that dies before one of its writes to the record
    name = splitting.drop(lines(range(40)))
    update, calls = splitting.jobs.update, []

    def dying(*arguments):
        calls.append(arguments)
        if len(calls) == crash_at:
            raise Crash
        return update(*arguments)

    splitting.jobs.update = dying
    try:
        splitting.run(name)
    except Crash:
        # When it is tried again, too soon and later
        splitting.run(name)
        splitting.clock.sleep(60)
        splitting.run(name)
    # Then
    sent = splitting.sent()
    assert sorted(set(sent)) == [(number, number) for number in range(40)]
    assert len(sent) <= 40 + 7
    assert splitting.jobs.read(name).checkpoint["phase"] == "sent"


def test_a_second_delivery_of_the_event_does_nothing(splitting):
    # Given a function that is at work
    name = splitting.drop(lines(range(20)))
    assert splitting.jobs.take_lease(name, "RUNNING")
    # When
    splitting.run(name)
    # Then
    assert splitting.sent() == []
    assert splitting.due == []


def test_who_lost_the_lease_stops_and_writes_nothing(splitting):
    # Given
    name = splitting.drop(lines(range(40)))
    looks = []

    def overtaken():
        looks.append(1)
        if len(looks) == 9:
            splitting.clock.sleep(60)
            splitting.jobs.take_lease(name, "RUNNING").save(sent=1)
        return True

    # When
    splitting.run(name, overtaken)
    # Then
    assert splitting.jobs.read(name).sent == 1
    assert len(splitting.sent()) < 40
    assert splitting.due == []


@pytest.mark.parametrize(
    ("key", "content", "error"),
    [
        (
            "lists/a.jsonl",
            lines(range(500)) + "{",
            "line 501: item [500] is not JSON: Expecting property name enclosed in double quotes",
        ),
        ("lists/a.json", "[1, 2", "line 1: the object ends after item [1] without the ] of the list"),
        ("lists/a.csv", "a,a\n1,2", 'line 1: column "a" is in the header twice'),
        (
            "lists/a.txt",
            "a",
            "its key ends in .txt: the format of a list is its suffix, one of .json, .jsonl, .csv",
        ),
    ],
)
def test_a_list_that_is_not_valid_to_its_end_fails_before_anything_is_sent(splitting, key, content, error):
    # When
    name = splitting.drop(content, key)
    splitting.run(name)
    # Then
    assert splitting.sent() == []
    job = splitting.jobs.read(name)
    assert (job.status, job.total) == ("FINISHING", None)
    assert job.error == {"name": "ListInvalid", "message": error}
    assert splitting.due == [(name, "finish")]


def test_an_item_larger_than_a_message_makes_the_list_invalid(splitting):
    # Given the largest item that fits
    name = splitting.drop(lines(["x" * 10]))
    splitting.run(name)
    (body,) = splitting.messages()
    room = 262_144 - len(body) + 10
    splitting.run(fits := splitting.drop(lines(["x" * room])))
    assert splitting.sent() == [(0, "x" * room)]
    # When there is one byte more
    name = splitting.drop(lines([1, "x" * (room + 1)]))
    splitting.run(name)
    # Then
    assert splitting.jobs.read(fits).error is None
    assert splitting.sent() == []
    assert splitting.jobs.read(name).error == {
        "name": "ListInvalid",
        "message": "line 2: item [1] makes a message of 262,145 bytes, over the 262,144 of the queue: "
        "put it into S3 and its key into the list",
    }


def test_characters_that_are_escaped_count_as_they_are_sent(splitting):
    # Given an item of 180 kB in UTF-8, whose characters take six bytes each in a message
    name = splitting.drop(lines(["\uffff" * 60_000]))
    # When
    splitting.run(name)
    # Then
    assert splitting.sent() == []
    error = splitting.jobs.read(name).error
    assert error["message"].startswith("line 1: item [0] makes a message of 360,")


def test_a_list_that_is_gone_fails_the_job(splitting):
    name = splitting.drop("1")
    job = splitting.jobs.read(name)
    splitting.aws.s3.delete_object(Bucket=LISTS, Key=job.key, VersionId=job.version_id)
    splitting.run(name)
    assert splitting.jobs.read(name).error["name"] == "ListNotFound"
    assert splitting.due == [(name, "finish")]


@pytest.mark.parametrize(
    ("key", "content"), [("lists/a.jsonl", ""), ("lists/a.json", "[]"), ("lists/a.csv", "a,b\n")]
)
@pytest.mark.parametrize("crashes", [False, True])
def test_an_empty_list_is_finished_at_once(splitting, key, content, crashes, monkeypatch):
    name = splitting.drop(content, key)
    if crashes:
        with monkeypatch.context() as patch:
            patch.setattr(splitting.jobs, "begin_finish", crash)
            with pytest.raises(Crash):
                splitting.run(name)
        splitting.clock.sleep(60)
    # When
    splitting.run(name)
    # Then
    job = splitting.jobs.read(name)
    assert (job.status, job.total) == ("FINISHING", 0)
    assert splitting.due == [(name, "finish")]


def test_messages_that_sqs_did_not_take_are_sent_again_and_no_others(splitting):
    # Given a queue that takes half of the messages at first
    send, seen = splitting.sqs.send_message_batch, set()

    def half(**request):
        entries = request["Entries"]
        left = [each for each in entries if int(each["Id"]) % 2 and each["MessageBody"] not in seen]
        seen.update(entry["MessageBody"] for entry in left)
        taken = [entry for entry in entries if entry not in left]
        send(QueueUrl=request["QueueUrl"], Entries=taken)
        failed = [{"Id": entry["Id"], "SenderFault": False, "Code": "InternalError"} for entry in left]
        return {"Failed": failed} if failed else {}

    splitting.sqs = SimpleNamespace(send_message_batch=half)
    splitting.max_items = 1
    # When
    name = splitting.drop(lines(range(14)))
    splitting.run(name)
    # Then
    assert splitting.sent() == [(number, number) for number in range(14)]
    assert splitting.waits


@pytest.mark.parametrize(("sender_fault", "calls"), [(True, 1), (False, 7)])
def test_messages_that_sqs_never_takes_fail_the_invocation_and_keep_the_checkpoint(
    splitting, sender_fault, calls
):
    # Given
    made = []

    def refuse(**request):
        made.append(request)
        failed = [{"Id": "0", "SenderFault": sender_fault, "Code": "Broken", "Message": "by hand"}]
        return {"Failed": failed}

    name = splitting.drop(lines(range(3)))
    splitting.sqs = SimpleNamespace(send_message_batch=refuse)
    # When
    with pytest.raises(splitting.modules.messages.MessagesRefusedError, match=r"1 messages.*Broken: by hand"):
        splitting.run(name)
    # Then the record says so
    assert len(made) == calls
    job = splitting.jobs.read(name)
    assert job.status == "RUNNING"
    assert job.split_failure["name"] == "MessagesRefusedError"
    assert job.split_failure["message"].endswith("(Broken: by hand)")
    # And a later attempt sends all
    splitting.sqs = splitting.aws.sqs
    splitting.clock.sleep(60)
    splitting.run(name)
    assert splitting.sent() == [(0, 0), (1, 1), (2, 2)]


def test_what_fails_while_the_list_is_read_is_noted_and_raised_even_if_that_fails_too(splitting):
    # Given a list that may not be read, with a long reason
    name = splitting.drop(lines(range(3)))

    def run(reason):
        def refuse(_):
            raise PermissionError(reason)

        splitting.modules.list_reader.open_list = lambda *_: refuse
        with pytest.raises(PermissionError):
            splitting.run(name)
        splitting.clock.sleep(60)
        return splitting.jobs.read(name)

    # When
    job = run("x" * 5_000)
    # Then
    assert job.split_failure == {"name": "PermissionError", "message": "x" * 2_000}
    assert (job.status, job.sent, job.error) == ("RUNNING", 0, None)
    # And when the record cannot be written, either
    splitting.jobs.update, update = only_leases(splitting.jobs.update), splitting.jobs.update
    run("another")
    splitting.jobs.update = update
    assert splitting.jobs.read(name).split_failure["message"] == "x" * 2_000


@pytest.mark.parametrize(
    ("key", "stem"),
    [
        ("lists/orders.jsonl", "orders"),
        ("lists/deep/er/my orders (2).v1.csv", "myorders2v1"),
        ("lists/--x.json", "x"),
        ("lists/żółć.json", "list"),
        ("lists/" + "a" * 60 + ".json", "a" * 40),
    ],
)
def test_a_job_is_named_after_its_list_and_version(splitting, key, stem):
    name_job = splitting.modules.split.name_job
    name = name_job(key, "v1")
    assert name.rpartition("-")[0] == stem
    assert name == name_job(key, "v1")
    assert len({name, name_job(key, "v2"), name_job(f"{key}x", "v1")}) == 3


def test_the_job_is_named_as_the_commands_name_it(splitting):
    for key in ("lists/orders.jsonl", "lists/.json", "lists/-.json", "lists/a b/c-d_e.csv", "lists/é.x.json"):
        assert splitting.modules.split.name_job(key, "v") == job_id(key, "v")
