"""Events in, rows and counts out, for the shapes that Step Functions records."""

import pytest
from history_builder import START, HistoryBuilder, lambda_cause

from utils.watch.history import History


def history_of(events):
    history = History()
    history.add(events)
    return history


def selected(value, index, encoding="json"):
    return {"item": value, "index": index, "execution": "run-1", "encoding": encoding}


def seconds(span):
    return tuple(round((moment - START).total_seconds(), 3) for moment in span)


def test_items_one_after_the_other():
    # Given two items, each waiting two seconds and working a tenth of one
    builder = HistoryBuilder()
    builder.map(2)
    builder.whole_item(0, {"S": "Mathematics"}, encoding="dynamodb", output={"status": "processed"})
    builder.whole_item(1, "数学", output=[1.50, None])

    # When the history is read
    history = history_of(builder.finish(output="[]"))

    # Then each has a row with its own times, item and result
    first, second = history.rows
    assert (first.index, first.status, first.item_text) == (0, "succeeded", '"Mathematics"')
    assert first.outcome_text == '{"status": "processed"}'
    assert seconds((first.started, first.ended)) == (0, 2.1)
    assert [seconds(wait) for wait in first.waits] == [(0, 2)]
    assert seconds((second.started, second.ended)) == (2.1, 4.2)
    assert (second.item_text, second.outcome_text, second.attempts) == ('"数学"', "[1.5, null]", 1)
    assert history.status == "SUCCEEDED"


def test_iterations_that_interleave_keep_their_own_events():
    # Given three items at once, whose events alternate and which end in another order
    builder = HistoryBuilder()
    builder.map(3)
    for index in range(3):
        builder.start(index)
    for index in range(3):
        builder.enter(index, state_input=selected(f"item {index}", index))
        builder.schedule(index)
    for index in (2, 0, 1):
        builder.at += 1
        builder.exit(index, output=f"result {index}")
        builder.end(index)

    history = history_of(builder.finish())

    # Then nothing is mixed up, and the rows are in the order of the list
    assert [(row.item_text, row.outcome_text) for row in history.rows] == [
        (f'"item {index}"', f'"result {index}"') for index in range(3)
    ]
    assert [seconds((row.ended,)) for row in history.rows] == [(2,), (3,), (1,)]


def test_counts_while_the_map_runs():
    # Given four items: one done, two running, one still to come
    builder = HistoryBuilder()
    builder.map(4)
    builder.whole_item(0, "a")
    builder.start(1)
    builder.start(2)

    counts = history_of(builder.events).counts()

    assert (counts.total, counts.done, counts.running, counts.succeeded, counts.failed) == (4, 1, 2, 1, 0)


@pytest.mark.parametrize("by_the_event", [True, False])
def test_reading_in_parts_gives_the_same_as_reading_at_once(by_the_event):
    builder = HistoryBuilder()
    builder.map(5)
    for index in range(5):
        builder.whole_item(index, index)
    events = builder.finish()
    size = 1 if by_the_event else 7

    history = History()
    for first in range(0, len(events), size):
        history.add(events[first : first + size])

    assert history.rows == history_of(events).rows
    assert history.counts() == history_of(events).counts()


def test_an_iteration_that_starts_from_the_last_event_of_another():
    # Given a second iteration chained to an event inside the first, as engines with one worker record it
    builder = HistoryBuilder()
    builder.map(2)
    builder.whole_item(0, "a", output="first")
    builder.whole_item(1, "b", output="second", previous=len(builder.events) - 1)

    history = history_of(builder.finish())

    shown = [(row.item_text, row.outcome_text) for row in history.rows]
    assert shown == [('"a"', '"first"'), ('"b"', '"second"')]


def test_an_iteration_chained_to_another_that_still_runs_is_an_item_of_its_own():
    builder = HistoryBuilder()
    builder.map(2)
    builder.start(0)
    builder.enter(0, state_input=selected("a", 0))
    builder.start(1, previous=len(builder.events))
    builder.enter(1, state_input=selected("b", 1))

    assert [row.item_text for row in history_of(builder.events).rows] == ['"a"', '"b"']


def test_items_to_come_of_a_second_map_are_counted():
    builder = HistoryBuilder()
    builder.map(1, "First")
    builder.whole_item(0, "a")
    builder.map(3, "Second")

    counts = history_of(builder.events).counts()

    assert (counts.total, counts.done, counts.running) == (4, 1, 0)


