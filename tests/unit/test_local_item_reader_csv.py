"""ItemReader: the rules by which CSV is read, recorded on AWS or in its guide."""

import csv
import io
import itertools
from typing import Any

import pytest

from local.states.distributed.item_reader import items_of
from local.states.errors import StatesError

FIRST_ROW = {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"}


def given(*headers: str, **config: str) -> dict[str, Any]:
    return {"InputType": "CSV", "CSVHeaderLocation": "GIVEN", "CSVHeaders": list(headers), **config}


def values(text: str, config: dict[str, Any]) -> list[Any]:
    return [item.value for item in items_of(text.encode(), config)]


def test_the_recorded_file_gives_the_recorded_items():
    text = "Col1,Col2,Col3\nValue1,Value2,Value3\n,,,\ntrue,1,'HelloWorld'\nNull,None,\n   \n"

    assert values(text, FIRST_ROW) == [
        {"Col1": "Value1", "Col2": "Value2", "Col3": "Value3"},
        {"Col1": "", "Col2": "", "Col3": ""},
        {"Col1": "true", "Col2": "1", "Col3": "'HelloWorld'"},
        {"Col1": "Null", "Col2": "None", "Col3": ""},
        {"Col1": "   ", "Col2": "", "Col3": ""},
    ]


def test_the_guides_file_gives_the_guides_items():
    text = 'abc,123,"It has commas, a double quotation mark (""), and a newline (\n)",{""K"":""V""},"[1,2,3]"'

    assert values(text, given("a", "b", "c", "d", "e")) == [
        {
            "a": "abc",
            "b": "123",
            "c": 'It has commas, a double quotation mark ("), and a newline (\n)',
            "d": '{"K":"V"}',
            "e": "[1,2,3]",
        }
    ]


@pytest.mark.parametrize(
    ("row", "fields"),
    [
        ("1,2", ["1", "2"]),
        ("1", ["1", ""]),
        ("1,2,3,4", ["1", "2"]),
        (" 1 ,\t2", [" 1 ", "\t2"]),
        ('"1,1","2\r\n2"', ["1,1", "2\r\n2"]),
        ('"",""', ["", ""]),
        ('"a ""b"" c",d', ['a "b" c', "d"]),
        ('a""b,""""', ['a"b', '"']),
        ('"""""",{""a"":1}', ['""', '{"a":1}']),
        (r"C:\\Program Files\\App.exe,1", [r"C:\Program Files\App.exe", "1"]),
        (r"a\,b,c\d", ["a,b", "cd"]),
        ("a,ends\\", ["a", "ends"]),
        ("a,ends\\\\", ["a", "ends\\"]),
        ("é,😀", ["é", "😀"]),
    ],
)
@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\nx,y\n"], ids=repr)
def test_a_row_is_read_by_the_rules(row: str, fields: list[str], end: str):
    items = values(row + end, given("a", "b"))

    assert items[0] == dict(zip("ab", fields, strict=True))
    assert items[1:] == ([{"a": "x", "b": "y"}] if "x" in end else [])


@pytest.mark.parametrize(
    ("name", "mark"), [("COMMA", ","), ("PIPE", "|"), ("SEMICOLON", ";"), ("SPACE", " "), ("TAB", "\t")]
)
def test_the_delimiter_can_be_chosen(name: str, mark: str):
    text = f'1{mark}"a{mark}b"\n2{mark}{{""c"":3}}'

    assert values(text, given("x", "y", CSVDelimiter=name)) == [
        {"x": "1", "y": f"a{mark}b"},
        {"x": "2", "y": '{"c":3}'},
    ]


@pytest.mark.parametrize("text", ["a,b\n", "a,b", "a,b\n\n\r\n"])
def test_a_file_of_headers_only_has_no_items(text: str):
    assert values(text, FIRST_ROW) == []


def test_an_empty_file_with_given_headers_has_no_items():
    assert values("", given("a")) == []


def test_a_line_with_nothing_in_it_is_no_item():
    assert values("1\n\n2\r\n\r\n", given("a")) == [{"a": "1"}, {"a": "2"}]


@pytest.mark.parametrize(
    ("headers", "names"),
    [
        (["H1", ""], ["", "H1"]),
        (["0", "True", "{}"], ["0", "{}", "True"]),
        (["userId", "movieId", "rating", "timestamp"], ["rating", "movieId", "userId", "timestamp"]),
    ],
)
def test_the_names_of_an_item_are_in_the_order_of_aws(headers: list[str], names: list[str]):
    text = f"{','.join(headers)}\n{','.join(headers)}\n"

    [item] = values(text, FIRST_ROW)

    assert list(item) == names
    assert list(item.values()) == names


def test_every_column_of_a_wide_file_is_there():
    headers = [f"column {number}" for number in range(500)]

    [item] = values(",".join(headers) + "\n" + ",".join(map(str, range(500))), FIRST_ROW)

    assert item == {header: str(number) for number, header in enumerate(headers)}


@pytest.mark.parametrize(
    ("text", "config", "cause"),
    [
        ("a,b,a\n1,2,3", FIRST_ROW, "CSV headers cannot contain duplicates."),
        ("1,2", given("a", "a"), "CSV headers cannot contain duplicates."),
        ("", FIRST_ROW, "The CSV file is empty: its first row must hold the headers."),
        ("\n\n", FIRST_ROW, "The CSV file is empty: its first row must hold the headers."),
        ("1", given(), "CSVHeaderLocation GIVEN needs CSVHeaders: a list of strings."),
        ("1", {"InputType": "CSV"}, "CSVHeaderLocation must be FIRST_ROW or GIVEN but was: None"),
        (
            "1",
            given("a", CSVDelimiter="DOT"),
            "CSVDelimiter must be one of COMMA, PIPE,",
        ),
        ('a\n"b\nc\n', FIRST_ROW, "The CSV row at line 2 has a double quote that is never closed."),
        ("a\n" + "b" * 9_000_000, FIRST_ROW, "The CSV row at line 2 cannot be read: field larger than"),
        (
            "\ufeffa,b\n1,2",
            FIRST_ROW,
            "The file begins with a byte order mark",
        ),
    ],
    ids=lambda value: str(value)[:12],
)
def test_a_csv_file_that_cannot_be_read_is_refused(text: str, config: dict[str, Any], cause: str):
    with pytest.raises(StatesError) as failure:
        values(text, config)

    assert failure.value.name == "States.ItemReaderFailed"
    assert str(failure.value.cause).startswith(cause)


def test_a_csv_file_in_latin_1_is_refused():
    with pytest.raises(StatesError, match=r"States\.ItemReaderFailed: The file is not UTF-8"):
        list(items_of("ä\ncafé\n".encode("latin-1"), FIRST_ROW))


@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=repr)
def test_what_python_writes_is_read_back(end: str):
    parts = ["", "a", " ", ",", '"', '""', "\n", "é", "'", "\\"]
    rows = [[first + second, second + first] for first, second in itertools.product(parts, repeat=2)]
    file = io.StringIO()
    csv.writer(file, lineterminator=end, quoting=csv.QUOTE_ALL).writerows(rows)
    text = file.getvalue().replace("\\", "\\\\")

    assert values(text, given("a", "b")) == [{"a": first, "b": second} for first, second in rows]
