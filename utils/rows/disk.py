"""What a full or forbidden folder of temporary files is told to the user."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from utils.command import CommandError


@contextmanager
def temporary_file_errors() -> Iterator[None]:
    """Turn what the operating system raises inside the block into a `CommandError`."""
    try:
        yield
    except OSError as error:
        raise CommandError(
            f"{tempfile.gettempdir()}: temporary files cannot be written: {error.strerror}: "
            "make room, or set TMPDIR to another folder"
        ) from error