def failing_map(*, retried=False):
    """One item fails while another still works; the execution fails with it."""
    builder = HistoryBuilder()
    builder.map(3)
    for index in range(2):
        builder.start(index)
        builder.enter(index, state_input=selected("x", index))
        builder.schedule(index)
    if retried:
        builder.fail_task(0, "Lambda.TooManyRequestsException", "slow down")
        builder.at += 3
        builder.schedule(0)
    builder.at += 1
    builder.fail_task(0, cause=lambda_cause("no such topic"))
    builder.exit(0)
    builder.item(0, "FailStateEntered", {"name": "Item Failed"})
    builder.end(0, "Failed")
    builder.end(1, "Aborted")
    builder.event("MapStateFailed")
    return builder.finish("Failed", error="ValueError", cause="Item at index 0 failed: no such topic")


def test_a_failed_item_shows_the_handlers_error_and_its_siblings_are_aborted():
    history = history_of(failing_map())

    failed, aborted = history.rows
    assert (failed.status, failed.outcome_text) == ("failed", "ValueError: no such topic")
    assert (aborted.status, aborted.outcome_text) == ("aborted", "")
    counts = history.counts()
    assert (counts.total, counts.failed, counts.aborted, counts.running) == (3, 1, 1, 0)
    assert (history.status, history.error) == ("FAILED", "ValueError")


def test_attempts_are_counted_and_the_backoff_between_them_is_a_wait():
    failed, aborted = history_of(failing_map(retried=True)).rows

    assert (failed.attempts, aborted.attempts) == (2, 1)
    assert [seconds(wait) for wait in failed.waits] == [(0, 3)]
    assert failed.outcome_text == "ValueError: no such topic"


def test_attempts_are_those_of_one_state_not_of_all():
    # Given an item that passes two tasks, each at the first attempt
    builder = HistoryBuilder()
    builder.map(1)
    builder.start(0)
    for name in ("Check Payment", "Ship"):
        builder.enter(0, name=name)
        builder.schedule(0)
        builder.exit(0, name=name, output=name)
    builder.end(0)

    assert history_of(builder.finish()).rows[0].attempts == 1


def test_an_error_that_a_retry_overcame_is_not_shown():
    builder = HistoryBuilder()
    builder.map(1)
    builder.start(0)
    builder.enter(0, state_input=selected("x", 0))
    builder.schedule(0)
    builder.fail_task(0, kind="TaskTimedOut", error="States.Timeout")
    builder.schedule(0)
    builder.exit(0, output="fine")
    builder.end(0)

    row = history_of(builder.finish()).rows[0]

    assert (row.status, row.outcome_text, row.error, row.attempts) == ("succeeded", '"fine"', None, 2)


def test_a_recorded_failure_counts_as_failed_although_its_iteration_succeeded():
    # Given the output that the policy "continue" leaves in a failed item's place
    builder = HistoryBuilder()
    builder.map(2)
    failure = {"index": 0, "status": "failed", "error": {"name": "KeyError", "message": "'topic'"}}
    builder.whole_item(0, "x", output=failure)
    # and a result that only looks a little like it
    builder.whole_item(1, "y", output={"status": "failed", "note": "an order's state"})

    history = history_of(builder.finish())

    assert [(row.status, row.outcome_text) for row in history.rows] == [
        ("failed", "KeyError: 'topic'"),
        ("succeeded", '{"status": "failed", "note": "an order\'s state"}'),
    ]
    assert (history.status, history.counts().failed) == ("SUCCEEDED", 1)


@pytest.mark.parametrize(("outcome", "status"), [("TimedOut", "TIMED_OUT"), ("Aborted", "ABORTED")])
def test_what_still_ran_at_the_end_is_aborted(outcome, status):
    # Given an item in its Wait state when the execution ends, with no event of its own for that
    builder = HistoryBuilder()
    builder.map(2)
    builder.whole_item(0, "a")
    builder.start(1)
    builder.enter(1, "Wait", "Wait Before Item", selected("b", 1))
    builder.at = 20

    history = history_of(builder.finish(outcome))

    assert history.status == status
    row = history.rows[1]
    assert (row.status, row.item_text) == ("aborted", '"b"')
    assert seconds((row.ended,)) == (20,)
    assert [seconds(wait) for wait in row.waits] == [(2.1, 20)]


def test_an_iteration_that_failed_without_a_task_shows_the_executions_error():
    builder = HistoryBuilder()
    builder.map(1)
    builder.start(0)
    builder.enter(0, "Pass")
    builder.end(0, "Failed")

    history = history_of(builder.finish("Failed", error="States.Runtime", cause="no such path"))

    assert history.rows[0].outcome_text == "States.Runtime: no such path"


