"""The control flow of a state machine: state after state."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from local.states import attempts, choice, fan_out, task, wait
from local.states.branch import Branch, included
from local.states.clock import now
from local.states.dataflow import flow_of
from local.states.distributed import map_state
from local.states.errors import StatesError
from local.states.paths import compact
from local.states.step import Handed, Step

_RETRIED = {"Task", "Map", "Parallel"}


async def run(
    branch: Branch, machine: Mapping[str, Any], state_input: Any, input_text: str | None = None
) -> Any:
    """Run the states of a machine, a branch or an item processor; in a redrive, from where it stopped.

    Parameters
    ----------
    input_text
        The input as the caller wrote it, where a caller did.

    Returns
    -------
    Any
        The output of the last state.

    Raises
    ------
    StatesError
        A state failed and nothing caught it.
    """
    states = machine["States"]
    if branch.progress.state is None:
        step = _enter(branch, machine["StartAt"], states, state_input, input_text)
    else:
        step = _resume(branch, branch.progress.state, states)
    while True:
        handed = await _run_state(step)
        # Lines of control take turns, and a loop of states leaves room for a timeout or a stop.
        await asyncio.sleep(0)
        if handed.next_state is None:
            branch.progress.end(handed.output)
            return handed.output
        step = _enter(branch, handed.next_state, states, handed.output)


def _enter(
    branch: Branch, name: str, states: Mapping[str, Any], state_input: Any, input_text: str | None = None
) -> Step:
    entered = {"name": name, **included("input", state_input)}
    if input_text is not None:
        entered["input"] = input_text
    previous_event_id = branch.last_event_id
    branch.progress.enter(name, state_input)
    branch.record(f"{states[name]['Type']}StateEntered", entered)
    return _step(branch, name, states[name], previous_event_id)


def _resume(branch: Branch, name: str, states: Mapping[str, Any]) -> Step:
    """The state in which an execution stopped that is redriven."""
    return _step(branch, name, states[name], branch.last_event_id)


def _step(branch: Branch, name: str, definition: Mapping[str, Any], previous_event_id: int) -> Step:
    state_type = definition["Type"]
    branch.context["State"] = {"EnteredTime": now(), "Name": name}
    if state_type in _RETRIED:
        branch.context["State"]["RetryCount"] = 0
    branch.state_type = state_type
    flow = flow_of(branch, definition, branch.progress.state_input)
    return Step(branch, name, definition, flow, previous_event_id, branch.last_event_id)


async def _run_state(step: Step) -> Handed:
    branch, state_type = step.branch, step.definition["Type"]
    handed = await attempts.run(step, _HANDLERS[state_type])
    exited = {"name": step.name, **included("output", handed.output)}
    if handed.assigned:
        exited["assignedVariables"] = {key: compact(value) for key, value in handed.assigned.items()}
        exited["assignedVariablesDetails"] = {"truncated": False}
    branch.record(f"{state_type}StateExited", exited)
    branch.state_type = None
    return handed


def _next(definition: Mapping[str, Any]) -> str | None:
    return None if definition.get("End") else definition.get("Next")


async def _pass(step: Step) -> Handed:
    result = step.definition.get("Result")
    if "Result" not in step.definition:
        result = step.flow.arguments()
    return Handed(*step.flow.output(result), _next(step.definition))


async def _succeed(step: Step) -> Handed:
    return Handed(*step.flow.pass_on(), None)


async def _fail(step: Step) -> Handed:
    error = step.flow.field("Error", "string")
    cause = step.flow.field("Cause", "string")
    raise StatesError(error, cause)


async def _wait(step: Step) -> Handed:
    await wait.wait(step.flow, step.definition)
    return Handed(*step.flow.pass_on(), _next(step.definition))


async def _choice(step: Step) -> Handed:
    try:
        return Handed(*choice.choose(step.flow, step.definition, step.branch))
    except choice.NoChoiceMatchedError as error:
        raise StatesError(error.name, step.located(str(error.cause))) from error


async def _task(step: Step) -> Handed:
    result = await task.run(step.branch, step.definition, step.flow)
    return Handed(*step.flow.output(result), _next(step.definition))


async def _map(step: Step) -> Handed:
    if map_state.is_distributed(step.definition):
        result = await map_state.run(step)
        return Handed(*step.flow.output(result), _next(step.definition))
    result = await fan_out.run_map(step.branch, step.name, step.definition, step.flow, run)
    return Handed(*step.flow.output(result), _next(step.definition))


async def _parallel(step: Step) -> Handed:
    result = await fan_out.run_parallel(step.branch, step.definition, step.flow, run)
    return Handed(*step.flow.output(result), _next(step.definition))


_HANDLERS: dict[str, Callable[[Step], Awaitable[Handed]]] = {
    "Pass": _pass,
    "Succeed": _succeed,
    "Fail": _fail,
    "Wait": _wait,
    "Choice": _choice,
    "Task": _task,
    "Map": _map,
    "Parallel": _parallel,
}
