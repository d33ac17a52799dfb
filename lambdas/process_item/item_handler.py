"""Lambda handler for one item: makes it plain Python and hands it to ``process``.

The event is ``{"item": …, "index": 0, "execution": "name", "encoding": "json" | "dynamodb"}``.
"""

import logging
from typing import Any

# Lambda puts this folder, and not the project, on the path.
from invocation import set_invocation  # type: ignore[import-not-found]
from item_encoding import decode_item  # type: ignore[import-not-found]
from process import process  # type: ignore[import-not-found]

logger = logging.getLogger(__name__)
logger.setLevel(logging.INFO)


def handle_item(event: dict[str, Any], _context: object) -> Any:
    """Process the item of one event and return what ``process`` returned."""
    logger.info({"event": event})
    set_invocation(event["execution"], event["index"])
    return process(decode_item(event["item"], event["encoding"]))
