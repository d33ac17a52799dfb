"""The generated parts of docs/workflows, diagrams and definitions: ``python -m stacks.pages`` writes them.

A page keeps its own text; what stands between ``<!-- diagram -->`` or ``<!-- definition -->`` and the next
``<!-- end -->`` is replaced. These are of the state machine with the id ``StateMachine``; those of another
are marked with its id: ``<!-- diagram of OrderBatch -->``. A workflow without one has a diagram of its parts.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from aws_cdk import App
from aws_cdk.assertions import Template

from stacks.config import Config
from stacks.distributed_map.stack import DistributedMapStack
from stacks.fan_out.stack import FanOutStack
from stacks.order_processing.stack import OrderProcessingStack
from stacks.parts_diagram import draw_parts
from stacks.queue_fan_in.stack import QueueFanInStack
from stacks.templates import MAIN, read_definitions
from stacks.throttled_map.stack import ThrottledMapStack

_ROOT = Path(__file__).parent.parent
_FOLDER = _ROOT / "docs" / "workflows"
PAGES = {
    _FOLDER / "fan_out.md": FanOutStack,
    _FOLDER / "distributed_map.md": DistributedMapStack,
    _FOLDER / "throttled_map.md": ThrottledMapStack,
    _FOLDER / "order_processing.md": OrderProcessingStack,
    _FOLDER / "queue_fan_in.md": QueueFanInStack,
}
_SHAPES = {"Choice": '{"%s"}', "Wait": '(["%s"])', "Fail": '[["%s"]]', "Succeed": '[["%s"]]'}


def draw(definition: dict[str, Any]) -> str:
    """Return a definition as a Mermaid flowchart: an ItemProcessor is a box, a caught error a dotted line."""
    start = f"    start((start)) --> {_node(definition['StartAt'])}"
    return "\n".join(["flowchart TD", start, *_draw_states(definition)])


def _draw_states(machine: dict[str, Any]) -> Iterator[str]:
    for name, state in machine["States"].items():
        if "ItemProcessor" in state:
            each = "batch" if state.get("ItemBatcher", {}).get("MaxItemsPerBatch", 1) > 1 else "item"
            yield f'    subgraph {_node(name)}["{name}: for each {each}"]'
            yield from _draw_states(state["ItemProcessor"])
            yield "    end"
        else:
            shape = _SHAPES.get(state["Type"], '["%s"]')
            yield f"    {_node(name)}{shape % name}"
        for rule in state.get("Choices", []):
            yield f'    {_node(name)} -->|"{rule["Comment"]}"| {_node(rule["Next"])}'
        if "Default" in state:
            yield f'    {_node(name)} -->|"otherwise"| {_node(state["Default"])}'
        if "Next" in state:
            yield f"    {_node(name)} --> {_node(state['Next'])}"
        for target in dict.fromkeys(catcher["Next"] for catcher in state.get("Catch", [])):
            yield f'    {_node(name)} -.->|"error"| {_node(target)}'


def _node(name: str) -> str:
    return re.sub(r"\W", "", name)


def render(page: str, definitions: Mapping[str, Any]) -> str:
    """Return the text of a page with its generated parts up to date, two for each definition."""
    for name, definition in definitions.items():
        of = "" if name == MAIN else f" of {name}"
        page = _replace(page, f"diagram{of}", "mermaid", draw(definition))
        page = _replace(page, f"definition{of}", "json", json.dumps(definition, indent=2))
    return page


def render_parts(page: str, template: Mapping[str, Any]) -> str:
    """Return the text of a page with the diagram of a stack's parts up to date."""
    return _replace(page, "diagram", "mermaid", draw_parts(template))


def _replace(page: str, mark: str, language: str, text: str) -> str:
    before, start, rest = page.partition(f"<!-- {mark} -->\n")
    _, end, after = rest.partition("<!-- end -->")
    return f"{before}{start}```{language}\n{text}\n```\n{end}{after}"


def current_pages() -> dict[Path, str]:
    """Return what each page should say, with the default configuration."""
    # As for a deployment: some fields are in the definition only with a flag of cdk.json.
    context = json.loads((_ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]
    pages = {}
    for path, stack in PAGES.items():
        template = Template.from_stack(stack(App(context=context), stack.__name__, config=Config())).to_json()
        page, definitions = path.read_text(encoding="utf-8"), read_definitions(template)
        pages[path] = render(page, definitions) if definitions else render_parts(page, template)
    return pages


if __name__ == "__main__":
    for path, text in current_pages().items():
        path.write_text(text, encoding="utf-8")
        print(f"{path} is current")
