"""What tests of commands share: an environment of nobody, and a command run within the test."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from utils.command import run_command


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """An empty home, so that no setting of this machine reaches a command."""
    home = tmp_path / "home"
    home.mkdir()
    return {"PATH": os.environ["PATH"], "HOME": str(home), "AWS_EC2_METADATA_DISABLED": "true"}


@pytest.fixture
def run_main(
    tmp_path: Path,
    environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Callable[..., subprocess.CompletedProcess[str]]]:
    """Run a command's ``main`` as its process would, in an empty folder and without starting one."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}

    def run(
        main: Callable[..., Any], *arguments: str | bytes, **settings: str
    ) -> subprocess.CompletedProcess[str]:
        monkeypatch.chdir(tmp_path)
        for name in os.environ:
            monkeypatch.delenv(name)
        for name, value in {**environment, **settings}.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(SystemExit) as ended:
            run_command(partial(main, [os.fsdecode(argument) for argument in arguments]))
        printed = capsys.readouterr()
        return subprocess.CompletedProcess(arguments, ended.value.code, printed.out, printed.err)

    yield run
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let boto3 try again at once."""
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)


@pytest.fixture
def run_process(environment: dict[str, str]) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a script as a process of its own."""

    def run(*command: str, cwd: Path | None = None, **settings: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *command],
            cwd=cwd,
            env={**environment, **settings},
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )

    return run
