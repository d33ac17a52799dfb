"""What is printed and drawn, as text of a console of fixed width."""

import io
import xml.etree.ElementTree as ET
from datetime import timedelta

import pytest
from history_builder import START, HistoryBuilder, lambda_cause
from rich.cells import cell_len
from rich.console import Console

from utils.watch.history import History
from utils.watch.picture import export_svg
from utils.watch.render import TIMELINE_ROWS, open_console, print_outcome
from utils.watch.timeline import seconds_text

SVG = "{http://www.w3.org/2000/svg}"


def history_of(events):
    history = History()
    history.add(events)
    return history


def printed(history, width=80, *, terminal=False):
    console = Console(width=width, file=io.StringIO(), force_terminal=terminal, color_system=None)
    print_outcome(console, history, START + timedelta(seconds=30))
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def sequence(values=("Computer Science", "Economics", "Mathematics"), **options):
    """Let the items go one after the other, two seconds of wait and a tenth of work each."""
    builder = HistoryBuilder()
    builder.map(len(values))
    for index, value in enumerate(values):
        builder.whole_item(index, value, **options)
    return history_of(builder.finish(output="[]"))


def bars(lines):
    """Find the lines of the timeline that hold a bar."""
    return [line for line in lines if set(line) & set("─━") and line.split()[0].isdigit()]


def test_a_row_an_item_with_its_times_status_and_result():
    lines = printed(sequence(output={"status": "processed"}), width=100)

    assert lines[0].split() == ["#", "Item", "Start", "Duration", "Status", "Result", "or", "error"]
    assert lines[2] == '0  "Computer Science"  0.0 s     2.1 s  succeeded  {"status": "processed"}'
    assert lines[3] == '1  "Economics"         2.1 s     2.1 s  succeeded  {"status": "processed"}'
    assert lines[4] == '2  "Mathematics"       4.2 s     2.1 s  succeeded  {"status": "processed"}'
    assert lines[-1] == "SUCCEEDED in 6.3 s (3 of 3 items succeeded)"


def test_the_timeline_tells_waiting_from_working_and_one_item_from_the_next():
    first, second, third = bars(printed(sequence(work=1.0)))

    # two seconds of wait and one of work on 77 cells for nine seconds
    assert (first.count("─"), first.count("━")) == (17, 9)
    assert first.index("─") < first.index("━")
    # each bar begins where the one before it ends
    assert len(first) == second.index("─")
    assert len(second) == third.index("─")
    assert len(third) == 80


def test_work_too_short_for_the_scale_is_still_seen():
    assert [bar.count("━") for bar in bars(printed(sequence(work=0.001)))] == [1, 1, 1]


def test_items_at_once_have_bars_below_each_other():
    builder = HistoryBuilder()
    builder.map(3)
    for index in range(3):
        builder.start(index)
    builder.at = 4
    for index in range(3):
        builder.end(index)

    first, second, third = bars(printed(history_of(builder.finish())))

    assert first[1:] == second[1:] == third[1:]


def test_the_scale_names_seconds_below_the_bars():
    lines = printed(sequence(work=1.0))
    axis = next(line for line in lines if "╵" in line)

    assert axis.split() == ["╵0", "s", "╵2", "s", "╵4", "s", "╵6", "s", "╵8", "s"]
    # 77 cells from column 3 on are nine seconds
    assert axis.index("╵6") == 3 + round(6 / 9 * 77)


@pytest.mark.parametrize("width", [60, 80, 120])
def test_nothing_is_wider_than_the_console_and_no_row_is_wrapped(width):
    values = ["x" * 500, "数学と経済学" * 20, "[bold]not markup[/bold]", {"topic": "cs", "name": ["a"] * 50}]
    history = sequence(values, output={"long": "y" * 500})

    lines = printed(history, width, terminal=True)

    table = lines[: lines.index("")]
    assert len(table) == 2 + len(values)
    assert max(cell_len(line) for line in lines) <= width


def test_wide_characters_are_aligned():
    lines = printed(sequence(["数学", "ab", "☕ é"]))

    starts = {cell_len(line[: line.index("succeeded")]) for line in lines[2:5]}
    assert len(starts) == 1
    assert [line.split("  ")[1] for line in lines[2:5]] == ['"数学"', '"ab"', '"☕ é"']


def test_what_is_no_markup_is_shown_as_it_is():
    lines = printed(sequence(["[red]stop[/red]"], output="\x1b[31m"), width=100)

    assert '"[red]stop[/red]"' in lines[2]
    assert '"\\u001b[31m"' in lines[2]


def failed(*, retried=False):
    builder = HistoryBuilder()
    builder.map(3)
    for index, value in enumerate(["a", "b"]):
        builder.start(index)
        builder.enter(index, state_input={"item": value, "index": index, "encoding": "json"})
        builder.schedule(index)
    builder.at = 3
    if retried:
        builder.fail_task(0)
        builder.schedule(0)
    builder.fail_task(0, cause=lambda_cause("no such topic"))
    builder.end(0, "Failed")
    builder.end(1, "Aborted")
    cause = lambda_cause("Item at index 0 failed: no such topic")
    return history_of(builder.finish("Failed", error="ValueError", cause=cause))


def test_a_failed_execution_ends_with_its_error_on_one_line():
    lines = printed(failed(), width=100)

    assert " ".join(lines[2].split()) == '0 "a" 0.0 s 3.0 s failed ValueError: no such topic'
    assert " ".join(lines[3].split()) == '1 "b" 0.0 s 3.0 s aborted'
    assert lines[-1] == (
        "FAILED after 3.0 s (0 of 3 items succeeded, 1 failed, 1 aborted, 1 not started): "
        "ValueError: Item at index 0 failed: no such topic"
    )


