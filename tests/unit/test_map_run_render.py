"""What is shown of Map Runs: progress, the outcome, the picture."""

import io
import json
from datetime import timedelta

import pytest
from history_builder import START, SUMMARY, HistoryBuilder, item_counts
from rich.console import Console

from utils.watch.history import History
from utils.watch.map_run_render import items_done_chart
from utils.watch.map_runs import Sample
from utils.watch.picture import export_svg
from utils.watch.progress import PlainView, Reading, progress_text, rate_text
from utils.watch.render import print_outcome


def printed(history, width=100):
    console = Console(file=io.StringIO(), width=width, highlight=False)
    print_outcome(console, history, START)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def describe(history, status="RUNNING", **counts):
    (run,) = history.map_runs
    run.take({"status": status, "itemCounts": item_counts(**counts)})


def running(samples):
    """Build a history with a Map Run that was described at (seconds, done, total)."""
    builder = HistoryBuilder()
    builder.map_run()
    history = History()
    history.add(builder.events)
    for seconds, done, total in samples:
        describe(history, total=total, succeeded=done, running=min(10, total - done))
        history.map_runs.sample(seconds)
    return history


def ended(outcome="Succeeded", run="SUCCEEDED", summary=None, samples=(), counts=None, **details):
    """Build the history of an ended execution of one Map Run, ten seconds long."""
    builder = HistoryBuilder()
    arn = builder.map_run()
    builder.at = 10
    builder.end_run(arn, run.capitalize())
    if summary:
        builder.summarise(summary)
    history = History()
    history.add(builder.events)
    for seconds, done, total in samples:
        describe(history, total=total, succeeded=done)
        history.map_runs.sample(seconds)
    describe(history, run, **(counts or {"total": 1_000, "succeeded": 1_000}))
    builder.event(f"Execution{outcome}", details)
    history.add(builder.events[-1:])
    return history


@pytest.mark.parametrize(
    ("samples", "text"),
    [
        ([], "6.0 s elapsed"),
        ([(0, 0, 0)], "6.0 s elapsed"),
        ([(0, 0, 5_000)], "0/5,000 done, 10 running, 4,990 pending, 6.0 s elapsed"),
        (
            [(0, 0, 5_000), (2, 400, 5_000)],
            "400/5,000 done, 200 items/s, 23.0 s left, 10 running, 4,590 pending, 6.0 s elapsed",
        ),
        (
            [(0, 0, 3_000), (2, 400, 5_000)],
            "400/5,000 done, 200 items/s, 10 running, 4,590 pending, 6.0 s elapsed",
        ),
        (
            [(0, 0, 5_000), (2, 5_000, 5_000)],
            "5,000/5,000 done, 2,500 items/s, 0 running, 0 pending, 6.0 s elapsed",
        ),
    ],
    ids=["not described", "no list yet", "first", "on its way", "list still read", "done"],
)
def test_the_progress_in_words(samples, text):
    now = START + timedelta(seconds=6)

    assert progress_text(Reading.of(running(samples), now), now) == text


def test_the_progress_tells_what_failed_and_was_aborted_apart_from_what_is_done():
    history = running([])
    describe(history, total=100, succeeded=30, failed=10, timedOut=5, aborted=20, running=5)
    now = START + timedelta(seconds=6)

    assert progress_text(Reading.of(history, now), now) == (
        "45/100 done, 15 failed, 20 aborted, 5 running, 30 pending, 6.0 s elapsed"
    )


def test_a_log_gets_a_line_at_each_tenth_of_the_items():
    console = Console(file=io.StringIO(), width=100)
    with PlainView(console, lambda: START) as view:
        for done in range(0, 10_001, 100):
            view.update(running([(0, done, 10_000)]))

    lines = console.file.getvalue().splitlines()
    assert [line.split()[0] for line in lines] == [f"{done:,}/10,000" for done in range(0, 10_001, 1_000)]


@pytest.mark.parametrize(
    ("per_second", "text"),
    [(0, "0"), (5_210.4, "5,210"), (10, "10"), (4.21, "4.2"), (0.0312, "0.031")],
)
def test_rates_have_the_digits_that_mean_something(per_second, text):
    assert rate_text(per_second) == text


