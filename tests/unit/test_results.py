"""The results of an execution: which rows there are, where they go, what is said if there are none."""

import csv
import json
import os
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from history_builder import HistoryBuilder, lambda_cause
from result_builder import (
    EXECUTION,
    MAP_RUN,
    RESULTS,
    STARTED,
    Session,
    States,
    child,
    client_error,
    definition,
    empty_buckets,
    failed,
    put_results,
    simulate_s3,
    succeeded,
)

from utils import results
from utils.command import CommandError
from utils.results import main

PROJECT_ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def simulated_s3():
    with simulate_s3() as client:
        yield client


@pytest.fixture
def s3(simulated_s3):
    empty_buckets(simulated_s3)
    return simulated_s3


@pytest.fixture
def show(s3, monkeypatch, capsys):
    """Run the command on an execution; returns what it printed."""

    def run(states, *arguments):
        monkeypatch.setattr(results, "open_session", lambda *_: Session(states, s3))
        main([EXECUTION, *arguments])
        return capsys.readouterr()

    return run


def rows_of(text):
    return [json.loads(line) for line in text.splitlines()]


def test_rows_are_in_the_lists_order_whatever_the_files_order(s3, show):
    # Given batches that ended in another order, one of which failed as a whole
    late = child({2: '"c"', 3: '"d"'}, [failed(3), succeeded(2, {"n": 1}, attempts=2)])
    early = child({0: '"a"', 1: '"b"'}, [succeeded(0), succeeded(1)])
    broken = child({4: '"e"'}, status="FAILED", Error="Lambda.Unknown", Cause="killed")
    put_results(s3, SUCCEEDED=[late, early], FAILED=[broken])

    shown = show(States(total=5), "--out", "-")

    assert rows_of(shown.out) == [
        {"index": 0, "item": "a", "status": "succeeded", "result": "done", "attempts": 1},
        {"index": 1, "item": "b", "status": "succeeded", "result": "done", "attempts": 1},
        {"index": 2, "item": "c", "status": "succeeded", "result": {"n": 1}, "attempts": 2},
        {
            "index": 3,
            "item": "d",
            "status": "failed",
            "error": {"name": "ValueError", "message": "bad"},
            "attempts": 3,
        },
        {
            "index": 4,
            "item": "e",
            "status": "failed",
            "error": {"name": "Lambda.Unknown", "message": "killed"},
            "attempts": None,
        },
    ]
    assert shown.err == "5 items: 3 succeeded, 2 failed\n"


@pytest.mark.parametrize(
    ("record", "status", "error"),
    [
        (child({0: "1"}, status="TIMED_OUT"), "failed", {"name": "States.Timeout", "message": ""}),
        (
            child({0: "1"}, status="FAILED", Error="E", Cause=lambda_cause("too big")),
            "failed",
            {"name": "E", "message": "too big"},
        ),
        (child({0: "1"}, status="FAILED"), "failed", {"name": "FAILED", "message": ""}),
        (child({0: "1"}, status="ABORTED"), "pending", None),
        (child({0: "1"}, status="PENDING", ended=None), "pending", None),
    ],
)
def test_the_items_of_a_child_without_outcomes(s3, show, record, status, error):
    put_results(s3, FAILED=[record])

    (row,) = rows_of(show(States("FAILED", total=1), "--out", "-").out)

    assert (row["status"], row.get("error")) == (status, error)


def test_a_child_that_was_stopped_in_a_run_that_succeeded_has_failed(s3, show):
    put_results(s3, FAILED=[child({0: "1"}, status="ABORTED")])

    (row,) = rows_of(show(States("SUCCEEDED", total=1), "--out", "-").out)

    assert row["error"] == {"name": "ABORTED", "message": ""}


def test_a_redriven_item_has_one_row_of_the_outcome_that_ended_last(s3, show):
    items = {0: "1", 1: "2"}
    put_results(
        s3,
        SUCCEEDED=[child(items, [succeeded(0), succeeded(1)], ended="10:00:00.500")],
        FAILED=[child(items, status="FAILED", Error="E", ended="10:00:00")],
        PENDING=[child(items, status="PENDING", ended=None)],
    )

    rows = rows_of(show(States(total=2), "--out", "-").out)

    assert [(row["index"], row["status"]) for row in rows] == [(0, "succeeded"), (1, "succeeded")]


