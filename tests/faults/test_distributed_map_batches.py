"""Batches and executions that are stopped, or fail as a whole; and what goes on after that."""

import json
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path

import pytest
from distributed_map_project import DistributedMapProject, json_lines
from projects import Ended, wait_until

ITEMS = 12
AT_ONCE = 3
PER_BATCH = 2


@pytest.fixture(scope="module")
def project(deploy_faulty_batches: Callable[..., DistributedMapProject]) -> DistributedMapProject:
    """Three batches of two at once, as STANDARD children; no failed item is tolerated."""
    return deploy_faulty_batches(
        "faulty-batches",
        function_seconds=50,
        childType="STANDARD",
        maxConcurrency=AT_ONCE,
        maxItemsPerBatch=PER_BATCH,
        maxAttempts=1,
    )


class Gate:
    """Items that wait in `process` until they are let through, and note that they came so far."""

    def __init__(self, folder: Path) -> None:
        self._gate = folder / "gate"
        self._diary = folder / "diary"
        self._diary.touch()

    def items(self, count: int) -> list[dict[str, str]]:
        common = {"wait for": str(self._gate), "and note in": str(self._diary)}
        return [{"name": f"item {number}", **common} for number in range(count)]

    def arrived(self) -> Counter[str]:
        """How often each item was tried."""
        return Counter(json.loads(line) for line in self._diary.read_text().splitlines())

    def open(self) -> None:
        self._gate.touch()


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    gate = Gate(tmp_path)
    yield gate
    gate.open()


@pytest.fixture
def start(project: DistributedMapProject, request: pytest.FixtureRequest) -> Callable[..., str]:
    """Start an execution over a list; returns its ARN."""
    key = f"{request.node.name}.jsonl"
    return lambda items: project.start(project.put_list(key, json_lines(items)))


@pytest.fixture
def held(start: Callable[..., str], gate: Gate) -> str:
    """An execution that has as many batches under way as it may."""
    arn = start(gate.items(ITEMS))
    wait_until(lambda: len(gate.arrived()) == AT_ONCE)
    return arn


def test_no_more_batches_than_allowed_run_at_once(project: DistributedMapProject, start: Callable[..., str]):
    # When
    arn = start([{"take": 0.1}] * 2 * ITEMS)
    # Then
    assert project.wait(arn).status == "SUCCEEDED"
    times = [row["result"] for row in project.rows(arn)]
    changes = sorted(chain.from_iterable([(each["started"], 1), (each["ended"], -1)] for each in times))
    running, most = 0, 0
    for _, change in changes:
        running += change
        most = max(most, running)
    assert most == AT_ONCE


def test_stock_commands_on_a_map_run_and_its_children(project: DistributedMapProject, held: str, gate: Gate):
    # Given
    states = ["stepfunctions"]
    (listed,) = project.aws(*states, "list-map-runs", "--execution-arn", held)["mapRuns"]
    map_run = ["--map-run-arn", listed["mapRunArn"]]
    # When it may do more at once
    described = project.aws(*states, "describe-map-run", *map_run)
    project.aws(*states, "update-map-run", *map_run, "--max-concurrency", "5")
    # Then
    assert (described["status"], described["maxConcurrency"]) == ("RUNNING", AT_ONCE)
    assert described["itemCounts"]["running"] == AT_ONCE * PER_BATCH
    wait_until(lambda: len(gate.arrived()) == 5)
    # When
    gate.open()
    project.wait(held)
    # Then
    children = project.aws(*states, "list-executions", *map_run)["executions"]
    assert [(child["status"], child["itemCount"]) for child in children] == [("SUCCEEDED", PER_BATCH)] * 6
    child = project.aws(*states, "describe-execution", "--execution-arn", children[-1]["executionArn"])
    first = json.loads(child["input"])
    assert first["BatchInput"] == {"execution": held.rpartition(":")[2]}
    assert [entry["index"] for entry in first["Items"]] == [0, 1]
    assert [outcome["attempts"] for outcome in json.loads(child["output"])["outcomes"]] == [1, 1]
    types = [event["type"] for event in project.history(child["executionArn"])]
    assert types[:3] == ["ExecutionStarted", "TaskStateEntered", "TaskScheduled"]
    assert types[-1] == "ExecutionSucceeded"


