"""The rows in one line of the ResultWriter's files: one child workflow execution, which is one batch."""

import json
from collections.abc import Iterator
from typing import Any

from utils.limits import LIST_FILE_BYTES_LIMIT
from utils.rows.inline import plain_item
from utils.rows.json_text import flatten, members, objects_of
from utils.rows.row import Route, Row, RowStatus, cause_message, error_json
from utils.watch.plain_json import parse

_STATUSES: dict[str, RowStatus] = {'"succeeded"': "succeeded", '"failed"': "failed"}
_ROUTES: dict[str, Route] = {'"direct"': "direct", '"queue"': "queue"}

CHILD_TIMEOUT = "States.Timeout"
"""Error of a child that timed out, whose record names none."""


def child_rows(record: dict[str, Any], *, run_succeeded: bool) -> Iterator[Row]:
    """Join the items of a batch with their outcomes.

    Parameters
    ----------
    record
        As the ResultWriter writes it with the transformation NONE.
    run_succeeded
        Whether the Map Run did. The items of a child that was stopped have
        failed then, and are pending if the Map Run was stopped with it.

    Yields
    ------
    Row
        For each item; the order is that of the batch.

    Raises
    ------
    KeyError, TypeError, ValueError, RecursionError
        This is no record of a batch of this project.
    """
    items = _items(flatten(record["Input"]))
    if record.get("Status") == "SUCCEEDED":
        yield from _outcome_rows(items, flatten(record["Output"]))
        return
    status, error, attempts = _whole_batch(record, run_succeeded=run_succeeded)
    for entry in items:
        yield Row(_index(entry), entry["item"], status, error, attempts)


def _items(batch: str) -> list[dict[str, str]]:
    """Split a batch into its items, each as plain JSON."""
    items = objects_of(batch, "Items")
    # Most batches are told without taking them apart once more.
    if '"dynamodb"' in batch and members(members(batch)["BatchInput"]).get("encoding") == '"dynamodb"':
        for entry in items:
            entry["item"] = plain_item(json.loads(entry["item"]))
    return items


def _outcome_rows(items: list[dict[str, str]], output: str) -> Iterator[Row]:
    outcomes = {outcome["index"]: outcome for outcome in objects_of(output, "outcomes")}
    route = _route(output)
    for entry in items:
        outcome = outcomes[entry["index"]]
        status = _STATUSES[outcome["status"]]
        result = outcome["result"] if status == "succeeded" else _error(outcome)
        yield Row(_index(entry), entry["item"], status, result, int(outcome["attempts"]), route)


def _route(output: str) -> Route | None:
    # Most outputs are told without taking them apart once more.
    route = members(output).get("route") if '"route"' in output else None
    return _ROUTES[route] if route else None


def _index(entry: dict[str, str]) -> int:
    index = int(entry["index"])
    # An item takes a byte of its list at least.
    if not 0 <= index < LIST_FILE_BYTES_LIMIT:
        raise ValueError(f"index {index} is that of no item")
    return index


def _error(outcome: dict[str, str]) -> str:
    match parse(outcome["error"]):
        case {"name": str(), "message": str()}:
            return outcome["error"]
    raise ValueError("an error without a name and a message")


def _whole_batch(record: dict[str, Any], *, run_succeeded: bool) -> tuple[RowStatus, str | None, int | None]:
    """Say what became of all items of a child without output: status, error, attempts."""
    status = record.get("Status")
    if status in {"FAILED", "TIMED_OUT"} or (status == "ABORTED" and run_succeeded):
        name = record.get("Error") or (CHILD_TIMEOUT if status == "TIMED_OUT" else str(status))
        return "failed", error_json(name, cause_message(record.get("Cause"))), None
    return "pending", None, None if status == "ABORTED" else 0