def test_items_that_left_nothing_are_counted(s3, show):
    put_results(s3, SUCCEEDED=[child({5: "1"}, [succeeded(5)])])

    shown = show(States("ABORTED", total=8), "--out", "-")

    assert [row["index"] for row in rows_of(shown.out)] == [5]
    assert shown.err.endswith(
        "note: 7 items of 8 left no result: the execution ended ABORTED before they were written\n"
    )


def test_a_run_that_succeeded_did_not_end_before_its_results_were_written(s3, show):
    put_results(s3)

    shown = show(States(total=3))

    assert shown.out == "no rows\n"
    assert shown.err == (
        "note: 3 items of 3 left no result: the files of its results do not hold them, "
        "so these were changed after it: restore them\n"
    )


EXACT = [
    "12345678901234567890123456789.10",
    "1.50",
    "1E+400",
    "9" * 5000,
    '"數 é 😀 \\ud800 \\u2028"',
    '{"b": [ ], "a": {"x\\"y": null}}',
]


@pytest.mark.parametrize("out", ["rows.jsonl", "rows.csv"])
def test_numbers_and_texts_arrive_as_they_are(s3, show, tmp_path, out):
    # Given results with the same values as the items
    items = dict(enumerate(EXACT))
    outcomes = ",".join(
        f'{{"attempts":1,"result":{item},"index":{index},"status":"succeeded"}}'
        for index, item in items.items()
    )
    put_results(s3, SUCCEEDED=[child(items, Output=f'{{"outcomes":[{outcomes}]}}')])

    show(States(total=len(EXACT)), "--out", str(tmp_path / out))

    with (tmp_path / out).open(encoding="utf-8", newline="") as file:
        if out.endswith(".csv"):
            records = list(csv.DictReader(file))
            assert [(record["item"], record["result"]) for record in records] == [(e, e) for e in EXACT]
        else:
            assert file.read().split("\n")[:-1] == [
                f'{{"index": {index}, "item": {e}, "status": "succeeded", "result": {e}, "attempts": 1}}'
                for index, e in items.items()
            ]


def test_json_that_is_spread_over_lines_makes_one_row_a_line(s3, show):
    put_results(s3, SUCCEEDED=[child({0: '{\n\t"a": 1\r\n}'}, [succeeded(0)])])

    assert rows_of(show(States(total=1), "--out", "-").out)[0]["item"] == {"a": 1}


def test_a_csv_has_its_columns(s3, show, tmp_path):
    path = tmp_path / "rows.CSV"
    path.write_text("an older file, much longer than the new one" * 100)
    batch = child({0: '"a,b"', 1: "2"}, [succeeded(0, {"x": "y"}), failed(1, message='no "way"')])
    put_results(s3, SUCCEEDED=[batch], PENDING=[child({2: "3"}, status="PENDING", ended=None)])

    shown = show(States("FAILED", total=3), "--out", str(path))

    with path.open(newline="") as file:
        assert list(csv.reader(file)) == [
            ["index", "item", "status", "result", "error_name", "error_message", "attempts", "route"],
            ["0", '"a,b"', "succeeded", '{"x": "y"}', "", "", "1", ""],
            ["1", "2", "failed", "", "ValueError", 'no "way"', "3", ""],
            ["2", "3", "pending", "", "", "", "0", ""],
        ]
    assert shown.out == f"wrote {path} (3 items: 1 succeeded, 1 failed, 1 pending)\n"
    assert list(tmp_path.iterdir()) == [path]


def by_route(index, route, result="done", item="1"):
    """Build the child of an item that says which way it went."""
    record = child({index: item}, [succeeded(index, result)])
    return record | {"Output": json.dumps(json.loads(record["Output"]) | {"route": route})}


def test_rows_name_the_route_that_their_child_names(s3, show):
    # Given items of both routes, one whose child failed, and a result that only looks like a route
    other = child({3: "1"}, [succeeded(3, {"route": "queue"})])
    broken = child({2: "1"}, status="FAILED", Error="E")
    put_results(s3, SUCCEEDED=[by_route(1, "queue"), other, by_route(0, "direct")], FAILED=[broken])

    rows = rows_of(show(States(total=4), "--out", "-").out)

    assert [row.get("route") for row in rows] == ["direct", "queue", None, None]
    assert list(rows[0]) == ["index", "item", "status", "result", "attempts", "route"]


