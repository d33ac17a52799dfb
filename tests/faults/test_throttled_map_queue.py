"""Marked items that fail, workers that are lost, messages that come twice, and answers that are refused.

Whatever happens, the map ends, every item has one outcome, and both queues end empty.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import throttled_faults
from projects import Ended, wait_until
from refusing_endpoint import RefusingEndpoint
from throttled_faults import HEARTBEAT_SECONDS, WORKERS, Gate, Lists, marked, resume
from throttled_map_project import ThrottledMapProject

from tests.local.local_aws import LocalAws

UNTIL_SEEN_AGAIN_SECONDS = HEARTBEAT_SECONDS + 2
"""Instead of six times the worker's timeout: when the message of a lost worker is delivered again."""

HASTY_SECONDS = 4

NO_HEARTBEAT = {
    "name": "States.HeartbeatTimeout",
    "message": f"no sign of life for {HEARTBEAT_SECONDS} s: it waited for longer in the queue, or its worker "
    "was lost",
}

FOREIGN_MESSAGE = 'für Zoë: 支払い拒否 🚫 "so" \\ {% $x %}\n\u2028'


@pytest.fixture(scope="module")
def project(
    tmp_path_factory: pytest.TempPathFactory, new_cdk_account: Callable[[], dict[str, str]]
) -> ThrottledMapProject:
    return throttled_faults.deploy(tmp_path_factory.mktemp("faulty-queue"), new_cdk_account())


@pytest.fixture
def lists(project: ThrottledMapProject, request: pytest.FixtureRequest) -> Lists:
    return Lists(project, request.node.name)


@pytest.fixture
def new_gate(tmp_path: Path) -> Iterator[Callable[[], Gate]]:
    gates: list[Gate] = []

    def create() -> Gate:
        gates.append(Gate(tmp_path / f"gate {len(gates)}"))
        return gates[-1]

    yield create
    for gate in gates:
        gate.open()


@pytest.fixture
def gate(new_gate: Callable[[], Gate]) -> Gate:
    return new_gate()


@pytest.fixture
def held(lists: Lists, gate: Gate) -> str:
    """An execution whose items keep all workers busy until the gate is opened."""
    arn = lists.start(gate.items(WORKERS))
    wait_until(lambda: gate.arrived().total() == WORKERS)
    return arn


def outcomes(project: ThrottledMapProject, execution_arn: str) -> list[tuple[str, int]]:
    """Status and attempts of each item of an execution that succeeds."""
    ended = project.wait(execution_arn)
    assert ended.status == "SUCCEEDED"
    rows = project.rows(execution_arn)
    assert [row["index"] for row in rows] == list(range(ended.output["items"]))
    return [(row["status"], row["attempts"]) for row in rows]


def dropped(project: ThrottledMapProject) -> Counter[str]:
    """How often the worker logged of each message that it dropped it."""
    warnings = [line.split() for line in project.worker_log() if isinstance(line, str)]
    return Counter(words[1] for words in warnings if words[2] == "dropped:")


def test_worker_that_is_killed_costs_one_attempt(project: ThrottledMapProject, lists: Lists, gate: Gate):
    # Given a queue that delivers the message of a lost worker again after the task's heartbeat
    before = dropped(project)
    stock = project.sqs("get_queue_attributes", AttributeNames=["VisibilityTimeout"])["Attributes"]
    project.sqs("set_queue_attributes", Attributes={"VisibilityTimeout": str(UNTIL_SEEN_AGAIN_SECONDS)})
    # When
    arn = lists.start(gate.scripted({"do": "exit"}, "well"))
    assert outcomes(project, arn) == [("succeeded", 2)]
    wait_until(project.is_drained)
    project.sqs("set_queue_attributes", Attributes=stock)
    # Then the first message came again, and its item was not processed for it
    assert gate.arrived().total() == 2
    assert list((dropped(project) - before).values()) == [1]


def test_message_that_is_delivered_twice_gives_one_outcome(
    project: ThrottledMapProject, lists: Lists, new_gate: Callable[[], Gate], gate: Gate, held: str
):
    # Given two messages of one item, which wait while all workers are busy
    before = dropped(project)
    twice = new_gate()
    arn = lists.start(twice.items(1))
    wait_until(lambda: project.count() == 1)
    (message,) = project.sqs("receive_message", VisibilityTimeout=0)["Messages"]
    copy = project.sqs("send_message", MessageBody=message["Body"])
    # When both are processed at once
    gate.open()
    wait_until(lambda: twice.arrived().total() == 2)
    twice.open()
    # Then one of them has answered, and the other has found that out
    ((status, attempts),) = outcomes(project, arn)
    assert (status, attempts) in {("succeeded", 1), ("succeeded", 2)}
    wait_until(project.is_drained)
    late = dropped(project) - before
    assert late in ({message["MessageId"]: 1}, {copy["MessageId"]: 1})
    assert project.wait(held).output["attempts"] == WORKERS


