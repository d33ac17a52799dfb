"""Checks of a state machine's definition, in the words with which AWS refuses one."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

MAX_SECONDS = 99_999_999
"""Longest timeout (Amazon States Language)."""

STATE_TYPES = {"Pass", "Task", "Choice", "Wait", "Succeed", "Fail", "Parallel", "Map"}


def find_problem(text: str | None) -> str | None:
    """What is wrong with a definition, or None."""
    try:
        definition = json.loads(text or "")
    except (ValueError, RecursionError):
        return "INVALID_JSON_DESCRIPTION: The definition is not JSON"
    problem = next(_problems(definition, ""), None)
    if problem is None:
        timeout = definition.get("TimeoutSeconds", 1)
        if not isinstance(timeout, int) or isinstance(timeout, bool) or not 0 < timeout <= MAX_SECONDS:
            problem = f"TimeoutSeconds must be a whole number from 1 to {MAX_SECONDS} at /TimeoutSeconds"
    return problem and f"SCHEMA_VALIDATION_FAILED: {problem}"


def _problems(machine: Any, path: str) -> Iterator[str]:
    if not isinstance(machine, Mapping):
        yield f"An object is required at {path or '/'}"
        return
    missing = [name for name in ("StartAt", "States") if name not in machine]
    if missing:
        yield f"These fields are required: [{', '.join(missing)}] at {path or '/'}"
        return
    states = machine["States"]
    if not isinstance(states, Mapping) or not all(isinstance(state, Mapping) for state in states.values()):
        yield f"An object of states is required at {path}/States"
        return
    yield from _missing_targets(machine["StartAt"], f"{path}/StartAt", states)
    for name, state in states.items():
        yield from _problems_of_state(state, f"{path}/States/{name}", states)


def _problems_of_state(state: Mapping[str, Any], path: str, states: Mapping[str, Any]) -> Iterator[str]:
    if state.get("Type") not in STATE_TYPES:
        yield f"Value must be one of [{', '.join(sorted(STATE_TYPES))}] at {path}/Type"
        return
    for holder in (state, *state.get("Choices", []), *state.get("Catch", [])):
        for field in ("Next", "Default"):
            if field in holder:
                yield from _missing_targets(holder[field], f"{path}/{field}", states)
    for field in ("ItemProcessor", "Iterator"):
        if field in state:
            yield from _problems(state[field], f"{path}/{field}")
    for index, branch in enumerate(state.get("Branches", [])):
        yield from _problems(branch, f"{path}/Branches[{index}]")


def _missing_targets(name: Any, path: str, states: Mapping[str, Any]) -> Iterator[str]:
    if not isinstance(name, str) or name not in states:
        yield f"MISSING_TRANSITION_TARGET: Missing 'Next' target: {name} at {path}"
