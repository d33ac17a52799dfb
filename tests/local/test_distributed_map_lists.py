"""Lists of each format from the loader to the rows, and lists that nobody should have uploaded.

The tests go from one format to the next, as the user does: edit config.json, deploy, load, run, look.
"""

import csv
import io
import json
import signal
import socket
from collections.abc import Callable
from typing import Any

import pytest
from distributed_map_project import DistributedMapProject
from projects import Ended, wait_until

ROWS = 2_000
COLUMNS = ["name", "Straße", "notes"]
RUN = ["python", "utils/run.py", "--workflow", "distributedMap"]
LOAD = ["python", "utils/load-s3.py", "--config", "config.json", "--file"]

JSON_ITEMS = [
    *(None, True, False, 0, -7, "", [], {}, [[]], [1, [2, [3]]], {"a": {"b": [None]}}),
    *("Zürich", "数学", "👩‍🔬", '\u0000\u2028"\\\n', {"ключ": "Ünïcödé"}),
    *("{% 1 + 1 %}", "$states.input", "$.items", "${Token[1]}", {"key.$": "$"}),
    *({"BatchInput": {"execution": "x"}, "Items": []}, {"index": 7, "item": "seven"}),
]
"""Of every kind, not in ASCII, like expressions, like a batch."""


@pytest.fixture(scope="module")
def csv_project(
    tmp_path_factory: pytest.TempPathFactory, new_cdk_account: Callable[[], dict[str, str]]
) -> DistributedMapProject:
    """With both workflows, the list being CSV."""
    project = DistributedMapProject.copy(tmp_path_factory.mktemp("lists"), new_cdk_account())
    project.name_workflows("fanOut", "distributedMap")
    project.configure("stepfunc", waitDurationSeconds=0)
    project.configure("distributedMap", format="csv", key="lists/items.csv")
    project.deploy("--all")
    return project


@pytest.fixture(scope="module")
def json_project(csv_project: DistributedMapProject) -> DistributedMapProject:
    """The same, deployed again for a JSON array and for other sizes of batches."""
    csv_project.configure("distributedMap", format="json", maxItemsPerBatch=3, maxInputBytesPerBatch=20_000)
    csv_project.deploy(csv_project.stack)
    return csv_project


