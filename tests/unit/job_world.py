"""The queue fan-in as a whole: its functions, over an AWS in memory, and what is on its way between them.

A test says what is delivered, when, how often, and what becomes of each call; it is no faster or slower than
that, for time passes only as the test says.
"""

import json
from concurrent.futures import Future
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import fake_aws
from fan_in_folder import Clock
from invocations import Invocation, make_call

MAX_RECEIVE_COUNT = 3
DEADLINE_SECONDS = 100_000
VISIBILITY_SECONDS = 360
WORKER_SECONDS = 54
EVENT_ATTEMPTS = 3
LISTS, OUTPUT = "lists", "output"


@dataclass(eq=False)
class Message:
    """A message of a queue."""

    body: str
    visible_at: float
    receipts: int = 0


@dataclass(eq=False)
class Event:
    """An event for a function that is invoked asynchronously."""

    kind: str
    detail: dict[str, Any]
    attempts: int = 0


@dataclass
class World:
    """What there is, and what is under way."""

    modules: SimpleNamespace
    clock: Clock = field(default_factory=Clock)
    queue: list[Message] = field(default_factory=list)
    dead: list[Message] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    announced: list[dict[str, Any]] = field(default_factory=list)
    """Details of the events that say a job's end."""
    told: list[Any] = field(default_factory=list)
    """Records of the stream that were counted, to be told again."""
    past: list[Message | Event] = field(default_factory=list)
    """Messages and events that were done with, to be delivered again."""
    untold: list[Any] = field(default_factory=list)
    paused: list[Invocation] = field(default_factory=list)
    lists: dict[str, list[str]] = field(default_factory=dict)
    """By version, the items of each list."""
    tried: dict[tuple[str, int], int] = field(default_factory=dict)
    writes: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """By job, its record as each write left it."""
    counted: dict[str, set[int]] = field(default_factory=dict)
    """By job, the positions that had a result when its finish began."""
    has_lost_records: bool = False

    def __post_init__(self):
        self.table = fake_aws.Table("job", make_call)
        self.results = fake_aws.Results(make_call)
        self.s3 = fake_aws.Lists(make_call)
        self.sqs = fake_aws.Queue(self.send, make_call)
        self.event_bus = fake_aws.Events(self.put_event, make_call)
        self.taken = 0
        self.table.on_write = self._note
        self.jobs = self.modules.jobs.Jobs(self.table, self.clock)

    def _note(self, item):
        if "status" in item:
            self.writes.setdefault(item["job"], []).append(item)
            if item["status"] == "FINISHING":
                self.counted.setdefault(item["job"], self.recorded(item["job"]))

    def recorded(self, job):
        """Return the positions of a job that have a result."""
        return {position for part, position in self.results.items if part.startswith(f"{job}/")}

    def records(self):
        """Return the records of the jobs."""
        return {name: item for name, item in self.table.items.items() if "/" not in name}

    def send(self, body, delay_seconds):
        assert len(body.encode()) <= 256 * 1024
        self.queue.append(Message(body, self.clock.now + delay_seconds))

    def put_event(self, kind, detail):
        if kind == "Job Ended":
            self.announced.append(detail)
        else:
            self.events.append(Event(detail["phase"], detail))

    def drop(self, items):
        """Drop a list of JSON Lines."""
        version = f"v{len(self.lists)}"
        self.lists[version] = items
        self.s3.versions[LISTS, "lists/a.jsonl", version] = "".join(
            f"{json.dumps(i)}\n" for i in items
        ).encode()
        self.events.append(Event("drop", {"version": version}))

    def start(self, function, at_end):
        """Invoke a function; what happens after its last call can be lost, too."""

        def invocation():
            function()
            make_call(lambda: None)

        return Invocation(invocation, at_end)

    # What invokes functions

    def deliver(self, event, seconds):
        """Invoke the function that an event is for, which has so much time."""
        self.events.remove(event)
        event.attempts += 1
        function = {"drop": self._begin, "split": self._split, "finish": self._finish}[event.kind]
        deadline = self.clock.now + seconds

        def has_time():
            return self.clock.now < deadline

        def at_end(is_done):
            if is_done:
                self.past.append(event)
            elif event.attempts < EVENT_ATTEMPTS:
                self.events.append(event)

        return self.start(lambda: function(event.detail, has_time), at_end)

    def _begin(self, detail, has_time):
        name = self.modules.split.record_job(
            self.jobs, LISTS, "lists/a.jsonl", detail["version"], DEADLINE_SECONDS
        )
        self._split({"job": name}, has_time)

    def _split(self, detail, has_time):
        self.modules.split.split_list(
            self.jobs,
            detail["job"],
            open_source=self._open_source,
            sender=self.modules.messages.MessageSender(self.sqs, "queue", self.clock.sleep),
            max_items=3,
            continue_job=self._continue_job,
            has_time=has_time,
        )

    def _finish(self, detail, has_time):
        finish = self.modules.finish
        finish.finish_job(
            self.jobs,
            detail["job"],
            open_source=self._open_source,
            output=finish.Output(self.results, "results", self.s3, OUTPUT),
            continue_job=self._continue_job,
            announce_end=lambda end: self.modules.events.announce_end(self.event_bus, end),
            has_time=has_time,
            clock=self.clock,
        )

    def _open_source(self, job):
        return self.modules.list_reader.open_list(self.s3, job)

    def _continue_job(self, job, phase):
        self.modules.events.continue_job(self.event_bus, job, phase)

    def look_after(self):
        """Invoke the function that a schedule invokes."""

        def look():
            self.modules.overdue.look_after_jobs(self.jobs, self._continue_job, self.clock.now)

        return self.start(look, lambda _: None)

    def receive(self, messages):
        """Invoke a worker with messages; those that were received too often go to the dead letters."""
        batch = []
        for message in messages:
            message.visible_at = self.clock.now + VISIBILITY_SECONDS
            if message in self.queue and message.receipts >= MAX_RECEIVE_COUNT:
                self.queue.remove(message)
                self.dead.append(message)
            else:
                message.receipts += 1
                batch.append(message)
        failures = []

        def at_end(is_done):
            for message in batch if is_done else []:
                if message in self.queue and message not in failures:
                    self.queue.remove(message)
                    self.past.append(message)

        return self.start(lambda: failures.extend(self._work(batch)), at_end) if batch else None

    def _work(self, batch):
        deadline = self.clock.now + WORKER_SECONDS

        def run_in_place(job, position, item):
            return self._process(job, position, item, deadline, is_alone=False)

        def run_in_child(job, position, item):
            return self._process(job, position, item, deadline, is_alone=True)

        table = self.modules.job_results.ResultsTable(
            self.results, "results", lambda: self.clock.now < deadline, self.clock.sleep
        )
        worker = self.modules.job_worker.Worker(
            table,
            self.sqs.send_message,
            run=run_in_place,
            run_safely=run_in_child,
            max_attempts=MAX_RECEIVE_COUNT,
            has_time=lambda: self.clock.now < deadline - WORKER_SECONDS / 2,
        )
        failures = []
        for number, message in enumerate(sorted(batch, key=lambda each: -each.receipts)):
            try:
                worker.work(number, message.body, message.receipts)
            except Exception:
                failures.append(message)
        ordered = sorted(batch, key=lambda each: -each.receipts)
        return failures + [ordered[number] for number in worker.send_back()]

    def _process(self, job, position, item, deadline, *, is_alone):
        """Process an item as its text says."""
        failure = self.modules.outcomes.Failure
        self.tried[job, position] = self.tried.get((job, position), 0) + 1
        match item.split()[0]:
            case "raise":
                return failure("Declined", "no")
            case "once" if self.tried[job, position] == 1:
                return failure("Declined", "not yet")
            case "slow":
                self.clock.sleep(40)
            case "poison" if is_alone:
                return failure("ItemCrashed", "killed")
            case "hang" if is_alone:
                self.clock.now = max(self.clock.now, deadline)
                return failure("ItemTimedOut", "killed")
            case "poison" | "hang":
                Invocation.current.crash()
        return self.modules.job_results.encode_result({"of": item})

    def bury(self, message):
        """Invoke the function of the dead letters."""
        message.receipts += 1

        def record():
            self.modules.dead_letters.record_letter(self.results, "results", message.body, message.receipts)

        def at_end(is_done):
            if is_done and message in self.dead:
                self.dead.remove(message)

        return self.start(record, at_end)

    def take_stream(self):
        """Look at what is new in the stream."""
        self.untold += self.results.stream[self.taken :]
        self.taken = len(self.results.stream)

    def tell(self, keys):
        """Invoke the count function with records of the stream."""
        records = [
            {"dynamodb": {"Keys": {"part": {"S": part}, "position": {"N": str(position)}}}}
            for part, position in keys
        ]

        def count():
            blocks = self.modules.count.Blocks(self.table, self.jobs)
            self.modules.count.count_records(
                records, self.jobs, blocks, lambda job: self._continue_job(job, "finish")
            )

        def at_end(is_done):
            if is_done:
                self.untold = [key for key in self.untold if key not in keys]
                self.told += [key for key in keys if key not in self.told]

        return self.start(count, at_end)


class InlineExecutor:
    """An executor that does each task at once, in the order of their submission."""

    def __init__(self, _):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def submit(self, function, *arguments):
        future = Future()
        try:
            future.set_result(function(*arguments))
        except BaseException as error:
            future.set_exception(error)
        return future

    def map(self, function, values):
        return [function(value) for value in values]