def test_heartbeats_keep_an_item_alive_and_not_one_that_waits_in_the_queue(
    project: ThrottledMapProject, lists: Lists, new_gate: Callable[[], Gate], gate: Gate, held: str
):
    # Given an item that waits for a worker for longer than a heartbeat may take
    before = dropped(project)
    waiting = new_gate()
    ended = project.wait(lists.start(waiting.items(1)))
    (row,) = project.rows(ended.arn)
    assert (row["error"], row["attempts"]) == (NO_HEARTBEAT, throttled_faults.MAX_ATTEMPTS)
    # When the workers have time
    gate.open()
    # Then the items that kept them busy lived for as long, and that item is not processed any more
    assert project.wait(held).output["attempts"] == WORKERS
    wait_until(project.is_drained)
    assert waiting.arrived().total() == 0
    assert list((dropped(project) - before).values()) == [1] * throttled_faults.MAX_ATTEMPTS


def test_answer_of_a_worker_that_was_thought_lost_is_dropped(
    project: ThrottledMapProject, lists: Lists, gate: Gate, tmp_path: Path
):
    # Given a worker that stands still for longer than a heartbeat may take
    before = dropped(project)
    note = tmp_path / "worker"
    arn = lists.start(gate.scripted({"freeze and note in": str(note)}, "well"))
    assert outcomes(project, arn) == [("succeeded", 2)]
    # When it goes on, and answers
    resume(note)
    # Then
    wait_until(project.is_drained)
    assert list((dropped(project) - before).values()) == [1]
    assert gate.arrived().total() == 2


def test_messages_of_an_execution_that_was_stopped_are_dropped(
    project: ThrottledMapProject, lists: Lists, gate: Gate
):
    # Given an execution with items that are processed, and more that wait
    before = dropped(project)
    waiting = 3
    arn = lists.start([*gate.items(WORKERS + waiting), {"well": 1}])
    wait_until(lambda: gate.arrived().total() == WORKERS and project.count() == waiting)
    wait_until(lambda: project.succeeded(arn) == 1)
    # When
    project.client("stepfunctions").stop_execution(executionArn=arn)
    assert project.wait(arn).status == "ABORTED"
    gate.open()
    # Then
    wait_until(project.is_drained)
    assert gate.arrived().total() == WORKERS
    assert list((dropped(project) - before).values()) == [1] * (WORKERS + waiting)
    rows = project.rows(arn)
    assert [row["index"] for row in rows] == list(range(WORKERS + waiting + 1))
    assert [row["status"] for row in rows] == ["pending"] * (WORKERS + waiting) + ["succeeded"]
    # When
    project.run("python", "utils/redrive.py", arn)
    # Then
    assert outcomes(project, arn) == [("succeeded", 1)] * (WORKERS + waiting + 1)
    assert gate.arrived().total() == WORKERS + WORKERS + waiting


@pytest.fixture(scope="module")
def endpoint(project: ThrottledMapProject, local_aws: LocalAws) -> Iterator[RefusingEndpoint]:
    """Between the worker and Step Functions; the module's other tests run without it."""
    name = {"FunctionName": project.worker_name}
    lambda_ = project.client("lambda")
    stock = lambda_.get_function_configuration(**name)["Environment"]["Variables"]
    endpoint = RefusingEndpoint(local_aws.endpoint)
    with endpoint.serving():
        variables = {**stock, "AWS_ENDPOINT_URL_SFN": endpoint.url}
        lambda_.update_function_configuration(**name, Environment={"Variables": variables})
        yield endpoint
        lambda_.update_function_configuration(**name, Environment={"Variables": stock})


