"""Distributed Map: a Map whose items run as child executions of a Map Run."""

import uuid
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from ministack.core.responses import get_account_id, get_region, new_uuid

from local.states import fan_out
from local.states.dataflow import Flow
from local.states.distributed import api
from local.states.distributed.child_inputs import Source
from local.states.distributed.children import Family, root_name
from local.states.distributed.item_reader import STATE_DATA, Item, read_items
from local.states.distributed.map_run import MapRun
from local.states.distributed.result_writer import Results
from local.states.distributed.settings import (
    ChildWorkflow,
    Reader,
    batcher_of,
    reader_of,
    tolerance_of,
    writer_of,
)
from local.states.errors import DATA_LIMIT_EXCEEDED, QUERY_EVALUATION, RUNTIME, PathError, StatesError
from local.states.step import Step


def is_distributed(state: Mapping[str, Any]) -> bool:
    """Whether a Map runs its items as child executions."""
    processor = state.get("ItemProcessor") or state.get("Iterator") or {}
    return (processor.get("ProcessorConfig") or {}).get("Mode") == "DISTRIBUTED"


async def run(step: Step) -> Any:
    """Run a Distributed Map; in a redrive, go on with its Map Run.

    Returns
    -------
    list or dict
        The results, or where they have been written.

    Raises
    ------
    StatesError
        The Map Run failed.
    """
    branch = step.branch
    map_run: MapRun | None = branch.progress.map_run
    if map_run is None:
        map_run = branch.progress.map_run = _start(step)
        work = map_run.run()
    else:
        arn, count = map_run.record["mapRunArn"], map_run.record["redriveCount"] + 1
        branch.record("MapRunRedriven", {"mapRunArn": arn, "redriveCount": count})
        work = map_run.redrive()
    started_event_id = branch.last_event_id
    try:
        result = await work
    except (StatesError, PathError) as error:
        failure = error if isinstance(error, StatesError) else StatesError(RUNTIME, step.located(str(error)))
        branch.record("MapRunFailed", {"error": failure.name, "cause": failure.cause})
        if not map_run.can_go_on or failure.name in {DATA_LIMIT_EXCEEDED, RUNTIME, QUERY_EVALUATION}:
            branch.progress.map_run = None
        raise
    branch.progress.map_run = None  # where the results are refused, a redrive runs all items again, as on AWS
    branch.record("MapRunSucceeded")
    branch.record("MapStateSucceeded")
    branch.last_event_id = started_event_id
    return result


def _start(step: Step) -> MapRun:
    """Evaluate the state's fields, in the order in which AWS does, and begin its Map Run."""
    branch, state, flow = step.branch, step.definition, step.flow
    concurrency = fan_out.max_concurrency(flow)
    items = None if "ItemReader" in state else _state_items(state, flow)
    branch.record("MapStateStarted", {"length": 0 if items is None else len(items)})
    reader = reader_of(branch, state, flow)
    tolerance = tolerance_of(flow)
    batcher = batcher_of(branch, state, flow)
    results = Results(writer_of(branch, state, flow))
    read = partial(iter, items or []) if reader is None else partial(_read, reader)
    label = state.get("Label") or str(uuid.uuid3(uuid.NAMESPACE_OID, f"{root_name(branch)}/{step.name}"))
    run_path = f"{get_region()}:{get_account_id()}:mapRun:{root_name(branch)}/{label}:{new_uuid()}"
    record = {
        "mapRunArn": f"arn:aws:states:{run_path}",
        "executionArn": branch.context["Execution"]["Id"],
        "maxConcurrency": concurrency,
        "toleratedFailurePercentage": float(tolerance.percentage),
        "toleratedFailureCount": tolerance.failures,
        "redriveCount": 0,
    }
    processor = state.get("ItemProcessor") or state["Iterator"]
    express = processor["ProcessorConfig"].get("ExecutionType") == "EXPRESS"
    workflow = ChildWorkflow(processor, branch.query_language, express)
    family = Family(branch, label, record["mapRunArn"], workflow)
    record["_stateMachineArn"] = family.state_machine_arn
    map_run = MapRun(record, family, Source(read, _selector(step), batcher), results)
    api.register(map_run)
    branch.record("MapRunStarted", {"mapRunArn": record["mapRunArn"]})
    return map_run


def _state_items(state: Mapping[str, Any], flow: Flow) -> list[Item]:
    """The items in the state's input; of an object, its entries."""
    items = fan_out.items_of(flow)
    if isinstance(items, dict):
        return [Item(value, key, STATE_DATA) for key, value in items.items()]
    if isinstance(items, list):
        return [Item(value, None, STATE_DATA) for value in items]
    raise PathError(f'Reference path "{state.get("ItemsPath", "$")}" must point to array.')


def _read(reader: Reader) -> Iterator[Item]:
    return read_items(reader.resource, reader.arguments, reader.config, reader.max_items)


def _selector(step: Step) -> Callable[[int, Item], Any] | None:
    """What makes of an item's index and the item the input of its child, if the state selects one."""
    selector = step.definition.get("ItemSelector", step.definition.get("Parameters"))
    if selector is None:
        return None
    context = step.branch.context

    def select(index: int, item: Item) -> Any:
        described = {"Index": index, "Value": item.value, "Source": item.source}
        if item.key is not None:
            described["Key"] = item.key
        return step.flow.item(selector, {**context, "Map": {"Item": described}})

    return select
