"""When templates are made anew, over a stand-in for the synthesis that takes no seconds."""

import pytest

from utils.command import CommandError
from utils.forecast import assembly

SYNTHESIS = """
import json, pathlib, sys
config = pathlib.Path(sys.argv[2]).read_text()
pathlib.Path(sys.argv[1], "fanOut.json").write_text(json.dumps({"config": config}))
"""


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A project with nothing but a synthesis and a configuration."""
    monkeypatch.setattr(assembly, "PROJECT_ROOT", tmp_path)
    (tmp_path / "stacks").mkdir()
    (tmp_path / "stacks" / "__init__.py").touch()
    (tmp_path / "stacks" / "templates.py").write_text(SYNTHESIS, encoding="utf-8")
    (tmp_path / "cdk.json").write_text("{}", encoding="utf-8")
    (tmp_path / "config.json").write_text("one", encoding="utf-8")
    return tmp_path


def load(root):
    """Load the templates; returns them, and how many lines were told."""
    told = []
    found = assembly.load_templates(root / "config.json", told.append, root / ".estimate")
    return found, len(told)


def test_templates_are_made_once_and_then_read(root):
    assert load(root) == ({"fanOut": {"config": "one"}}, 1)
    assert load(root) == ({"fanOut": {"config": "one"}}, 0)


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ("config.json", "two"),
        ("cdk.json", '{"context": {}}'),
        ("stacks/templates.py", f"{SYNTHESIS}\n# changed"),
        ("stacks/new.py", ""),
    ],
)
def test_a_change_of_what_they_are_made_from_makes_them_anew(root, changed, text):
    load(root)
    (root / changed).write_text(text, encoding="utf-8")
    found, told = load(root)
    assert told == 1
    assert found["fanOut"]["config"] == (root / "config.json").read_text(encoding="utf-8")


def test_other_files_change_nothing(root):
    load(root)
    (root / "lambdas").mkdir()
    (root / "lambdas" / "process.py").touch()
    assert load(root)[1] == 0


def test_a_synthesis_that_fails_is_one_line_and_leaves_nothing(root):
    (root / "stacks" / "templates.py").write_text("import sys; sys.exit('no such stack')", encoding="utf-8")
    with pytest.raises(CommandError) as caught:
        load(root)
    assert caught.value.lines == ("the definitions cannot be synthesized: no such stack",)
    assert not (root / ".estimate").exists()


@pytest.mark.parametrize(
    "damage", [lambda text: text[: len(text) // 2], lambda _: "", lambda text: f"{text} "]
)
def test_a_file_that_is_not_what_was_written_is_made_anew(root, damage):
    # Given templates that were kept, and a disk that lost a part of them
    found, _ = load(root)
    (kept,) = (root / ".estimate").iterdir()
    kept.write_text(damage(kept.read_text(encoding="utf-8")), encoding="utf-8")
    # Then they are made anew, and kept
    assert load(root) == (found, 1)
    assert load(root) == (found, 0)


def test_a_folder_that_cannot_be_made_only_keeps_nothing(root):
    (root / ".estimate").touch()
    told = []
    found = assembly.load_templates(root / "config.json", told.append, root / ".estimate")
    assert found == {"fanOut": {"config": "one"}}
    assert told[1] == f"{root / '.estimate'}: cannot be written, so that nothing is kept: File exists"