def test_a_success_ends_with_the_summary_and_its_counts():
    lines = printed(ended(summary=SUMMARY))

    # Then the items that failed are those of the summary: their batches succeeded
    assert lines == [
        "Items           1,000",
        "Succeeded       994",
        "Failed          6",
        "  ValueError    5",
        "  ItemTimedOut  1",
        "Batches         10",
        "Attempts        1,012",
        "Time            20.0 s, 50 items/s",
        "From, to        2026-03-02 09:00:01 UTC to 2026-03-02 09:00:21 UTC",
        "Results         s3://results/runs/5f0c/manifest.json",
        "Summary         s3://results/runs/5f0c/summary.json",
        "",
        "SUCCEEDED in 10.0 s (994 of 1,000 items succeeded, 6 failed)",
    ]


def test_a_summary_has_the_items_of_each_route():
    lines = printed(ended(summary=SUMMARY | {"routes": {"direct": 600, "queue": 400}}))

    place = lines.index("Route direct    600")
    assert lines[place + 1 : place + 3] == ["Route queue     400", "Children        10"]


def test_an_address_is_not_broken_where_it_may_be_copied_from_a_pipe():
    results = SUMMARY["results"] | {"manifest": f"runs/{'a' * 100}/manifest.json"}

    lines = printed(ended(summary=SUMMARY | {"results": results}), width=60)

    assert f"Results         s3://results/{results['manifest']}" in lines


def test_of_many_error_names_the_rarest_are_added_up():
    errors = {f"Error{number:02}": number for number in range(1, 41)}

    lines = printed(ended(summary=SUMMARY | {"errors": errors}))

    names = [line.strip() for line in lines if line.startswith("  ")]
    assert names[0].split() == ["Error40", "40"]
    assert names[9].split() == ["Error31", "31"]
    assert names[10:] == [f"30 other names  {sum(range(1, 31))}"]


def test_a_name_that_a_function_chose_cannot_write_to_the_terminal():
    lines = printed(ended(summary=SUMMARY | {"errors": {"[red]\x1b[2J\nError": 6}}))

    assert any("[red]\\x1b[2J Error" in line for line in lines)


def test_an_empty_list_succeeds_with_no_items():
    empty = SUMMARY | dict.fromkeys(("items", "succeeded", "failed", "batches", "attempts"), 0)
    empty |= {"errors": {}, "firstStartedAt": None, "lastEndedAt": None}

    lines = printed(ended(summary=empty, counts={"total": 0}))

    assert lines[-1] == "SUCCEEDED in 10.0 s (0 of 0 items succeeded)"
    assert not any(line.startswith(("Time", "From")) for line in lines)


FAILURES = [
    (
        "Failed",
        {"total": 1_000, "succeeded": 400, "failed": 100, "aborted": 50},
        "FAILED",
        {"error": "States.ExceedToleratedFailureThreshold", "cause": "The tolerance was exceeded"},
        (
            "FAILED after 10.0 s (400 of 1,000 items processed, 100 failed, 50 aborted, 450 not started): "
            "States.ExceedToleratedFailureThreshold: The tolerance was exceeded"
        ),
    ),
    (
        "Failed",
        {"total": 0},
        "FAILED",
        {"error": "States.ItemReaderFailed", "cause": "Attempting to map over non-iterable node."},
        "FAILED after 10.0 s: States.ItemReaderFailed: Attempting to map over non-iterable node.",
    ),
    (
        "TimedOut",
        {"total": 10, "succeeded": 4, "aborted": 6},
        "ABORTED",
        {},
        "TIMED_OUT after 10.0 s, the timeout of the execution (4 of 10 items processed, 6 aborted)",
    ),
    (
        "Aborted",
        {"total": 10, "succeeded": 4, "running": 6},
        "ABORTED",
        {"cause": "not needed"},
        "ABORTED after 10.0 s (4 of 10 items processed, 6 still running): not needed",
    ),
]


@pytest.mark.parametrize(("outcome", "counts", "run", "details", "line"), FAILURES)
def test_without_a_summary_the_counts_are_those_of_the_map_run(outcome, counts, run, details, line):
    lines = printed(ended(outcome, run, counts=counts, **details))

    assert lines[0].split() == ["Map", "Run", "Items", "Processed", "Failed", "Aborted", "Duration", "Status"]
    assert lines[2].startswith("Process Items")
    assert lines[2].split()[-1] == run
    assert lines[-1] == line


