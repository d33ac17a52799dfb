"""RedriveExecution of an execution with a Distributed Map: what runs again, and what does not."""

from collections.abc import Callable

import pytest
from distributed_states import (
    KEEP,
    Worker,
    children,
    counts,
    distributed,
    map_runs,
    read_results,
    reader,
    redrive,
    wait_for_counts,
    writer,
)
from state_machines import StepFunctions, machine

BUCKET = "redriven"


@pytest.fixture(scope="module")
def states(new_account: Callable[[], dict[str, str]]) -> StepFunctions:
    states = StepFunctions(new_account())
    states.client("s3").create_bucket(Bucket=BUCKET)
    return states


@pytest.fixture
def worker(states: StepFunctions, request: pytest.FixtureRequest) -> Worker:
    """Its own in each test: a task that is left over counts as run again."""
    return Worker(states, request.node.name.replace("[", "-").replace("]", "")[:80])


@pytest.mark.parametrize("child_type", ["STANDARD", "EXPRESS"])
def test_only_unsuccessful_children_run_again(states: StepFunctions, worker: Worker, child_type: str) -> None:
    # Given a Map Run with one success, one failure and one child aborted for it
    each = distributed(machine(Work=worker.work), child_type, ResultWriter=writer(BUCKET))
    arn = states.start(machine(Each=each), ["a", "b", "c"])
    worker.take(3)
    worker.succeed("a")
    wait_for_counts(states, arn, succeeded=1)
    worker.fail("b")
    failed = states.wait(arn)
    assert failed.status == "FAILED"
    (before,) = map_runs(states, arn)
    assert counts(before) == {"succeeded": 1, "failed": 1, "aborted": 1, "total": 3, "resultsWritten": 3}
    arns = [each["executionArn"] for each in children(states, before["mapRunArn"])]
    # When
    redrive(states, failed)
    assert worker.take(2) == ["b", "c"]
    (during,) = map_runs(states, arn)
    assert (during["status"], during["redriveCount"], "stopDate" in during) == ("RUNNING", 1, False)
    assert counts(during) == {"succeeded": 1, "running": 2, "total": 3, "resultsWritten": 3}
    worker.succeed("b", "c")
    # Then
    redriven = states.wait(arn)
    assert redriven.status == "SUCCEEDED"
    (after,) = map_runs(states, arn)
    assert counts(after) == {"succeeded": 3, "total": 3, "resultsWritten": 3}
    assert after["redriveDate"] >= before["stopDate"]
    assert [each["executionArn"] for each in children(states, after["mapRunArn"])] == arns
    rows = read_results(states, redriven.output)
    assert (rows["FAILED"], rows["PENDING"]) == ([], [])
    assert [(row["Output"], row["Status"], "Error" in row) for row in rows["SUCCEEDED"]] == [
        (f'"{item}"', "SUCCEEDED", False) for item in "abc"
    ]


def test_standard_child_goes_on_from_its_failed_state(states: StepFunctions, worker: Worker) -> None:
    begin = {"Type": "Pass", "Assign": {"kept.$": "$.n"}}
    end = {"Type": "Pass", "Parameters": {"kept.$": "$kept"}}
    arn = states.start(machine(Each=distributed(machine(Begin=begin, Work=worker.work, End=end))), [{"n": 1}])
    worker.fail(*worker.take(1))
    redrive(states, states.wait(arn))
    worker.succeed(*worker.take(1))
    assert states.wait(arn).output == [{"kept": 1}]
    (run,) = map_runs(states, arn)
    (child,) = children(states, run["mapRunArn"])
    history = states.wait(child["executionArn"])
    assert history.types.count("PassStateEntered") == 2
    assert history.types[history.types.index("ExecutionFailed") :] == [
        *("ExecutionFailed", "ExecutionRedriven", "ActivityScheduled", "ActivityStarted"),
        *("ActivitySucceeded", "TaskStateExited", "PassStateEntered", "PassStateExited"),
        "ExecutionSucceeded",
    ]
    assert (history.error, child["redriveCount"]) == (None, 1)


