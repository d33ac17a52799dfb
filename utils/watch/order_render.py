"""What an order looks like, or a batch of them: what ships, what does not, what the customer paid."""

from rich.console import RenderableType

from utils.watch.labelled import labelled_lines
from utils.watch.orders import BatchOutcome, OrderOutcome, OrderProgress
from utils.watch.plain_json import one_line


def order_parts(order: OrderProgress) -> list[RenderableType]:
    """Lay out how an order was closed, or the orders of a batch; empty for anything else."""
    parts: list[RenderableType] = []
    if order.outcome:
        parts.append(labelled_lines(_outcome_lines(order.outcome, order.decision)))
    if order.batch:
        parts.append(labelled_lines(_batch_lines(order.batch)))
    return parts


def _outcome_lines(outcome: OrderOutcome, decision: str | None) -> list[tuple[str, str]]:
    lines = [
        ("Order", f"{outcome.order_id}, customer {outcome.customer_id}"),
        ("Status", outcome.status),
        *(("Approval", text) for text in [decision] if text),
        *(("Ships", line) for line in outcome.ships),
        *(("Does not ship", line) for line in outcome.does_not_ship),
        ("Charged", outcome.charged),
        *(("Reason", text) for text in [outcome.reason] if text),
    ]
    return [(label, one_line(value)) for label, value in lines]


def _batch_lines(batch: BatchOutcome) -> list[tuple[str, str]]:
    return [
        ("Orders", f"{batch.orders:,}"),
        ("Succeeded", f"{batch.succeeded:,}"),
        *((f"  {one_line(status)}", f"{count:,}") for status, count in sorted(batch.statuses.items())),
        ("Failed", f"{batch.failed:,}"),
        *((f"  {one_line(name)}", f"{count:,}") for name, count in sorted(batch.errors.items())),
    ]
