"""Loading the stock: what is set, what is said of each product, and which files are refused."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from order_tables import INVENTORY, SessionWith, Stacks, create_tables, simulate_aws

from utils import load_inventory
from utils.command import CommandError
from utils.load_inventory import main

PROJECT_ROOT = Path(__file__).parents[2]
STOCK = {"Agile Software Development": 50, "Domain-Driven Design": 1200, "數": 0}


@pytest.fixture
def session():
    with simulate_aws() as session:
        yield session


@pytest.fixture
def inventory(session):
    create_tables(session)
    return session.resource("dynamodb").Table(INVENTORY)


@pytest.fixture
def run(session, monkeypatch, capsys):
    """Run the command on the content of a file; returns the lines it printed."""

    def run(path, *arguments, deployed=True, **clients):
        simulated = SessionWith(session, cloudformation=Stacks(deployed=deployed), **clients)
        monkeypatch.setattr(load_inventory, "open_session", lambda *_: simulated)
        main(["--json", str(path), *arguments])
        return capsys.readouterr().out.splitlines()

    return run


@pytest.fixture
def stock_file(tmp_path):
    """Write a file of stock: what is no text as JSON."""

    def write(content):
        path = tmp_path / "stock.json"
        text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
        path.write_bytes(text.encode("utf-8", errors="surrogateescape"))
        return path

    return write


def stored(inventory):
    return {record["productName"]: record["available"] for record in inventory.scan()["Items"]}


def test_the_stock_is_set_and_each_product_named(inventory, run, stock_file):
    lines = run(stock_file(STOCK))

    assert stored(inventory) == STOCK
    assert lines == [
        "  Agile Software Development: 50, new",
        "  Domain-Driven Design: 1,200, new",
        "  數: 0, new",
        "set the stock of 3 products in table the-inventory",
    ]


def test_the_same_file_again_changes_nothing_and_says_so(inventory, run, stock_file):
    run(stock_file(STOCK))

    lines = run(stock_file(STOCK))

    assert stored(inventory) == STOCK
    assert lines == [
        "  Agile Software Development: 50, as before",
        "  Domain-Driven Design: 1,200, as before",
        "  數: 0, as before",
        "table the-inventory already holds this stock of 3 products: nothing written",
    ]


def test_what_was_sold_meanwhile_is_said_and_set_again(inventory, run, stock_file):
    # Given a product of which two were sold, one that the file does not name, and a record's other fields
    inventory.put_item(Item={"productName": "a", "available": 48, "shelf": "7"})
    inventory.put_item(Item={"productName": "b", "available": 5})
    inventory.put_item(Item={"productName": "c", "available": 9})

    lines = run(stock_file({"a": 50, "b": 5}))

    assert stored(inventory) == {"a": 50, "b": 5, "c": 9}
    assert inventory.get_item(Key={"productName": "a"})["Item"]["shelf"] == "7"
    assert lines == [
        "  a: 50, was 48",
        "  b: 5, as before",
        "set the stock of 1 product in table the-inventory, 1 had it already",
    ]


def test_a_dry_run_says_the_same_and_writes_nothing(inventory, run, stock_file):
    inventory.put_item(Item={"productName": "a", "available": 48})

    lines = run(stock_file({"a": 50, "b": 5}), "--dry-run")

    assert stored(inventory) == {"a": 48}
    assert lines == [
        "  a: 50, was 48",
        "  b: 5, new",
        "would set the stock of 2 products in table the-inventory",
    ]


def test_a_count_keeps_every_digit_that_dynamodb_does(inventory, run, stock_file):
    count = int("12345678901234567890123456789012345678")

    run(stock_file({"a": count}))

    assert stored(inventory) == {"a": count}


ALLOWED = "allowed is a whole number, 0 or more"
NAMES = "allowed as the name of a product is text of 1 to 2,048 bytes in UTF-8"


@pytest.mark.usefixtures("inventory")
@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("", ":1:1: is not JSON: Expecting value"),
        ('{"a": 1,}', ":1:9: is not JSON: "),
        ("\udcff", ": is not UTF-8 text, at byte 0"),
        ("[" * 100_000, ": is nested too deeply to be read"),
        ('{"a": 1, "a": 2}', ": a is there more than once; allowed is once in an object"),
        ('{"a": ' + "9" * 101 + "}", ": holds a whole number of 101 digits; allowed are at most 100"),
        ([], ': []: allowed is an object of products with their counts, {"a book": 20}'),
        ({}, ": {}: allowed is an object of products"),
        ([{"productName": "a", "available": 1}], ': [{"productName": "a", "available": 1}]: allowed is'),
        ("3", ": 3: allowed is an object of products"),
        ({"a": -1}, f': "a" = -1: {ALLOWED}'),
        ({"a": 1.5}, f': "a" = 1.5: {ALLOWED}'),
        ({"a": 5.0}, f': "a" = 5.0: {ALLOWED}'),
        ('{"a": 1e400}', f': "a" = Infinity: {ALLOWED}'),
        ('{"a": NaN}', f': "a" = NaN: {ALLOWED}'),
        ({"a": True}, f': "a" = true: {ALLOWED}'),
        ({"a": "5"}, f': "a" = "5": {ALLOWED}'),
        ({"a": None}, f': "a" = null: {ALLOWED}'),
        ({"a": {"available": 5}}, f': "a" = {{"available": 5}}: {ALLOWED}'),
        ({"a": 10**38}, f': "a" = {10**38}: DynamoDB keeps 38 digits, and this has more'),
        ({"": 5}, f': "": {NAMES}'),
        ({"é" * 1025: 5}, f': "{"é" * 78}…: {NAMES}'),
        ('{"\\ud800": 5}', f': "\\ud800": {NAMES}'),
    ],
)
def test_a_file_that_is_no_stock_is_refused_in_one_line(run, stock_file, content, line):
    path = stock_file(content)

    with pytest.raises(CommandError) as caught:
        run(path)

    (said,) = caught.value.lines
    assert said.startswith(f"{path}{line}")
    assert len(said) < 300


def test_nothing_is_written_if_one_count_is_wrong_and_all_wrong_ones_are_named(inventory, run, stock_file):
    path = stock_file({"a": 5, "b": -1, "c": 1.5})

    with pytest.raises(CommandError) as caught:
        run(path)

    assert [line.removeprefix(str(path)) for line in caught.value.lines] == [
        f': "b" = -1: {ALLOWED}',
        f': "c" = 1.5: {ALLOWED}',
    ]
    assert stored(inventory) == {}


@pytest.mark.usefixtures("inventory")
def test_of_many_wrong_counts_the_first_are_named(run, stock_file):
    with pytest.raises(CommandError) as caught:
        run(stock_file({f"product {number}": -1 for number in range(1_021)}))

    assert len(caught.value.lines) == 21
    assert caught.value.lines[-1].endswith(": and 1,001 more like these")


def test_a_file_that_cannot_be_read_is_said(run, tmp_path):
    with pytest.raises(CommandError, match=re.escape(f"{tmp_path}/none.json: cannot be read: No such file")):
        run(tmp_path / "none.json")


def test_a_stack_that_is_not_deployed_is_said(run, stock_file):
    with pytest.raises(CommandError) as caught:
        run(stock_file(STOCK), deployed=False)

    assert str(caught.value) == (
        "stack OrderProcessingStack does not exist in eu-west-1: "
        "deploy it first with `npx cdk deploy OrderProcessingStack`"
    )


@pytest.mark.parametrize(
    ("arguments", "doing"),
    [([], "setting the stock of a"), (["--dry-run"], "reading the stock of a")],
)
def test_a_table_that_is_gone_is_said(inventory, run, stock_file, arguments, doing):
    inventory.delete()

    with pytest.raises(CommandError) as caught:
        run(stock_file({"a": 5}), *arguments)

    assert str(caught.value) == (
        f"{doing}: table the-inventory does not exist in eu-west-1: "
        "deploy it again with `npx cdk deploy OrderProcessingStack`"
    )


def test_what_was_set_before_aws_refused_is_said_and_the_file_can_be_loaded_again(
    session, inventory, run, *, stock_file, capsys, monkeypatch
):
    # Given a permission that is taken away after the first product
    client = session.client("dynamodb")
    update_item = client.update_item

    def refuse_second(**request):
        if request["Key"]["productName"]["S"] != "a":
            error = {"Error": {"Code": "AccessDeniedException", "Message": "not authorized"}}
            raise ClientError(error, "UpdateItem")
        return update_item(**request)

    monkeypatch.setattr(client, "update_item", refuse_second)
    path = stock_file({"a": 1, "b": 2})

    with pytest.raises(CommandError) as caught:
        run(path, dynamodb=client)

    assert str(caught.value) == (
        "setting the stock of b: no permission: use a profile that may do this "
        "(AccessDeniedException: not authorized)"
    )
    assert capsys.readouterr().out == "  a: 1, new\n"
    assert run(path)[-1] == "set the stock of 1 product in table the-inventory, 1 had it already"
    assert stored(inventory) == {"a": 1, "b": 2}


def test_the_file_must_be_given(capsys):
    with pytest.raises(SystemExit) as caught:
        main([])

    assert caught.value.code == 2
    assert "the following arguments are required: --json" in capsys.readouterr().err


def test_the_sample_has_stock_for_every_sample_order_and_lacks_one_product(inventory, run):
    # Given the files that the README names
    folder = PROJECT_ROOT / "utils" / "orders"
    orders = json.loads((folder / "batch.json").read_text(encoding="utf-8"))["items"]

    run(folder / "stock.json")

    products = {item["productName"] for order in orders for item in order["detail"]["items"]}
    in_stock = stored(inventory)
    assert set(in_stock) == products
    assert [product for product in products if not in_stock[product]] == ["The Art of Computer Programming"]


@pytest.mark.parametrize("name", ["order", "refused", "out_of_stock", "approval", "malformed"])
def test_the_sample_batch_has_each_sample_order(name):
    folder = PROJECT_ROOT / "utils" / "orders"
    orders = json.loads((folder / "batch.json").read_text(encoding="utf-8"))["items"]

    assert json.loads((folder / f"{name}.json").read_text(encoding="utf-8")) in orders
    assert len(orders) == 5


@pytest.mark.parametrize("folder", [".", "utils"])
def test_the_command_runs_from_the_root_and_from_its_folder(folder):
    command = [sys.executable, PROJECT_ROOT / "utils" / "load-inventory.py", "--help"]

    done = subprocess.run(command, cwd=PROJECT_ROOT / folder, capture_output=True, text=True, check=True)

    assert "--dry-run" in done.stdout
