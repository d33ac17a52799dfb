"""What a command does before it imports a package: says that one is missing, and takes Ctrl-C quietly.

Imported before any of them, so it needs the standard library only.
"""

import os
import signal
import sys
from contextlib import suppress
from importlib.util import find_spec
from types import FrameType
from typing import NoReturn

PACKAGES = ("boto3", "pydantic", "rich")


def begin_command(name: str, *further: str) -> None:
    """Prepare for the imports of a command.

    Ends the process with 1 and a line to stderr if this Python lacks a
    package. Ctrl-C during the imports ends it with 130 and a line, where
    the process is the command's own.

    Parameters
    ----------
    name
        ``__name__`` of the command.
    further
        Packages that it needs beside those of all commands.
    """
    if name == "__main__" and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, die_of_interrupt)
    for package in (*PACKAGES, *further):
        if find_spec(package) is None:
            sys.exit(
                f"error: {package} is not installed for {sys.executable}: "
                "run `make setup`, then `source .venv/bin/activate`"
            )


def die_of_interrupt(_: int, __: FrameType | None) -> NoReturn:
    """End the process where there is nothing to clean up yet."""
    with suppress(OSError):
        os.write(2, b"interrupted\n")
    os._exit(130)
