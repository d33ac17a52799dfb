"""Distributed Map in the history of its execution: types in AWS's order, each with AWS's previousEventId."""

from collections.abc import Callable

import pytest
from distributed_states import KEEP, Worker, children, distributed, map_runs, reader, redrive, refuse
from state_machines import StepFunctions, machine

BEGIN = [("ExecutionStarted", 0), ("MapStateEntered", 0), ("MapStateStarted", 2), ("MapRunStarted", 3)]
EXCEEDED = {
    "error": "States.ExceedToleratedFailureThreshold",
    "cause": "The specified tolerated failure threshold was exceeded",
}


@pytest.fixture(scope="module")
def states(new_account: Callable[[], dict[str, str]]) -> StepFunctions:
    return StepFunctions(new_account())


@pytest.fixture(scope="module")
def worker(states: StepFunctions) -> Worker:
    return Worker(states, "events")


def test_success_points_past_the_end_of_the_map_run(states: StepFunctions) -> None:
    """Nothing of the children is there; what follows points back to MapRunStarted."""
    each = distributed(KEEP, Label="Each")
    outcome = states.run(machine(Each=each, After={"Type": "Pass"}), ["a", "b"])
    assert outcome.output == ["a", "b"]
    assert outcome.sequence == [
        *BEGIN,
        ("MapRunSucceeded", 4),
        ("MapStateSucceeded", 5),
        ("MapStateExited", 4),
        ("PassStateEntered", 7),
        ("PassStateExited", 8),
        ("ExecutionSucceeded", 9),
    ]
    assert outcome.details("MapStateStarted") == [{"length": 2}]
    (run,) = map_runs(states, outcome.arn)
    assert outcome.details("MapRunStarted") == [{"mapRunArn": run["mapRunArn"]}]
    name = outcome.arn.split(":")[-2]
    assert f":mapRun:{name}/Each:" in run["mapRunArn"]


def test_map_without_a_label_has_the_same_one_in_every_run(states: StepFunctions) -> None:
    machine_arn = states.create(machine(Each=distributed(KEEP)))
    labels = set()
    for _ in range(2):
        arn = states.api.start_execution(stateMachineArn=machine_arn, input="[]")["executionArn"]
        states.wait(arn)
        labels.add(map_runs(states, arn)[0]["mapRunArn"].rpartition(":")[0])
    assert len(labels) == 1


def test_list_that_cannot_be_read(states: StepFunctions) -> None:
    each = distributed(KEEP, ItemReader=reader("no-such-bucket", "list.json", InputType="JSON"))
    outcome = states.run(machine(Each=each))
    assert outcome.error == "States.ItemReaderFailed"
    assert outcome.sequence == [
        *BEGIN,
        ("MapRunFailed", 4),
        ("MapStateFailed", 5),
        ("ExecutionFailed", 6),
    ]
    assert outcome.details("MapStateStarted") == [{"length": 0}]
    assert outcome.details("MapRunFailed") == outcome.details("ExecutionFailed")


def test_exceeded_threshold_does_not_tell_the_childs_error(states: StepFunctions) -> None:
    outcome = states.run(machine(Each=distributed(refuse("a"))), ["a"])
    assert outcome.sequence == [
        *BEGIN,
        ("MapRunFailed", 4),
        ("MapStateFailed", 5),
        ("ExecutionFailed", 6),
    ]
    assert outcome.details("MapRunFailed") == outcome.details("ExecutionFailed") == [EXCEEDED]


@pytest.mark.parametrize("name", ["States.ExceedToleratedFailureThreshold", "States.ALL"])
def test_exceeded_threshold_is_caught(states: StepFunctions, name: str) -> None:
    each = distributed(refuse("a"), Catch=[{"ErrorEquals": [name], "Next": "Mend"}], End=True)
    outcome = states.run(machine(Each=each, Mend={"Type": "Pass"}), ["a"])
    assert outcome.output == {"Error": EXCEEDED["error"], "Cause": EXCEEDED["cause"]}
    assert outcome.sequence[4:] == [
        ("MapRunFailed", 4),
        ("MapStateFailed", 5),
        ("MapStateExited", 6),
        ("PassStateEntered", 7),
        ("PassStateExited", 8),
        ("ExecutionSucceeded", 9),
    ]


