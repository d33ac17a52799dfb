"""The rows of an inline Map, of `fanOut` or of `orderProcessing`: from the history of its execution."""

import json
from typing import TYPE_CHECKING, Any

from utils.command import CommandError
from utils.rows.execution import Execution
from utils.rows.json_text import elements, flatten, members
from utils.rows.row import Row, cause_message, error_json
from utils.watch import order_texts
from utils.watch.executions import follow
from utils.watch.history import History
from utils.watch.items import ItemRow, details_of

if TYPE_CHECKING:
    from types_boto3_stepfunctions import SFNClient


def inline_rows(client: "SFNClient", execution: Execution) -> list[Row]:
    """Read the rows of an ended execution, by index.

    Raises
    ------
    CommandError
        It ended before its Map, its Map is not this project's, or its history cannot be read.
    """
    history, map_input = History(), None
    for events in follow(client, execution.arn, just_started=False):
        history.add(events)
        for event in events:
            if event["type"] == "MapStateEntered" and map_input is None:
                map_input = details_of(event).get("input", "")
    if map_input is None:
        outcome = history.order.outcome
        end = f"order {outcome.order_id} is {outcome.status}" if outcome else execution.end_text
        raise CommandError(
            f"execution {execution.name} has no results, it ended before its first item: {end}"
        )
    try:
        items = history.order.lines or _items(members(flatten(map_input)))
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise CommandError(
            f"the Map of execution {execution.name} is not this project's `fanOut` or `orderProcessing` "
            "workflow: only their results can be read"
        ) from error
    found = {row.index: row for row in history.rows}
    return [_row(index, item, found.get(index)) for index, item in enumerate(items)]


def _items(map_input: dict[str, str]) -> list[str]:
    """Write each item of the list as plain JSON."""
    items = elements(map_input["items"])
    if map_input.get("encoding") == '"dynamodb"':
        return [plain_item(json.loads(item)) for item in items]
    return items


def plain_item(attribute: dict[str, Any]) -> str:
    """Write DynamoDB's typed JSON as plain JSON; numbers keep every digit, a set becomes an array.

    Raises
    ------
    KeyError, ValueError
        This is no typed value.
    """
    ((kind, value),) = attribute.items()
    match kind:
        case "N":
            return str(value)
        case "NULL":
            return "null"
        case "L":
            return f"[{', '.join(map(plain_item, value))}]"
        case "NS":
            return f"[{', '.join(value)}]"
        case "M":
            parts = (f"{_json(name)}: {plain_item(member)}" for name, member in value.items())
            return f"{{{', '.join(parts)}}}"
        case "S" | "BOOL" | "B" | "SS" | "BS":
            return _json(value)
    raise KeyError(kind)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _result(output: str) -> str:
    """Take what an order of a batch came to out of its place in the batch's list."""
    if order_texts.is_batch_row(output):
        return members(output)["result"]
    return output


def _row(index: int, item: str, row: ItemRow | None) -> Row:
    if row is None:
        return Row(index, item, "pending", None, 0)
    if row.status == "succeeded":
        return Row(index, item, "succeeded", _result(flatten(row.output or "null")), row.attempts)
    if row.status == "failed":
        return Row(index, item, "failed", error_json(row.error or "", cause_message(row.cause)), row.attempts)
    return Row(index, item, "pending", None, row.attempts)
