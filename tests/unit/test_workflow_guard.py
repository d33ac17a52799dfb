"""A workflow is whole: it has its stack, its page, its tests of each kind, and its row in the README.

A workflow is what config.json may name; what each has is listed in CONTRIBUTING.md.
"""

import re
from pathlib import Path
from typing import get_args

import pytest

from stacks.config import WorkflowName

ROOT = Path(__file__).parents[2]
TEST_FOLDERS = ("infrastructure", "local", "faults")
"""Besides tests/unit, where what a workflow adds is tested under its own name."""

WITHOUT_STATE_MACHINE = {"queueFanIn"}

GENERATED_PARTS = ("diagram", "definition")
"""Of a page; one without a state machine has no definition."""


def snake_case(workflow: str) -> str:
    return re.sub(r"[A-Z]", lambda capital: f"_{capital[0].lower()}", workflow)


def find_missing(workflow: str, root: Path) -> list[str]:
    """Name what a workflow lacks in a tree of the project."""
    name = snake_case(workflow)
    stack = f"{workflow[0].upper()}{workflow[1:]}Stack"
    page = f"docs/workflows/{name}.md"
    has_machine = workflow not in WITHOUT_STATE_MACHINE
    modules = ("__init__", "stack", *(["state_machine"] if has_machine else []))
    files = [f"stacks/{name}/{module}.py" for module in modules]
    missing = [path for path in [*files, page] if not (root / path).is_file()]
    if f'"{workflow}": {stack}' not in (root / "app.py").read_text(encoding="utf-8"):
        missing.append(f"app.py: {stack}")
    text = (root / page).read_text(encoding="utf-8") if page not in missing else ""
    parts = GENERATED_PARTS if has_machine else ("diagram",)
    missing += [f"{page}: {part}" for part in parts if not has_part(text, part)]
    tests = [f"tests/{folder}/test_{name}*.py" for folder in TEST_FOLDERS]
    missing += [pattern for pattern in tests if not any(root.glob(pattern))]
    row = f"| [`{workflow}`]({page}) |"
    readme = (root / "README.md").read_text(encoding="utf-8")
    if not any(line.startswith(row) for line in readme.splitlines()):
        missing.append(f"README.md: {row}")
    return missing


def has_part(page: str, part: str) -> bool:
    """Whether something stands between the marks that ``stacks.pages`` writes between."""
    return bool(re.search(rf"<!-- {part} -->\n```\w+\n.+?\n```\n<!-- end -->", page, re.DOTALL))


@pytest.mark.parametrize("workflow", get_args(WorkflowName))
def test_workflow_is_whole(workflow: str):
    assert find_missing(workflow, ROOT) == [], "CONTRIBUTING.md: How to add a workflow"


def test_guard_names_everything_that_an_invented_workflow_lacks():
    assert find_missing("sortedMap", ROOT) == [
        "stacks/sorted_map/__init__.py",
        "stacks/sorted_map/stack.py",
        "stacks/sorted_map/state_machine.py",
        "docs/workflows/sorted_map.md",
        "app.py: SortedMapStack",
        "docs/workflows/sorted_map.md: diagram",
        "docs/workflows/sorted_map.md: definition",
        "tests/infrastructure/test_sorted_map*.py",
        "tests/local/test_sorted_map*.py",
        "tests/faults/test_sorted_map*.py",
        "README.md: | [`sortedMap`](docs/workflows/sorted_map.md) |",
    ]


def test_guard_asks_for_no_definition_where_there_is_no_state_machine(tmp_path: Path):
    # Given an empty tree
    (tmp_path / "app.py").touch()
    (tmp_path / "README.md").touch()
    # When
    missing = find_missing("queueFanIn", tmp_path)
    # Then the stack and the diagram are wanted, and what belongs to a state machine is not
    assert missing[:2] == ["stacks/queue_fan_in/__init__.py", "stacks/queue_fan_in/stack.py"]
    assert "docs/workflows/queue_fan_in.md: diagram" in missing
    assert not [it for it in missing if "state_machine" in it or "definition" in it]


def test_guard_names_a_page_whose_parts_were_not_generated(tmp_path: Path):
    # Given a tree with the page of a workflow, with its marks and nothing between them
    page = tmp_path / "docs" / "workflows" / "sorted_map.md"
    page.parent.mkdir(parents=True)
    page.write_text("<!-- diagram -->\n<!-- end -->\n<!-- definition -->\n<!-- end -->\n", encoding="utf-8")
    (tmp_path / "app.py").touch()
    (tmp_path / "README.md").touch()
    # When
    missing = find_missing("sortedMap", tmp_path)
    # Then
    assert "docs/workflows/sorted_map.md" not in missing
    assert {f"docs/workflows/sorted_map.md: {part}" for part in GENERATED_PARTS} < set(missing)
