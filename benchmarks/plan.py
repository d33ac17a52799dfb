"""What of a Distributed Map's template decides its price, to set beside the counted one of `queueFanIn`.

Prices are those of us-east-1 in 2026, without a free tier, for Step Functions and the item processor.
"""

import json
import math
import os
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.emulators import ROOT
from benchmarks.errors import BenchmarkError
from stacks.config import Config
from stacks.config_maps import MAX_CHILDREN_AT_ONCE
from stacks.templates import read_definition

ITEMS = 1_000_000
WORK_SECONDS = 0.1
"""What the function takes for an item."""

DOLLARS_PER_TRANSITION = 25e-6
DOLLARS_PER_EXPRESS_REQUEST = 1e-6
DOLLARS_PER_EXPRESS_GB_SECOND = 0.00001667
"""Of the first 3.6 million GB-seconds a month, which is more than a million items take."""
EXPRESS_GB = 64 / 1024
DOLLARS_PER_INVOCATION = 0.2e-6
DOLLARS_PER_GB_SECOND = {"x86_64": 0.0000166667, "arm64": 0.0000133334}

CHILDREN_PER_SECOND = {"EXPRESS": 1000, "STANDARD": 100}
MAX_FUNCTIONS_AT_ONCE = 1000
"""Of an account whose quota was not raised."""

Definition = Mapping[str, Any]


@dataclass(frozen=True)
class Plan:
    """What of a template decides cost and time."""

    child_type: str
    batch: int
    at_once: int
    parent_states: int
    """States that an execution passes when nothing fails."""
    child_states: int
    memory_gb: float
    architecture: str
    work_seconds: float = WORK_SECONDS
    """Time that an item takes."""

    @property
    def children(self) -> int:
        """Child executions for ITEMS."""
        return math.ceil(ITEMS / self.batch)

    @property
    def batch_seconds(self) -> float:
        """Time that the items of a full batch take one after the other."""
        return self.batch * self.work_seconds

    def transitions(self, reading: str) -> int:
        """Billed transitions of an execution over ITEMS; those of an EXPRESS child are not billed."""
        billed_states = reading == "start_plus_states" and self.child_type == "STANDARD"
        return self.parent_states + self.children * (1 + self.child_states * billed_states)

    @property
    def function_dollars(self) -> float:
        """Price of the function over ITEMS."""
        invocation = self.batch_seconds * self.memory_gb * DOLLARS_PER_GB_SECOND[self.architecture]
        return self.children * (DOLLARS_PER_INVOCATION + invocation)

    def dollars(self, reading: str) -> float:
        """Price of an execution over ITEMS."""
        children = self.function_dollars
        if self.child_type == "EXPRESS":
            # Rounded up to 100 ms, and a child takes a little longer than the work in it.
            seconds = (math.floor(round(self.batch_seconds * 10, 6)) + 1) / 10
            child = DOLLARS_PER_EXPRESS_REQUEST + seconds * EXPRESS_GB * DOLLARS_PER_EXPRESS_GB_SECOND
            children += self.children * child
        return children + self.transitions(reading) * DOLLARS_PER_TRANSITION

    def least_seconds(self) -> dict[str, float]:
        """What bounds the time from below: starting the children, how many run at once, one's work."""
        last_start = (self.children - 1) / CHILDREN_PER_SECOND[self.child_type]
        return {
            "dispatch": last_start + self.batch_seconds,
            "concurrency": math.ceil(self.children / self.at_once) * self.batch_seconds,
            "work of a batch": self.batch_seconds,
        }


def read_plan(template: Mapping[str, Any]) -> Plan:
    """Read a plan from the template of a DistributedMapStack."""
    definition = read_definition(template)
    (map_,) = (state for state in definition["States"].values() if state["Type"] == "Map")
    child = map_["ItemProcessor"]
    (function,) = (
        resource["Properties"]
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::Lambda::Function"
        and resource["Properties"]["Handler"] == "batch_handler.handle_batch"
    )
    at_once = min(map_["MaxConcurrency"] or MAX_CHILDREN_AT_ONCE, MAX_FUNCTIONS_AT_ONCE)
    return Plan(
        child["ProcessorConfig"]["ExecutionType"],
        map_["ItemBatcher"]["MaxItemsPerBatch"],
        at_once,
        count_states(definition),
        count_states(child),
        function["MemorySize"] / 1024,
        function["Architectures"][0],
    )


def count_states(machine: Definition) -> int:
    """Count the states that are passed when nothing fails: those of the shortest way to a success."""
    states = machine["States"]
    ways = deque([(machine["StartAt"], 1)])
    while ways:
        name, count = ways.popleft()
        state = states[name]
        if state["Type"] == "Succeed" or state.get("End"):
            return count
        choices = [rule["Next"] for rule in state.get("Choices", [])]
        nexts = [*choices, state.get("Default"), state.get("Next")]
        ways += [(after, count + 1) for after in nexts if after is not None]
    raise BenchmarkError("The definition has no way from its first state to a success.")


def synthesize(child_type: str) -> dict[str, Any]:
    """Synthesize the stack with the default configuration but for ``childType``; returns its template."""
    os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "20")
    # Imported here, so that the other benchmarks do not take the time and the memory of aws_cdk.
    from aws_cdk import App  # noqa: PLC0415
    from aws_cdk.assertions import Template  # noqa: PLC0415

    from stacks.distributed_map.stack import DistributedMapStack  # noqa: PLC0415

    context = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]
    config = Config.model_validate({"distributedMap": {"childType": child_type}})
    stack = DistributedMapStack(App(context=context), DistributedMapStack.__name__, config=config)
    return dict(Template.from_stack(stack).to_json())
