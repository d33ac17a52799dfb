"""Histories of jobs: whatever is delivered twice, late, in any order, or lost half way, each job ends right.

Hypothesis makes up the histories. After each one the world is left alone, with all that is under way, until
every job has ended; then what the jobs have left behind is checked.
"""

import json
import random
from collections import Counter, defaultdict
from itertools import groupby

import pytest
from fan_in_folder import load_fan_in
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)
from invocations import always_well
from job_world import DEADLINE_SECONDS, MAX_RECEIVE_COUNT, OUTPUT, InlineExecutor, World
from worker_folder import load_worker

SMALL = {
    "positions": {"BLOCK_POSITIONS": 2},
    "job_results": {"BLOCK_POSITIONS": 2},
    "split": {"STRETCH_ITEMS": 5},
    "results": {"PAGE_RESULTS": 1, "PAUSES_SECONDS": (0, 0)},
    "ordered_results": {"GAP_POSITIONS": 1, "ThreadPoolExecutor": InlineExecutor},
    "messages": {"ThreadPoolExecutor": InlineExecutor},
    "rows": {"FILE_ROWS": 7},
    "finish": {"LOOK_ROWS": 3},
    "list_reader": {"PART_BYTES": 64},
}
"""What lets lists of a few items be split, counted and finished in several steps."""

KINDS = st.sampled_from(["ok"] * 12 + ["raise", "once", "poison", "hang", "slow"])
ITEMS = st.one_of(st.integers(0, 7), st.integers(0, 40)).flatmap(
    lambda count: st.lists(KINDS, min_size=count, max_size=count)
)
FAULTS = ["in part", "crash before", "crash after", "error before", "error after", "pause"]
SEEDS = st.integers(0, 2**32)
RATES = st.sampled_from([0.01, 0.05, 0.15, 0.4])
"""Of faults: high ones for functions of few calls, low ones for those of many."""


def chaos(seed, rate):
    """Choose what becomes of each call."""
    source = random.Random(seed)
    return lambda: source.choice(FAULTS) if source.random() < rate else "well"


RARELY = st.integers(1, 5).map(lambda number: number == 5)
PARTS = frozenset({"events", "queues", "stream"})
BATCH_RECORDS = 7
ROUNDS = 150
"""Of everything that is due, a minute apart: more than what has not been lost needs."""


