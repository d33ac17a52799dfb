"""Writes a file all at once: whoever reads it finds the old content or the new one, and never half of it."""

import os
from collections.abc import Callable
from pathlib import Path


def replace_file(path: Path, text: str, check: Callable[[Path], object] = lambda _: None) -> None:
    """Put a text into a file, which keeps its mode if it is there.

    Parameters
    ----------
    check
        Gets a file with the text before that takes the place; what it raises leaves everything as it was.

    Raises
    ------
    OSError
        The file, or another one beside it, cannot be written.
    """
    new = path.with_name(f".{path.stem}-{os.getpid()}{path.suffix}")
    try:
        new.write_text(text, encoding="utf-8")
        check(new)
        if path.exists():
            new.chmod(path.stat().st_mode)
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)
