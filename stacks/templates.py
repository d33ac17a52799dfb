"""Templates of all list workflows, to read figures from: ``python -m stacks.templates FOLDER CONFIG``.

It writes one for each, whether or not the configuration deploys it, and for each way that a setting changes
the states that an item passes: a wait or none, and the type of the children.
"""

import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from stacks.config import Config, load_config

_ROOT = Path(__file__).parent.parent


MAIN = "StateMachine"
"""Id of a stack's state machine, or of the first of several."""


def read_definition(template: Mapping[str, Any], name: str = MAIN) -> Any:
    """Return the definition in a template of the state machine with an id."""
    return read_definitions(template)[name]


def read_definitions(template: Mapping[str, Any]) -> dict[str, Any]:
    """Return each definition in a template by its state machine's id.

    What only a deployment knows is a ``${Name}`` in it.
    """
    return {
        _readable(logical_id): _join(resource["Properties"]["DefinitionString"]["Fn::Join"][1])
        for logical_id, resource in template["Resources"].items()
        if resource["Type"] == "AWS::StepFunctions::StateMachine"
    }


def _join(parts: list[str | dict[str, Any]]) -> Any:
    return json.loads("".join(part if isinstance(part, str) else _placeholder(part) for part in parts))


def _placeholder(reference: dict[str, Any]) -> str:
    if reference == {"Ref": "AWS::Partition"}:
        return "aws"
    name = reference.get("Ref") or reference["Fn::GetAtt"][0]
    return "${" + _readable(name.removeprefix("AWS::")) + "}"


def _readable(logical_id: str) -> str:
    """Return a name in a template without the hash that CDK adds."""
    return re.sub(r"[0-9A-F]{8}$", "", logical_id)


def _variants(config: Config) -> Iterator[tuple[str, str, Config]]:
    """Give the name of each template, its workflow, and the configuration that it is made with."""
    wait = config.stepfunc.waitDurationSeconds or 1
    for name, seconds in (("fanOut-wait", wait), ("fanOut-no-wait", 0)):
        yield name, "fanOut", _changed(config, "stepfunc", waitDurationSeconds=seconds)
    for child_type in ("EXPRESS", "STANDARD"):
        changed = _changed(config, "distributedMap", childType=child_type)
        yield f"distributedMap-{child_type}", "distributedMap", changed
    for workflow in ("throttledMap", "queueFanIn"):
        yield workflow, workflow, config


def _changed(config: Config, section: str, **values: object) -> Config:
    return config.model_copy(update={section: getattr(config, section).model_copy(update=values)})


def write_templates(folder: Path, config: Config) -> None:
    """Synthesize all templates into a folder, as ``NAME.json`` each."""
    os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "20")
    # CDK checks what is deployed; here that would take as long as all else.
    os.environ.setdefault("CDK_VALIDATION", "false")
    # Imported here, so that who reads a definition does not wait for the seconds that aws_cdk takes.
    from aws_cdk import App  # noqa: PLC0415
    from aws_cdk.assertions import Template  # noqa: PLC0415

    from stacks.distributed_map.stack import DistributedMapStack  # noqa: PLC0415
    from stacks.fan_out.stack import FanOutStack  # noqa: PLC0415
    from stacks.queue_fan_in.stack import QueueFanInStack  # noqa: PLC0415
    from stacks.throttled_map.stack import ThrottledMapStack  # noqa: PLC0415

    stacks = {
        "fanOut": FanOutStack,
        "distributedMap": DistributedMapStack,
        "throttledMap": ThrottledMapStack,
        "queueFanIn": QueueFanInStack,
    }
    # As for a deployment: some fields are in the definition only with a flag of cdk.json.
    context = json.loads((_ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]
    for name, workflow, changed in _variants(config):
        stack = stacks[workflow]
        template = Template.from_stack(stack(App(context=context), stack.__name__, config=changed)).to_json()
        (folder / f"{name}.json").write_text(json.dumps(template), encoding="utf-8")


if __name__ == "__main__":
    write_templates(Path(sys.argv[1]), load_config(Path(sys.argv[2])))
