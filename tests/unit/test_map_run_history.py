"""Map Runs in the history, their counts, their rate, and the summary made of their results."""

import json
from datetime import timedelta

import pytest
from history_builder import START, SUMMARY, HistoryBuilder, item_counts

from utils.watch.history import History
from utils.watch.items import Counts
from utils.watch.map_runs import MapRuns
from utils.watch.summary import read_summary


def history_of(events):
    history = History()
    history.add(events)
    return history


def describe(run, status="RUNNING", **counts):
    run.take({"status": status, "itemCounts": item_counts(**counts)})


def test_a_map_run_is_known_by_its_state_from_start_to_end():
    # Given a Distributed Map whose list Step Functions reads, running for four seconds
    builder = HistoryBuilder()
    arn = builder.map_run("Process Items")
    builder.at = 4
    before = history_of(builder.events)
    builder.end_run(arn)

    (run,) = history_of(builder.finish()).map_runs

    assert (run.arn, run.state_name, run.started) == (arn, "Process Items", START)
    assert run.ended == START + timedelta(seconds=4)
    assert [run.ended for run in before.map_runs] == [None]


def test_a_list_in_the_input_has_its_length_at_once_and_is_counted_once():
    builder = HistoryBuilder()
    builder.map_run(length=40)
    history = history_of(builder.events)

    assert history.counts() == Counts(total=40)

    describe(*history.map_runs, total=40, running=10, succeeded=5)
    assert history.counts() == Counts(total=40, done=5, running=10, succeeded=5)


def test_every_way_to_end_is_done_and_a_timeout_is_a_failure():
    builder = HistoryBuilder()
    builder.map_run()
    history = history_of(builder.events)

    describe(*history.map_runs, total=100, running=10, succeeded=40, failed=5, timedOut=3, aborted=2)

    counts = history.counts()
    assert counts == Counts(total=100, done=50, running=10, succeeded=40, failed=8, aborted=2)
    assert counts.pending == 40


def test_a_total_that_is_behind_is_never_less_than_what_is_there():
    # Given a description whose total has not caught up with the other counters
    builder = HistoryBuilder()
    builder.map_run()
    history = history_of(builder.events)

    describe(*history.map_runs, total=10, running=20, succeeded=30, pending=5)

    assert history.counts().total == 55
    assert history.counts().pending == 5


def test_an_inline_map_and_map_runs_in_a_loop_add_up():
    builder = HistoryBuilder()
    builder.map(2, "Prepare")
    builder.whole_item(0, "a")
    builder.whole_item(1, "b")
    for _ in range(3):
        builder.end_run(builder.map_run("Process"))
    history = history_of(builder.events)
    for run in history.map_runs:
        describe(run, "SUCCEEDED", total=10, succeeded=10)

    assert history.counts() == Counts(total=32, done=32, succeeded=32)
    assert [run.state_name for run in history.map_runs] == ["Process"] * 3
    assert len(history.rows) == 2


def test_a_map_run_inside_an_item_belongs_to_the_item():
    builder = HistoryBuilder()
    builder.map(1)
    builder.start(0)
    builder.enter(0, "Map")
    builder.item(0, "MapStateStarted", {"length": 0})
    builder.item(0, "MapRunStarted", {"mapRunArn": "arn:inner"})
    builder.item(0, "MapRunSucceeded")

    history = history_of(builder.events)

    assert len(history.map_runs) == 0
    assert history.counts() == Counts(total=1, running=1)


def test_a_run_is_settled_when_history_and_description_both_say_that_it_ended():
    builder = HistoryBuilder()
    arn = builder.map_run()
    history = history_of(builder.events)
    (run,) = history.map_runs

    # A description that is ahead of the history settles nothing: it may be older than a redrive.
    describe(run, "FAILED", total=1, failed=1)
    assert history.map_runs.unsettled == [run]

    builder.end_run(arn, "Failed", error="States.ExceedToleratedFailureThreshold")
    history.add(builder.events[-2:])
    assert history.map_runs.unsettled == []


def test_an_execution_that_ends_ends_its_map_runs():
    builder = HistoryBuilder()
    builder.map_run()
    builder.at = 9
    (run,) = history_of(builder.finish("TimedOut")).map_runs

    assert run.ended == START + timedelta(seconds=9)


