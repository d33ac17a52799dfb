"""Says in one line that Python lacks the packages of the commands in this folder.

Imported before any of them, so it needs the standard library only.
"""

import sys
from importlib.util import find_spec

PACKAGES = ("boto3", "pydantic", "rich")


def require_packages() -> None:
    """End the process with 1 and a line to stderr if this Python lacks a package."""
    for name in PACKAGES:
        if find_spec(name) is None:
            sys.exit(
                f"error: {name} is not installed for {sys.executable}: "
                "run `make setup`, then `source .venv/bin/activate`"
            )
