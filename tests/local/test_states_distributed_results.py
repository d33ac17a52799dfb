"""The results of a Distributed Map: in its output, or in files of a bucket."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from distributed_states import (
    KEEP,
    Worker,
    counts,
    distributed,
    manifest_of,
    map_runs,
    read_results,
    refuse,
    wait_for_end,
    writer,
)
from state_machines import StepFunctions, machine

BUCKET = "the-results"
REFUSED = {"Status": "FAILED", "Error": "Refused", "Cause": "not this one"}


@pytest.fixture(scope="module")
def states(new_account: Callable[[], dict[str, str]]) -> StepFunctions:
    states = StepFunctions(new_account())
    states.client("s3").create_bucket(Bucket=BUCKET)
    return states


def keys(states: StepFunctions, prefix: str) -> list[str]:
    found = states.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])
    return [each["Key"] for each in found]


def test_failed_children_keep_their_place_among_the_results(states: StepFunctions) -> None:
    each = distributed(refuse("b"), ToleratedFailureCount=1)
    outcome = states.run(machine(Each=each), ["a", "b", "c"])
    assert outcome.output == ["a", REFUSED, "c"]


@pytest.mark.parametrize(("child_type", "suffix"), [("STANDARD", "json"), ("EXPRESS", "jsonl")])
def test_files_and_manifest(states: StepFunctions, child_type: str, suffix: str) -> None:
    # When
    kind = {"OutputType": "JSONL", "Transformation": "NONE"} if suffix == "jsonl" else {}
    each = distributed(
        refuse("b"), child_type, ToleratedFailureCount=1, ResultWriter=writer(BUCKET, suffix, **kind)
    )
    outcome = states.run(machine(Each=each), ["a", "b", "c"])
    # Then
    (run,) = map_runs(states, outcome.arn)
    place = f"{suffix}/{run['mapRunArn'].rpartition(':')[2]}"
    assert outcome.output == {
        "MapRunArn": run["mapRunArn"],
        "ResultWriterDetails": {"Bucket": BUCKET, "Key": f"{place}/manifest.json"},
    }
    files = [f"{place}/FAILED_0.{suffix}", f"{place}/SUCCEEDED_0.{suffix}", f"{place}/manifest.json"]
    assert keys(states, place) == files
    rows = read_results(states, outcome.output)
    assert [(row["Input"], row["Output"]) for row in rows["SUCCEEDED"]] == [('"a"', '"a"'), ('"c"', '"c"')]
    assert rows["PENDING"] == []
    (failed,) = rows["FAILED"]
    assert (failed["Status"], failed["Error"], failed["Cause"]) == ("FAILED", "Refused", "not this one")
    assert "Output" not in failed
    redrivable = "REDRIVABLE" if child_type == "STANDARD" else "REDRIVABLE_BY_MAP_RUN"
    assert (failed["RedriveStatus"], rows["SUCCEEDED"][0]["RedriveStatus"]) == (redrivable, "NOT_REDRIVABLE")
    assert list(rows["SUCCEEDED"][0]) == [
        *("ExecutionArn", "Input", "InputDetails", "Name", "Output", "OutputDetails", "RedriveCount"),
        *("RedriveStatus", "RedriveStatusReason", "StartDate", "StateMachineArn", "Status", "StopDate"),
    ]


@pytest.mark.parametrize(
    ("transformation", "expected"), [("COMPACT", [[1, 2], [3], 4]), ("FLATTEN", [1, 2, 3, 4])]
)
@pytest.mark.parametrize("with_bucket", [True, False])
def test_transformation(
    states: StepFunctions, transformation: str, expected: list[Any], with_bucket: bool
) -> None:
    config = {"OutputType": "JSON", "Transformation": transformation}
    result_writer = writer(BUCKET, **config) if with_bucket else {"WriterConfig": config}
    outcome = states.run(machine(Each=distributed(KEEP, ResultWriter=result_writer)), [[1, 2], [3], 4])
    results = read_results(states, outcome.output)["SUCCEEDED"] if with_bucket else outcome.output
    assert results == expected


def test_children_as_they_were_in_the_output(states: StepFunctions) -> None:
    config = {"OutputType": "JSON", "Transformation": "NONE"}
    outcome = states.run(machine(Each=distributed(KEEP, ResultWriter={"WriterConfig": config})), ["a"])
    assert [(row["Output"], row["Status"]) for row in outcome.output] == [('"a"', "SUCCEEDED")]


def test_exceeded_threshold_writes_what_there_is(states: StepFunctions) -> None:
    each = distributed(refuse("b"), MaxConcurrency=1, ResultWriter=writer(BUCKET))
    outcome = states.run(machine(Each=each), ["a", "b", "c", "d"])
    (run,) = map_runs(states, outcome.arn)
    assert counts(run) == {"succeeded": 1, "failed": 1, "pending": 2, "total": 4, "resultsWritten": 2}
    rows = read_results(states, manifest_of(run, BUCKET))
    assert {name: [row["Input"] for row in found] for name, found in rows.items()} == {
        "SUCCEEDED": ['"a"'],
        "FAILED": ['"b"'],
        "PENDING": ['"c"', '"d"'],
    }
    assert {row["Status"] for row in rows["PENDING"]} == {"PENDING"}


def test_stopped_execution_leaves_readable_results(states: StepFunctions) -> None:
    # Given one child done, one at work and one waiting for its turn
    worker = Worker(states, "stopped")
    each = distributed(machine(Work=worker.work), MaxConcurrency=1, ResultWriter=writer(BUCKET))
    arn = states.start(machine(Each=each), ["a", "b", "c"])
    worker.succeed(*worker.take(1))
    worker.take(1)
    # When
    states.api.stop_execution(executionArn=arn)
    # Then
    run = wait_for_end(states, arn)
    assert (run["status"], counts(run)) == (
        "ABORTED",
        {"succeeded": 1, "aborted": 1, "pending": 1, "total": 3, "resultsWritten": 2},
    )
    rows = read_results(states, manifest_of(run, BUCKET))
    found = {name: [(row["Input"], row["Status"]) for row in each] for name, each in rows.items()}
    assert found == {
        "SUCCEEDED": [('"a"', "SUCCEEDED")],
        "FAILED": [('"b"', "ABORTED")],
        "PENDING": [('"c"', "PENDING")],
    }


def test_empty_list_has_a_manifest(states: StepFunctions) -> None:
    outcome = states.run(machine(Each=distributed(KEEP, ResultWriter=writer(BUCKET))), [])
    assert read_results(states, outcome.output) == {"SUCCEEDED": [], "FAILED": [], "PENDING": []}


def test_bucket_that_takes_no_results_starts_no_child(states: StepFunctions) -> None:
    each = distributed(KEEP, ResultWriter=writer("no-such-bucket"))
    outcome = states.run(machine(Each=each), ["a"])
    assert outcome.error == "States.ResultWriterFailed"
    assert outcome.cause is not None
    assert "'no-such-bucket'" in outcome.cause
    (run,) = map_runs(states, outcome.arn)
    assert states.api.list_executions(mapRunArn=run["mapRunArn"])["executions"] == []


@pytest.mark.parametrize("place", [{"Prefix": "runs"}, {"Bucket": ""}, {"Bucket": BUCKET, "Prefix": 5}])
def test_writer_without_a_place(states: StepFunctions, place: dict[str, Any]) -> None:
    result_writer = {"Resource": "arn:aws:states:::s3:putObject", "Parameters": place}
    outcome = states.run(machine(Each=distributed(KEEP, ResultWriter=result_writer)), ["a"])
    assert outcome.error == "States.Runtime"
    assert outcome.cause is not None
    assert outcome.cause.endswith("The ResultWriter needs a Bucket, and may have a Prefix: both are strings.")


def test_bucket_deleted_during_the_run(states: StepFunctions) -> None:
    # Given
    s3 = states.client("s3")
    s3.create_bucket(Bucket="short-lived")
    worker = Worker(states, "bucket")
    each = distributed(machine(Work=worker.work), ResultWriter=writer("short-lived"))
    arn = states.start(machine(Each=each), ["a"])
    worker.take(1)
    # When
    for each_object in s3.list_objects_v2(Bucket="short-lived")["Contents"]:
        s3.delete_object(Bucket="short-lived", Key=each_object["Key"])
    s3.delete_bucket(Bucket="short-lived")
    worker.succeed("a")
    # Then
    outcome = states.wait(arn)
    assert outcome.error == "States.ResultWriterFailed"
    assert map_runs(states, arn)[0]["status"] == "FAILED"


def test_results_larger_than_a_states_output(states: StepFunctions) -> None:
    large = machine(Grow={"Type": "Pass", "Result": "x" * 100_000})
    outcome = states.run(machine(Each=distributed(large)), [1, 2])
    assert json.dumps(outcome.output) == json.dumps(["x" * 100_000] * 2)
    refused = states.run(machine(Each=distributed(large)), [1, 2, 3])
    assert refused.error == "States.DataLimitExceeded"
    states.api.redrive_execution(executionArn=refused.arn)
    states.wait(refused.arn)
    assert len(map_runs(states, refused.arn)) == 2