def test_retry_starts_a_new_map_run_of_all_items(states: StepFunctions) -> None:
    retry = {
        "ErrorEquals": ["States.ExceedToleratedFailureThreshold"],
        "IntervalSeconds": 1,
        "MaxAttempts": 1,
    }
    each = distributed(refuse("b"), Retry=[retry], MaxConcurrency=1)
    outcome = states.run(machine(Each=each), ["a", "b"])
    assert outcome.types[2:] == [
        *("MapStateStarted", "MapRunStarted", "MapRunFailed"),
        *("MapStateStarted", "MapRunStarted", "MapRunFailed"),
        *("MapStateFailed", "ExecutionFailed"),
    ]
    runs = map_runs(states, outcome.arn)
    assert [run["itemCounts"]["succeeded"] for run in runs] == [1, 1]
    assert runs[0]["mapRunArn"] != runs[1]["mapRunArn"]


def test_stop(states: StepFunctions, worker: Worker) -> None:
    arn = states.start(machine(Each=distributed(machine(Work=worker.work))), ["a"])
    worker.take(1)
    states.api.stop_execution(executionArn=arn, error="Enough", cause="of it")
    outcome = states.wait(arn)
    assert outcome.sequence == [*BEGIN, ("ExecutionAborted", 0)]
    assert outcome.details("ExecutionAborted") == [{"error": "Enough", "cause": "of it"}]


def test_timeout(states: StepFunctions) -> None:
    linger = machine(Linger={"Type": "Wait", "Seconds": 3600})
    outcome = states.run({**machine(Each=distributed(linger)), "TimeoutSeconds": 1}, ["a"])
    assert outcome.status == "TIMED_OUT"
    assert outcome.sequence == [*BEGIN, ("ExecutionTimedOut", 4)]
    redriven = redrive(states, outcome)
    states.wait_for_event(redriven, "MapRunRedriven")
    states.api.stop_execution(executionArn=redriven)


def test_redrive_is_appended_to_the_history(states: StepFunctions, worker: Worker) -> None:
    outcome = states.start(machine(Each=distributed(machine(Work=worker.work))), ["a"])
    worker.take(1)
    worker.fail("a")
    failed = states.wait(outcome)
    redrive(states, failed)
    worker.take(1)
    worker.succeed("a")
    redriven = states.wait(failed.arn)
    assert redriven.output == ["a"]
    assert redriven.events[: len(failed.events)] == failed.events
    assert redriven.sequence[len(failed.events) :] == [
        ("ExecutionRedriven", 7),
        ("MapRunRedriven", 8),
        ("MapRunSucceeded", 9),
        ("MapStateSucceeded", 10),
        ("MapStateExited", 9),
        ("ExecutionSucceeded", 12),
    ]
    (run,) = map_runs(states, failed.arn)
    assert redriven.details("MapRunRedriven") == [{"mapRunArn": run["mapRunArn"], "redriveCount": 1}]


def test_child_has_a_history_of_its_own(states: StepFunctions) -> None:
    outcome = states.run(machine(Each=distributed(refuse("b"), ToleratedFailureCount=1)), ["a", "b"])
    (run,) = map_runs(states, outcome.arn)
    kept, refused = (
        states.wait(each["executionArn"])
        for each in sorted(children(states, run["mapRunArn"]), key=lambda each: each["status"], reverse=True)
    )
    assert kept.types == [
        "ExecutionStarted",
        *("ChoiceStateEntered", "ChoiceStateExited", "PassStateEntered", "PassStateExited"),
        "ExecutionSucceeded",
    ]
    assert kept.details("ExecutionStarted")[0]["input"] == '"a"'
    assert (refused.types[-1], refused.error, refused.cause) == ("ExecutionFailed", "Refused", "not this one")