class Histories(RuleBasedStateMachine):
    """Jobs, and all that can happen to them."""

    modules = None

    def __init__(self):
        super().__init__()
        self.world = World(self.modules)

    @initialize(items=ITEMS)
    def drop_first(self, items):
        self.drop(items)

    @precondition(lambda self: len(self.world.lists) < 2)
    @rule(items=ITEMS)
    def drop(self, items):
        self.world.drop([f"{item} {number}" for number, item in enumerate(items)])

    def go_on(self, invocation, seed, rate):
        go_on(self.world, invocation, chaos(seed, rate))

    @precondition(lambda self: self.world.events)
    @rule(
        data=st.data(),
        seed=SEEDS,
        rate=RATES,
        seconds=st.sampled_from([-1, 600, 600]),
    )
    def deliver_event(self, data, seed, rate, seconds):
        event = data.draw(st.sampled_from(self.world.events))
        self.go_on(self.world.deliver(event, seconds), seed, rate)

    @precondition(lambda self: self.world.events)
    @rule(data=st.data(), calls=st.integers(0, 25))
    def overtake(self, data, calls):
        """Let a function stand still after so many calls, until its lease is another's, who is done."""
        event = data.draw(st.sampled_from(self.world.events))
        slow = self.world.deliver(event, 600)
        left = iter(range(calls))
        slow.run(lambda: "well" if next(left, None) is not None else "pause")
        if not slow.is_over:
            self.world.clock.now += 51
            again = type(event)(event.kind, event.detail)
            self.world.events.append(again)
            self.world.deliver(again, 600).run()
            slow.run()

    @precondition(lambda self: any(each.visible_at <= self.world.clock.now for each in self.world.queue))
    @rule(data=st.data(), seed=SEEDS, rate=RATES)
    def receive_messages(self, data, seed, rate):
        visible = [each for each in self.world.queue if each.visible_at <= self.world.clock.now]
        messages = data.draw(st.lists(st.sampled_from(visible), unique=True, min_size=1, max_size=5))
        if worker := self.world.receive(messages):
            self.go_on(worker, seed, rate)

    @rule(data=st.data(), seed=SEEDS, rate=RATES, size=st.integers(1, 30))
    def tell_of_results(self, data, seed, rate, size):
        self.world.take_stream()
        if self.world.untold:
            keys = data.draw(st.permutations(self.world.untold))[:size]
            self.go_on(self.world.tell(keys), seed, rate)

    @precondition(lambda self: self.world.queue)
    @rule(data=st.data())
    def lose_workers(self, data):
        """Lose each worker that receives a message, to the last time."""
        data.draw(st.sampled_from(self.world.queue)).receipts = MAX_RECEIVE_COUNT

    @precondition(lambda self: self.world.dead)
    @rule(data=st.data(), seed=SEEDS, rate=RATES)
    def bury_message(self, data, seed, rate):
        self.go_on(self.world.bury(data.draw(st.sampled_from(self.world.dead))), seed, rate)

    @rule(seed=SEEDS, rate=RATES)
    def look_after_jobs(self, seed, rate):
        self.go_on(self.world.look_after(), seed, rate)

    @precondition(lambda self: self.world.paused)
    @rule(data=st.data(), seed=SEEDS, rate=RATES)
    def go_on_after_a_pause(self, data, seed, rate):
        invocation = data.draw(st.sampled_from(self.world.paused))
        self.world.paused.remove(invocation)
        self.go_on(invocation, seed, rate)

    @rule(seconds=st.sampled_from([1, 10, 51, 61, 130, 361]))
    def wait(self, seconds):
        self.world.clock.now += seconds

    @rule(is_past=RARELY)
    def wait_past_the_deadline(self, is_past):
        if is_past:
            self.world.clock.now += DEADLINE_SECONDS + 1

    @rule(parts=st.sets(st.sampled_from(sorted(PARTS)), min_size=1), seed=SEEDS, rate=RATES)
    def let_it_run(self, parts, seed, rate):
        """Deliver all that is due, so that histories get far, too."""
        run_all(self.world, parts, chaos(seed, rate))

    @precondition(lambda self: self.world.past)
    @rule(data=st.data())
    def deliver_again(self, data):
        """Deliver what was done with once more: SQS and EventBridge may."""
        deliver_again(self.world, data.draw(st.sampled_from(self.world.past)))

    @precondition(lambda self: self.world.told)
    @rule(data=st.data(), seed=SEEDS, rate=RATES)
    def tell_again(self, data, seed, rate):
        keys = data.draw(st.lists(st.sampled_from(self.world.told), min_size=1, max_size=10, unique=True))
        self.go_on(self.world.tell(keys), seed, rate)

    @rule(data=st.data(), is_lost=RARELY)
    def lose_records(self, data, is_lost):
        """Give up a batch of the stream, as its event source does after its last attempt."""
        self.world.take_stream()
        if is_lost and self.world.untold:
            lost = data.draw(st.sampled_from(self.world.untold))
            self.world.untold.remove(lost)
            self.world.has_lost_records = True

    def teardown(self):
        world = self.world
        settle(world)
        # What was thought to be lost was only slow
        for invocation in world.paused:
            invocation.run()
        settle(world)
        first = outputs(world)
        check(world)
        # And whatever is delivered once more changes nothing
        for each in list(world.past):
            deliver_again(world, each)
        world.untold = list(world.told)
        settle(world)
        assert outputs(world) == first
        check(world)


def deliver_again(world, each):
    if hasattr(each, "body"):
        world.queue.append(type(each)(each.body, world.clock.now))
    else:
        world.events.append(type(each)(each.kind, each.detail))


def run_all(world, parts=PARTS, choose=always_well):
    """Deliver everything that is due."""
    if "events" in parts:
        for event in list(world.events):
            go_on(world, world.deliver(event, 600), choose)
    if "queues" in parts:
        visible = [each for each in world.queue if each.visible_at <= world.clock.now]
        for start in range(0, len(visible), 10):
            if worker := world.receive(visible[start : start + 10]):
                go_on(world, worker, choose)
        for message in list(world.dead):
            go_on(world, world.bury(message), choose)
    world.take_stream()
    if "stream" in parts:
        untold = list(world.untold)
        for start in range(0, len(untold), BATCH_RECORDS):
            go_on(world, world.tell(untold[start : start + BATCH_RECORDS]), choose)


def go_on(world, invocation, choose):
    invocation.run(choose)
    if not invocation.is_over:
        world.paused.append(invocation)


def settle(world):
    """Deliver everything that is under way, and let time pass, until nothing is left to do."""
    for _ in range(ROUNDS):
        run_all(world)
        world.look_after().run()
        if not (world.events or world.queue or world.dead or world.untold or open_jobs(world)):
            return
        world.clock.now += 61
    under_way = world.events, world.queue, world.dead, world.untold
    assert not any(under_way), under_way
    assert world.has_lost_records, f"waits for its deadline: {open_jobs(world)}"
    world.clock.now += DEADLINE_SECONDS
    for _ in range(ROUNDS):
        world.look_after().run()
        run_all(world)
        if not open_jobs(world):
            return
        world.clock.now += 61
    pytest.fail(f"not ended: {open_jobs(world)}")


