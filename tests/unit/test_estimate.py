"""The command: what it prints for people and for machines, what it refuses, what it writes."""

import json
import re

import pytest
from forecast_templates import templates

from utils import estimate
from utils.command import CommandError
from utils.forecast.arguments import parse_arguments

SERVICES = ["total", "stepFunctions", "lambda", "dynamodb", "sqs", "s3", "logs", "xray"]


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "config.json"
    path.write_text('{"workflows": ["fanOut"]}', encoding="utf-8")
    return path


@pytest.fixture
def run(monkeypatch, capsys, config):
    """Run the command over definitions that need no synthesis."""
    monkeypatch.setattr(estimate, "load_templates", lambda *_: templates())

    def call(*arguments):
        assert estimate.main(["--config", str(config), *map(str, arguments)]) == 0
        return capsys.readouterr()

    return call


def test_machines_get_each_mode_and_the_recommendation(run):
    content = json.loads(run("--items", 1_000, "--json").out)
    assert list(content) == ["modes", "recommended"]
    names = [(mode["workflow"], mode["mode"]) for mode in content["modes"]]
    assert names == [
        ("fanOut", "inline"),
        ("distributedMap", "EXPRESS batches"),
        ("distributedMap", "EXPRESS items"),
        ("distributedMap", "STANDARD batches"),
        ("distributedMap", "STANDARD items"),
        ("throttledMap", "tokens"),
        ("queueFanIn", "messages"),
    ]
    for mode in content["modes"]:
        assert list(mode) == ["workflow", "mode", "dollars", "makespanSeconds", "bound", "breaks"]
        assert list(mode["dollars"]) == SERVICES
        assert mode["dollars"]["total"] == pytest.approx(sum(list(mode["dollars"].values())[1:]))
    assert content["recommended"]["workflow"] in dict(names)
    assert content["recommended"]["config"]["workflows"] == [content["recommended"]["workflow"]]


def test_people_get_two_lines_a_mode_the_limits_and_the_reason(run):
    out = run("--items", 1_000_000).out
    assert re.search(r"^distributedMap, EXPRESS batches +\$0.58 +1\d\d s +concurrency$", out, re.MULTILINE)
    assert "\n  Step Functions $0.37, Lambda $0.21, " in out
    assert "\nfanOut, inline: 1,000,000 items make at least 9,000,011 history events" in out
    assert "\nRecommended: distributedMap, EXPRESS batches: $0.58, 1" in out
    assert "config.json: workflows with distributedMap; distributedMap: maxConcurrency 1000" in out


def test_a_cure_is_said_beside_what_it_mends(run):
    out = run("--items", 100, "--failure-rate", 0.1).out
    assert "(onItemFailure is fail) → onItemFailure continue" in out


def test_a_limit_that_several_modes_break_is_said_once(run, tmp_path):
    path = tmp_path / "list.jsonl"
    path.write_text('{"n": 1}\n{"n": 2, "throttled": true}\n', encoding="utf-8")
    _, heading, limits = run("--file", path).out.partition("Limits that this work breaks")
    sentence = "1 of 2 items are for a queue, and only throttledMap has one for them"
    (line,) = [line for line in limits.splitlines() if sentence in line]
    assert heading
    assert line.startswith("fanOut, inline; distributedMap, EXPRESS batches; ")
    assert line.endswith(f"queueFanIn, messages: {sentence}")


def test_json_with_a_file_is_a_list_and_without_one_the_output(run, tmp_path):
    # Given a list of which one item is marked
    items = [{"name": "a" * 89, "throttled": True}, *({"name": "b" * 100} for _ in range(3))]
    path = tmp_path / "list.json"
    path.write_text(json.dumps(items), encoding="utf-8")
    # When the option is used for both
    content = json.loads(run("--json", path, "--json").out)
    # Then one of the four items goes through the queue, and only one workflow has one
    assert content["recommended"]["workflow"] == "throttledMap"
    assert content["modes"][1]["breaks"] == [
        "1 of 4 items are for a queue, and only throttledMap has one for them"
    ]
    # And --file is the same
    assert json.loads(run("--file", path, "--json").out) == content