def test_a_redriven_run_goes_on():
    # Given a failed run, settled
    builder = HistoryBuilder()
    arn = builder.map_run()
    builder.end_run(arn, "Failed", error="States.ExceedToleratedFailureThreshold")
    history = history_of(builder.finish("Failed", error="States.ExceedToleratedFailureThreshold"))
    (run,) = history.map_runs
    describe(run, "FAILED", total=10, succeeded=4, failed=6)
    seen = len(builder.events)

    # When it is redriven
    builder.redrive_run(arn)
    history.add(builder.events[seen:])

    # Then the same run is to be described again, and its end is an end
    assert history.status == "RUNNING"
    assert (history.map_runs.unsettled, run.state_name) == ([run], "Process Items")
    seen = len(builder.events)
    builder.end_run(arn)
    history.add(builder.events[seen:])
    describe(run, "SUCCEEDED", total=10, succeeded=10)
    assert history.map_runs.unsettled == []


def runs_with(samples):
    """Build Map Runs described at (seconds, done, total)."""
    runs = MapRuns()
    runs.open("arn", "Process Items", 0, START)
    (run,) = runs
    for seconds, done, total in samples:
        describe(run, total=total, succeeded=done)
        runs.sample(seconds)
    return runs


@pytest.mark.parametrize(
    ("samples", "rate", "seconds_left"),
    [
        ([], None, None),
        ([(0, 0, 100)], None, None),
        ([(0, 0, 100), (2, 10, 100)], 5, 18),
        ([(0, 10, 100), (10, 10, 100)], 0, None),
        ([(0, 0, 50), (2, 10, 100)], 5, None),
        ([(0, 0, 9_000), (60, 600, 9_000), (90, 3_000, 9_000), (120, 6_600, 9_000)], 100, 24),
        ([(0, 50, 100), (2, 90, 100), (4, 20, 100)], None, None),
        ([(0, 50, 100), (2, 20, 100), (4, 40, 100)], 10, 6),
        ([(0, 0, 100), (5, 100, 100)], 20, 0),
        ([(0, 0, 100), (0, 40, 100)], 40_000, 0.0015),
    ],
    ids=[
        "nothing described",
        "described once",
        "two descriptions",
        "nothing gets done",
        "the list is still read",
        "of the last minute",
        "counts put back by a redrive",
        "after a redrive",
        "all done",
        "two descriptions at once",
    ],
)
def test_rate_and_time_left(samples, rate, seconds_left):
    runs = runs_with(samples)

    assert runs.rate() == rate
    assert runs.seconds_left() == (None if seconds_left is None else pytest.approx(seconds_left))


def test_a_summary_has_the_items_that_failed_in_batches_that_succeeded():
    builder = HistoryBuilder()
    builder.end_run(builder.map_run())
    builder.summarise(SUMMARY)
    history = history_of(builder.finish("Failed", error="ToleratedFailureExceeded"))
    describe(*history.map_runs, "SUCCEEDED", total=1_000, succeeded=1_000)

    assert history.summary.errors == {"ItemTimedOut": 1, "ValueError": 5}
    assert history.summary.results == "s3://results/runs/5f0c/manifest.json"
    assert (history.summary.ended - history.summary.started).total_seconds() == 20
    assert history.final_counts() == Counts(total=1_000, done=1_000, succeeded=994, failed=6)


def test_a_summary_is_that_of_the_last_run():
    # Given a second Map Run that has begun after the summary of the first
    builder = HistoryBuilder()
    builder.end_run(builder.map_run())
    builder.summarise(SUMMARY)
    assert history_of(builder.events).summary is not None

    builder.map_run()

    assert history_of(builder.events).summary is None


def test_of_an_empty_list_there_is_a_summary_without_times():
    empty = dict.fromkeys(SUMMARY, 0) | {"errors": {}, "results": SUMMARY["results"]}
    summary = read_summary(json.dumps(empty | {"firstStartedAt": None, "lastEndedAt": None}))

    assert (summary.items, summary.started, summary.ended) == (0, None, None)


@pytest.mark.parametrize(
    "other",
    [
        {"items": "1000"},
        {"errors": ["ValueError"]},
        {"errors": {"ValueError": "5"}},
        {"routes": {"queue": "5"}},
        {"results": "s3://bucket"},
        {"results": {"bucket": "results"}},
        {"lastEndedAt": 5},
    ],
)
def test_what_only_resembles_a_summary_is_none(other):
    assert read_summary(json.dumps(SUMMARY | other)) is None


@pytest.mark.parametrize("output", [None, "", "[]", '"firstStartedAt"', '{"firstStartedAt"', "[" * 100_000])
def test_what_is_no_summary_is_none(output):
    assert read_summary(output) is None


def test_times_that_cannot_be_read_or_have_no_zone_break_nothing():
    summary = read_summary(
        json.dumps(SUMMARY | {"firstStartedAt": "yesterday", "lastEndedAt": "2026-03-02T09:00:21"})
    )

    assert summary.started is None
    assert summary.ended == START + timedelta(seconds=21)
