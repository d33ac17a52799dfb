"""A row: one item of a list and what became of it."""

import json
from dataclasses import dataclass
from typing import Literal

from utils.watch.plain_json import parse

RowStatus = Literal["succeeded", "failed", "pending", "missing"]
Route = Literal["direct", "queue"]


@dataclass(slots=True)
class Row:
    """One item.

    If it has neither succeeded nor failed, it is ``pending``, and can be processed by a redrive, or in a job
    ``missing``.

    Attributes
    ----------
    item
        JSON text on one line.
    outcome
        JSON text on one line: the result, or the error ``{"name", "message"}``; None if there is neither.
    attempts
        None where nothing says how many there were: the child workflow
        execution failed as a whole.
    route
        Which way it was processed; None where there is only one, and where
        nothing says it.
    """

    index: int
    item: str
    status: RowStatus
    outcome: str | None
    attempts: int | None
    route: Route | None = None

    def as_json(self) -> str:
        """Write the row as JSON on one line."""
        outcome = ""
        if self.outcome is not None:
            outcome = f', "{"result" if self.status == "succeeded" else "error"}": {self.outcome}'
        attempts = "null" if self.attempts is None else self.attempts
        route = f', "route": "{self.route}"' if self.route else ""
        return (
            f'{{"index": {self.index}, "item": {self.item}, "status": "{self.status}"{outcome}, '
            f'"attempts": {attempts}{route}}}'
        )

    def error(self) -> tuple[str, str]:
        """Get name and message of the error; empty texts without one."""
        if self.status != "failed" or self.outcome is None:
            return "", ""
        error = json.loads(self.outcome)
        return error["name"], error["message"]


def error_json(name: str, message: str) -> str:
    """Write an error as a row has it."""
    return json.dumps({"name": name, "message": message}, ensure_ascii=False)


def cause_message(cause: str | None) -> str:
    """Take the message out of the JSON that Step Functions records for a Lambda function's failure."""
    content = parse(cause)
    message = content.get("errorMessage") if isinstance(content, dict) else None
    return message if isinstance(message, str) else cause or ""
