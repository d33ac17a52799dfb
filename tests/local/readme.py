"""README.md as its reader follows it, from top to bottom: commands run, changes made, files written."""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from local_aws import ROOT

COMMAND_SECONDS = 120
ACCOUNT_SECTION = "Deploy to your AWS account"
UNRUN = "make test\n"
"""Cannot run inside itself."""

NOT_COPIED = (".git", ".venv", "node_modules", "cdk.out", ".local-aws", "__pycache__", ".*_cache", "tests")

_PART = re.compile(
    r"^## (?P<section>[^\n]*)$|^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
_DURATION = re.compile(r"\b[\d.]+ (?:ms|s|min)\b")


@dataclass(frozen=True)
class Block:
    """A fenced block of the README."""

    line: int
    section: str
    language: str
    text: str

    @property
    def is_command(self) -> bool:
        return self.language == "sh" and self.text != UNRUN


@dataclass(frozen=True)
class Done:
    """What a block of commands printed, both streams as a terminal shows them, and its exit code."""

    exit_code: int
    output: str


def read_blocks() -> list[Block]:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    section, blocks = "", []
    for match in _PART.finditer(text):
        if match["section"]:
            section = match["section"]
        else:
            line = text.count("\n", 0, match.start("text")) + 1
            blocks.append(Block(line, section, match["language"], match["text"]))
    return blocks


def normal_lines(text: str) -> list[str]:
    """Lines without what differs from run to run: blanks that align, and durations."""
    return [_DURATION.sub("(time)", " ".join(line.split())) for line in text.splitlines()]


@dataclass
class Reader:
    """Somebody who follows blocks of the README, in a copy of the project and in one shell."""

    folder: Path
    environment: Mapping[str, str]
    blocks: list[Block]
    done: dict[Block, Done] = field(default_factory=dict)

    @classmethod
    def with_copy(cls, home: Path, environment: Mapping[str, str], blocks: list[Block]) -> "Reader":
        folder = home / "project"
        shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*NOT_COPIED))
        (folder / ".venv").symlink_to(ROOT / ".venv")
        # A copy, because `npm ci` empties it first, should `make` find that it is out of date.
        shutil.copytree(ROOT / "node_modules", folder / "node_modules", symlinks=True)
        answers = {"CDK_REQUIRE_APPROVAL": "never", "CDK_FORCE": "true"}
        own = {"HOME": str(home), "COLUMNS": "100", "NODE_NO_WARNINGS": "1", **answers}
        # Where jsii keeps the CDK's library unpacked, which it would unpack anew for each home.
        own["JSII_RUNTIME_PACKAGE_CACHE_ROOT"] = str(
            Path.home() / ".cache" / "aws" / "jsii" / "package-cache"
        )
        return cls(folder, {**environment, **own}, list(blocks))

    def follow_to(self, command: Block) -> Done:
        """Do everything up to a block of commands that is not done yet; returns what that block did."""
        while command not in self.done:
            block = self.blocks.pop(0)
            if block.is_command:
                self.done[block] = self._run(block.text)
            elif block.language == "diff":
                self._change(block.text)
            elif block.language == "python":
                path = block.text.splitlines()[0].removeprefix("# ")
                (self.folder / path).write_text(block.text, encoding="utf-8")
        return self.done[command]

    def _run(self, commands: str) -> Done:
        shell_state = self.folder.parent / "shell-state"
        shell_state.touch()
        # What the shell knows is for the next block, too: exported, so that `export -p` has it.
        script = f"set -aeo pipefail\n. {shell_state}\ntrap 'export -p > {shell_state}' EXIT\n{commands}"
        result = subprocess.run(
            ["bash", "-c", script],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        return Done(result.returncode, result.stdout)

    def _change(self, difference: str) -> None:
        """Change a file as a diff says: the lines taken away must be there once, and together."""
        (_, new_name, *lines) = difference.splitlines(keepends=True)
        file = self.folder / new_name.removeprefix("+++ ").strip()
        old = "".join(line[1:] for line in lines if not line.startswith("+"))
        new = "".join(line[1:] for line in lines if not line.startswith("-"))
        text = file.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{file.name} has {text.count(old)} times: {old}"
        file.write_text(text.replace(old, new), encoding="utf-8")


def clean_environment() -> dict[str, str]:
    """The test's environment without anything that AWS tools read."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CDK_"))}


def commands_and_what_they_show(blocks: list[Block]) -> list[Any]:
    """Parameters of a test: each block of commands, with the text block before the next one or nothing."""
    shown: dict[Block, str] = {}
    for block in blocks:
        if block.language == "sh":
            command = block
            shown[command] = ""
        elif block.language == "text":
            shown[command] += block.text
    return [
        pytest.param(command, text, id=f"line {command.line}: {command.text.splitlines()[0]}")
        for command, text in shown.items()
        if command.is_command
    ]


def check(done: Done, shown: str) -> None:
    """Compare what a block of commands did with what the README shows of it, line by line and in order."""
    expected_code = 1 if re.search(r"^(TIMED_OUT|FAILED) ", shown, re.MULTILINE) else 0
    assert done.exit_code == expected_code, done.output
    printed = iter(normal_lines(done.output))
    for line in normal_lines(shown):
        assert any(line in candidate for candidate in printed), f"not shown: {line}\n{done.output}"
