"""Distributed Maps in one another, in other states, one after the other and beside each other."""

import urllib.request
from collections.abc import Callable

import pytest
from distributed_states import KEEP, Worker, children, counts, distributed, map_runs, refuse
from local_aws import LocalAws
from state_machines import StepFunctions, machine, map_over, wait_for


@pytest.fixture(scope="module")
def states(new_account: Callable[[], dict[str, str]]) -> StepFunctions:
    return StepFunctions(new_account())


def test_map_run_of_a_child(states: StepFunctions) -> None:
    inner = machine(Inner=distributed(KEEP, Label="Inner"))
    outcome = states.run(machine(Outer=distributed(inner, Label="Outer")), [[1, 2], [3]])
    assert outcome.output == [[1, 2], [3]]
    (outer,) = map_runs(states, outcome.arn)
    name = outcome.arn.split(":")[-2]
    for child, total in zip(children(states, outer["mapRunArn"]), (2, 1), strict=True):
        (run,) = map_runs(states, child["executionArn"])
        assert run["itemCounts"]["succeeded"] == total
        assert f":mapRun:{name}/Inner:" in run["mapRunArn"]


def test_failure_of_a_childs_map_run_is_redriven_down_to_its_child(states: StepFunctions) -> None:
    worker = Worker(states, "nested")
    inner = machine(Inner=distributed(machine(Work=worker.work)))
    arn = states.start(machine(Outer=distributed(inner)), [["a", "b"]])
    worker.take(2)
    worker.succeed("a")
    (outer,) = map_runs(states, arn)
    (child,) = children(states, outer["mapRunArn"])
    wait_for(
        lambda: map_runs(states, child["executionArn"])[0]["itemCounts"]["succeeded"] or None, "the success"
    )
    worker.fail("b")
    assert states.wait(arn).error == "States.ExceedToleratedFailureThreshold"
    states.api.redrive_execution(executionArn=arn)
    assert worker.take(1) == ["b"]
    worker.succeed("b")
    assert states.wait(arn).output == [["a", "b"]]


def test_inside_an_inline_map_and_a_parallel(states: StepFunctions) -> None:
    each = machine(Each=distributed(KEEP))
    both = {"Type": "Parallel", "Branches": [each, each]}
    outcome = states.run(machine(Lists=map_over(machine(Both=both))), [[1], [2, 3]])
    assert outcome.output == [[[1], [1]], [[2, 3], [2, 3]]]
    assert len(map_runs(states, outcome.arn)) == 4


def test_failed_branch_aborts_the_map_run_beside_it(states: StepFunctions) -> None:
    worker = Worker(states, "beside")
    fail = machine(Hold=worker.work, Refuse={"Type": "Fail", "Error": "Refused"})
    linger = machine(Each=distributed(machine(Linger={"Type": "Wait", "Seconds": 3600})))
    arn = states.start(machine(Both={"Type": "Parallel", "Branches": [fail, linger]}), ["a"])
    states.wait_for_event(arn, "MapRunStarted")
    worker.take(1)
    wait_for(lambda: map_runs(states, arn)[0]["itemCounts"]["running"] or None, "the child")
    worker.succeed(["a"])
    assert states.wait(arn).error == "Refused"
    run = wait_for(lambda: next((r for r in map_runs(states, arn) if "stopDate" in r), None), "the end")
    assert (run["status"], counts(run)["aborted"]) == ("ABORTED", 1)


def test_one_after_the_other(states: StepFunctions) -> None:
    outcome = states.run(machine(First=distributed(KEEP), Second=distributed(KEEP, "EXPRESS")), ["a"])
    assert outcome.output == ["a"]
    first, second = map_runs(states, outcome.arn)
    assert first["mapRunArn"].split(":")[-2] != second["mapRunArn"].split(":")[-2]
    assert counts(first) == counts(second) == {"succeeded": 1, "total": 1, "resultsWritten": 1}


def test_executions_side_by_side_do_not_mix(states: StepFunctions) -> None:
    machine_arn = states.create(machine(Each=distributed(refuse("x"), ToleratedFailureCount=1)))
    arns = [
        states.api.start_execution(stateMachineArn=machine_arn, input=f'["{n}", "x"]')["executionArn"]
        for n in range(10)
    ]
    outcomes = [states.wait(arn) for arn in arns]
    assert [outcome.output[0] for outcome in outcomes] == [str(n) for n in range(10)]
    for arn in arns:
        (run,) = map_runs(states, arn)
        assert counts(run) == {"succeeded": 1, "failed": 1, "total": 2, "resultsWritten": 2}
        assert len(children(states, run["mapRunArn"])) == 2


def test_child_sees_neither_variables_nor_the_item_of_its_map(states: StepFunctions) -> None:
    look = {
        "Type": "Pass",
        "Output": "{% {'sees': $exists($outer), 'name': $states.context.StateMachine.Name, "
        "'item': $exists($states.context.Map)} %}",
    }
    begin = {"Type": "Pass", "Assign": {"outer": 1}}
    definition = machine(Begin=begin, Each=distributed(machine(Look=look), Label="Each"))
    outcome = states.run({"QueryLanguage": "JSONata", **definition}, ["a"])
    name = outcome.arn.split(":")[-2]
    assert outcome.output == [{"sees": False, "name": f"{name}/Each", "item": False}]


@pytest.fixture
def emptied(own_local_aws: LocalAws) -> StepFunctions:
    own_local_aws.start()
    return StepFunctions(own_local_aws.environment())


def test_reset_ends_a_map_run(emptied: StepFunctions) -> None:
    """An emulator of its own, because it is emptied."""
    linger = machine(Linger={"Type": "Wait", "Seconds": 3600})
    arn = emptied.start(machine(Each=distributed(linger)), list(range(50)))
    emptied.wait_for_event(arn, "MapRunStarted")
    request = urllib.request.Request(f"{emptied.api.meta.endpoint_url}/_ministack/reset", method="POST")
    urllib.request.urlopen(request).close()
    assert emptied.api.list_state_machines()["stateMachines"] == []
    outcome = emptied.run(machine(Each=distributed(KEEP)), ["a"])
    assert outcome.output == ["a"]
    assert len(map_runs(emptied, outcome.arn)) == 1
