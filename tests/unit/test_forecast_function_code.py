"""The numbers that are read from the text of a function's module are those that the module has."""

import pytest
from fan_in_folder import load_fan_in

from utils.forecast.function_code import read_numbers

MODULES = {
    "messages": ["SHARED_BYTES", "BATCH_MESSAGES"],
    "split": ["STRETCH_ITEMS"],
    "positions": ["BLOCK_POSITIONS"],
    "results": ["PAGE_RESULTS"],
    "rows": ["FILE_ROWS", "FILE_BYTES"],
    "list_reader": ["PART_BYTES"],
}


@pytest.mark.parametrize(("module", "names"), MODULES.items(), ids=MODULES)
def test_numbers_are_those_of_the_module(module, names):
    numbers = read_numbers(f"queue_fan_in/fan_in/{module}.py")
    with load_fan_in(module) as modules:
        loaded = getattr(modules, module)
    assert {name: numbers[name] for name in names} == {name: getattr(loaded, name) for name in names}


def test_only_whole_numbers_in_capitals_are_read(tmp_path):
    path = tmp_path / "module.py"
    path.write_text(
        "import nothing_that_is_there\n"
        "A = 3\nB = 2 * (4 << 10) - 1 + 5\nC = 'text'\nD = len('x')\nE = 1.5\nlower = 4\nF = -D\n",
        encoding="utf-8",
    )
    assert read_numbers(str(path)) == {"A": 3, "B": 8196}