def test_execution_that_was_stopped_goes_on_with_what_had_not_succeeded(
    project: DistributedMapProject, start: Callable[..., str], gate: Gate
):
    # Given an execution of which two batches have succeeded
    arn = start([*["well"] * 4, *gate.items(ITEMS)])
    wait_until(lambda: len(gate.arrived()) == AT_ONCE)
    # When
    running = project.run("python", "utils/results.py", arn, exit_code=1)
    project.client("stepfunctions").stop_execution(executionArn=arn)
    assert project.wait(arn).status == "ABORTED"
    wait_until(lambda: project.map_run(arn)["status"] == "ABORTED")
    # Then
    assert "is still running: wait for its end" in running.stderr
    rows = project.rows(arn)
    assert [row["index"] for row in rows] == list(range(4 + ITEMS))
    assert [row["status"] for row in rows] == ["succeeded"] * 4 + ["pending"] * ITEMS
    # When
    gate.open()
    redriven = project.run("python", "utils/redrive.py", arn)
    # Then
    assert redriven.stdout.startswith(f"redrove {arn}\n")
    assert all_succeeded(project, project.wait(arn), 4 + ITEMS)
    assert project.map_run(arn)["redriveCount"] == 1
    # The six that were under way may have been tried twice; the others were not.
    tried = gate.arrived()
    assert len(tried) == ITEMS
    assert [tried[f"item {number}"] for number in range(2 * AT_ONCE, ITEMS)] == [1] * (ITEMS - 2 * AT_ONCE)


def all_succeeded(project: DistributedMapProject, ended: Ended, items: int) -> bool:
    """Each item has one outcome: in the summary, and in the rows."""
    assert ended.status == "SUCCEEDED"
    assert (ended.output["items"], ended.output["succeeded"]) == (items, items)
    rows = project.rows(ended.arn)
    assert [row["index"] for row in rows] == list(range(items))
    return {row["status"] for row in rows} == {"succeeded"}


@pytest.fixture
def function(project: DistributedMapProject) -> Iterator[dict[str, str]]:
    """Names the function, for what a test does to it; it is put back at the end."""
    name = {"FunctionName": project.function_name}
    yield name
    project.client("lambda").delete_function_concurrency(**name)
    project.replace_process(None)


def test_batches_that_fail_as_a_whole_are_processed_by_a_redrive(
    project: DistributedMapProject, held: str, gate: Gate, function: dict[str, str]
):
    # Given three batches that have succeeded, and a function that takes no more calls
    lambda_ = project.client("lambda")
    lambda_.put_function_concurrency(**function, ReservedConcurrentExecutions=0)
    gate.open()
    wait_until(lambda: project.map_run(held)["itemCounts"]["succeeded"] == AT_ONCE * PER_BATCH)
    assert project.map_run(held)["executionCounts"]["running"] == AT_ONCE
    # When it takes them again, and cannot be loaded
    project.replace_process("import no_such_module\n")
    lambda_.delete_function_concurrency(**function)
    ended = project.wait(held)
    # Then
    assert ended.status == "FAILED"
    assert ended.failure[0] == "States.ExceedToleratedFailureThreshold"
    rows = project.rows(held)
    assert [row["index"] for row in rows] == list(range(ITEMS))
    assert [row["status"] for row in rows[: AT_ONCE * PER_BATCH]] == ["succeeded"] * AT_ONCE * PER_BATCH
    failed = [row for row in rows if row["status"] == "failed"]
    assert {row["error"]["name"] for row in failed} == {"Runtime.ImportModuleError"}
    assert {row["status"] for row in rows} <= {"succeeded", "failed", "pending"}
    # When it was put right
    project.replace_process(None)
    project.run("python", "utils/redrive.py", held)
    # Then
    assert all_succeeded(project, project.wait(held), ITEMS)
    assert set(gate.arrived().values()) == {1}


def test_ctrl_c_stops_watching_and_not_the_execution(project: DistributedMapProject, held: str, gate: Gate):
    # Given
    with project.popen("python", "utils/run.py", "--execution-arn", held) as watcher:
        while f"0/{ITEMS} done" not in (line := watcher.stdout.readline()):
            assert line, "the watcher has ended"
        # When
        watcher.send_signal(signal.SIGINT)
        output, _ = watcher.communicate(timeout=20)
    # Then
    assert watcher.returncode == 130
    assert "Stopped watching: the execution goes on\n" in output
    # When
    gate.open()
    # Then
    assert all_succeeded(project, project.wait(held), ITEMS)


@pytest.mark.parametrize("failed", [0, 1])
def test_without_tolerance_one_failed_item_fails_the_execution(
    project: DistributedMapProject, start: Callable[..., str], failed: int
):
    ended = project.wait(start(["well"] * 4 + [{"raise": "no"}] * failed))
    if failed:
        assert ended.failure[1].startswith("1 of 5 items failed, and none is tolerated; see s3://")
    else:
        assert ended.status == "SUCCEEDED"
