"""The commands as processes: without packages, and where output has nowhere to go."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOADER = str(ROOT / "utils" / "load-ddb.py")
DRY_RUN = [LOADER, "--json", str(ROOT / "utils" / "simplelist.json"), "--dry-run"]
RUN = str(ROOT / "utils" / "run.py")
CLOSED = "error: standard output is closed: open it, or send it to a file\n"
FULL = "error: standard output cannot be written: No space left on device\n"


def _shell(line: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command with this Python, redirected by a shell."""
    return subprocess.run(
        ["sh", "-c", f'exec "$@" {line}', "sh", sys.executable, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"PATH": os.environ["PATH"]},
    )


@pytest.mark.parametrize("arguments", [DRY_RUN, [RUN, "--help"]])
def test_python_without_the_packages_is_told_what_to_do(arguments):
    # Given a Python that does not look into its folder of packages
    done = _shell("", "-S", *arguments)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"error: boto3 is not installed for {sys.executable}: "
        "run `make setup`, then `source .venv/bin/activate`\n"
    )


@pytest.mark.parametrize("name", ["load-ddb", "load-s3", "run", "results", "redrive"])
def test_ctrl_c_while_packages_are_imported_is_one_line(tmp_path, name):
    # Given packages that take as long as the test lets them
    for package in ("boto3", "pydantic", "rich"):
        (tmp_path / f"{package}.py").write_text(
            "import sys\nprint('importing', flush=True)\nsys.stdin.read()"
        )
    command = subprocess.Popen(
        [sys.executable, ROOT / "utils" / f"{name}.py", "--help"],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(tmp_path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with command:
        assert command.stdout.readline() == "importing\n"
        # When
        command.send_signal(signal.SIGINT)
        _, said = command.communicate(timeout=30)
    # Then
    assert (command.returncode, said) == (130, "interrupted\n")


@pytest.mark.parametrize("arguments", [DRY_RUN, [LOADER, "--help"], [RUN, "--help"]])
@pytest.mark.parametrize(
    ("line", "stderr"),
    [
        (">&-", CLOSED),
        (">/dev/full", FULL),
        (">&- 2>&-", ""),
        (">/dev/full 2>/dev/full", ""),
        (">/dev/full 2>&-", ""),
    ],
)
def test_output_that_cannot_be_written_ends_with_1_and_a_line(arguments, line, stderr):
    done = _shell(line, *arguments)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", stderr)


@pytest.mark.parametrize("line", ["2>&-", "2>/dev/full"])
def test_an_error_that_cannot_be_written_still_ends_with_1(line):
    assert _shell(line, LOADER, "--json", "no/such.json").returncode == 1


def test_a_reader_that_goes_away_leaves_no_traceback():
    done = _shell("| true", *DRY_RUN)
    assert done.stderr == ""