def test_lists_of_other_formats(run, tmp_path):
    for name, text in (("l.jsonl", '"a"\n"b"\n'), ("l.csv", "x,throttled\n1,TRUE\n2,no\n")):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        assert "Recommended: " in run("--file", path).out


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("list.txt", "a", "list.txt: the name of a list ends with .json, .jsonl, .ndjson, .csv"),
        ("list.json", "{}", "list.json"),
        ("list.json", "[]", "list.json: the list is empty: there is nothing to estimate"),
        (None, None, "none.json: cannot be read: No such file or directory"),
    ],
)
def test_a_list_that_is_none(run, tmp_path, name, text, message):
    path = tmp_path / (name or "none.json")
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(CommandError, match=re.escape(message)) as caught:
        run("--file", path)
    assert len(caught.value.lines) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--items 0", "argument --items: '0' is not a whole number from 1 to 1,000,000,000,000"),
        ("--items -3", "argument --items: '-3' is not a whole number from 1 to 1,000,000,000,000"),
        ("--items 1.5", "argument --items: '1.5' is not a whole number from 1 to 1,000,000,000,000"),
        (
            "--items 5 --item-bytes 0",
            "argument --item-bytes: '0' is not a whole number from 1 to 1,000,000,000",
        ),
        ("--items 5 --result-bytes -1", "argument --result-bytes: '-1' is not a whole number from 1 to"),
        ("--items 5 --duration-ms 0", "argument --duration-ms: '0' is not a number from 0.001 to"),
        ("--items 5 --duration-ms nan", "argument --duration-ms: 'nan' is not a number from 0.001 to"),
        ("--items 5 --memory-mb 64", "argument --memory-mb: '64' is not a whole number from 128 to 10,240"),
        (
            "--items 5 --max-concurrency 0",
            "argument --max-concurrency: '0' is not a whole number from 1 to 10,000",
        ),
        ("--items 5 --wait-s -1", "argument --wait-s: '-1' is not a whole number from 0 to 99,999,999"),
        ("--items 5 --failure-rate 1", "argument --failure-rate: '1' is not a number from 0 to 0.999"),
        ("--items 5 --throttled-share 1.1", "argument --throttled-share: '1.1' is not a number from 0 to 1"),
        (
            "--items 5 --spread 1e-300",
            "argument --spread: '1e-300' is not 0, or a number from 0.001 to 10",
        ),
        (
            "--items 5 --duration-ms 1e400",
            "argument --duration-ms: '1e400' is not a number from 0.001 to 1,000,000,000",
        ),
        (
            "--items 5 --task-token --throttled-share 0.5",
            "--task-token does not go with --throttled-share 0.5: tokens",
        ),
        ("--items 5 --plot chart.png", "argument --plot: 'chart.png' does not end with .svg"),
        (
            "--items 5 --region mars-1",
            "argument --region: invalid choice: 'mars-1' (choose from 'us-east-1', ",
        ),
        ("--items 5 --charge free", "argument --charge: invalid choice: 'free'"),
        ("", "give --items N, or a list with --file FILE or --json FILE: one of them"),
        ("--json", "give --items N, or a list with --file FILE or --json FILE: one of them"),
        ("--items 5 --file l.json", "give --items N, or a list with --file FILE or --json FILE: one of them"),
        ("--json a.json --file b.json", "give --items N, or a list with --file FILE or --json FILE: one of"),
        (
            "--file l.json --item-bytes 5",
            "--item-bytes does not go with a list, which says how large its items",
        ),
        (
            "--items 5 --task-token --child-type EXPRESS",
            "--task-token does not go with --child-type EXPRESS: only",
        ),
        (
            "--items 5 --task-token --throttled-share 0",
            "--task-token does not go with --throttled-share 0: tokens",
        ),
    ],
)
def test_wrong_usage_is_one_line_and_ends_with_2(capsys, arguments, message):
    with pytest.raises(SystemExit) as caught:
        parse_arguments(arguments.split())
    assert caught.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: {message}")


def test_a_configuration_that_is_wrong(run, config):
    config.write_text('{"stepfunc": {"maxConcurrency": -1}}', encoding="utf-8")
    with pytest.raises(CommandError, match=r"stepfunc\.maxConcurrency"):
        run("--items", 5)


def test_settings_in_place_of_the_configured_ones(run):
    def seconds(*arguments):
        return json.loads(run("--items", 120, "--json", *arguments).out)["modes"][0]["makespanSeconds"]

    assert seconds() == pytest.approx(120 * 2.1)
    assert seconds("--wait-s", 0, "--max-concurrency", 60) == pytest.approx(0.3)
    assert seconds("--wait-s", 5, "--duration-ms", 1_000) == pytest.approx(120 * 6)