def test_attempts_have_a_column_only_when_something_was_retried():
    assert "Attempts" not in printed(failed())[0]

    lines = printed(failed(retried=True))

    assert "Attempts" in lines[0]
    assert [line.split()[6] for line in lines[2:4]] == ["2", "1"]


def test_a_timeout_is_named_as_the_executions():
    builder = HistoryBuilder()
    builder.map(2)
    builder.start(0)
    builder.at = 20
    history = history_of(builder.finish("TimedOut"))

    assert printed(history)[-1].startswith(
        "TIMED_OUT after 20.0 s, the timeout of the execution (0 of 2 items"
    )


@pytest.mark.parametrize(
    ("outcome", "details", "line"),
    [
        ("Succeeded", {"output": '[{"a":1}]'}, 'SUCCEEDED in 1.5 s: output [{"a": 1}]'),
        ("Succeeded", {}, "SUCCEEDED in 1.5 s"),
        (
            "Failed",
            {"error": "ItemListNotFound", "cause": "Load a list\n  first"},
            "FAILED after 1.5 s: ItemListNotFound: Load a list first",
        ),
        ("Aborted", {"cause": "not needed"}, "ABORTED after 1.5 s: not needed"),
    ],
)
def test_without_items_there_is_only_the_last_line(outcome, details, line):
    builder = HistoryBuilder()
    builder.at = 1.5
    builder.event(f"Execution{outcome}", details)

    assert printed(history_of(builder.events)) == [line]


def test_of_many_items_the_timeline_draws_the_first_and_the_last():
    # Given more items than a screen holds
    history = sequence([str(number) for number in range(100)])

    lines = printed(history)

    # Then the table has them all, and the timeline says how many it leaves out
    table, timeline = lines[2 : lines.index("")], lines[lines.index("") :]
    assert [line.split()[0] for line in table] == [str(number) for number in range(100)]
    labels = [line.split()[0] for line in bars(timeline)]
    assert labels == [str(number) for number in [*range(20), *range(80, 100)]]
    assert "… 60 more items are not shown …" in "\n".join(timeline)


def test_rows_of_several_maps_name_their_map():
    builder = HistoryBuilder()
    for name in ("Prepare [a]", "Process"):
        builder.map(1, name)
        builder.whole_item(0, "x")
    history = history_of(builder.finish())

    lines = printed(history, width=100)

    assert lines[2].startswith("Prepare [a] 0  ")
    assert lines[3].startswith("    Process 0  ")


def test_the_picture_refers_to_nothing_outside_itself():
    svg = export_svg(failed(), "run-1", START)

    root = ET.fromstring(svg)
    assert "@font-face" not in svg
    assert "@import" not in svg
    assert "url(http" not in svg
    assert not [name for element in root.iter() for name in element.attrib if name.endswith("href")]


def picture_texts(history):
    root = ET.fromstring(export_svg(history, "run-1", START))
    return [element.text.replace("\xa0", " ") for element in root.iter(f"{SVG}text")]


def test_the_picture_holds_table_timeline_and_last_line():
    texts = picture_texts(failed())

    everything = "".join(texts)
    assert "run-1" in texts
    assert "ValueError: no such topic" in everything
    assert "━" in everything
    assert "FAILED" in texts


def test_the_picture_of_many_items_stays_a_picture():
    texts = "\n".join(picture_texts(sequence([f"item {number}" for number in range(1_000)])))

    assert '"item 19"' in texts
    assert '"item 20"' not in texts
    assert '"item 999"' in texts
    assert texts.count("960 more items are not shown") == 2
    assert texts.count("succeeded\n") <= TIMELINE_ROWS + 2


def test_starts_are_relative_to_the_first_item_although_the_picture_leaves_it_out():
    # Given a hundred items of which the one in the middle started first
    builder = HistoryBuilder()
    builder.map(100)
    for index in (50, *range(50), *range(51, 100)):
        builder.start(index)
        builder.at = 7
    history = history_of(builder.finish("Aborted"))

    # Then the forty that are shown all started later than it
    assert picture_texts(history).count("7.0 s") == 40


def test_wide_characters_have_the_width_of_two_in_the_picture():
    root = ET.fromstring(export_svg(sequence(["数学", "ab"]), "run-1", START))
    lengths = {
        element.text.replace("\xa0", " ").split()[0]: float(element.get("textLength"))
        for element in root.iter(f"{SVG}text")
        if (element.text or "").startswith('"')
    }

    assert lengths['"数学"'] == lengths['"ab"'] == pytest.approx(6 * 12.2)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0 s"),
        (0.004, "0.004 s"),
        (0.0349, "0.03 s"),
        (0.9996, "1.0 s"),
        (2.14, "2.1 s"),
        (59.96, "1 min 00 s"),
        (185, "3 min 05 s"),
        (3599.6, "1 h 00 min"),
        (7440, "2 h 04 min"),
    ],
)
def test_durations_read_naturally(seconds, text):
    assert seconds_text(seconds) == text


@pytest.mark.parametrize(("columns", "width"), [("0", 80), ("39", 80), ("40", 40), ("200", 200)])
def test_a_width_that_no_table_fits_in_is_not_taken(monkeypatch, columns, width):
    monkeypatch.setenv("COLUMNS", columns)
    assert open_console().width == width