def test_routes_have_a_column_of_csv_and_table(s3, show, tmp_path):
    put_results(s3, SUCCEEDED=[by_route(0, "direct"), by_route(1, "queue", "y" * 300)])
    path = tmp_path / "rows.csv"

    show(States(total=2), "--out", str(path))
    lines = show(States(total=2)).out.splitlines()

    with path.open(newline="") as file:
        assert [record["route"] for record in csv.DictReader(file)] == ["direct", "queue"]
    assert lines[0].split() == ["#", "Item", "Attempts", "Route", "Status", "Result", "or", "error"]
    assert re.match(r'1 +1 +1 +queue +succeeded +"yyy', lines[3])
    assert all(len(line) <= 80 for line in lines)


def test_a_route_that_is_none_of_ours_is_no_batch_of_ours(s3, show):
    put_results(s3, SUCCEEDED=[by_route(0, "detour")])

    with pytest.raises(CommandError, match="is no batch of this project's"):
        show(States(total=1), "--out", "-")


def test_items_of_a_table_are_plain_in_the_rows(s3, show):
    # Given children of a Map that had its items from a table, in DynamoDB's JSON
    item = '{"M": {"price": {"N": "0.10"}, "tags": {"SS": ["a"]}}}'
    record = by_route(0, "direct", item=item)
    batch_input = '"BatchInput":{"execution":"run-1","encoding":"dynamodb"}'
    record["Input"] = record["Input"].replace('"BatchInput":{"execution":"run-1"}', batch_input)
    put_results(s3, SUCCEEDED=[record])
    states = States(total=1, definition_text=definition_of_items())

    assert '"item": {"price": 0.10, "tags": ["a"]}' in show(states, "--out", "-").out


def definition_of_items():
    """Write a definition whose Map takes its items from its input."""
    content = json.loads(definition())
    del content["States"]["Process Items"]["ItemReader"]
    content["States"]["Process Items"]["Items"] = "{% $states.input.items %}"
    return json.dumps(content)


def test_a_table_shows_the_first_and_the_last_rows(s3, show):
    items = {index: f'"item {index}"' for index in range(100)}
    outcomes = [failed(index) if index == 99 else succeeded(index, "y" * 300) for index in items]
    put_results(s3, SUCCEEDED=[child(items, outcomes)])

    lines = show(States(total=100)).out.splitlines()

    assert all(len(line) <= 80 for line in lines)
    assert re.match(r' *0 +"item 0" +1 +succeeded +"yyy', lines[2])
    assert lines[22].split() == ["…", "60", "more"]
    assert re.match(r' *99 +"item 99" +3 +failed +ValueError: bad', lines[-2])
    assert lines[-1] == "100 items: 99 succeeded, 1 failed"


def test_a_table_shows_the_first_failed_rows_between_the_first_and_the_last(s3, show):
    # Given more failed items than are shown, in two places of the list
    items = {index: f'"item {index}"' for index in range(200)}
    bad = {19, 20, 50, *range(100, 130)}
    outcomes = [failed(index) if index in bad else succeeded(index) for index in items]
    put_results(s3, SUCCEEDED=[child(items, outcomes)])

    lines = show(States(total=200)).out.splitlines()[2:-1]

    places = [line.split()[1] if line.split()[0] == "…" else int(line.split()[0]) for line in lines if line]
    assert places == [*range(21), "29", 50, "49", *range(100, 118), "62", *range(180, 200)]


DEEP = ["[" * 340 + "]" * 340, '{"a\\"[": [' * 984 + '"]}", 1.50' + "]}" * 984]


@pytest.mark.parametrize("deep", DEEP, ids=["340 levels", "1,968 levels"])
def test_a_deep_value_is_a_row_like_any_other(s3, show, deep):
    outcomes = (
        f'{{"index":0,"status":"succeeded","result":{deep},"attempts":1}},'
        '{"index":1,"status":"succeeded","result":"shallow","attempts":1}'
    )
    batch = child({0: deep, 1: '"b"'}, Output=f'{{"outcomes":[{outcomes}]}}')
    put_results(s3, SUCCEEDED=[batch])

    lines = show(States(total=2), "--out", "-").out.splitlines()

    assert (
        lines[0] == f'{{"index": 0, "item": {deep}, "status": "succeeded", "result": {deep}, "attempts": 1}}'
    )
    assert json.loads(lines[1])["result"] == "shallow"
    assert show(States(total=2)).out.splitlines()[-1] == "2 items: 2 succeeded"


