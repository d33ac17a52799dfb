"""The processes of an emulator: itself and its Lambda workers, which share its process group."""

import os
import signal
import subprocess
import time
from pathlib import Path

TERMINATE_SECONDS = 5.0
KILL_SECONDS = 5.0
POLL_SECONDS = 0.02


def list_group(group_id: int) -> dict[int, int]:
    """List the living processes of a group, with the memory of each.

    Returns
    -------
    dict
        Resident bytes by process id. A process that has ended and waits for
        its parent to notice is none.
    """
    rows = _read_proc() if Path("/proc/self/stat").exists() else _read_ps()
    return {pid: resident for pid, group, state, resident in rows if group == group_id and state != "Z"}


def is_running(pid: object, module: str) -> bool:
    """Say whether a process id is that of a ``python -m module``."""
    if not isinstance(pid, int) or isinstance(pid, bool) or pid <= 1:
        return False
    return _command_line(pid).endswith(f" -m {module}")


def end_group(group_id: int) -> bool:
    """Terminate every process of a group, by force if they do not end in order.

    Returns
    -------
    bool
        Whether none is left.

    Raises
    ------
    ValueError
        To the operating system, groups 0 and 1 mean the caller's and everybody.
    """
    if group_id <= 1:
        raise ValueError(f"{group_id} is no process group to end")
    for signal_number, seconds in ((signal.SIGTERM, TERMINATE_SECONDS), (signal.SIGKILL, KILL_SECONDS)):
        try:
            os.killpg(group_id, signal_number)
        except ProcessLookupError:
            return True
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if not list_group(group_id):
                return True
            time.sleep(POLL_SECONDS)
    return False


def _read_proc() -> list[tuple[int, int, str, int]]:
    page_bytes = os.sysconf("SC_PAGE_SIZE")
    rows = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            text = (folder / "stat").read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue  # it ended meanwhile
        # The command's name, in parentheses, may hold anything; the fields after it are numbered in proc(5).
        state, _parent, group, *others = text.rpartition(")")[2].split()
        rows.append((int(folder.name), int(group), state, int(others[18]) * page_bytes))
    return rows


def _read_ps() -> list[tuple[int, int, str, int]]:
    """Read the same where there is no /proc, as on macOS."""
    command = ["ps", "-A", "-o", "pid=,pgid=,stat=,rss="]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()  # noqa: S603
    fields = (line.split() for line in lines)
    return [(int(pid), int(group), state[0], int(rss) * 1024) for pid, group, state, rss in fields]


def _command_line(pid: int) -> str:
    """The arguments of a process, with blanks between them; empty if there is no such process."""
    if Path("/proc/self/cmdline").exists():
        try:
            return Path(f"/proc/{pid}/cmdline").read_text(errors="replace").rstrip("\0").replace("\0", " ")
        except OSError:
            return ""
    command = ["ps", "-p", str(pid), "-o", "args="]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.rstrip()  # noqa: S603
