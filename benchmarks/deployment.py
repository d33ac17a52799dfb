"""A workflow as a user has it: a copy of the app, deployed, with its own commands."""

import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from benchmarks.emulators import ROOT, Emulator, base_environment, run_command
from benchmarks.errors import BenchmarkError
from local.tool_environment import ACCOUNT, tool_environment
from utils.aws import stack_name

APP = ("app.py", "cdk.json", "config.schema.json", "lambdas", "stacks", "utils")
ROWS = "rows.jsonl"
MEASURE_COMMAND = Path(__file__).with_name("measure_command.py")

QUICK_PROCESS = """\
def process(item):
    return {"id": item["id"], "length": len(item["name"])}
"""
"""A process that neither takes time nor logs, so that what is measured is all that happens around it."""


@dataclass(frozen=True)
class CommandRun:
    """A command that succeeded."""

    printed: str
    seconds: float
    peak_bytes: int
    """The most memory (RSS) that it had."""


@dataclass(frozen=True)
class Deployment:
    """A copy of the app, deployed on an emulator."""

    folder: Path
    environ: dict[str, str]
    workflow: str

    @cached_property
    def outputs(self) -> dict[str, str]:
        """The stack's outputs."""
        stacks = json.loads((self.folder / "outputs.json").read_text(encoding="utf-8"))
        outputs: dict[str, str] = stacks[stack_name(self.workflow)]
        return outputs

    def python(self, *command: str) -> CommandRun:
        """Run a Python program of the copy.

        Raises
        ------
        BenchmarkError
            It failed.
        """
        measured = [sys.executable, str(MEASURE_COMMAND), sys.executable, *command]
        return parse_command_run(run_command(measured, self.environ, self.folder))

    def load(self, items: int, **fields: Any) -> CommandRun:
        """Write a list of items, each with these fields too, and load it with ``utils/load-s3.py``."""
        with (self.folder / "list.jsonl").open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(make_item(index) | fields) + "\n" for index in range(items))
        return self.python("utils/load-s3.py", "--config", "config.json", "--file", "list.jsonl")

    def run(self) -> tuple[CommandRun, str]:
        """Start an execution with ``utils/run.py`` and follow it to its end; its ARN comes second."""
        run = self.python("utils/run.py", "--workflow", self.workflow)
        return run, re.findall(r"arn:[\w-]+:states:\S+:execution:\S+", run.printed)[0]

    def results(self, execution_arn: str, items: int) -> CommandRun:
        """Write the rows with ``utils/results.py``.

        Raises
        ------
        BenchmarkError
            They are not those of the list that `load` made.
        """
        run = self.python("utils/results.py", execution_arn, "--out", ROWS)
        check_rows(self.folder / ROWS, items)
        return run

    def rows(self, execution_arn: str) -> list[dict[str, Any]]:
        """Read the rows that ``utils/results.py`` writes, whatever they are."""
        self.python("utils/results.py", execution_arn, "--out", ROWS)
        with (self.folder / ROWS).open(encoding="utf-8") as lines:
            return [json.loads(line) for line in lines]


@contextmanager
def deploy(
    emulator: Emulator,
    settings: Mapping[str, Any],
    process: str | None = QUICK_PROCESS,
    workflow: str = "distributedMap",
    section: str | None = None,
) -> Iterator[Deployment]:
    """Deploy a workflow.

    Parameters
    ----------
    settings
        What the workflow's section of config.json says.
    section
        Its name; None where it is the workflow's.
    process
        Text of process.py; None keeps the shipped one.
    """
    with tempfile.TemporaryDirectory(prefix="benchmark-") as name:
        folder = Path(name)
        for part in APP:
            copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
            copy(ROOT / part, folder / part)
        (folder / "node_modules").symlink_to(ROOT / "node_modules")
        if process is not None:
            (folder / "lambdas/process_item/process.py").write_text(process, encoding="utf-8")
        config = {"workflows": [workflow], section or workflow: dict(settings)}
        (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        environ = tool_environment(emulator.endpoint, ACCOUNT, {**base_environment(), "PATH": path})
        deploy_command = [
            "npx",
            "cdk",
            "deploy",
            "--require-approval",
            "never",
            "--outputs-file",
            "outputs.json",
        ]
        run_command(deploy_command, environ, folder)
        yield Deployment(folder, environ, workflow)


def parse_command_run(printed: str) -> CommandRun:
    """Take the line that `measure_command` adds from what a command printed."""
    *lines, last = printed.splitlines()
    seconds, peak_bytes = last.split()
    return CommandRun("\n".join(lines), float(seconds), int(peak_bytes))


def make_item(index: int) -> dict[str, Any]:
    """Make an item of the list."""
    return {"id": index, "name": f"item {index}"}


def check_rows(rows: Path, items: int) -> None:
    """Compare rows with what QUICK_PROCESS makes of the items.

    Raises
    ------
    BenchmarkError
        A row is missing, out of order or wrong, or there is one too many.
    """
    count = 0
    with rows.open(encoding="utf-8") as lines:
        for count, line in enumerate(lines, 1):
            item = make_item(count - 1)
            result = {"id": item["id"], "length": len(item["name"])}
            row = {"index": count - 1, "item": item, "status": "succeeded", "result": result, "attempts": 1}
            if json.loads(line) != row:
                raise BenchmarkError(
                    f"{rows.name}: row {count} is not the result of item {count - 1}: {line}"
                )
    if count != items:
        raise BenchmarkError(f"{rows.name}: has {count:,} rows for {items:,} items")
