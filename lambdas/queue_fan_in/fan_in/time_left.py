"""How long an invocation may go on with new work."""

from collections.abc import Callable
from typing import Any

MARGIN_MILLISECONDS = 60_000
"""What was begun is done in that time, even if AWS throttles it: some messages, a file of rows."""


def watch_time(context: Any) -> Callable[[], bool]:
    """Give the function that says whether there is time to begin something."""
    margin = min(MARGIN_MILLISECONDS, context.get_remaining_time_in_millis() / 3)
    return lambda: context.get_remaining_time_in_millis() > margin