def test_only_the_runs_own_files_are_read(s3, show):
    # Given an older run in the bucket, and an execution that a redrive gave a second Map Run
    put_results(s3, "older", SUCCEEDED=[child({0: "0"}, [succeeded(0, "old")])])
    put_results(s3, "newer", SUCCEEDED=[child({0: "0"}, [succeeded(0, "new")])])
    states = States(total=1)
    newer = {"mapRunArn": MAP_RUN.replace("0f9a", "newer"), "startDate": STARTED + timedelta(hours=1)}
    states.map_runs = [newer, {"mapRunArn": MAP_RUN.replace("0f9a", "older"), "startDate": STARTED}]

    assert rows_of(show(states, "--out", "-").out)[0]["result"] == "new"


def test_an_empty_list_has_no_rows(s3, show):
    put_results(s3)
    assert show(States(total=0)).out == "the list was empty: no items\n"


def test_an_empty_list_may_leave_no_manifest(show):
    shown = show(States(total=0), "--out", "-")
    assert (shown.out, shown.err) == ("", "the list was empty: no items\n")


class WithoutStateMachine(States):
    """An execution whose state machine was deleted."""

    def describe_state_machine_for_execution(self, **_):
        raise client_error("StateMachineDoesNotExist", "State Machine Does Not Exist")


def running_map_run(states):
    states.map_run_status = "RUNNING"


def no_map_run(states):
    states.map_runs = []


MANIFEST = f"s3://{RESULTS}/runs/0f9a/manifest.json"
REASON = {"error": "States.ItemReaderFailed", "cause": "no such key"}


@pytest.mark.parametrize(
    ("states", "change", "line"),
    [
        (
            States("RUNNING"),
            None,
            f"execution {EXECUTION} is still running: wait for its end, or watch it with",
        ),
        (
            States("FAILED", **REASON),
            no_map_run,
            (
                "execution run-1 has no results, it ended before its first item: "
                "FAILED: States.ItemReaderFailed: no such key"
            ),
        ),
        (
            States("FAILED", **REASON),
            None,
            f"execution run-1 has no results ({MANIFEST}): FAILED: States.ItemReaderFailed: no such key",
        ),
        (States("TIMED_OUT", total=3), None, f"{MANIFEST}: does not exist: the results were deleted"),
        (States("FAILED", total=3, **REASON), None, f"{MANIFEST}: does not exist: the results were deleted"),
        (
            States("FAILED", total=3, error="States.ResultWriterFailed", cause="no right"),
            None,
            f"execution run-1 has no results ({MANIFEST}): FAILED: States.ResultWriterFailed: no right",
        ),
        (
            WithoutStateMachine(),
            None,
            "the state machine of execution run-1 was deleted, with its stack or by hand",
        ),
        (States(total=3), None, f"{MANIFEST}: does not exist: the results were deleted"),
        (States("TIMED_OUT"), running_map_run, "the Map Run of run-1 is still running"),
        (States(mapRunArn=MAP_RUN), None, f"{EXECUTION} is a child of {MAP_RUN}: give the ARN of the"),
        (
            States(definition_text=definition().replace("ResultWriter", "Result")),
            None,
            "the Distributed Map of this execution has no ResultWriter: it is not this project's",
        ),
        (
            States(definition_text=definition().replace(RESULTS, "gone")),
            None,
            "bucket gone of the results does not exist",
        ),
    ],
)
def test_an_execution_without_results_is_one_line(show, states, change, line):
    if change:
        change(states)

    with pytest.raises(CommandError) as caught:
        show(states)

    assert str(caught.value).startswith(line)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("arn", "line"),
    [
        ("", "an empty text is neither the ARN of an execution, which looks like arn:aws:states:"),
        ("run-1", "run-1 is neither the ARN of an execution, which looks like arn:aws:states:"),
        ("lists/orders.jsonl", "lists/orders.jsonl is neither the ARN of an execution, which looks like"),
        (MAP_RUN, f"{MAP_RUN} is not the ARN of an execution"),
        (EXECUTION.replace("execution", "express"), "is an EXPRESS execution, of which AWS keeps nothing"),
        (f"{EXECUTION}2", f"there is no execution {EXECUTION}2: check the ARN, --profile and --region"),
        (
            EXECUTION.replace("123456789012", "999999999999"),
            "there is no execution arn:aws:states:eu-west-1:999999999999:execution:Batches:run-1: check",
        ),
    ],
)
def test_an_arn_of_something_else_is_one_line(s3, monkeypatch, arn, line):
    monkeypatch.setattr(results, "open_session", lambda *_: Session(States(), s3))

    with pytest.raises(CommandError, match=re.escape(line)) as caught:
        main([arn])

    assert "\n" not in str(caught.value)


