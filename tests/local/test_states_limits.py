"""AWS's quotas: concurrency, sizes, events; and waits that hold up nobody."""

from collections.abc import Callable
from pathlib import Path

import pytest
from local_aws import LocalAws
from state_machines import Outcome, StepFunctions, invoke, machine, map_over

from local import processes

PASS = {"Type": "Pass"}
LIMIT_BYTES = 262_144


@pytest.fixture(scope="module")
def states(new_account: Callable[[], dict[str, str]]) -> StepFunctions:
    return StepFunctions(new_account())


def most_at_once(outcome: Outcome) -> int:
    """The most iterations that ran at the same time, by the order of the events."""
    running = most = 0
    for event_type in outcome.types:
        running += {"MapIterationStarted": 1, "MapIterationSucceeded": -1}.get(event_type, 0)
        most = max(most, running)
    return most


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, 40),
        ({"MaxConcurrency": 0}, 40),
        ({"MaxConcurrency": 3}, 3),
        ({"MaxConcurrency": 100}, 40),
        ({"MaxConcurrencyPath": "$.c"}, 5),
    ],
)
def test_concurrency(states: StepFunctions, fields: dict[str, object], expected: int) -> None:
    each = map_over(machine(Pause={"Type": "Wait", "Seconds": 0}), ItemsPath="$.items", **fields)
    outcome = states.run(machine(Each=each), {"items": list(range(90)), "c": 5})
    assert outcome.output == list(range(90))
    assert most_at_once(outcome) == expected


def test_concurrency_of_nested_maps(states: StepFunctions) -> None:
    inner = map_over(machine(Pause={"Type": "Wait", "Seconds": 0}), MaxConcurrency=2)
    outcome = states.run(machine(Outer=map_over(machine(Inner=inner), MaxConcurrency=3)), [[1, 2, 3]] * 4)
    assert outcome.output == [[1, 2, 3]] * 4
    assert outcome.types.count("MapIterationStarted") == 4 + 12


@pytest.mark.parametrize("status", ["SUCCEEDED", "FAILED"])
def test_history_limit(states: StepFunctions, status: str) -> None:
    """25,000 events: the last one may be ExecutionSucceeded and nothing else that is good."""
    # Given one event that starts, four of a Map, one that ends, and four for each iteration
    each = map_over(machine(End={"Type": "Succeed"}))
    most = (25_000 - 6) // 4
    count = most if status == "SUCCEEDED" else most + 1
    outcome = states.run(machine(Each=each), list(range(count)))
    assert outcome.status == status
    if status == "FAILED":
        assert len(outcome.events) == 25_000
        assert outcome.types[-1] == "ExecutionFailed"
        assert outcome.cause == "The execution reached the maximum number of history events (25000)."


def test_result_of_a_task_over_the_limit(states: StepFunctions) -> None:
    source = f"def handler(event, context):\n    return 'ü' * {LIMIT_BYTES // 2}\n"
    function = states.create_function(source)
    catch = [{"ErrorEquals": ["States.DataLimitExceeded"], "Next": "Mend"}]
    outcome = states.run(machine(Work=invoke(function, Catch=catch), Mend=PASS))
    assert outcome.types[4] == "TaskFailed"
    assert outcome.output == {
        "Error": "States.DataLimitExceeded",
        "Cause": "The state/task 'lambda' returned a result with a size exceeding the maximum number of "
        "bytes service limit.",
    }


@pytest.mark.parametrize("over", [False, True])
def test_output_of_a_state_over_the_limit(states: StepFunctions, *, over: bool) -> None:
    double = {"Type": "Pass", "Parameters": {"a.$": "$.t", "b.$": "$.t"}}
    most = (LIMIT_BYTES - len('{"a":"","b":""}')) // 2
    outcome = states.run(machine(Double=double), {"t": "x" * (most + over)})
    assert outcome.status == ("FAILED" if over else "SUCCEEDED")
    assert outcome.error == ("States.DataLimitExceeded" if over else None)


def test_waits_hold_no_thread(states: StepFunctions, local_aws: LocalAws) -> None:
    """Two hundred waits at once, in maps and in executions, add no thread to the emulator."""
    # Given an emulator whose request threads are warm
    pid = local_aws.instance().pid
    definition = machine(Each=map_over(machine(Linger={"Type": "Wait", "Seconds": 3600})))
    arn = states.create(definition)
    stop = [states.api.start_execution(stateMachineArn=arn, input="[1]")["executionArn"]]
    states.wait_for_event(stop[0], "WaitStateEntered")
    before = thread_count(pid)
    # When five executions wait with 40 items each
    for _ in range(5):
        stop.append(
            states.api.start_execution(stateMachineArn=arn, input=str(list(range(40))))["executionArn"]
        )
        states.wait_for_event(stop[-1], "WaitStateEntered")
    # Then there are as many threads as before
    assert thread_count(pid) <= before + 2
    for execution_arn in stop:
        states.api.stop_execution(executionArn=execution_arn)
    assert pid in processes.list_group(pid)


def thread_count(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("Threads:")).split()[1])
