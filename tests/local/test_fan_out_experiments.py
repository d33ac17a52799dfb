"""The four experiments as a user makes them: edit config.json, deploy, load a list, run, look.

The tests go from one to the next, as the user does; the last one destroys the stack.
"""

import signal
import subprocess
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import pytest
from projects import Project

LOAD_AS_THE_REFERENCE_DOES = "cd utils && python load-ddb.py --config ../config.json --json"


@pytest.fixture(scope="module")
def project(
    tmp_path_factory: pytest.TempPathFactory, new_cdk_account: Callable[[], dict[str, str]]
) -> Project:
    """The project as it comes."""
    project = Project.copy(tmp_path_factory.mktemp("experiments"), new_cdk_account())
    project.deploy()
    return project


@pytest.fixture(scope="module")
def run_that_times_out(project: Project) -> Iterator[subprocess.Popen[str]]:
    """The last experiment, started first: the others do not wait for it."""
    project.configure("stepfunc", waitDurationSeconds=25)
    project.deploy()
    with project.popen("python", "utils/run.py", "--name", "times-out") as process:
        yield process
        process.kill()


def execution_arn(project: Project, name: str) -> str:
    return f"{project.state_machine_arn.replace(':stateMachine:', ':execution:')}:{name}"


def read_history(project: Project, name: str) -> list[dict[str, Any]]:
    """With the stock command; times are seconds."""
    command = ["stepfunctions", "get-execution-history", "--execution-arn", execution_arn(project, name)]
    events: list[dict[str, Any]] = project.aws(*command)["events"]
    return events


def event_times(events: list[dict[str, Any]], event_type: str) -> list[float]:
    """Times of the events of a type that belong to invocations of the function."""
    details = f"{event_type[0].lower()}{event_type[1:]}EventDetails"
    return [
        event["timestamp"]
        for event in events
        if event["type"] == event_type and event[details]["resourceType"] == "lambda"
    ]


def test_items_are_invoked_two_seconds_apart(project: Project):
    # Given
    loaded = project.run("bash", "-c", f"{LOAD_AS_THE_REFERENCE_DOES} simplelist.json")
    assert loaded.stdout.startswith("wrote 3 items to table StepFunctionsProjectDDBTable")
    # When
    run = project.run("python", "utils/run.py", "--name", "apart")
    # Then
    assert "(3 of 3 items succeeded)" in run.stdout
    events = read_history(project, "apart")
    starts, ends = event_times(events, "TaskScheduled"), event_times(events, "TaskSucceeded")
    assert len(starts) == 3
    # From start to start it is the wait and the item before, the first of which is a cold start.
    assert all(2.0 <= later - start < 4.0 for start, later in pairwise(starts))
    assert all(2.0 <= later - end < 2.5 for end, later in zip(ends, starts[1:], strict=False))


def test_diff_after_a_deploy_shows_nothing(project: Project):
    diff = project.run("npx", "cdk", "diff", "--fail")
    assert "There were no differences" in diff.stderr + diff.stdout


@pytest.mark.usefixtures("run_that_times_out")
def test_ctrl_c_stops_watching_and_not_the_execution(project: Project):
    # Given an execution that is watched while its items wait
    start = ["stepfunctions", "start-execution", "--state-machine-arn", project.state_machine_arn]
    arn = project.aws(*start, "--name", "stopped")["executionArn"]
    describe = ["stepfunctions", "describe-execution", "--execution-arn", arn]
    with project.popen("python", "utils/run.py", "--execution-arn", arn) as watcher:
        while "0/3 done" not in (line := watcher.stdout.readline()):
            assert line, "the watcher has ended"
        # When
        watcher.send_signal(signal.SIGINT)
        output, _ = watcher.communicate(timeout=20)
    # Then
    assert watcher.returncode == 130
    assert "Stopped watching: the execution goes on\n" in output
    assert f"  follow it: python utils/run.py --execution-arn {arn}\n" in output
    assert project.aws(*describe)["status"] == "RUNNING"
    # When stopped as it says
    stop = next(line for line in output.splitlines() if line.startswith("  stop it:   aws "))
    project.run("bash", "-c", stop.removeprefix("  stop it:   "))
    # Then
    assert project.aws(*describe)["status"] == "ABORTED"
    last = read_history(project, "stopped")[-1]
    assert (last["type"], last["previousEventId"]) == ("ExecutionAborted", 0)


def test_items_are_invoked_all_at_once(project: Project):
    # Given
    project.configure("stepfunc", waitDurationSeconds=2, maxConcurrency=3)
    diff = project.run("npx", "cdk", "diff", "--fail", exit_code=1)
    assert '\\"MaxConcurrency\\":3' in diff.stdout + diff.stderr
    project.deploy("--app", "cdk.out")  # what the diff has synthesized
    # When
    run = project.run("python", "utils/run.py", "--name", "at-once")
    # Then
    assert "(3 of 3 items succeeded)" in run.stdout
    times = event_times(read_history(project, "at-once"), "TaskScheduled")
    assert len(times) == 3
    assert max(times) - min(times) < 1.0


def test_maps_reach_the_function_typed_and_process_plain(project: Project):
    # Given
    loaded = project.run("bash", "-c", f"{LOAD_AS_THE_REFERENCE_DOES} listofdicts.json")
    assert loaded.stdout.rstrip().endswith("replacing 3 items")
    # When
    project.run("python", "utils/run.py", "--name", "maps")
    # Then
    log = project.function_log(project.wait(execution_arn(project, "maps")))
    items = [line["event"]["item"] for line in log if "event" in line]
    assert {"M": {"topic": {"S": "cs"}, "name": {"S": "Computer Science"}}} in items
    assert {"item": {"topic": "econ", "name": "Economics"}} in log


def test_execution_longer_than_its_timeout_is_timed_out(
    project: Project, run_that_times_out: subprocess.Popen[str]
):
    # When
    output, _ = run_that_times_out.communicate(timeout=60)
    # Then it kept the definition that it started with, whatever was deployed meanwhile
    assert run_that_times_out.returncode == 1
    assert "TIMED_OUT after 20." in output
    assert "the timeout of the execution" in output
    events = read_history(project, "times-out")
    assert events[-1]["type"] == "ExecutionTimedOut"
    assert 20.0 <= events[-1]["timestamp"] - events[0]["timestamp"] < 21.0
    assert event_times(events, "TaskScheduled") == []


def test_destroy_leaves_nothing_of_the_stack(project: Project):
    project.run("npx", "cdk", "destroy", "--force")

    left = {
        "tables": project.client("dynamodb").list_tables()["TableNames"],
        "functions": project.client("lambda").list_functions()["Functions"],
        "state machines": project.client("stepfunctions").list_state_machines()["stateMachines"],
        "log groups": project.client("logs").describe_log_groups()["logGroups"],
        "alarms": project.client("cloudwatch").describe_alarms()["MetricAlarms"],
        "roles": [
            role["RoleName"]
            for role in project.client("iam").list_roles()["Roles"]
            if role["RoleName"].startswith("FanOutStack")
        ],
    }
    assert left == {kind: [] for kind in left}
    gone = project.run(
        "aws", "cloudformation", "describe-stacks", "--stack-name", "FanOutStack", exit_code=255
    )
    assert "does not exist" in gone.stderr
