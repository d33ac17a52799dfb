"""Reads the modes of all workflows from their templates and the configuration."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from stacks.config import Config
from stacks.config_maps import DistributedMapConfig, ThrottledMapConfig
from stacks.templates import read_definition
from utils.forecast import definition as asl
from utils.forecast.assembly import Templates
from utils.forecast.message_mode import read_message_mode
from utils.forecast.mode import Kind, Mode, Route
from utils.forecast.template import Template, environment, event_source, find_function, resources
from utils.limits import inline_concurrency, map_concurrency

ITEM_HANDLER = "item_handler.handle_item"
BATCH_HANDLER = "batch_handler.handle_batch"
RECORD_HANDLER = "record_handler.handle_records"
SUMMARISE_HANDLER = "summarise_handler.summarise"


@dataclass(frozen=True)
class Overrides:
    """Settings that are asked about in place of the configured ones; None keeps what is configured.

    Attributes
    ----------
    max_concurrency
        Items, batches or messages at once, of every workflow.
    """

    wait_seconds: int | None = None
    max_concurrency: int | None = None
    memory_mb: int | None = None
    child_type: str | None = None


def read_modes(templates: Templates, config: Config, overrides: Overrides | None = None) -> list[Mode]:
    """Read all modes, from the workflow with the fewest moving parts to the one with the most.

    Parameters
    ----------
    templates
        As `load_templates` gives them.
    config
        What they were made from.
    """
    overrides = overrides or Overrides()
    modes = [_fan_out(templates, config, overrides)]
    for child_type in ("EXPRESS", "STANDARD"):
        if overrides.child_type in {None, child_type}:
            batches = _distributed_map(templates[f"distributedMap-{child_type}"], config, overrides)
            modes += [batches] * (batches.direct.unit_items > 1) + [_single_items(batches)]
    modes.append(_throttled_map(templates["throttledMap"], config.throttledMap, overrides))
    if "queueFanIn" in templates:
        modes.append(
            read_message_mode(templates["queueFanIn"], overrides.max_concurrency, overrides.memory_mb)
        )
    return modes


def _machine(template: Template) -> dict[str, Any]:
    """Give what a mode has of its state machine."""
    machine = read_definition(template)
    (properties,) = resources(template, "AWS::StepFunctions::StateMachine")
    way = asl.longest_way(machine)
    return {
        "states": len(way),
        "events": asl.execution_events(machine, 0),
        "timeout_seconds": machine.get("TimeoutSeconds", float("inf")),
        "logs_all": properties.get("LoggingConfiguration", {}).get("Level") == "ALL",
        "traced": properties.get("TracingConfiguration", {}).get("Enabled", False),
        "reads_table": any("dynamodb:" in str(machine["States"][name].get("Resource")) for name in way),
    }


def _map_state(template: Template) -> Mapping[str, Any]:
    states = read_definition(template)["States"].values()
    return next(state for state in states if state["Type"] == "Map")


def _route(processor: asl.Machine, way: asl.Way, **fields: Any) -> Route:
    """Give a route as its states say, with the fields that they do not say."""
    failure_states, _ = asl.failure_way(processor, way)
    return Route(
        **{"name": "direct", "unit_items": 1, "failure_states": failure_states, **fields},
        states=len(way),
        events=asl.way_events(processor, way),
        repeat_states=asl.repeat_states(processor, way),
        wait_seconds=asl.wait_seconds(processor, way),
    )


def _fan_out(templates: Templates, config: Config, overrides: Overrides) -> Mode:
    asked_wait, stepfunc = overrides.wait_seconds, config.stepfunc
    wait = stepfunc.waitDurationSeconds if asked_wait is None else asked_wait
    template = templates["fanOut-wait" if wait else "fanOut-no-wait"]
    state = _map_state(template)
    processor = state["ItemProcessor"]
    way = asl.longest_way(processor)
    asked = _asked(state, overrides)
    route = _route(processor, way, function=find_function(template, ITEM_HANDLER, overrides.memory_mb))
    return Mode(
        "fanOut",
        "inline",
        "INLINE",
        inline_concurrency(asked),
        asked,
        replace(route, wait_seconds=float(wait), events=route.events + asl.ITERATION_EVENTS),
        fails_on_failure=asl.failure_way(processor, way)[1],
        settings={"stepfunc": {"maxConcurrency": asked, "waitDurationSeconds": wait}},
        **_machine(template),
    )


def _asked(state: asl.State, overrides: Overrides) -> int:
    configured: int = state.get("MaxConcurrency", 0)
    return configured if overrides.max_concurrency is None else overrides.max_concurrency


def _map_run(
    template: Template, section: DistributedMapConfig | ThrottledMapConfig, overrides: Overrides, name: str
) -> dict[str, Any]:
    """Give what the modes with a Distributed Map have in common."""
    state = _map_state(template)
    asked = _asked(state, overrides)
    kind: Kind = state["ItemProcessor"]["ProcessorConfig"]["ExecutionType"]
    settings = {"maxConcurrency": asked}
    return {
        "name": name,
        "kind": kind,
        "at_once": map_concurrency(asked),
        "asked_at_once": asked,
        "summary": find_function(template, SUMMARISE_HANDLER),
        "tolerated": (section.toleratedFailureCount, section.toleratedFailurePercentage),
        "settings": settings,
        **_machine(template),
    }


def _batch_route(template: Template, way: asl.Way, memory_mb: int | None) -> Route:
    state = _map_state(template)
    processor, batcher = state["ItemProcessor"], state["ItemBatcher"]
    (task,) = (processor["States"][name] for name in way if processor["States"][name]["Type"] == "Task")
    route = _route(
        processor,
        way,
        unit_items=batcher["MaxItemsPerBatch"],
        unit_bytes=batcher.get("MaxInputBytesPerBatch", float("inf")),
        attempts=asl.batch_attempts(task),
        failure_states=0,
        function=find_function(template, BATCH_HANDLER, memory_mb),
    )
    return replace(route, events=route.events + asl.EXECUTION_EVENTS)


def _distributed_map(template: Template, config: Config, overrides: Overrides) -> Mode:
    section = config.distributedMap
    way, _ = asl.split_ways(_map_state(template)["ItemProcessor"])
    route = _batch_route(template, way, overrides.memory_mb)
    common = _map_run(template, section, overrides, "")
    common["name"] = f"{common['kind']} batches" if route.unit_items > 1 else f"{common['kind']} items"
    common["settings"] = {
        "distributedMap": {
            **common["settings"],
            "childType": common["kind"],
            "maxItemsPerBatch": route.unit_items,
        }
    }
    return Mode("distributedMap", direct=route, **common)


def _single_items(batches: Mode) -> Mode:
    """Give the same workflow with batches of one item."""
    section = {**batches.settings["distributedMap"], "maxItemsPerBatch": 1}
    return replace(
        batches,
        name=f"{batches.kind} items",
        direct=replace(batches.direct, unit_items=1),
        settings={"distributedMap": section},
    )


def _throttled_map(template: Template, section: ThrottledMapConfig, overrides: Overrides) -> Mode:
    processor = _map_state(template)["ItemProcessor"]
    direct, waiting = asl.split_ways(processor)
    if waiting is None:
        raise ValueError("no state of throttledMap's children waits for a task token")
    task = next(processor["States"][name] for name in waiting if asl.is_callback(processor["States"][name]))
    source = event_source(template, RECORD_HANDLER)
    pace = environment(template, RECORD_HANDLER).get("MAX_PER_SECOND")
    queue = _route(
        processor,
        waiting,
        name="queue",
        attempts=asl.task_attempts(task),
        function=find_function(template, RECORD_HANDLER, overrides.memory_mb),
        workers=source["ScalingConfig"]["MaximumConcurrency"],
        messages_per_call=source["BatchSize"],
        starts_per_second=float(pace) if pace else None,
    )
    common = _map_run(template, section, overrides, "tokens")
    common["settings"] = {"throttledMap": common["settings"]}
    return Mode(
        "throttledMap",
        direct=_batch_route(template, direct, overrides.memory_mb),
        queue=replace(queue, events=queue.events + asl.EXECUTION_EVENTS),
        heartbeat_seconds=task["HeartbeatSeconds"],
        item_timeout_seconds=task["TimeoutSeconds"],
        **common,
    )