def write_csv(rows: list[list[str]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def processed(items: list[Any]) -> list[dict[str, Any]]:
    """The rows of items that the shipped processor has processed."""
    return [
        {
            "index": index,
            "item": item,
            "status": "succeeded",
            "result": {"item": item, "status": "processed"},
            "attempts": 1,
        }
        for index, item in enumerate(items)
    ]


def last_line(text: str) -> str:
    return text.rstrip().splitlines()[-1]


def test_both_workflows_are_deployed_and_the_first_runs_by_default(csv_project: DistributedMapProject):
    run = csv_project.run("python", "utils/run.py", "--input", '{"items": ["a"]}')
    assert ":FanOutStack-" in run.stdout.splitlines()[0]
    assert "(1 of 1 item succeeded)" in run.stdout


@pytest.fixture(scope="module")
def csv_list() -> list[list[str]]:
    """With line feeds and quotation marks in fields, and rows that are too short and too long."""
    rows = [[f"row {number}", f"Größe {number} 数\n第二行", 'say "so", twice'] for number in range(ROWS)]
    rows[3], rows[-1] = ["short"], ["long", "", "", "dropped"]
    return rows


@pytest.fixture(scope="module")
def csv_run(csv_project: DistributedMapProject, csv_list: list[list[str]]) -> Ended:
    """The list loaded and run with the commands."""
    csv_project.write("items.csv", write_csv([COLUMNS, *csv_list]))
    loaded = csv_project.run(*LOAD, "items.csv")
    target = f"s3://{csv_project.outputs['ListsBucketName']}/lists/items.csv"
    assert loaded.stdout.startswith(f"wrote 2,000 items to {target} (")
    assert "  batches  20, each of at most 100 items and 204,800 bytes\n" in loaded.stdout
    assert "1 line with fewer fields than the header" in loaded.stderr
    run = csv_project.run(*RUN)
    assert "(2,000 of 2,000 items succeeded)" in run.stdout
    return csv_project.wait(started_by(run.stdout))


def started_by(said: str) -> str:
    """The execution that utils/run.py says it has started."""
    return said.splitlines()[0].removeprefix("Execution ")


def test_rows_of_a_csv_list_are_in_its_order(
    csv_project: DistributedMapProject, csv_list: list[list[str]], csv_run: Ended
):
    expected = [dict(zip(COLUMNS, (*row, "", ""), strict=False)) for row in csv_list]
    assert csv_project.rows(csv_run.arn) == processed(expected)


def test_summary_is_the_output_and_is_beside_the_results(csv_project: DistributedMapProject, csv_run: Ended):
    summary = csv_run.output
    assert csv_project.read_result(summary["results"]["summary"]) == summary
    manifest = csv_project.read_result(summary["results"]["manifest"])
    assert manifest["MapRunArn"] == csv_project.map_run(csv_run.arn)["mapRunArn"]
    times = summary.pop("firstStartedAt"), summary.pop("lastEndedAt")
    assert times == tuple(sorted(times))
    assert summary.pop("childSeconds") > 0
    folder = f"runs/{manifest['MapRunArn'].rpartition(':')[2]}"
    assert summary == {
        "items": 2_000,
        "succeeded": 2_000,
        "failed": 0,
        "errors": {},
        "batches": 20,
        "attempts": 2_000,
        "results": {
            "bucket": csv_project.outputs["ResultsBucketName"],
            "manifest": f"{folder}/manifest.json",
            "summary": f"{folder}/summary.json",
        },
    }


def test_history_is_that_of_a_distributed_map(csv_run: Ended):
    assert [event["type"] for event in csv_run.events] == [
        "ExecutionStarted",
        "ChoiceStateEntered",
        "ChoiceStateExited",
        "MapStateEntered",
        "MapStateStarted",
        "MapRunStarted",
        "MapRunSucceeded",
        "MapStateSucceeded",
        "MapStateExited",
        "TaskStateEntered",
        "TaskScheduled",
        "TaskStarted",
        "TaskSucceeded",
        "TaskStateExited",
        "ChoiceStateEntered",
        "ChoiceStateExited",
        "SucceedStateEntered",
        "SucceedStateExited",
        "ExecutionSucceeded",
    ]


def test_results_are_written_as_csv_whole_or_not_at_all(csv_project: DistributedMapProject, csv_run: Ended):
    # Given
    results = ["python", "utils/results.py", csv_run.arn, "--out", "rows.csv"]
    # When it is interrupted while it writes
    with csv_project.popen(*results) as command:
        wait_until(lambda: list(csv_project.folder.glob(".*.part.csv")), poll_seconds=0.005)
        command.send_signal(signal.SIGINT)
        said, _ = command.communicate(timeout=20)
    # Then
    assert (command.returncode, last_line(said)) == (130, "interrupted")
    assert list(csv_project.folder.glob("*rows.csv")) + list(csv_project.folder.glob(".*.part.csv")) == []
    # When it may end
    csv_project.run(*results)
    # Then
    with (csv_project.folder / "rows.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["index"]) for row in rows] == list(range(ROWS))
    assert json.loads(rows[3]["item"]) == {"name": "short", "Straße": "", "notes": ""}
    assert {(row["status"], row["error_name"], row["attempts"]) for row in rows} == {("succeeded", "", "1")}


BAD_CSV = {
    "no object": (None, "The specified key does not exist"),
    "duplicate header": ("a,b,a\n1,2,3\n", "a"),
    "byte order mark": ("\ufeffa,b\n1,2\n", "byte order mark"),
}


@pytest.mark.parametrize(("content", "said"), BAD_CSV.values(), ids=BAD_CSV)
def test_csv_that_cannot_be_read_is_a_named_failure(
    csv_project: DistributedMapProject, content: str | None, said: str
):
    given = {"key": "nowhere"} if content is None else csv_project.put_list("bad.csv", content)
    refused(csv_project, csv_project.execute(given), said)


def refused(project: DistributedMapProject, ended: Ended, said: str) -> None:
    """Nothing of the list was processed, and the failure says what is wrong."""
    error, cause = ended.failure
    assert error == "States.ItemReaderFailed"
    assert cause is not None
    assert said in cause
    assert project.map_run(ended.arn)["executionCounts"]["total"] == 0
    assert ended.of_type("MapRunFailed", "TaskScheduled") == ended.of_type("MapRunFailed")


def test_json_items_reach_process_as_they_are(json_project: DistributedMapProject):
    text = json.dumps(JSON_ITEMS, ensure_ascii=False)
    ended = json_project.execute(json_project.put_list("kinds.json", text))
    assert ended.output["batches"] == 8
    assert json_project.rows(ended.arn) == processed(JSON_ITEMS)


LARGE_LIST_ITEMS = 50_000
BAD_JSON = {
    "nothing": ("", "Expecting value at character 1"),
    "an object": ('{"items": [1, 2]}', "Attempting to map over non-iterable node"),
    "one value": ("7", "Attempting to map over non-iterable node"),
    "cut off after 50,000 items": (json.dumps(list(range(LARGE_LIST_ITEMS)))[:-1], "at character 338890"),
    "a byte order mark": ("\ufeff[1]", "byte order mark"),
    "Latin-1": ('["Zürich"]'.encode("latin-1"), "UTF-8"),
}


@pytest.mark.parametrize(("content", "said"), BAD_JSON.values(), ids=BAD_JSON)
def test_json_that_cannot_be_read_is_a_named_failure(
    json_project: DistributedMapProject, content: str | bytes, said: str
):
    refused(json_project, json_project.execute(json_project.put_list("bad.json", content)), said)


def test_list_that_was_put_right_is_read_again_by_a_redrive(json_project: DistributedMapProject):
    # Given
    given = json_project.put_list("mended.json", '["first", "second", ')
    ended = json_project.execute(given)
    assert ended.failure[0] == "States.ItemReaderFailed"
    results = json_project.run("python", "utils/results.py", ended.arn, exit_code=1)
    assert "has no results, it ended before its first item: FAILED: States.Item" in results.stderr
    # When
    json_project.put_list("mended.json", '["first", "second", "third"]')
    json_project.run("python", "utils/redrive.py", ended.arn)
    # Then
    assert json_project.wait(ended.arn).status == "SUCCEEDED"
    assert json_project.rows(ended.arn) == processed(["first", "second", "third"])
    # When
    again = json_project.run("python", "utils/redrive.py", ended.arn, exit_code=1)
    # Then
    assert "has succeeded, and AWS redrives only what did not" in again.stderr


def test_empty_list_succeeds_without_rows(json_project: DistributedMapProject):
    # Given
    json_project.write("empty.json", "[]")
    loaded = json_project.run(*LOAD, "empty.json", "--key", "lists/empty one.json")
    # When as the loader says
    run = json_project.run("bash", "-c", last_line(loaded.stdout).removeprefix("run it with: "))
    # Then
    ended = json_project.wait(started_by(run.stdout))
    assert (ended.output["items"], ended.output["batches"]) == (0, 0)
    results = json_project.run("python", "utils/results.py", ended.arn, "--out", "none.jsonl")
    assert results.stdout == "wrote none.jsonl (the list was empty: no items)\n"
    assert (json_project.folder / "none.jsonl").read_text() == ""


def test_item_larger_than_a_batch_is_refused_by_the_loader_and_by_the_execution(
    json_project: DistributedMapProject,
):
    # Given
    text = json.dumps(["small", "x" * 20_000])
    json_project.write("large.json", text)
    # When
    refused = json_project.run(*LOAD, "large.json", exit_code=1)
    ended = json_project.execute(json_project.put_list("large.json", text))
    # Then
    assert "item [1] makes 20,1" in refused.stderr
    assert (ended.status, ended.failure[0]) == ("FAILED", "States.DataLimitExceeded")
    assert "index 1 " in ended.failure[1]
    results = json_project.run("python", "utils/results.py", ended.arn)
    assert results.stdout.endswith("1 item: 1 pending\n")
    assert "note: 1 item of 2 left no result: the execution ended FAILED" in results.stderr
    # When it is the only one
    alone = json_project.execute(json_project.put_list("alone.json", json.dumps(["x" * 20_000])))
    # Then
    results = json_project.run("python", "utils/results.py", alone.arn)
    assert results.stdout == "no rows\n"
    assert "note: 1 item of 1 left no result: the execution ended FAILED" in results.stderr


@pytest.mark.parametrize("given", [[], "text", {"key": 5}, {"key": ""}, {"key": None}], ids=json.dumps)
def test_input_that_names_no_list_is_refused(json_project: DistributedMapProject, given: Any):
    error, cause = json_project.execute(given).failure
    assert error == "ItemListInvalid"
    assert f"Give the key of a list in bucket {json_project.outputs['ListsBucketName']}" in cause


def test_executions_over_different_lists_at_once_do_not_mix(json_project: DistributedMapProject):
    # Given a bucket that has the results of others
    lists = {f"list {number} ü.json": [f"{number}.{item}" for item in range(40)] for number in range(3)}
    # When
    inputs = [json_project.put_list(key, json.dumps(items)) for key, items in lists.items()]
    started = [json_project.start(given) for given in inputs]
    # Then
    summaries = [json_project.wait(arn).output for arn in started]
    assert len({summary["results"]["summary"] for summary in summaries}) == 3
    for arn, items in zip(started, lists.values(), strict=True):
        assert json_project.rows(arn) == processed(items)


@pytest.fixture(scope="module")
def large_list(json_project: DistributedMapProject) -> str:
    """Some parts of a multipart upload."""
    json_project.write("parts.json", json.dumps(["x" * 15_000] * 2_400))
    return "parts.json"


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGKILL], ids=["interrupted", "killed"])
def test_upload_that_is_ended_shows_nothing_and_can_be_repeated(
    json_project: DistributedMapProject, large_list: str, ending: signal.Signals
):
    # Given
    s3, bucket = json_project.client("s3"), json_project.outputs["ListsBucketName"]
    # When it is ended between its first part and its last
    for attempt in range(5):
        key = f"ended by {ending.name} {attempt}"
        with json_project.popen(*LOAD, large_list, "--key", key) as loader:
            wait_until(
                lambda key=key: "Uploads" in s3.list_multipart_uploads(Bucket=bucket, Prefix=key),
                poll_seconds=0,
            )
            loader.send_signal(ending)
            said, _ = loader.communicate(timeout=20)
        # On a busy machine the last part may be there before the signal.
        if s3.list_objects_v2(Bucket=bucket, Prefix=key)["KeyCount"] == 0:
            break
    else:
        pytest.fail("no signal came between the first part and the last")
    # Then
    interrupted = ending == signal.SIGINT
    assert loader.returncode == (130 if interrupted else -signal.SIGKILL)
    assert said == ("interrupted\n" if interrupted else "")
    # An upload that was killed is left for the bucket's lifecycle to abort.
    assert ("Uploads" in s3.list_multipart_uploads(Bucket=bucket, Prefix=key)) is not interrupted
    # When
    repeated = json_project.run(*LOAD, large_list, "--key", key)
    # Then
    assert repeated.stdout.startswith(f"wrote 2,400 items to s3://{bucket}/{key} (")
    s3.delete_object(Bucket=bucket, Key=key)


@pytest.mark.parametrize(
    "command",
    [
        [*LOAD, "few.json"],
        RUN,
        ["python", "utils/results.py", "{arn}", "--out", "few.jsonl"],
        ["python", "utils/redrive.py", "{arn}", "--failed-items"],
    ],
    ids=lambda command: command[1],
)
def test_ctrl_c_ends_a_command_that_waits_for_an_answer(
    json_project: DistributedMapProject, command: list[str]
):
    # Given an endpoint that says nothing
    json_project.write("few.json", "[1]")
    files = sorted(json_project.folder.iterdir())
    arn = json_project.execution_arn("empty")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = f"AWS_ENDPOINT_URL=http://127.0.0.1:{silent.getsockname()[1]}"
        given = [part.format(arn=arn) for part in command]
        with json_project.popen("env", endpoint, *given) as process, silent.accept()[0]:
            # When
            process.send_signal(signal.SIGINT)
            said, _ = process.communicate(timeout=20)
    # Then
    assert (process.returncode, last_line(said)) == (130, "interrupted")
    assert sorted(json_project.folder.iterdir()) == files