def test_children_not_started_before_a_stop_are_started(states: StepFunctions, worker: Worker) -> None:
    # Given
    each = distributed(machine(Work=worker.work), MaxConcurrency=1)
    arn = states.start(machine(Each=each), ["a", "b", "c"])
    worker.succeed(*worker.take(1))
    worker.take(1)
    states.api.stop_execution(executionArn=arn)
    wait_for_counts(states, arn, aborted=1)
    # When
    states.api.redrive_execution(executionArn=arn)
    for item in ("b", "c"):
        assert worker.take(1) == [item]
        worker.succeed(item)
    # Then
    assert states.wait(arn).output == ["a", "b", "c"]
    (run,) = map_runs(states, arn)
    assert counts(run) == counts(run, "executionCounts") == {"succeeded": 3, "total": 3, "resultsWritten": 3}


def test_execution_that_timed_out(states: StepFunctions, worker: Worker) -> None:
    each = {**machine(Each=distributed(machine(Work=worker.work))), "TimeoutSeconds": 1}
    arn = states.start(each, ["a", "b"])
    worker.take(2)
    worker.succeed("a")
    timed_out = states.wait(arn)
    assert timed_out.status == "TIMED_OUT"
    redrive(states, timed_out)
    assert worker.take(1) == ["b"]
    worker.succeed("b")
    assert states.wait(arn).output == ["a", "b"]


def test_list_is_read_anew_if_it_could_not_be_read(states: StepFunctions) -> None:
    each = distributed(KEEP, ItemReader=reader(BUCKET, "late.json", InputType="JSON"))
    failed = states.run(machine(Each=each))
    assert failed.error == "States.ItemReaderFailed"
    states.client("s3").put_object(Bucket=BUCKET, Key="late.json", Body=b'["a"]')
    redriven = states.wait(redrive(states, failed))
    assert redriven.output == ["a"]
    assert redriven.types[7:] == [
        *("ExecutionRedriven", "MapStateStarted", "MapRunStarted"),
        *("MapRunSucceeded", "MapStateSucceeded", "MapStateExited", "ExecutionSucceeded"),
    ]
    assert [run["status"] for run in map_runs(states, failed.arn)] == ["FAILED", "SUCCEEDED"]


def test_redriven_until_it_succeeds(states: StepFunctions, worker: Worker) -> None:
    arn = states.start(machine(Each=distributed(machine(Work=worker.work))), ["a"])
    for _ in range(3):
        worker.fail(*worker.take(1))
        redrive(states, states.wait(arn))
    worker.succeed(*worker.take(1))
    outcome = states.wait(arn)
    assert outcome.output == ["a"]
    assert [details["redriveCount"] for details in outcome.details("MapRunRedriven")] == [1, 2, 3]
    assert states.api.describe_execution(executionArn=arn)["redriveCount"] == 3


def test_redrive_as_soon_as_it_is_stopped(states: StepFunctions, worker: Worker) -> None:
    """It waits for what the Map Run still has to do."""
    each = distributed(machine(Work=worker.work), ResultWriter=writer(BUCKET))
    arn = states.start(machine(Each=each), [str(n) for n in range(40)])
    wait_for_counts(states, arn, running=40)
    for _ in range(5):
        states.api.stop_execution(executionArn=arn)
        states.api.redrive_execution(executionArn=arn)
    run = wait_for_counts(states, arn, running=40)
    assert (run["redriveCount"], run["executionCounts"]["total"]) == (5, 40)
    states.api.stop_execution(executionArn=arn)


def test_map_inside_the_branch_of_a_parallel(states: StepFunctions, worker: Worker) -> None:
    branches = [machine(Each=distributed(machine(Work=worker.work))), machine(Keep={"Type": "Pass"})]
    arn = states.start(machine(Both={"Type": "Parallel", "Branches": branches}), ["a", "b"])
    worker.take(2)
    worker.succeed("a")
    wait_for_counts(states, arn, succeeded=1)
    worker.fail("b")
    redrive(states, states.wait(arn))
    assert worker.take(1) == ["b"]
    worker.succeed("b")
    assert states.wait(arn).output == [["a", "b"], ["a", "b"]]
    assert len(map_runs(states, arn)) == 1
