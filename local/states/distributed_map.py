"""Distributed Map: MiniStack's own, called from here."""

from collections.abc import Mapping
from typing import Any

from ministack.services import stepfunctions

from local.states import loop
from local.states.branch import Branch
from local.states.errors import StatesError


def is_distributed(state: Mapping[str, Any]) -> bool:
    """Whether a Map runs its items as child executions."""
    processor = state.get("ItemProcessor") or state.get("Iterator") or {}
    return (processor.get("ProcessorConfig") or {}).get("Mode") == "DISTRIBUTED"


async def run(branch: Branch, state: Mapping[str, Any], state_input: Any) -> Any:
    """Run a Distributed Map.

    Returns
    -------
    Any
        The state's output.

    Raises
    ------
    StatesError
        The Map Run failed.
    """
    record = stepfunctions._executions[branch.context["Execution"]["Id"]]
    context = {
        **branch.context,
        "QueryLanguage": branch.query_language,
        "variables": dict(branch.variables),
    }
    try:
        output, _ = await loop.call_blocking(
            stepfunctions._run_map_items, state, state_input, record, context
        )
    except stepfunctions._ExecutionError as error:
        raise StatesError(error.error, error.cause) from error
    return output