def test_child_type_leaves_out_the_other_one(run):
    content = json.loads(run("--items", 5, "--json", "--child-type", "STANDARD").out)
    assert not [mode for mode in content["modes"] if mode["mode"].startswith("EXPRESS")]


def test_memory_is_that_of_what_processes_the_items(run):
    costs = [
        json.loads(run("--items", 1_000_000, "--json", "--memory-mb", memory).out)["modes"][2]["dollars"][
            "lambda"
        ]
        for memory in (128, 1_024)
    ]
    assert costs[1] - costs[0] == pytest.approx(100_000 * 0.875 * 0.0000166667)


def test_logs_are_priced_as_asked(run):
    logs = [
        json.loads(run("--items", 1_000, "--json", "--logs", level).out)["modes"][2]["dollars"]["logs"]
        for level in ("OFF", "ALL")
    ]
    # Seven events a child of one state, and its own two
    assert logs[1] - logs[0] == pytest.approx((1_000 * 7 + 8) * 1_000 / 1e9 * 0.5)


def test_what_is_recommended_is_written_on_request(run, config):
    before = config.read_text(encoding="utf-8")
    run("--items", 1_000_000)
    assert config.read_text(encoding="utf-8") == before
    assert "workflows now names distributedMap, too" in run("--items", 1_000_000, "--write-config").err
    assert json.loads(config.read_text(encoding="utf-8")) == {"workflows": ["fanOut", "distributedMap"]}


@pytest.mark.parametrize(
    "arguments",
    [
        ("--items", 10**12, "--item-bytes", 10**9, "--result-bytes", 10**9, "--duration-ms", 10**9),
        ("--items", 10**12, "--duration-ms", 0.001, "--spread", 0.001, "--failure-rate", 0.999),
        ("--items", 1, "--duration-ms", 0.001, "--spread", 10, "--throttled-share", 1),
        ("--items", 10**9, "--wait-s", 99_999_999, "--failure-rate", 1e-300, "--throttled-share", 1e-300),
        ("--items", 41, "--duration-ms", 0.001, "--task-token", "--max-concurrency", 10_000),
    ],
)
def test_work_at_the_ends_of_what_is_allowed_has_figures(run, arguments):
    def refuse(constant):
        raise AssertionError(constant)

    content = json.loads(run(*arguments, "--json").out, parse_constant=refuse)
    for mode in content["modes"]:
        assert mode["makespanSeconds"] > 0
        assert mode["dollars"]["total"] > 0
        assert min(mode["dollars"].values()) >= 0


def test_what_cannot_be_recommended_is_not_written(run, config):
    before = config.read_text(encoding="utf-8")
    with pytest.raises(CommandError, match=r"config\.json is left as it is: no mode can take this work"):
        run("--items", 5, "--duration-ms", 10**9, "--write-config")
    assert config.read_text(encoding="utf-8") == before


def test_plot_is_the_same_each_time_and_names_all_modes(run, tmp_path, monkeypatch):
    monkeypatch.setattr("utils.forecast.plot.POINTS_PER_DECADE", 1)
    first, second = tmp_path / "a.svg", tmp_path / "b.svg"
    told = run("--items", 10, "--plot", first).err.splitlines()
    assert told == ["drawing: each point is a simulation, which takes some seconds …", f"wrote {first}"]
    run("--items", 77, "--plot", second)
    text = first.read_text(encoding="utf-8")
    assert text == second.read_text(encoding="utf-8")
    for name in (
        "fanOut, inline",
        "distributedMap, STANDARD items",
        "throttledMap, tokens",
        "queueFanIn, messages",
    ):
        assert name in text
    assert "cheapest: " in text
    assert re.search(r"from [\d,]+ items fastest: ", text)


def test_plot_that_cannot_be_written_is_refused_before_anything_is_printed(run, tmp_path, capsys):
    (tmp_path / "folder.svg").mkdir()
    for path, reason in (
        (tmp_path / "none" / "a.svg", "there is no folder"),
        (tmp_path / "folder.svg", "it is"),
    ):
        with pytest.raises(CommandError, match=rf"\.svg: cannot be written: {reason}"):
            run("--items", 10, "--plot", path)
    assert capsys.readouterr() == ("", "")
    assert list((tmp_path / "folder.svg").iterdir()) == []