def test_items_not_tolerated_are_told_by_summary_and_cause():
    cause = "6 of 1,000 items failed, more than the tolerated 5 (toleratedFailureCount)"

    lines = printed(ended("Failed", summary=SUMMARY, error="ToleratedFailureExceeded", cause=cause))

    assert "  ValueError    5" in lines
    assert lines[-1] == (
        f"FAILED after 10.0 s (994 of 1,000 items succeeded, 6 failed): ToleratedFailureExceeded: {cause}"
    )


def test_an_output_of_another_definition_is_shown_but_not_all_of_it():
    output = json.dumps(["result"] * 1_000)

    last = printed(ended(output=output))[-1]

    assert last.startswith('SUCCEEDED in 10.0 s (1,000 of 1,000 items processed): output ["result", "result"')
    assert last.endswith("…")
    assert len(last) < 2_100


def test_each_of_several_map_runs_has_a_row():
    builder = HistoryBuilder()
    for name in ("Prepare [a]", "Process"):
        builder.end_run(builder.map_run(name))
    builder.summarise(SUMMARY)
    history = History()
    history.add(builder.finish())
    for run in history.map_runs:
        run.take({"status": "SUCCEEDED", "itemCounts": item_counts(total=7, succeeded=7)})

    lines = printed(history)

    assert [line.split("  ")[0].strip() for line in lines[2:4]] == ["Prepare [a]", "Process"]
    assert "Items           1,000" in lines
    assert lines[-1] == "SUCCEEDED in 0.0 s (14 of 14 items processed)"


def test_the_chart_is_as_high_as_the_items_were_done():
    # Given half the items done in the first second of four, the rest at the end
    samples = [Sample(5, 0, 1_000), Sample(6, 500, 1_000), Sample(9, 1_000, 1_000)]

    lines = items_done_chart(samples, 47).plain.splitlines()

    assert lines[0] == "Items done"
    assert (lines[1][:5], lines[8][:5]) == ("1,000", "    0")
    assert [line[7:].rstrip() for line in lines[1:5]] == [" " * 39 + "█"] * 4
    assert [line[7:] for line in lines[5:9]] == [" " * 9 + "█" * 31] * 4
    assert lines[9].split() == ["╵0", "s", "╵2", "s"]


def test_a_line_of_the_chart_is_drawn_in_eighths():
    samples = [Sample(0, 0, 16), Sample(1, 1, 16), Sample(2, 3, 16)]

    lines = items_done_chart(samples, 14).plain.splitlines()

    assert [line[4:] for line in lines[7:9]] == [" " * 9 + "▄", " " * 4 + "▄" * 5 + "█"]


@pytest.mark.parametrize(
    ("samples", "drawn"),
    [
        ([(0, 0, 1_000), (1, 400, 1_000), (2, 1_000, 1_000)], True),
        ([(0, 1_000, 1_000)], False),
        ([(0, 0, 1_000), (9, 1_000, 1_000)], False),
        ([(0, 1_000, 1_000)] * 3, False),
    ],
    ids=["watched", "ended before", "two descriptions", "all done before"],
)
def test_what_was_not_watched_is_not_drawn(samples, drawn):
    lines = printed(ended(summary=SUMMARY, samples=samples))

    assert ("Items done" in lines) == drawn


def test_the_picture_holds_chart_summary_and_last_line():
    svg = export_svg(
        ended(summary=SUMMARY, samples=[(0, 0, 1_000), (1, 400, 1_000), (2, 1_000, 1_000)]), "run-1", START
    )

    text = svg.replace("&#160;", " ")
    for part in (
        "Items done",
        "█",
        "ValueError",
        "s3://results/runs/5f0c/manifest.json",
        "994 of 1,000 items",
    ):
        assert part in text


def test_of_a_state_that_had_two_map_runs_the_summary_counts():
    # Given a Map Run that could not read its list, and the one of the redrive
    builder = HistoryBuilder()
    for _ in range(2):
        builder.end_run(builder.map_run("Process"))
    builder.summarise(SUMMARY)
    history = History()
    history.add(builder.finish())
    for run in history.map_runs:
        run.take({"status": "SUCCEEDED", "itemCounts": item_counts(total=1_000, succeeded=1_000)})

    assert printed(history)[-1] == "SUCCEEDED in 0.0 s (994 of 1,000 items succeeded, 6 failed)"
