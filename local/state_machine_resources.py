"""State machines that CloudFormation makes or changes, with the logging that their template asks for.

MiniStack keeps a template's LoggingConfiguration in the template's spelling, where DescribeStateMachine and
executions look for the API's.
"""

from typing import Any

from ministack.services.cloudformation import provisioners

_TYPE = "AWS::StepFunctions::StateMachine"
_stock_handlers = provisioners._RESOURCE_HANDLERS
_stock_machine = _stock_handlers[_TYPE]


def _create(logical_id: str, properties: dict[str, Any], stack_name: str) -> Any:
    return _stock_machine["create"](logical_id, _with_api_spelling(properties), stack_name)


def _update(
    physical_id: str, old: dict[str, Any], new: dict[str, Any], stack_name: str, logical_id: str
) -> Any:
    properties = _with_api_spelling(old), _with_api_spelling(new)
    return _stock_machine["update"](physical_id, *properties, stack_name, logical_id)


def _with_api_spelling(properties: dict[str, Any]) -> dict[str, Any]:
    if "LoggingConfiguration" not in properties:
        return properties
    return {**properties, "LoggingConfiguration": _uncapitalised(properties["LoggingConfiguration"])}


def _uncapitalised(value: Any) -> Any:
    if isinstance(value, dict):
        return {key[0].lower() + key[1:]: _uncapitalised(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_uncapitalised(each) for each in value]
    return value


HANDLERS = {**_stock_handlers, _TYPE: {**_stock_machine, "create": _create, "update": _update}}
"""MiniStack's table of resource types, with state machines replaced."""
