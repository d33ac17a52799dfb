"""Redriving an execution, and processing its failed items again: what is started, what is refused."""

import json

import pytest
from history_builder import HistoryBuilder
from result_builder import (
    EXECUTION,
    LISTS,
    STATE_MACHINE,
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

from utils import redrive
from utils.command import CommandError
from utils.redrive import main
from utils.rows.failed_items import again_name

AGAIN = f"{EXECUTION}-failed-items"


@pytest.fixture(scope="module")
def simulated_s3():
    with simulate_s3() as client:
        yield client


@pytest.fixture
def s3(simulated_s3):
    empty_buckets(simulated_s3)
    return simulated_s3


@pytest.fixture
def run(s3, monkeypatch, capsys):
    """Run the command on an execution; returns the lines it printed."""

    def run(states, *arguments):
        monkeypatch.setattr(redrive, "open_session", lambda *_: Session(states, s3))
        main([EXECUTION, *arguments])
        return capsys.readouterr().out.splitlines()

    return run


def stored_lists(s3):
    listed = s3.list_objects_v2(Bucket=LISTS).get("Contents", [])
    return {
        item["Key"]: s3.get_object(Bucket=LISTS, Key=item["Key"])["Body"].read().decode() for item in listed
    }


@pytest.mark.parametrize("status", ["FAILED", "TIMED_OUT", "ABORTED"])
def test_an_execution_that_did_not_succeed_is_redriven(run, status):
    states = States(status, redriveStatus="REDRIVABLE")

    lines = run(states)

    assert states.redriven == [EXECUTION]
    assert lines == [
        f"redrove {EXECUTION}",
        f"watch it: python utils/run.py --execution-arn {EXECUTION}",
    ]


def test_a_dry_run_redrives_nothing(run):
    states = States("FAILED", error="States.ExceedToleratedFailureThreshold", cause="too many")

    assert run(states, "--dry-run") == [
        f"would redrive {EXECUTION}, which ended FAILED: States.ExceedToleratedFailureThreshold: too many"
    ]
    assert not states.redriven


FAILED_ITEMS = f"`python utils/redrive.py {EXECUTION} --failed-items`"


@pytest.mark.parametrize(
    ("described", "line"),
    [
        (
            {"status": "RUNNING"},
            (
                "execution run-1 is still running: wait for its end, or watch it with "
                f"`python utils/run.py --execution-arn {EXECUTION}`"
            ),
        ),
        (
            {"status": "SUCCEEDED", "redriveStatus": "NOT_REDRIVABLE"},
            (
                "execution run-1 has succeeded, and AWS redrives only what did not: "
                f"items that failed within the tolerance are processed again by {FAILED_ITEMS}"
            ),
        ),
        (
            {"status": "FAILED", "redriveStatus": "REDRIVABLE", "error": "ToleratedFailureExceeded"},
            (
                "execution run-1 processed every item and failed for the number of failures: redriving it "
                f"would only repeat that verdict; process the failed items again with {FAILED_ITEMS}"
            ),
        ),
        (
            {"status": "FAILED", "redriveStatus": "REDRIVABLE", "error": "States.DataLimitExceeded"},
            (
                "execution run-1 ended because an item or a result was too large, after which AWS redrives "
                f"every item, also those that succeeded: process what is left again with {FAILED_ITEMS}"
            ),
        ),
        (
            {
                "status": "FAILED",
                "redriveStatus": "NOT_REDRIVABLE",
                "redriveStatusReason": "Execution redrivable period exceeded",
            },
            (
                "execution run-1 ended more than 14 days ago, and AWS redrives no longer: "
                f"process what is left again with {FAILED_ITEMS}"
            ),
        ),
        (
            {
                "status": "FAILED",
                "redriveStatus": "NOT_REDRIVABLE",
                "redriveStatusReason": "Execution history event limit exceeded",
            },
            (
                "execution run-1 cannot be redriven (Execution history event limit exceeded): "
                f"process what is left again with {FAILED_ITEMS}"
            ),
        ),
    ],
)
@pytest.mark.parametrize("more", [[], ["--dry-run"]])
def test_what_aws_does_not_redrive_is_refused_with_what_to_do(run, described, line, more):
    states = States(**described)

    with pytest.raises(CommandError) as caught:
        run(states, *more)

    assert caught.value.lines == (line,)
    assert not states.redriven


def test_a_refusal_of_aws_is_one_line(run):
    states = States("FAILED")
    states.refusal = "The execution cannot be redriven"

    with pytest.raises(CommandError) as caught:
        run(states)

    assert str(caught.value) == (
        "execution run-1 cannot be redriven (The execution cannot be redriven): "
        f"its failed items are processed again by {FAILED_ITEMS}"
    )


@pytest.mark.parametrize(
    ("error", "what"),
    [("ItemListInvalid", "its list was not valid"), ("ItemListNotFound", "there was no list")],
)
def test_a_list_that_was_not_accepted_is_no_reason_to_redrive(run, error, what):
    states = States("FAILED", redriveStatus="REDRIVABLE", error=error)

    with pytest.raises(CommandError) as caught:
        run(states)

    assert str(caught.value).startswith(f"execution run-1 ended before its first item, as {what}: ")
    assert str(caught.value).endswith("and start a new execution with `python utils/run.py`")
    assert not states.redriven


class RedrivenMeanwhile(States):
    """Another command redrives the execution between the look at it and the redrive."""

    def redrive_execution(self, *, executionArn):  # noqa: N803
        self.described["status"] = "RUNNING"
        raise client_error("ExecutionNotRedrivable", f"Execution {executionArn} is RUNNING")


def test_of_two_redrives_at_once_the_later_one_says_that_the_execution_runs(run):
    with pytest.raises(CommandError) as caught:
        run(RedrivenMeanwhile("FAILED", redriveStatus="REDRIVABLE"))

    assert str(caught.value) == (
        "execution run-1 is still running: wait for its end, or watch it with "
        f"`python utils/run.py --execution-arn {EXECUTION}`"
    )


class StartedMeanwhile(States):
    """Another command starts the new execution between the look for it and the start."""

    def start_execution(self, **_):
        raise client_error("ExecutionAlreadyExists")


def test_of_two_starts_at_once_the_later_one_says_that_it_was_done_before(s3, run):
    put_two_failed(s3)

    with pytest.raises(CommandError) as caught:
        run(StartedMeanwhile(total=4), "--failed-items")

    assert str(caught.value).startswith(f"the failed items of run-1 were started before, as {AGAIN}: ")


ITEMS = {0: '{"n": 1.50, "é": "x"}', 1: '"數"', 2: "12345678901234567890123", 3: "null"}


def put_two_failed(s3):
    put_results(s3, SUCCEEDED=[child(ITEMS, [failed(2), succeeded(1), failed(0), succeeded(3)])])


@pytest.mark.parametrize(
    ("input_type", "key", "text"),
    [
        ("JSONL", "redrives/run-1.jsonl", '{"n": 1.50, "é": "x"}\n12345678901234567890123\n'),
        ("JSON", "redrives/run-1.json", '[\n{"n": 1.50, "é": "x"},\n12345678901234567890123\n]\n'),
    ],
)
def test_the_failed_items_become_a_list_of_a_new_execution(s3, run, input_type, key, text):
    put_two_failed(s3)
    states = States(total=4, definition_text=definition(input_type))

    lines = run(states, "--failed-items")

    assert stored_lists(s3) == {key: text}
    assert list(states.started) == [AGAIN]
    assert json.loads(states.started[AGAIN]["input"]) == {"key": key}
    assert lines == [
        f"started {AGAIN} over 2 items, listed in s3://{LISTS}/{key}",
        f"watch it: python utils/run.py --execution-arn {AGAIN}",
    ]


def test_a_csv_list_keeps_its_columns_and_what_needs_an_escape(s3, run):
    rows = {
        0: '{"name": "a,b\\n\\"c\\"", "path": "C:\\\\d"}',
        1: '{"name": "x", "path": "y"}',
        2: '{"name": ""}',
    }
    put_results(s3, SUCCEEDED=[child(rows, [failed(0), succeeded(1), failed(2)])])

    run(
        States(
            total=3, definition_text=definition("CSV", CSVHeaderLocation="FIRST_ROW", CSVDelimiter="PIPE")
        ),
        "--failed-items",
    )

    # A backslash is doubled, as Step Functions takes one as an escape
    assert stored_lists(s3) == {"redrives/run-1.csv": 'name|path\r\n"a,b\n""c"""|C:\\\\d\r\n|\r\n'}


def test_the_list_has_the_format_that_the_state_machine_reads_now(s3, run):
    put_two_failed(s3)
    states = States(total=4)
    states.current_definition = definition("JSON")

    run(states, "--failed-items")

    assert list(stored_lists(s3)) == ["redrives/run-1.json"]


def test_failed_items_of_a_table_are_left_to_its_loader(s3, run):
    # Given a state machine whose list is in a table
    put_two_failed(s3)
    states = States(total=4)
    content = json.loads(definition())
    content["States"]["Process Items"]["Items"] = "{% $states.input.items %}"
    del content["States"]["Process Items"]["ItemReader"]
    states.current_definition = json.dumps(content)

    with pytest.raises(CommandError) as caught:
        run(states, "--failed-items")

    assert str(caught.value) == (
        f"state machine {STATE_MACHINE} reads its list from a table: load the failed items with "
        f"utils/load-ddb.py (`python utils/results.py {EXECUTION} --out rows.jsonl` has them)"
    )
    assert states.started == {}


def test_items_that_do_not_fit_the_format_start_nothing(s3, run):
    put_two_failed(s3)
    states = States(total=4)
    states.current_definition = definition("CSV")

    with pytest.raises(
        CommandError, match=r"^the state machine reads CSV, and an item is not an object of texts"
    ):
        run(states, "--failed-items")

    assert (stored_lists(s3), states.started) == ({}, {})


def test_a_dry_run_writes_and_starts_nothing(s3, run):
    put_two_failed(s3)
    states = States(total=4)

    assert run(states, "--failed-items", "--dry-run") == [
        f"would start execution run-1-failed-items over 2 items, listed in s3://{LISTS}/redrives/run-1.jsonl"
    ]
    assert (stored_lists(s3), states.started) == ({}, {})


def test_without_failed_items_nothing_is_started(s3, run):
    put_results(s3, SUCCEEDED=[child({0: "1"}, [succeeded(0)])])
    states = States(total=1)

    assert run(states, "--failed-items") == ["no item of execution run-1 failed: nothing started"]
    assert (stored_lists(s3), states.started) == ({}, {})


def test_the_second_start_is_recognised(s3, run):
    put_two_failed(s3)
    states = States(total=4)
    run(states, "--failed-items")
    s3.delete_object(Bucket=LISTS, Key="redrives/run-1.jsonl")

    with pytest.raises(CommandError) as caught:
        run(states, "--failed-items")

    assert str(caught.value) == (
        f"the failed items of run-1 were started before, as {AGAIN}: "
        "see that execution; what failed in it can be processed again in the same way"
    )
    assert stored_lists(s3) == {}


@pytest.mark.parametrize(
    ("described", "chosen", "lines"),
    [
        (
            {"redriveStatus": "REDRIVABLE"},
            "1\n",
            [
                "over 1 item,",
                f"1 item left out that the execution did not process: `python utils/redrive.py {EXECUTION}`",
                "note: 3 items left no result and cannot be chosen",
            ],
        ),
        (
            {
                "redriveStatus": "NOT_REDRIVABLE",
                "redriveStatusReason": "Execution redrivable period exceeded",
            },
            "1\n2\n",
            ["over 2 items (1 failed, 1 not processed),", "note: 3 items left no result"],
        ),
    ],
)
def test_items_that_were_not_processed_are_left_to_a_redrive_if_there_can_be_one(
    s3, run, described, chosen, lines
):
    put_results(
        s3,
        FAILED=[child({0: "1"}, status="FAILED", Error="E")],
        PENDING=[child({1: "2"}, status="PENDING", ended=None)],
    )

    printed = run(States("FAILED", total=5, **described), "--failed-items")

    assert stored_lists(s3) == {"redrives/run-1.jsonl": chosen}
    for line, start in zip(printed, lines, strict=False):
        assert start in line
    assert len(printed) == len(lines) + 1


def test_the_failed_items_of_a_running_execution_are_refused(run):
    with pytest.raises(CommandError, match=f"^execution {EXECUTION} is still running: wait for its end"):
        run(States("RUNNING"), "--failed-items")


def test_a_bucket_that_refuses_is_one_line_and_starts_nothing(s3, run):
    put_two_failed(s3)
    states = States(total=4)
    states.current_definition = definition().replace(LISTS, "gone")

    with pytest.raises(
        CommandError, match=r"^writing the list of failed items to s3://gone/redrives/run-1"
    ) as caught:
        run(states, "--failed-items")

    assert "\n" not in str(caught.value)
    assert not states.started


def inline_states(items, failed_indexes):
    history = HistoryBuilder()
    history.map(len(items))
    history.events[-2]["stateEnteredEventDetails"]["input"] = (
        f'{{"found": true, "items": [{",".join(items)}], "encoding": "json"}}'
    )
    for index in range(len(items)):
        output = {"index": index, "status": "failed", "error": {"name": "E", "message": "m"}}
        history.whole_item(index, "x", output=output if index in failed_indexes else "done")
    history.finish()
    definition_text = json.dumps({"States": {"Process Items": {"Type": "Map", "ItemProcessor": {}}}})
    states = States(definition_text=definition_text)
    states.events = history.events
    return states


def test_the_failed_items_of_an_inline_execution_are_the_input_of_a_new_one(s3, run):
    states = inline_states(['{"n": 1.50}', '"b"', "12345678901234567890123"], {0, 2})

    lines = run(states, "--failed-items")

    assert states.started[AGAIN]["input"] == '{"items": [{"n": 1.50}, 12345678901234567890123]}'
    assert lines[0] == f"started {AGAIN} over 2 items"
    assert stored_lists(s3) == {}


def test_more_than_an_input_can_hold_is_one_line(run):
    states = inline_states([json.dumps("é" * 70_000, ensure_ascii=False)] * 2, {0, 1})

    with pytest.raises(CommandError) as caught:
        run(states, "--failed-items")

    assert str(caught.value).startswith(
        "the items to process again make an input of 280,019 bytes, and Step Functions takes at most 262,144"
    )
    assert not states.started


@pytest.mark.parametrize("name", ["a", "a" * 67, "a" * 68, "é" * 80])
def test_the_name_of_the_new_execution_fits_and_is_always_the_same(name):
    assert len(again_name(name)) <= 80
    assert again_name(name) == again_name(name)
    assert again_name(name).endswith("-failed-items")


def test_long_names_that_begin_alike_stay_apart():
    assert again_name("a" * 79 + "b") != again_name("a" * 80)
