"""Memory and processor time of processes, as Linux's /proc has them."""

import os
from collections.abc import Mapping
from pathlib import Path

from benchmarks.errors import BenchmarkError


def require_linux(benchmark: str) -> None:
    """Refuse a system without /proc.

    Raises
    ------
    BenchmarkError
        There is none.
    """
    if not Path("/proc/self/smaps_rollup").exists():
        raise BenchmarkError(
            f"The benchmark {benchmark} reads /proc, which this system does not have: it needs Linux."
        )


def read_memory(pid: int) -> dict[str, int]:
    """Read a process's memory.

    Returns
    -------
    dict
        Bytes by the names of proc(5), such as Rss and Pss.
    """
    text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    fields = (line.split() for line in text.splitlines()[1:])
    return {name.removesuffix(":"): int(kilobytes) * 1024 for name, kilobytes, _unit in fields}


def read_peak_bytes(pid: int) -> int:
    """Read the most memory (RSS) that a process had since it began."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(":")
        if name == "VmHWM":
            return int(value.split()[0]) * 1024
    raise BenchmarkError(f"Process {pid} has ended before its memory was read.")


def read_processor_seconds(pid: int) -> float:
    """Read how long a process was on a processor since it began, children that have ended not included."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    # utime and stime of proc(5), of which the first two fields are cut off here.
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def read_variable(pid: int, name: str) -> str | None:
    """Read an environment variable that a process was started with; None if it had none of this name."""
    variables = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    pairs = (os.fsdecode(variable).partition("=") for variable in variables)
    return next((value for key, _, value in pairs if key == name), None)


def list_group(group_id: int) -> list[int]:
    """List the processes of a process group."""
    pids = (int(folder.name) for folder in Path("/proc").glob("[0-9]*"))
    return [pid for pid in pids if _group_of(pid) == group_id]


def read_function_peaks(group_id: int, functions: Mapping[str, str]) -> dict[str, int]:
    """Read the most memory (RSS) that a worker of each function had.

    Parameters
    ----------
    group_id
        Process group of the emulator, which its workers share.
    functions
        Ids of functions, which their names hold, and words for them.

    Returns
    -------
    dict
        Bytes by those words.
    """
    peaks: dict[str, int] = {}
    for pid in list_group(group_id):
        function = read_variable(pid, "AWS_LAMBDA_FUNCTION_NAME") or ""
        for id_, name in functions.items():
            if id_ in function:
                peaks[name] = max(peaks.get(name, 0), read_peak_bytes(pid))
    if missing := functions.values() - peaks.keys():
        raise BenchmarkError(f"no worker is left of these functions: {', '.join(sorted(missing))}")
    return peaks


def _group_of(pid: int) -> int | None:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return None