def open_jobs(world):
    return [record for record in world.records().values() if record.get("open")]


def outputs(world):
    """What the jobs have left behind: their records, and their files."""
    return world.records(), {key: content for _, key, content in world.s3.puts}


def check(world):
    """Check what every history must end with."""
    versions = [record["versionId"] for record in world.records().values()]
    assert sorted(versions) == sorted(world.lists), "one job for each version, and no more"
    for name, record in world.records().items():
        check_transitions(world.writes[name])
        check_job(world, name, record, world.lists[record["versionId"]])
    check_writes(world)


def check_transitions(writes):
    """A job is RUNNING, then FINISHING, then ended, by one write, and then nothing of it changes."""
    statuses = [write["status"] for write in writes]
    assert [status for status, _ in groupby(statuses)] == ["RUNNING", "FINISHING", statuses[-1]]
    # Who has lost the lease does not end it once more, either
    assert statuses.count(statuses[-1]) == 1


def check_writes(world):
    """Whatever is written again, or announced again, is the same."""
    written = defaultdict(set)
    for bucket, key, content in world.s3.puts:
        assert bucket == OUTPUT
        written[key].add(content)
    assert all(len(contents) == 1 for contents in written.values())
    announced = defaultdict(set)
    for detail in world.announced:
        announced[detail["job"]].add(json.dumps(detail, sort_keys=True))
    assert announced.keys() == world.records().keys()
    assert all(len(details) == 1 for details in announced.values())


def check_job(world, name, record, items):
    files = outputs(world)[1]
    if record["status"] == "FAILED":
        assert record["error"]["name"] == ("SplitFailed" if "splitFailure" in record else "DeadlineExceeded")
        assert not any(key.startswith(f"jobs/{name}/") for key in files)
        return
    summary = record["summary"]
    assert json.loads(files[summary["results"]["summary"]]) == summary
    rows = [json.loads(line) for key in summary["results"]["rows"] for line in files[key].splitlines()]
    # The list's items, each once, in order
    assert [row["index"] for row in rows] == list(range(len(items)))
    assert [row["item"] for row in rows] == items
    # The count is that of the distinct items, and of their results
    statuses = Counter(row["status"] for row in rows)
    assert summary["items"] == record["total"] == len(items)
    assert [summary[status] for status in ("succeeded", "failed", "missing")] == [
        statuses[status] for status in ("succeeded", "failed", "missing")
    ]
    assert world.recorded(name) == set(range(len(items)))
    # It was finished when all were in, or at its deadline
    is_overdue = world.clock.now > record["deadline"]
    assert world.counted[name] == set(range(len(items))) or (record["incomplete"] and is_overdue)
    # Incomplete only when something is missing
    assert record["status"] == ("INCOMPLETE" if statuses["missing"] else "DONE")
    assert record["incomplete"] or not statuses["missing"]
    for row in rows:
        check_row(row)


def check_row(row):
    kind = row["item"].split()[0]
    errors = {
        "raise": {"Declined", "ItemUndeliverable"},
        "once": {"Declined", "ItemUndeliverable"},
        "poison": {"ItemCrashed", "ItemUndeliverable"},
        "hang": {"ItemTimedOut", "ItemUndeliverable"},
    }.get(kind, {"ItemUndeliverable"})
    match row["status"]:
        case "succeeded":
            assert row["result"] == {"of": row["item"]}
            assert kind not in {"raise", "poison", "hang"}
        case "failed":
            assert row["error"]["name"] in errors
            assert row["attempts"] >= 1
        case status:
            assert status == "missing"
            assert row["attempts"] == 0


@pytest.fixture(scope="module")
def modules(tmp_path_factory):
    """The modules of both folders, with limits that a short list reaches."""
    worker = ("job_worker", "job_results", "outcomes")
    fan_in = ("split", "finish", "overdue", "count", "dead_letters", "jobs", "events", "messages")
    with (
        load_worker(tmp_path_factory.mktemp("worker"), "def process(item): ...", *worker) as ours,
        load_fan_in(*fan_in, "positions", "results", "ordered_results", "rows", "list_reader") as theirs,
        pytest.MonkeyPatch.context() as patch,
    ):
        ours.__dict__.update(theirs.__dict__)
        for module, limits in SMALL.items():
            for name, value in limits.items():
                patch.setattr(getattr(ours, module), name, value)
        yield ours


def test_every_history_ends_right(modules, monkeypatch):
    monkeypatch.setattr(Histories, "modules", modules)
    run_state_machine_as_test(
        Histories,
        settings=settings(
            max_examples=250,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            derandomize=True,
        ),
    )
