"""What a template says beside its definition: functions, event sources, logs."""

from collections.abc import Iterator, Mapping
from typing import Any

from utils.forecast.mode import Function

Template = Mapping[str, Any]

MARGIN_SECONDS = 3.0
"""As in lambdas/process_item/time_limit.py: an item is interrupted so long before the function's timeout, or
a tenth of it if that is less."""


def resources(template: Template, kind: str) -> Iterator[Mapping[str, Any]]:
    """Give the properties of all resources of a type."""
    for resource in template["Resources"].values():
        if resource["Type"] == kind:
            yield resource["Properties"]


def find_function(template: Template, handler: str, memory_mb: int | None = None) -> Function:
    """Return the function with a handler.

    Parameters
    ----------
    memory_mb
        Its memory, where that is not what the template says.

    Raises
    ------
    StopIteration
        There is none.
    """
    properties = _function(template, handler)[1]
    timeout = properties["Timeout"]
    usable = timeout - min(MARGIN_SECONDS, timeout / 10)
    # An item is started only in the first half of a call, so that it has at least the other one.
    return Function(
        memory_mb or properties["MemorySize"],
        properties["Architectures"][0],
        timeout,
        call_seconds=usable / 2,
    )


def environment(template: Template, handler: str) -> Mapping[str, Any]:
    """Return the environment variables of the function with a handler."""
    variables: Mapping[str, Any] = _function(template, handler)[1].get("Environment", {}).get("Variables", {})
    return variables


def event_source(template: Template, handler: str) -> Mapping[str, Any]:
    """Return the one event source mapping of the function with a handler."""
    name = _function(template, handler)[0]
    sources = resources(template, "AWS::Lambda::EventSourceMapping")
    return next(source for source in sources if source["FunctionName"] == {"Ref": name})


def _function(template: Template, handler: str) -> tuple[str, Mapping[str, Any]]:
    return next(
        (name, resource["Properties"])
        for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::Lambda::Function" and resource["Properties"]["Handler"] == handler
    )