@pytest.mark.parametrize("refusals", [1, throttled_faults.ANSWER_TRIES])
def test_answer_that_is_throttled_is_repeated_by_the_worker_and_then_by_the_queue(
    project: ThrottledMapProject, lists: Lists, gate: Gate, endpoint: RefusingEndpoint, refusals: int
):
    # Given
    endpoint.refusals = refusals
    # When
    arn = lists.start(gate.scripted("well"))
    # Then the item is processed again only if its message was delivered again
    attempts = 1 + (refusals == throttled_faults.ANSWER_TRIES)
    assert outcomes(project, arn) == [("succeeded", attempts)]
    assert gate.arrived().total() == attempts
    wait_until(project.is_drained)
    assert endpoint.refusals == 0


def test_heartbeats_go_on_until_the_answer_was_taken(
    project: ThrottledMapProject, lists: Lists, gate: Gate, endpoint: RefusingEndpoint
):
    # Given answers that Step Functions does not take at once
    endpoint.counts.clear()
    endpoint.hold.clear()
    # When they wait for longer than a heartbeat may take
    arn = lists.start(gate.scripted("well"))
    beats = throttled_faults.BEATS_PER_TIMEOUT + 2
    wait_until(lambda: endpoint.counts["SendTaskHeartbeat"] == beats)
    endpoint.hold.set()
    # Then
    assert outcomes(project, arn) == [("succeeded", 1)]
    assert gate.arrived().total() == 1


def letter(project: ThrottledMapProject, message_id: str) -> dict[str, Any]:
    """What is kept of a dead letter, once the queues are empty."""
    wait_until(project.is_drained)
    kept: dict[str, Any] = project.read_result(f"undeliverable/{message_id}.json")
    return kept


def test_item_whose_answer_is_never_taken_is_undeliverable(
    project: ThrottledMapProject, lists: Lists, gate: Gate, endpoint: RefusingEndpoint
):
    # Given
    endpoint.refusals = 1_000
    # When
    items = gate.scripted("well")
    arn = lists.start(items)
    ended = project.wait(arn)
    endpoint.refusals = 0
    # Then
    assert (ended.status, ended.output["errors"]) == ("SUCCEEDED", {"ItemUndeliverable": 1})
    (row,) = project.rows(arn)
    said, _, where = row["error"]["message"].partition("; its message is ")
    assert said.startswith(f"received {throttled_faults.MAX_RECEIVE_COUNT + 1} times and never done with")
    assert gate.arrived().total() == throttled_faults.MAX_RECEIVE_COUNT
    kept = letter(project, Path(where).stem)
    assert where == f"s3://{project.outputs['ResultsBucketName']}/undeliverable/{kept['messageId']}.json"
    assert kept["body"] == {
        "execution": arn.rpartition(":")[2],
        "index": 0,
        "item": items[0],
        "encoding": "json",
    }


@pytest.mark.parametrize("body", ["not JSON", '{"item": "of somebody else"}'])
def test_message_that_the_worker_cannot_read_is_kept_as_a_dead_letter(
    project: ThrottledMapProject, body: str
):
    # When
    sent = project.sqs("send_message", MessageBody=body)
    # Then
    kept = letter(project, sent["MessageId"])
    assert kept["body"] in (body, {"item": "of somebody else"})
    assert "never done with" in kept["reason"]


def test_message_with_a_token_that_is_not_known_is_dropped(project: ThrottledMapProject, gate: Gate):
    # Given
    before = dropped(project)
    (item,) = gate.items(1)
    body = {"token": "nobody's", "execution": "none", "index": 0, "item": item, "encoding": "json"}
    # When
    sent = project.sqs("send_message", MessageBody=json.dumps(body))
    # Then
    wait_until(lambda: dropped(project) - before == {sent["MessageId"]: 1})
    wait_until(project.is_drained)
    assert gate.arrived().total() == 0


FAULTS: dict[str, tuple[Any, str, str, int]] = {
    "raises": ({"raise": "card declined"}, "PaymentDeclinedError", "card declined", 2),
    "raises in Unicode": ({"raise": FOREIGN_MESSAGE}, "PaymentDeclinedError", re.escape(FOREIGN_MESSAGE), 2),
    "raises 40,000 characters": ({"raise characters": 40_000}, "PaymentDeclinedError", "x{1000}", 2),
    "raises SystemExit": ({"do": "raise SystemExit"}, "SystemExit", "bye", 2),
    "returns a set": ({"do": "return a set"}, "ResultNotJson", ".* type set .*", 2),
    "returns 300 KB": (
        {"return characters": 300_000},
        "ResultTooLarge",
        "300,0.. bytes with its result.*",
        1,
    ),
    "cannot be interrupted": (
        {"do": "sleep through interruptions"},
        "States.Timeout",
        "no answer in the 15 s since it was sent, its wait in the queue included",
        1,
    ),
    "is killed": ({"do": "be killed"}, *NO_HEARTBEAT.values(), 2),
}
"""The item, the name of its error, a pattern of the message, and the attempts."""


