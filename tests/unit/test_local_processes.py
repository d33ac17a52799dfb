"""Process groups: who is in one, and ending it."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from local import processes

READ_A_LINE = "print('ready', flush=True); input()"
IGNORE_SIGTERM = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {READ_A_LINE}"
WITH_A_CHILD = f"import subprocess; subprocess.Popen(['sleep', '60']); {READ_A_LINE}"


@contextmanager
def group(program: str) -> Iterator[subprocess.Popen[str]]:
    """Run a program in a process group of its own."""
    command = [sys.executable, "-c", program]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as leader:
        assert leader.stdout is not None
        leader.stdout.readline()
        try:
            yield leader
        finally:
            processes.end_group(leader.pid)


def test_a_group_is_the_leader_and_its_children_with_their_memory():
    with group(WITH_A_CHILD) as leader:
        found = processes.list_group(leader.pid)

    assert len(found) == 2
    assert 1e6 < found[leader.pid] < 1e9


def test_one_that_has_ended_is_not_in_it_although_nobody_has_waited_for_it():
    with group(READ_A_LINE) as leader:
        assert leader.stdin is not None
        leader.stdin.close()
        leader.stdout.read()  # until it ends
        assert processes.end_group(leader.pid)
        assert processes.list_group(leader.pid) == {}


def test_ending_a_group_ends_the_children():
    with group(WITH_A_CHILD) as leader:
        assert processes.end_group(leader.pid)
        assert processes.list_group(leader.pid) == {}


def test_one_that_ignores_the_request_is_killed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(processes, "TERMINATE_SECONDS", 0.1)
    with group(IGNORE_SIGTERM) as leader:
        assert processes.end_group(leader.pid)

    assert leader.returncode == -9


def test_a_group_that_is_gone_is_ended():
    with group(READ_A_LINE) as leader:
        pass

    assert processes.end_group(leader.pid)


def test_where_there_is_no_proc_ps_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    ps = tmp_path / "ps"
    lines = ("    1     1 Ss    9000", "  712   700 R+   20480", "  713   700 Z+       0")
    ps.write_text("#!/bin/sh\n" + "".join(f"echo '{line}'\n" for line in lines))
    ps.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert processes._read_ps() == [(1, 1, "S", 9216000), (712, 700, "R", 20971520), (713, 700, "Z", 0)]


@pytest.mark.parametrize("group_id", [1, 0, -1])
def test_what_stands_for_every_process_is_no_group(monkeypatch: pytest.MonkeyPatch, group_id: int):
    monkeypatch.setattr(processes.os, "killpg", lambda *_: pytest.fail("signalled"))
    with pytest.raises(ValueError, match=f"{group_id} is no process group to end"):
        processes.end_group(group_id)


@pytest.mark.parametrize("pid", [1, 0, -1, True, "7", None])
def test_what_is_no_process_id_runs_nothing(pid: object):
    assert not processes.is_running(pid, "local.emulator")


def test_a_module_that_runs_is_told_from_another():
    with subprocess.Popen([sys.executable, "-m", "http.server", "0"], stderr=subprocess.DEVNULL) as process:
        try:
            assert not processes.is_running(process.pid, "local.emulator")
        finally:
            process.kill()