def test_a_history_without_execution_data():
    # Given events that were read with includeExecutionData=false
    builder = HistoryBuilder()
    builder.map(1)
    builder.start(0)
    builder.enter(0, "Wait")
    builder.item(0, "WaitStateExited", {"name": "Wait"})
    # and a later state that has its input, which is not the item
    builder.enter(0, state_input={"S": "not the item"})
    builder.item(0, "TaskStateExited", {"name": "Process Item"})
    builder.end(0)

    row = history_of(builder.finish()).rows[0]

    assert (row.status, row.item_text, row.outcome_text) == ("succeeded", "", "")


def test_a_map_inside_an_iteration_belongs_to_the_outer_items_row():
    builder = HistoryBuilder()
    builder.map(1)
    builder.start(0)
    builder.enter(0, "Map", "Inner", selected("outer", 0))
    builder.item(0, "MapStateStarted", {"length": 2})
    for index in range(2):
        builder.item(0, "MapIterationStarted", {"name": "Inner", "index": index})
        builder.enter(0, "Pass", "Work", {"inner": index})
        builder.exit(0, "Pass", "Work", {"inner": index})
        builder.item(0, "MapIterationSucceeded", {"name": "Inner", "index": index})
    builder.item(0, "MapStateSucceeded")
    builder.exit(0, "Map", "Inner", ["both"])
    builder.end(0)

    history = history_of(builder.finish())

    assert [(row.item_text, row.outcome_text) for row in history.rows] == [('"outer"', '["both"]')]
    assert history.counts().total == 1


def test_two_maps_give_the_rows_of_both_in_their_order():
    builder = HistoryBuilder()
    for name, size in (("Second by name", 1), ("First by name", 2)):
        builder.map(size, name)
        for index in range(size):
            builder.whole_item(index, f"{name} {index}")
        builder.event("MapStateSucceeded")
        builder.event("MapStateExited", {"name": name, "output": "[]"})
    history = history_of([*builder.events, *builder.finish()[len(builder.events) :]])

    assert [(row.map_name, row.index) for row in history.rows] == [
        ("Second by name", 0),
        ("First by name", 0),
        ("First by name", 1),
    ]
    assert history.counts().total == 3


def test_a_parallel_state_with_maps_in_its_branches():
    builder = HistoryBuilder()
    builder.event("ParallelStateEntered", {"name": "Both", "input": "{}"})
    parallel = builder.event("ParallelStateStarted")
    for name in ("Left", "Right"):
        entered = builder.event("MapStateEntered", {"name": name, "input": "{}"}, previous=parallel)
        started = builder.event("MapStateStarted", {"length": 1}, previous=entered)
        builder.map_name = name
        builder.whole_item(0, name, previous=started)
    builder.event("ParallelStateSucceeded")
    builder.event("ParallelStateExited", {"name": "Both", "output": "[]"})
    builder.event("ExecutionSucceeded", {"output": "[]"})

    history = history_of(builder.events)

    shown = [(row.map_name, row.item_text) for row in history.rows]
    assert shown == [("Left", '"Left"'), ("Right", '"Right"')]
    assert history.counts().total == 2


def test_a_workflow_without_a_map():
    builder = HistoryBuilder()
    builder.event("PassStateEntered", {"name": "Only", "input": "{}"})
    builder.event("PassStateExited", {"name": "Only", "output": '{"a": 1}'})
    builder.event("ExecutionSucceeded", {"output": '{"a": 1}'})

    history = history_of(builder.events)

    assert (history.rows, history.counts().total, history.output) == ([], 0, '{"a": 1}')


def test_a_redriven_execution_shows_the_last_time_round():
    # Given an execution that failed, and the same item run again after a redrive
    builder = HistoryBuilder()
    builder.map(1)
    builder.start(0)
    builder.enter(0, state_input=selected("x", 0))
    builder.schedule(0)
    builder.fail_task(0)
    builder.end(0, "Failed")
    builder.event("MapStateFailed")
    builder.event("ExecutionFailed", {"error": "ValueError"})
    builder.at = 60
    history = history_of(builder.events)
    known = len(builder.events)
    builder.event("ExecutionRedriven", {"redriveCount": 1})

    # When it is redriven, then it runs again
    history.add(builder.events[known:])
    assert (history.status, history.ended, history.error) == ("RUNNING", None, None)

    # and the second run's outcome stands
    known = len(builder.events)
    builder.whole_item(0, "x", output="done now")
    builder.finish()
    history.add(builder.events[known:])
    assert [row.outcome_text for row in history.rows] == ['"done now"']
    assert (history.status, history.counts().failed) == ("SUCCEEDED", 0)


def test_a_long_history_is_read_in_linear_time():
    # Given as many events as an execution may have
    builder = HistoryBuilder()
    builder.map(2_700)
    for index in range(2_700):
        builder.whole_item(index, index)

    history = history_of(builder.finish())

    assert history.counts().succeeded == len(history.rows) == 2_700
    assert history.rows[-1].item_text == "2699"
