"""The Distributed Map's JSONata, evaluated where it misleads: one item, none, nested lists, null, missing."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from evaluation import evaluate

from stacks.config_maps import DistributedMapConfig
from stacks.map_run import expressions

ROOT = Path(__file__).parents[2]
ITEMS = [
    [None],
    [{"a": 1}],
    [[["a"]]],
    [[]],
    ["a", None],
    [{"index": 9, "attempts": 9, "pending": []}, 0, False],
]


def config(**section):
    return DistributedMapConfig.model_validate(section)


def batch_of(items, first=5):
    """Return what a child gets for items whose first has an index in the list."""
    rows = [{"index": first + n, "item": item} for n, item in enumerate(items)]
    return {"BatchInput": {"execution": "run"}, "Items": rows}


def context(batch=None, *, elapsed_seconds=0, **others):
    started = datetime.now(UTC) - timedelta(seconds=elapsed_seconds)
    start_time = started.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"Execution": {"Input": batch, "StartTime": start_time}, **others}


def outcome(index):
    return {"index": index, "status": "succeeded", "result": [[index]], "attempts": 1}


def pending(index, attempts=0):
    return {"index": index, "attempts": attempts}


@pytest.mark.parametrize(
    ("given", "usable"),
    [
        ({}, True),
        ({"key": "lists/a.csv"}, True),
        ({"other": 1}, False),
        ({"Key": "lists/a.csv"}, False),
        ({"items": ["a"]}, False),
        ({"key": "lists/a.csv", "format": "csv"}, False),
        ({"key": ""}, False),
        ({"key": None}, False),
        ({"key": 3}, False),
        ({"key": ["lists/a.csv"]}, False),
        ({"key": {}}, False),
        ([], False),
        ([{"key": "lists/a.csv"}], False),
        ("lists/a.csv", False),
        (None, False),
        (5, False),
    ],
)
def test_input_may_name_a_list_and_nothing_else_for_it(given, usable):
    assert evaluate(expressions.KEY_IS_USABLE, input=given) is usable


@pytest.mark.parametrize("configured", ["lists/items.jsonl", 'a "b"\\n.json', "{% 1 %}", "日本/😀.csv"])
def test_key_of_the_input_goes_before_the_configured_one(configured):
    key = expressions.list_key(config(key=configured))
    assert evaluate(key, input={}) == configured
    assert evaluate(key, input={"key": "other"}) == "other"


def test_summary_gets_bucket_and_key_of_the_manifest():
    output = {"MapRunArn": "arn", "ResultWriterDetails": {"Bucket": "b", "Key": "runs/1/manifest.json"}}
    assert evaluate(expressions.MAP_OUTPUT, input=output) == {"bucket": "b", "key": "runs/1/manifest.json"}


@pytest.mark.parametrize("items", ITEMS)
def test_first_call_gets_the_batch_as_it_is_and_nulls(items):
    # Given a child's input
    batch = batch_of(items)
    # When the payload of its first call is made
    states = {"input": batch, "context": context(batch)}
    payload = evaluate(expressions.batch_payload(config(maxAttempts=4)), **states)
    # Then no item has been changed, and there is no progress yet
    assert payload == {
        "batch": batch,
        "pending": None,
        "bytesLeft": None,
        "maxAttempts": 4,
        "startedAt": states["context"]["Execution"]["StartTime"],
        "maxSeconds": 270,
    }


def test_later_call_gets_the_batch_and_the_progress():
    # Given what the first call left, one item
    batch = batch_of(["a", "b"])
    progress = {"outcomes": [outcome(5)], "pending": [pending(6, 1)], "bytesLeft": 99}
    # When the payload is made for a child that may take as long as it wants
    payload = expressions.batch_payload(config(childType="STANDARD"))
    result = evaluate(payload, input=progress, context=context(batch))
    # Then the item is still in a list
    assert (result["batch"], result["pending"], result["bytesLeft"]) == (batch, [pending(6, 1)], 99)
    assert result["maxSeconds"] is None


@pytest.mark.parametrize("earlier", [None, [], [outcome(1)], [outcome(1), outcome(2)]])
@pytest.mark.parametrize("final", [[], [outcome(3)], [outcome(3), outcome(4)]])
@pytest.mark.parametrize("left", [[], [pending(5)], [pending(5), pending(6, 1)]])
def test_outcomes_of_a_call_join_the_earlier_ones(earlier, final, left):
    # Given the state of a child before and after a call
    before = batch_of(["a"]) if earlier is None else {"outcomes": earlier, "pending": [], "bytesLeft": 9}
    answer = {"Payload": {"outcomes": final, "pending": left, "bytesLeft": 7}}
    # When they are joined
    state = evaluate(expressions.ADD_OUTCOMES, input=before, result=answer)
    # Then each list is one, whatever its length
    assert state == {"outcomes": [*(earlier or []), *final], "pending": left, "bytesLeft": 7}
    assert evaluate(expressions.BATCH_IS_DONE, input=state) is (left == [])


@pytest.mark.parametrize("items", ITEMS)
def test_every_item_is_isolated_when_the_first_call_is_lost(items):
    state = evaluate(expressions.ISOLATE_PENDING, input=batch_of(items))
    assert state == {
        "outcomes": [],
        "pending": [pending(5 + n) for n in range(len(items))],
        "bytesLeft": expressions.OUTCOMES_BYTES,
    }


@pytest.mark.parametrize("outcomes", [[], [outcome(1)], [outcome(1), outcome(2)]])
@pytest.mark.parametrize("left", [[pending(3, 2)], [pending(3, 2), pending(4)]])
def test_only_pending_items_are_isolated_when_a_later_call_is_lost(outcomes, left):
    progress = {"outcomes": outcomes, "pending": left, "bytesLeft": 1000}
    assert evaluate(expressions.ISOLATE_PENDING, input=progress) == progress


def test_isolated_item_is_still_in_a_list_and_has_its_share():
    # Given three pending items
    state = {"outcomes": [], "pending": [pending(1), pending(2, 1), pending(3)], "bytesLeft": 1000}
    # When the input for one of them is made
    item = context(Map={"Item": {"Index": 1, "Value": pending(2, 1)}})
    # Then the shares of all are no more than what is left
    assert evaluate(expressions.ONE_PENDING_ITEM, input=state, context=item) == [pending(2, 1)]
    assert evaluate(expressions.SHARE_OF_BYTES, input=state, context=item) == 333


def test_share_of_the_largest_batch_is_no_less_than_what_an_item_is_kept(monkeypatch):
    # Given the handler's own figures
    monkeypatch.syspath_prepend(ROOT / "lambdas" / "process_item")
    import outcomes  # noqa: PLC0415

    assert outcomes.OUTCOMES_BYTES == expressions.OUTCOMES_BYTES
    assert outcomes.RESERVE_BYTES == expressions.RESERVE_BYTES
    # When a batch of as many items as may be configured is isolated
    state = evaluate(expressions.ISOLATE_PENDING, input=batch_of([None] * 1000))
    # Then each has at least that
    assert evaluate(expressions.SHARE_OF_BYTES, input=state) >= outcomes.RESERVE_BYTES


EXITED = "RequestId: 00000000-0000-0000-0000-000000000000 Error: Runtime exited with error: exit status 1"


@pytest.mark.parametrize(
    ("error", "message"),
    [
        ({"Error": "Runtime.ExitError", "Cause": json.dumps({"errorMessage": EXITED})}, EXITED[:100]),
        ({"Error": "Runtime.ExitError", "Cause": json.dumps({"errorMessage": "x" * 500})}, "x" * 100),
        ({"Error": "Lambda.Unknown", "Cause": "No error type"}, "No error type"),
        ({"Error": "States.Timeout"}, ""),
    ],
)
def test_lost_item_is_a_failed_one_within_its_reserve(error, message):
    # Given an item, tried twice before, whose call is lost at its second retry
    given = {"pending": [pending(999_999, 2)], "bytesLeft": 333}
    lost = evaluate(
        expressions.LOST_ITEM, input=given, errorOutput=error, context=context(State={"RetryCount": 2})
    )
    # When it is recorded
    result = evaluate(expressions.LOST_OUTCOME, input=lost)
    # Then every attempt is counted, and the outcome takes no more than what was kept for it
    failed = {"name": error["Error"], "message": message}
    expected = {"index": 999_999, "status": "failed", "error": failed, "attempts": 5}
    assert result == {"outcomes": [expected], "pending": [], "bytesLeft": 133}
    assert len(json.dumps(expected, separators=(",", ":"))) + 1 <= expressions.RESERVE_BYTES


def answer(outcomes, left, bytes_left):
    return {"outcomes": outcomes, "pending": left, "bytesLeft": bytes_left}


@pytest.mark.parametrize("earlier", [[], [outcome(1)], [outcome(1), outcome(2)]])
@pytest.mark.parametrize(
    ("answers", "outcomes", "left", "bytes_left"),
    [
        ([answer([outcome(3)], [], 50)], [outcome(3)], [], 50),
        ([answer([], [pending(3, 1)], 50)], [], [pending(3, 1)], 50),
        (
            [answer([outcome(3)], [], 50), answer([], [pending(4, 1)], 60), answer([outcome(5)], [], 0)],
            [outcome(3), outcome(5)],
            [pending(4, 1)],
            110,
        ),
    ],
)
def test_answers_for_single_items_are_merged(earlier, answers, outcomes, left, bytes_left):
    state = {"outcomes": earlier, "pending": [pending(9)], "bytesLeft": 1}
    merged = evaluate(expressions.MERGE_ITEMS, input=state, result=answers)
    assert merged == {"outcomes": earlier + outcomes, "pending": left, "bytesLeft": bytes_left}


@pytest.mark.parametrize(
    ("attempts", "longest"), [([0], 0), ([0, 0], 0), ([1], 1), ([0, 2], 2), ([3, 1], 4), ([5], 16), ([9], 30)]
)
def test_wait_is_a_whole_number_that_doubles_with_full_jitter(attempts, longest):
    # Given pending items that have been tried so often
    state = {
        "outcomes": [],
        "pending": [pending(n, tried) for n, tried in enumerate(attempts)],
        "bytesLeft": 1,
    }
    # When the wait is drawn many times
    expression = expressions.wait_seconds(config())
    drawn = {evaluate(expression, input=state, context=context()) for _ in range(400)}
    # Then it is any whole number up to that
    assert {seconds for seconds in drawn if seconds != int(seconds)} == set()
    assert (min(drawn), max(drawn) <= longest, len(drawn) > longest / 2) == (0, True, True)


@pytest.mark.parametrize(
    ("child_type", "elapsed_seconds", "longest"),
    [("EXPRESS", 262, 8), ("EXPRESS", 290, 0), ("STANDARD", 290, 30)],
)
def test_express_child_waits_no_longer_than_its_items_have_time(child_type, elapsed_seconds, longest):
    state = {"outcomes": [], "pending": [pending(1, 9)], "bytesLeft": 1}
    expression = expressions.wait_seconds(config(childType=child_type))
    started = context(elapsed_seconds=elapsed_seconds)
    drawn = {evaluate(expression, input=state, context=started) for _ in range(200)}
    assert max(drawn) <= longest
    assert len(drawn) > longest / 2


@pytest.mark.parametrize(("elapsed_seconds", "expected"), [(0, 75), (200, 75), (230, 54), (284, 1), (299, 1)])
def test_task_of_an_express_child_ends_before_the_child(elapsed_seconds, expected):
    states = {"context": context(elapsed_seconds=elapsed_seconds)}
    timeout = evaluate(expressions.task_timeout_seconds(75), **states)
    assert expected - 1 <= timeout <= expected + 1
    assert timeout == int(timeout) >= 1


RESULTS = {"bucket": "b", "manifest": "runs/1/manifest.json", "summary": "runs/1/summary.json"}
COUNT, PERCENTAGE = "toleratedFailureCount", "toleratedFailurePercentage"


@pytest.mark.parametrize(
    ("section", "items", "failed", "limit"),
    [
        ({}, 0, 0, None),
        ({}, 100, 0, None),
        ({}, 1, 1, "and none is tolerated"),
        ({COUNT: 5}, 100, 5, None),
        ({COUNT: 5}, 100, 6, f"more than the tolerated 5 ({COUNT})"),
        ({PERCENTAGE: 5}, 100, 5, None),
        ({PERCENTAGE: 5}, 99, 5, f"more than the tolerated 5% ({PERCENTAGE})"),
        ({PERCENTAGE: 5}, 0, 0, None),
        ({PERCENTAGE: 100}, 3, 3, None),
        ({PERCENTAGE: 33.3}, 1000, 333, None),
        ({PERCENTAGE: 33.3}, 1000, 334, f"more than the tolerated 33.3% ({PERCENTAGE})"),
        ({PERCENTAGE: 0.0001}, 1_000_000, 1, None),
        ({PERCENTAGE: 0.0001}, 1_000_000, 2, f"more than the tolerated 0.0001% ({PERCENTAGE})"),
        ({COUNT: 5, PERCENTAGE: 50}, 100, 6, f"more than the tolerated 5 ({COUNT})"),
        ({COUNT: 5, PERCENTAGE: 50}, 4, 3, f"more than the tolerated 50% ({PERCENTAGE})"),
        ({COUNT: 5, PERCENTAGE: 50}, 8, 6, f"more than the tolerated 5 ({COUNT})"),
        ({COUNT: 5, PERCENTAGE: 50}, 10, 5, None),
    ],
)
def test_tolerance_is_counted_in_items_and_said_with_its_limit(section, items, failed, limit):
    # Given a summary
    summary = {"items": items, "succeeded": items - failed, "failed": failed, "results": RESULTS}
    # When it is compared with the configuration
    exceeded = evaluate(expressions.tolerance_is_exceeded(config(**section)), input=summary)
    # Then more than tolerated is a failure that says how many of how many, of what and where to look
    assert exceeded is (limit is not None)
    if limit:
        cause = evaluate(expressions.tolerance_cause(config(**section)), input=summary)
        assert cause == f"{failed} of {items} items failed, {limit}; see s3://b/runs/1/summary.json"
