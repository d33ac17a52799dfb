"""Makes a call in a child process, so that what kills or hangs its process ends nothing else."""

import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

EXIT_SECONDS = 1.0
"""For a process that has closed its pipe to end by itself, and tell how."""


class ItemCrashed(Exception):  # noqa: N818 - the name that users read in the results
    """The process of an item ended before the item did."""


class ItemTimedOut(Exception):  # noqa: N818 - the name that users read in the results
    """The item did not end in time, and its process was ended."""


def call_in_child(call: Callable[[], bytes], seconds: float) -> bytes:
    """Return what a call returns in a child process, a copy of this one.

    Raises
    ------
    ItemCrashed
        The process ended without an answer.
    ItemTimedOut
        It did not answer in so many seconds. It was killed, with the processes that it had started.
    """
    # Not spawned: a copy shares its parent's memory, and has its modules loaded.
    context = multiprocessing.get_context("fork")
    reader, writer = context.Pipe(duplex=False)
    child = context.Process(target=_answer, args=(call, writer), daemon=False)
    started = time.monotonic()
    child.start()
    writer.close()
    try:
        if not reader.poll(max(seconds, 0)):
            raise ItemTimedOut(f"killed after {time.monotonic() - started:.1f} s: the time was over")
        return reader.recv_bytes()
    except EOFError:
        child.join(EXIT_SECONDS)
        raise ItemCrashed(_describe_exit(child.exitcode)) from None
    finally:
        reader.close()
        _end(child)


def _answer(call: Callable[[], bytes], writer: Connection) -> None:
    os.setpgid(0, 0)  # what it starts is killed with it
    # A handler of the parent's would make an end by a signal look like an exception of the item's.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    writer.send_bytes(call())
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    # Threads that the item left behind are not waited for.
    os._exit(0)


def _end(child: BaseProcess) -> None:
    assert child.pid  # it was started  # noqa: S101
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    if child.is_alive():
        child.kill()
    child.join()


def _describe_exit(code: int | None) -> str:
    if code is None:
        return "its process closed its pipe and went on"
    if code < 0:
        name = signal.Signals(-code).name
        hint = ", as it is when memory runs out" if name == "SIGKILL" else ""
        return f"its process was ended by {name}{hint}"
    return f"its process ended with exit code {code}"
