"""How every command in this folder ends: with an exit code, and with plain lines where it failed.

A command's ``main`` raises `CommandError` with the lines that its user
reads; `run_command` prints them and ends the process.
"""

import io
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import NoReturn, TextIO

from utils.packages import die_of_interrupt

INTERRUPTED = 130
"""Exit code of a command that Ctrl-C ended."""


class CommandError(Exception):
    """A command cannot go on; each argument is a line that says what is wrong and what to do."""

    def __init__(self, *lines: str) -> None:
        super().__init__(*lines)
        self.lines = lines

    def __str__(self) -> str:
        return "\n".join(self.lines)


class _EndedBySignal(SystemExit):
    """SIGTERM or SIGHUP came."""


def visible(text: str) -> str:
    """Spell out the characters that a terminal would not show, or would obey."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def run_command(main: Callable[[], int | None]) -> NoReturn:
    """Run a command's ``main`` and end the process with its exit code.

    The lines of a `CommandError` are printed to stderr as ``error: …``, and
    the code is 1, as it is when standard output cannot be written; Ctrl-C
    ends with 130, SIGTERM with 143 and SIGHUP with 129, all after cleaning up. What ``main`` returns is the
    code otherwise, None being 0.
    """
    _clean_up_at_signals()
    if sys.stdout is None:
        _complain("error: standard output is closed: open it, or send it to a file")
        sys.exit(1)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A terminal that cannot show a character of a list is no reason to fail.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        code = _exit_code(main)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader of a pipe went away (`| head`), which is no mistake.
        _discard(sys.stdout)
        code = 1
    except OSError as error:
        # A stream that fails has no file name; anything else is a defect.
        if error.filename is not None:
            raise
        _discard(sys.stdout)
        _complain(f"error: standard output cannot be written: {error.strerror}")
        code = 1
    sys.exit(code)


def _clean_up_at_signals() -> None:
    """Let a signal that ends the process unwind it first; one that is ignored, as by nohup, stays ignored."""
    if signal.getsignal(signal.SIGINT) is die_of_interrupt:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _end)


def _end(number: int, _: FrameType | None) -> NoReturn:
    raise _EndedBySignal(128 + number)


def _exit_code(main: Callable[[], int | None]) -> int | str | None:
    try:
        return main() or 0
    except CommandError as error:
        for line in error.lines:
            _complain(f"error: {visible(line)}")
        return 1
    except KeyboardInterrupt:
        _complain("interrupted")
        return INTERRUPTED
    except SystemExit as ended:
        # argparse ends so; its help may still have to be written.
        if isinstance(ended, _EndedBySignal):
            _complain("ended by a signal")
        return ended.code


def _complain(line: str) -> None:
    """Print a line to stderr, if that can be written."""
    if sys.stderr is None:
        return
    try:
        print(line, file=sys.stderr, flush=True)
    except OSError:
        _discard(sys.stderr)


def _discard(stream: TextIO) -> None:
    """Let what a stream still holds go nowhere; else the interpreter complains of it at exit."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
