"""Makes an item plain Python, whichever way it travelled.

Its encoding says whether it is plain JSON, as it came with the execution's input or from S3, or DynamoDB's
typed JSON, as it was read from the table.
"""

import base64
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from boto3.dynamodb.types import TypeDeserializer


def decode_item(item: Any, encoding: str) -> Any:
    """Return an item as ``process`` gets it.

    Parameters
    ----------
    encoding
        ``json`` or ``dynamodb``.
    """
    return _deserializer().deserialize(item) if encoding == "dynamodb" else item


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
