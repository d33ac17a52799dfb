"""Progress of a running execution, on a terminal and in a log."""

import io
from datetime import timedelta

import pytest
from history_builder import START, HistoryBuilder
from rich.console import Console

from utils.watch.history import History
from utils.watch.progress import LiveView, PlainView, Reading, expected_end, open_view, progress_text


class Clock:
    """Stands still until told."""

    def __init__(self):
        self.at = START

    def __call__(self):
        return self.at


def console_of(*, terminal):
    return Console(file=io.StringIO(), width=100, force_terminal=terminal, color_system=None)


def history_with(done, total):
    builder = HistoryBuilder()
    builder.map(total)
    for index in range(done):
        builder.whole_item(index, index)
    history = History()
    history.add(builder.events)
    return history


@pytest.mark.parametrize(
    ("total", "running", "now_seconds", "left_seconds"),
    [
        (3, [2.1], 2.1, 4.2),
        (3, [2.1], 3.1, 3.2),
        (3, [0, 0], 2.1, 0.0),
        (9, [0, 0], 2.1, 6.3),
        (3, [2.1], 60.0, 0.0),
    ],
)
def test_the_rest_takes_as_long_as_what_is_done_with_as_many_at_once(
    total, running, now_seconds, left_seconds
):
    """One item has taken 2.1 s; others run since some seconds after the start."""
    # Given
    builder = HistoryBuilder()
    builder.map(total)
    builder.whole_item(0, "a")
    for index, started_seconds in enumerate(running, start=1):
        builder.at = started_seconds
        builder.start(index)
    history = History()
    history.add(builder.events)
    now = START + timedelta(seconds=now_seconds)
    # When
    end = expected_end(history, now)
    # Then
    assert max((end - now).total_seconds(), 0) == pytest.approx(left_seconds)


def test_nothing_is_expected_before_the_first_item_is_done():
    assert expected_end(history_with(0, 10), START) is None


@pytest.mark.parametrize(
    ("done", "total", "text"),
    [
        (1, 4, "1/4 done, 0 running, 0 failed, 6.0 s elapsed, 6.3 s left"),
        (0, 4, "0/4 done, 0 running, 0 failed, 6.0 s elapsed"),
        (4, 4, "4/4 done, 0 running, 0 failed, 6.0 s elapsed"),
    ],
)
def test_the_progress_in_words(done, total, text):
    history = history_with(done, total)

    now = START + timedelta(seconds=6)
    assert progress_text(Reading.of(history, now), now) == text


def test_before_the_map_and_with_a_clock_that_is_behind_there_is_no_nonsense():
    history = History()
    history.add(HistoryBuilder().events)

    now = START - timedelta(seconds=5)
    assert progress_text(Reading.of(history, now), now) == "0.0 s elapsed"


def test_a_log_gets_a_line_at_the_start_and_at_each_tenth():
    # Given a thousand items, read after every single one
    console, clock = console_of(terminal=False), Clock()
    with PlainView(console, clock) as view:
        view.update(History())
        for done in range(0, 1_001, 25):
            view.update(history_with(done, 1_000))

    lines = console.file.getvalue().splitlines()
    assert [line.split()[0] for line in lines] == [f"{done:,}/1,000" for done in range(0, 1_001, 100)]


def test_a_log_gets_a_line_a_minute_while_nothing_happens():
    console, clock = console_of(terminal=False), Clock()
    history = history_with(0, 3)
    with PlainView(console, clock) as view:
        for _ in range(10):
            view.update(history)
            clock.at += timedelta(seconds=13)

    assert len(console.file.getvalue().splitlines()) == 2


def test_a_terminal_gets_a_bar_with_the_counts_that_is_gone_in_the_end():
    console, clock = console_of(terminal=True), Clock()
    clock.at = START + timedelta(seconds=6)
    with LiveView(console, clock) as view:
        view.update(history_with(1, 4))
        assert view.text() == "1/4 done, 0 running, 0 failed, 6.0 s elapsed, 6.3 s left"

    assert "1/4 done, 0 running" in console.file.getvalue()
    assert console.file.getvalue().endswith("\x1b[2K")


@pytest.mark.parametrize(("terminal", "view"), [(True, LiveView), (False, PlainView)])
def test_the_view_suits_where_the_output_goes(terminal, view):
    assert type(open_view(console_of(terminal=terminal))) is view