def whole(record):
    return json.dumps(record).encode()


@pytest.mark.parametrize(
    "line",
    [
        b"[",
        b"[1]",
        b"{}",
        b"\xff",
        whole({"Input": "1", "Status": "SUCCEEDED"}),
        whole(child({0: "1"}, Output='"an output"')),
        whole(child({0: "1"}, [])),
        whole(child({0: "1"}, [succeeded(1)])),
        whole({"Input": '{"Items":[{"index":0,"item":' + "[" * 100_000, "Status": "FAILED"}),
        whole(child({0: "1"}, [failed(0) | {"error": 5}])),
        whole(child({0: "1"}, [failed(0) | {"error": {"name": 5, "message": None}}])),
        whole(child({0: "1"}, [failed(0) | {"error": {"name": "E"}}])),
        whole(child({-1: "1"}, [succeeded(-1)])),
        whole(child({10**10: "1"}, [succeeded(10**10)])),
        whole(child({-1: "1"}, status="FAILED")),
        b"[" * 100_000,
    ],
)
def test_a_line_that_is_no_batch_of_this_project_is_named(s3, show, line):
    good = whole(child({7: "1"}, [succeeded(7)]))
    put_results(s3, SUCCEEDED=[])
    body = good + b"\n" + line + b"\n"
    key = "runs/0f9a/SUCCEEDED_0.jsonl"
    s3.put_object(Bucket=RESULTS, Key=key, Body=body)
    files = {"SUCCEEDED": [{"Key": key, "Size": len(body)}], "FAILED": [], "PENDING": []}
    s3.put_object(
        Bucket=RESULTS, Key="runs/0f9a/manifest.json", Body=json.dumps({"ResultFiles": files}).encode()
    )

    with pytest.raises(CommandError) as caught:
        show(States(total=2))

    assert str(caught.value).startswith(f"s3://{RESULTS}/{key}:2: is no batch of this project's")
    assert "\n" not in str(caught.value)


def manifest_of(key, size):
    files = {"SUCCEEDED": [{"Key": key, "Size": size}], "FAILED": [], "PENDING": []}
    return json.dumps({"ResultFiles": files}).encode()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"ResultFiles": {"SUCCEEDED": [1]}}',
        manifest_of(5, "x"),
        manifest_of("k", 1.5),
        manifest_of("k", -1),
        manifest_of("", 1),
        b"[" * 100_000,
    ],
)
def test_a_manifest_that_is_none_is_named(s3, show, body):
    s3.put_object(Bucket=RESULTS, Key="runs/0f9a/manifest.json", Body=body)

    with pytest.raises(CommandError) as caught:
        show(States(total=2))

    assert str(caught.value) == f"{MANIFEST}: is no manifest of a Map Run: restore it"


@pytest.mark.parametrize("change", ["delete", "cut"])
def test_a_file_that_is_not_as_the_manifest_says_is_named(s3, show, change):
    put_results(s3, SUCCEEDED=[child({0: "1"}, [succeeded(0)])])
    key = "runs/0f9a/SUCCEEDED_0.jsonl"
    if change == "delete":
        s3.delete_object(Bucket=RESULTS, Key=key)
    else:
        s3.put_object(Bucket=RESULTS, Key=key, Body=b"{}")

    with pytest.raises(CommandError, match=rf"^s3://{RESULTS}/{key}: is missing or shorter than the "):
        show(States(total=1))


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("absent/rows.jsonl", "cannot be written: No such file or directory"),
        ("folder.csv", "cannot be written: it is a folder; give the name of a file"),
        ("pipe.jsonl", "cannot be written: it is no file; give the name of a file"),
        ("file/rows.csv", "cannot be written: Not a directory"),
    ],
)
def test_a_file_that_cannot_be_written_is_said_before_anything_is_read(tmp_path, name, line):
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "pipe.jsonl")
    path = tmp_path / name

    with pytest.raises(CommandError) as caught:
        main([EXECUTION, "--out", str(path)])

    assert str(caught.value) == f"{path}: {line}"