@pytest.fixture(scope="module")
def ended(project: ThrottledMapProject) -> Ended:
    """One execution over every fault; after each come an item of either way that succeeds.

    The messages of the two workers that it loses are in flight for the rest of the module.
    """
    faults = marked(*(fault for fault, *_ in FAULTS.values()))
    items = [item for fault in faults for item in (fault, *marked({"well": 1}), {"well": 2})]
    return project.wait(Lists(project, "faults").start(items))


@pytest.fixture(scope="module")
def rows(project: ThrottledMapProject, ended: Ended) -> list[dict[str, Any]]:
    return project.rows(ended.arn)


@pytest.mark.parametrize("fault", FAULTS)
def test_row_of_a_failed_item_has_its_error(rows: list[dict[str, Any]], fault: str):
    # Given
    index = 3 * list(FAULTS).index(fault)
    item, name, message, attempts = FAULTS[fault]
    # Then
    row = rows[index]
    said = row["error"].pop("message")
    assert row == {
        "index": index,
        "item": {**item, "throttled": True},
        "status": "failed",
        "error": {"name": name},
        "attempts": attempts,
        "route": "queue",
    }
    assert re.fullmatch(message, said, re.DOTALL)


def test_items_beside_the_failed_ones_succeed(rows: list[dict[str, Any]]):
    assert [row["index"] for row in rows] == list(range(3 * len(FAULTS)))
    for way, others in (("queue", rows[1::3]), ("direct", rows[2::3])):
        assert {(row["route"], row["status"]) for row in others} == {(way, "succeeded")}


def test_more_failed_items_than_tolerated_end_the_execution(project: ThrottledMapProject, ended: Ended):
    error, cause = ended.failure
    assert (ended.status, error) == ("FAILED", "ToleratedFailureExceeded")
    assert cause is not None
    assert cause.startswith(
        "8 of 24 items failed, more than the tolerated 5 (toleratedFailureCount); see s3://"
    )
    summary = project.read_result(re.search(r"runs/.*", cause)[0])
    assert summary["errors"] == Counter(name for _, name, *_ in FAULTS.values())
    assert summary["routes"] == {"direct": 8, "queue": 16}


@pytest.fixture
def hasty_worker(project: ThrottledMapProject) -> Iterator[None]:
    """A worker whose time is over long before that of the task."""
    lambda_, name = project.client("lambda"), {"FunctionName": project.worker_name}
    lambda_.update_function_configuration(**name, Timeout=HASTY_SECONDS)
    yield
    lambda_.update_function_configuration(**name, Timeout=throttled_faults.ITEM_TIMEOUT_SECONDS)


@pytest.mark.usefixtures("hasty_worker")
def test_item_that_hangs_is_interrupted_and_tried_again(
    project: ThrottledMapProject, lists: Lists, gate: Gate
):
    # When an item would outlast its worker
    arn = lists.start(gate.scripted({"sleep": 1_000}, "well"))
    # Then it was interrupted in time to answer
    assert outcomes(project, arn) == [("succeeded", 2)]


def test_failed_items_of_both_ways_and_no_others_are_processed_again(
    project: ThrottledMapProject, lists: Lists, tmp_path: Path
):
    # Given as many failed items as are tolerated, which succeed when the execution over them has ended
    diary = tmp_path / "diary"
    items = [
        {"diary": str(diary), "name": f"item {number}", "throttled": number % 2 == 0, "attempts": script}
        for number, script in enumerate([[{"raise": "no"}] * 2 + ["well"]] * 5 + [["well"]] * 5)
    ]
    ended = project.wait(lists.start(items))
    assert (ended.status, ended.output["failed"]) == ("SUCCEEDED", 5)
    # When
    again = project.run("python", "utils/redrive.py", ended.arn, "--failed-items")
    # Then
    arn = again.stdout.split()[1]
    assert project.wait(arn).output["succeeded"] == 5
    rows = project.rows(arn)
    assert [row["item"] for row in rows] == items[:5]
    assert [row["route"] for row in rows] == ["queue", "direct"] * 2 + ["queue"]
    attempts = Counter(diary.read_text().splitlines())
    assert attempts == {f'"item {number}"': 3 if number < 5 else 1 for number in range(10)}
