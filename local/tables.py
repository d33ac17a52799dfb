"""What is written to DynamoDB, where MiniStack leaves out what AWS does.

An item that a PartiQL statement inserts is a record of the table's stream, like any other write
("Change data capture for DynamoDB Streams" in its guide).
"""

from typing import Any

from ministack.services import dynamodb

_insert_in_ministack = dynamodb._partiql_insert


def insert(table: dict[str, Any], parsed: dict[str, Any]) -> Any:
    """Insert an item, and tell the table's stream."""
    answer = _insert_in_ministack(table, parsed)
    if answer[0] == 200:
        dynamodb._emit_stream_event(parsed["table"], "INSERT", None, parsed["item"])
    return answer
