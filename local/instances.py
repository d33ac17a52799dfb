"""The records of running emulators: one for each port, in .local-aws/ of the checkout.

For port 4566 these are ``4566.json`` (who runs), ``4566.lock`` (locked by the
emulator as long as it lives), ``4566.log`` and the folder ``4566`` (its home
and its temporary files). The lock decides whether an emulator runs: unlike a
process id it cannot be reused, and it goes with the process however that ends.
"""

import fcntl
import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from local import processes
from local.errors import LocalAwsError

ROOT = Path(__file__).resolve().parent.parent
MODULE = "local.emulator"
"""What an emulator's process runs."""
ENDING_SECONDS = 1.0
POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Instance:
    """A running emulator."""

    port: int
    pid: int
    started: float
    """Seconds since the epoch."""

    @property
    def endpoint(self) -> str:
        """The URL that AWS tools are pointed at.

        An address, because the JavaScript SDK then puts a bucket's name into
        the path: not every system resolves ``<bucket>.localhost``.
        """
        return f"http://127.0.0.1:{self.port}"


def records_folder() -> Path:
    """Find the records' folder: LOCAL_AWS_DIR, or .local-aws/ of the checkout."""
    return Path(os.environ.get("LOCAL_AWS_DIR") or ROOT / ".local-aws").resolve()


def log_file(port: int) -> Path:
    """Name the file that takes what the emulator writes."""
    return records_folder() / f"{port}.log"


def run_folder(port: int) -> Path:
    """Name the folder that is the emulator's home and holds its temporary files."""
    return records_folder() / str(port)


@contextmanager
def exclusive() -> Iterator[None]:
    """Let only one command of a checkout at a time change what runs."""
    records_folder().mkdir(parents=True, exist_ok=True)
    with (records_folder() / "commands.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def claim(port: int) -> None:
    """Record the calling process as the emulator on a port, until it ends."""
    descriptor = os.open(_lock_file(port), os.O_CREAT | os.O_RDWR, 0o644)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    temporary = _record_file(port).with_suffix(".new")
    temporary.write_text(json.dumps(asdict(Instance(port, os.getpid(), time.time()))), encoding="utf-8")
    temporary.replace(_record_file(port))


def find(port: int) -> Instance | None:
    """Find the emulator that runs on a port, if one does.

    What an emulator left that did not end in order is removed.

    Raises
    ------
    LocalAwsError
        One runs, and its record does not name it: nothing may be signalled.
    """
    if not _record_file(port).exists():
        return None
    if not _is_locked(port):
        forget(port)
        return None
    instance = _read(port)
    if instance is None or instance.port != port or not processes.is_running(instance.pid, MODULE):
        if _ends(port):
            return find(port)
        raise LocalAwsError(
            f"{_record_file(port)} is damaged, while an emulator runs on port {port}: "
            f"end the process `python -m {MODULE}` by hand."
        )
    return instance


def _ends(port: int) -> bool:
    """Wait for a lock that is soon free: a process that ends is none any more shortly before that."""
    deadline = time.monotonic() + ENDING_SECONDS
    while _is_locked(port):
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def _read(port: int) -> Instance | None:
    try:
        return Instance(**json.loads(_record_file(port).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def find_all() -> list[Instance]:
    """List the emulators that run for this checkout, by port."""
    ports = sorted(int(file.stem) for file in records_folder().glob("*.json") if file.stem.isdecimal())
    return [instance for instance in map(find, ports) if instance is not None]


def last_logged() -> int | None:
    """Name the port of the emulator that wrote to its log last, whether it runs or not."""
    files = [file for file in records_folder().glob("*.log") if file.stem.isdecimal()]
    return int(max(files, key=lambda file: file.stat().st_mtime).stem) if files else None


def forget(port: int) -> None:
    """Remove everything of an emulator that has ended, except its log."""
    shutil.rmtree(run_folder(port), ignore_errors=True)
    _record_file(port).unlink(missing_ok=True)
    _lock_file(port).unlink(missing_ok=True)


def _record_file(port: int) -> Path:
    return records_folder() / f"{port}.json"


def _lock_file(port: int) -> Path:
    return records_folder() / f"{port}.lock"


def _is_locked(port: int) -> bool:
    try:
        with _lock_file(port).open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False
