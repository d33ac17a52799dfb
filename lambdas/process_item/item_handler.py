"""Lambda handler for one item: makes it plain Python and hands it to ``process``.

The event is ``{"item": …, "index": 0, "execution": "name", "encoding": "json" | "dynamodb"}``. The encoding
says whether the item is plain JSON, as it came with the execution's input, or DynamoDB's typed JSON, as it
was read from the table.
"""

import base64
import logging
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any

# Lambda puts this folder, and not the project, on the path.
from invocation import set_invocation  # type: ignore[import-not-found]
from process import process  # type: ignore[import-not-found]

if TYPE_CHECKING:
    from boto3.dynamodb.types import TypeDeserializer

logger = logging.getLogger(__name__)
logger.setLevel(logging.INFO)


def handle_item(event: dict[str, Any], _context: object) -> Any:
    """Process the item of one event and return what ``process`` returned."""
    logger.info({"event": event})
    set_invocation(event["execution"], event["index"])
    item = event["item"]
    if event["encoding"] == "dynamodb":
        item = _deserializer().deserialize(item)
    return process(item)


@cache
def _deserializer() -> "TypeDeserializer":
    """Return boto3's deserialiser, for attribute values that travelled as JSON."""
    # Imported when first needed: boto3 takes longer to load than all the rest together.
    from boto3.dynamodb.types import TypeDeserializer  # noqa: PLC0415

    class JsonTypeDeserializer(TypeDeserializer):
        """Takes what boto3's own client would have prepared: binary as base64, numbers of any length."""

        def _deserialize_n(self, value: str) -> Decimal:
            return Decimal(value)

        def _deserialize_b(self, value: str) -> bytes:
            return base64.b64decode(value)

    return JsonTypeDeserializer()