def test_the_new_file_has_the_permissions_of_the_older_one(s3, show, tmp_path):
    put_results(s3, SUCCEEDED=[child({0: "1"}, [succeeded(0)])])
    path = tmp_path / "rows.jsonl"
    path.touch()
    path.chmod(0o604)

    show(States(total=1), "--out", str(path))

    assert path.stat().st_mode & 0o777 == 0o604
    assert path.read_text().startswith('{"index": 0')


def test_a_failure_leaves_the_older_file_as_it_was(show, tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text("older")

    with pytest.raises(CommandError):
        show(States(total=3), "--out", str(path))

    assert [(file, file.read_text()) for file in tmp_path.iterdir()] == [(path, "older")]


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        [EXECUTION, "--out", "rows.txt"],
        [EXECUTION, "--out", ""],
        [EXECUTION, "--out", "rows.jsonl/"],
    ],
)
def test_a_usage_error_ends_with_2(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        main(arguments)

    assert caught.value.code == 2
    assert "error: " in capsys.readouterr().err.splitlines()[-1]


INLINE = json.dumps({"States": {"Process Items": {"Type": "Map", "ItemProcessor": {"States": {}}}}})


def inline_states(history, map_input, status="SUCCEEDED", **described):
    states = States(status, definition_text=INLINE, **described)
    states.events = [
        event | {"stateEnteredEventDetails": {"name": "Process Items", "input": map_input}}
        if event["type"] == "MapStateEntered"
        else event
        for event in history.events
    ]
    return states


def test_an_inline_execution_has_rows_from_its_history(show):
    # Given a list from the table, with an item that failed, one that was aborted and one never started
    history = HistoryBuilder()
    history.map(4)
    history.whole_item(0, {"N": "1.50"}, encoding="dynamodb", output={"ok": True})
    for index in (1, 2):
        history.start(index)
        history.enter(index, state_input={"item": {"S": "x"}, "index": index, "encoding": "dynamodb"})
        history.schedule(index)
    history.fail_task(1, "ValueError", lambda_cause("no\nway"))
    history.end(1, "Failed")
    history.end(2, "Aborted")
    history.finish("Failed", error="ValueError", cause="…")
    typed = '{"M": {"é": {"L": [{"N": "12345678901234567890.10"}, {"NULL": true}, {"SS": ["b"]}]}}}'
    items = f'[{{"N": "1.50"}}, {typed}, {{"BOOL": false}}, {{"NS": ["1", "2.0"]}}]'
    states = inline_states(history, f'{{"found": true, "items": {items}, "encoding": "dynamodb"}}', "FAILED")

    lines = show(states, "--out", "-").out.splitlines()

    assert lines == [
        '{"index": 0, "item": 1.50, "status": "succeeded", "result": {"ok": true}, "attempts": 1}',
        (
            '{"index": 1, "item": {"é": [12345678901234567890.10, null, ["b"]]}, "status": "failed", '
            '"error": {"name": "ValueError", "message": "no\\nway"}, "attempts": 1}'
        ),
        '{"index": 2, "item": false, "status": "pending", "attempts": 1}',
        '{"index": 3, "item": [1, 2.0], "status": "pending", "attempts": 0}',
    ]


@pytest.mark.parametrize(
    ("map_input", "line"),
    [
        (None, "execution run-1 has no results, it ended before its first item: FAILED: ItemListInvalid: no"),
        ('{"things": []}', "the Map of execution run-1 is not this project's `fanOut` or `orderP"),
        ('{"items": [{"S": 1, "N": 2}], "encoding": "dynamodb"}', "the Map of execution run-1 is not this"),
    ],
)
def test_an_inline_execution_without_rows_is_one_line(show, map_input, line):
    history = HistoryBuilder()
    if map_input:
        history.map(1)
    history.finish("Failed")

    with pytest.raises(CommandError) as caught:
        show(inline_states(history, map_input, "FAILED", error="ItemListInvalid", cause="no list"))

    assert str(caught.value).startswith(line)


@pytest.mark.parametrize("folder", [".", "utils"])
def test_the_command_runs_from_the_root_and_from_its_folder(folder):
    command = [sys.executable, PROJECT_ROOT / "utils" / "results.py", "--help"]

    done = subprocess.run(command, cwd=PROJECT_ROOT / folder, capture_output=True, text=True, check=True)

    assert "EXECUTION_ARN" in done.stdout
