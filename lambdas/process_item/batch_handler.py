"""Lambda handler for a batch: hands each item to ``process`` and returns an outcome for each.

The event is ``{"batch": …, "pending": null, "bytesLeft": null, "maxAttempts": 3, "startedAt": "…",
"maxSeconds": 270}``. ``batch`` is the child workflow execution's input, ``{"BatchInput": {"execution":
"name"}, "Items": [{"index": 0, "item": …}, …]}``. ``maxSeconds``, from ``startedAt``, limits all calls
together; it may be null. Beside ``execution``, ``"encoding": "dynamodb"`` says that the items are DynamoDB's
typed JSON. The answer is ``{"outcomes": […], "pending": [{"index": 0, "attempts": 1}, …],
"bytesLeft": 250000}``. While items are pending another call is due, with these ``pending`` and ``bytesLeft``.
"""

import logging
from datetime import UTC, datetime
from typing import Any

# Lambda puts this folder, and not the project, on the path.
from batch import Limits, PendingItem, process_batch  # type: ignore[import-not-found]
from invocation import set_invocation  # type: ignore[import-not-found]
from item_encoding import decode_item  # type: ignore[import-not-found]
from outcomes import OUTCOMES_BYTES  # type: ignore[import-not-found]
from process import process  # type: ignore[import-not-found]
from time_limit import usable_seconds  # type: ignore[import-not-found]

logger = logging.getLogger(__name__)
logger.setLevel(logging.INFO)


def handle_batch(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Process the pending items of a batch."""
    batch_input = event["batch"]["BatchInput"]
    execution, encoding = batch_input["execution"], batch_input.get("encoding", "json")

    def process_item(index: int, item: Any) -> Any:
        set_invocation(execution, index)
        return process(decode_item(item, encoding))

    outcomes, pending = process_batch(
        _pending_items(event),
        process_item,
        limits=Limits(
            max_attempts=event["maxAttempts"],
            call_seconds=usable_seconds(context),
            batch_seconds=_batch_seconds(event),
        ),
        bytes_left=OUTCOMES_BYTES if event["bytesLeft"] is None else event["bytesLeft"],
    )
    failed = sum(outcome["status"] == "failed" for outcome in outcomes.final)
    counts = {"succeeded": len(outcomes.final) - failed, "failed": failed, "pending": len(pending)}
    logger.info({"execution": execution, **counts})
    return {
        "outcomes": outcomes.final,
        "pending": [{"index": item.index, "attempts": item.attempts} for item in pending],
        "bytesLeft": outcomes.bytes_left,
    }


def _pending_items(event: dict[str, Any]) -> list[PendingItem]:
    """Return the items to process: at first all of the batch."""
    items = {row["index"]: row["item"] for row in event["batch"]["Items"]}
    if event["pending"] is None:
        return [PendingItem(index, item, 0) for index, item in items.items()]
    return [PendingItem(row["index"], items[row["index"]], row["attempts"]) for row in event["pending"]]


def _batch_seconds(event: dict[str, Any]) -> float | None:
    """Return how long this call and all later ones may take."""
    if event["maxSeconds"] is None:
        return None
    started = datetime.fromisoformat(event["startedAt"])
    max_seconds: float = event["maxSeconds"]
    return max_seconds - (datetime.now(UTC) - started).total_seconds()
