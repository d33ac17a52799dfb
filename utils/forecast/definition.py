"""What a definition in Amazon States Language says: the ways through its states, and the events they make.

A machine is anything with ``StartAt`` and ``States``: a definition, or a Map's ItemProcessor. A way is the
names of the states that are entered, in order, from the first to one that ends with success.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

Machine = Mapping[str, Any]
State = Mapping[str, Any]
Way = tuple[str, ...]

EXECUTION_EVENTS = 2
"""ExecutionStarted and ExecutionSucceeded."""
ITERATION_EVENTS = 2
"""MapIterationStarted and MapIterationSucceeded."""
TASK_EVENTS = 5
"""TaskStateEntered, TaskScheduled, TaskStarted, TaskSucceeded, TaskStateExited."""
CALLBACK_EVENTS = 1
"""TaskSubmitted, of a task that waits for its token."""
INLINE_MAP_EVENTS = 4
"""MapStateEntered, MapStateStarted, MapStateSucceeded, MapStateExited."""
DISTRIBUTED_MAP_EVENTS = 6
"""The same, and MapRunStarted and MapRunSucceeded."""
OTHER_EVENTS = 2
"""Entered and Exited, of every other state."""


def success_ways(machine: Machine, start: str | None = None) -> list[Way]:
    """List the ways to a success on which no state fails and none is entered twice."""
    states = machine["States"]

    def follow(way: Way) -> Iterator[Way]:
        state = states[way[-1]]
        if state["Type"] == "Succeed" or state.get("End"):
            yield way
        for name in next_states(state):
            if name not in way:
                yield from follow((*way, name))

    return list(follow((start or machine["StartAt"],)))


def next_states(state: State) -> list[str]:
    """Name the states that may follow when nothing fails, each once."""
    names = [rule["Next"] for rule in state.get("Choices", [])]
    names += [state[key] for key in ("Default", "Next") if key in state]
    return list(dict.fromkeys(names))


def longest_way(machine: Machine) -> Way:
    """Return the way that enters the most states.

    Of an execution that is the one on which the list is read where it is, and not given with the input.
    """
    return max(success_ways(machine), key=len)


def is_callback(state: State) -> bool:
    """Whether a state is a task that waits until its token is answered."""
    return str(state.get("Resource", "")).endswith(".waitForTaskToken")


def split_ways(machine: Machine) -> tuple[Way, Way | None]:
    """Return the way of an item that is processed directly, and of one that waits for a token, if any."""
    ways = success_ways(machine)
    waiting = [way for way in ways if any(is_callback(machine["States"][name]) for name in way)]
    direct = [way for way in ways if way not in waiting]
    return max(direct, key=len), max(waiting, key=len, default=None)


def repeat_states(machine: Machine, way: Way) -> int:
    """Count the states that are entered again when a Choice on the way leads back; 0 if none does."""
    states = machine["States"]
    for place, name in enumerate(way):
        for other in next_states(states[name]) if states[name]["Type"] == "Choice" else []:
            count, at = 0, other
            while at not in way and "Next" in states[at]:
                count, at = count + 1, states[at]["Next"]
            if at in way[: place + 1]:
                return count + place - way.index(at) + 1
    return 0


def failure_way(machine: Machine, way: Way) -> tuple[int, bool]:
    """Count the states that an item enters besides when its task has failed for good.

    Returns
    -------
    tuple
        How many, and whether the last of them fails the whole machine.
    """
    states = machine["States"]
    for name in way:
        for catcher in states[name].get("Catch", []):
            if "States.ALL" in catcher["ErrorEquals"]:
                count, at = 1, states[catcher["Next"]]
                while "Next" in at:
                    count, at = count + 1, states[at["Next"]]
                return count, at["Type"] == "Fail"
    return 0, not way or any("Catch" not in states[name] for name in way if states[name]["Type"] == "Task")


def task_attempts(state: State) -> int:
    """Tell how often a task is tried whose work failed, with the first time."""
    for retrier in state.get("Retry", []):
        if {"States.TaskFailed", "States.ALL"} & set(retrier["ErrorEquals"]):
            return 1 + int(retrier["MaxAttempts"])
    return 1


def batch_attempts(state: State) -> int:
    """Tell how often the function that a task invokes tries an item, as the payload says; else 1."""
    payload = str(state.get("Arguments", {}).get("Payload", ""))
    match = re.search(r'"maxAttempts": (\d+)', payload)
    return int(match[1]) if match else 1


def wait_seconds(machine: Machine, way: Way) -> float:
    """Sum up the Wait states on a way; one whose time is an expression counts as 0."""
    waits = [machine["States"][name].get("Seconds", 0) for name in way]
    return float(sum(wait for wait in waits if not isinstance(wait, str)))


def state_events(state: State, items: int) -> int:
    """Count the events of a state that succeeds at once; of an inline Map with all its iterations.

    Parameters
    ----------
    items
        Iterations of an inline Map.
    """
    if state["Type"] == "Task":
        return TASK_EVENTS + CALLBACK_EVENTS * is_callback(state)
    if state["Type"] != "Map":
        return OTHER_EVENTS
    processor = state["ItemProcessor"]
    if processor["ProcessorConfig"]["Mode"] == "DISTRIBUTED":
        return DISTRIBUTED_MAP_EVENTS
    return INLINE_MAP_EVENTS + items * (ITERATION_EVENTS + way_events(processor, longest_way(processor)))


def way_events(machine: Machine, way: Way, items: int = 0) -> int:
    """Count the events of the states on a way."""
    return sum(state_events(machine["States"][name], items) for name in way)


def execution_events(machine: Machine, items: int) -> int:
    """Count the events of an execution in which nothing fails.

    Parameters
    ----------
    items
        Length of the list; those of a Distributed Map make no events of the execution.
    """
    return EXECUTION_EVENTS + way_events(machine, longest_way(machine), items)
