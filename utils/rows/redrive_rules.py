"""Which executions AWS redrives, and with what outcome."""

from utils.rows.execution import WATCH, Execution

TOLERANCE_VERDICT = "ToleratedFailureExceeded"
"""Error of the Fail state after a Map whose items were all processed."""

TOO_LARGE = "States.DataLimitExceeded"
"""Error after which AWS begins the Map Run again (Step Functions guide, "Redriving Map Runs")."""

PERIOD_EXCEEDED = "redrivable period exceeded"

_POINTLESS = {
    TOLERANCE_VERDICT: "processed every item and failed for the number of failures: redriving it "
    "would only repeat that verdict; process the failed items again with `{failed_items}`",
    TOO_LARGE: "ended because an item or a result was too large, after which AWS redrives every item, "
    "also those that succeeded: process what is left again with `{failed_items}`",
    "ItemListInvalid": "ended before its first item, as its list was not valid: redriving it would only "
    "repeat that; correct the list or the input, and start a new execution with `python utils/run.py`",
    "ItemListNotFound": "ended before its first item, as there was no list: redriving it would only "
    "repeat that; load the list, and start a new execution with `python utils/run.py`",
}
"""Of an error: why redriving is of no use after it, and what to do."""


def find_refusal(execution: Execution, failed_items: str) -> str | None:
    """Say why redriving an execution is refused or pointless, and what to do instead; None if it is not.

    Parameters
    ----------
    execution
        What is to be redriven.
    failed_items
        The command that processes its failed items again.
    """
    name, reason = execution.name, execution.redrive_reason or ""
    if execution.status == "RUNNING":
        return (
            f"execution {name} is still running: wait for its end, or watch it with `{WATCH} {execution.arn}`"
        )
    if execution.status == "SUCCEEDED":
        return (
            f"execution {name} has succeeded, and AWS redrives only what did not: "
            f"items that failed within the tolerance are processed again by `{failed_items}`"
        )
    if execution.error in _POINTLESS:
        return f"execution {name} {_POINTLESS[execution.error].format(failed_items=failed_items)}"
    if PERIOD_EXCEEDED in reason.lower():
        return (
            f"execution {name} ended more than 14 days ago, and AWS redrives no longer: "
            f"process what is left again with `{failed_items}`"
        )
    if execution.redrive_status == "NOT_REDRIVABLE":
        return (
            f"execution {name} cannot be redriven ({reason}): "
            f"process what is left again with `{failed_items}`"
        )
    return None
