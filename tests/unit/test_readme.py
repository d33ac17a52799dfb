"""README.md and the other pages: what they say of the project is so, and their links lead somewhere."""

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from stacks.config import INLINE_MAP_CONCURRENCY_LIMIT, schema_text
from stacks.config_maps import MAX_BATCH_BYTES, MAX_CHILDREN_AT_ONCE, MAX_WORKERS_AT_ONCE
from stacks.config_queue import MAX_FUNCTION_SECONDS
from utils import limits

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
COMMANDS = "\n".join(re.findall(r"^```sh\n(.*?)^```$", README, re.MULTILINE | re.DOTALL))
FUNCTIONS = "stacks/functions.py"
EXPRESSIONS = "stacks/map_run/expressions.py"
CONSUMERS = "stacks/throttled_map/consumers.py"
OUTCOMES = "lambdas/process_item/outcomes.py"
ORDERS = "lambdas/order_processing/order_steps/order.py"
JOB_RESULTS = "lambdas/process_item/job_results.py"
MESSAGES = "lambdas/queue_fan_in/fan_in/messages.py"
INTERACTIVE = "aws configure --profile my-profile"


def section(title: str) -> str:
    return README.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def number_in(module: str, name: str) -> str:
    """A number of a module that takes seconds to import, or cannot be imported here; of KiB, how many."""
    source = (ROOT / module).read_text(encoding="utf-8")
    return re.search(rf"^{name} = (\d+)(?: \* 1024)?$", source, re.MULTILINE)[1]


def configuration_table() -> str:
    """The rows of the configuration table, out of the schema that config.json is checked with."""
    rows = ["| key | type | allowed | default | what it is |", "|---|---|---|---|---|"]
    return "\n".join(
        rows + [f"| {' | '.join(cells)} |" for cells in _configuration(json.loads(schema_text()))]
    )


def _configuration(schema: dict) -> Iterator[tuple[str, ...]]:
    for name, part in schema["properties"].items():
        if "$ref" in part:
            model = schema["$defs"][part["$ref"].rpartition("/")[2]]
            yield from ((f"`{name}.{key[1:]}", *cells) for key, *cells in _configuration(model))
        elif name != "$schema":
            default = f"`{json.dumps(part['default'])}`"
            yield f"`{name}`", part["type"], _allowed(part), default, part["description"]


def _allowed(part: dict) -> str:
    if "errorMessage" in part:
        return part["errorMessage"]
    if part["type"] in {"integer", "number"}:
        return (
            f"{part['minimum']:,} to {part['maximum']:,}"
            if "maximum" in part
            else f"{part['minimum']} or more"
        )
    if part["type"] == "boolean":
        return "`true`, `false`"
    if part["type"] == "array":
        names = ", ".join(f"`{each}`" for each in part["items"]["enum"])
        return f"one or more of {names}, each once"
    return ", ".join(f"`{each}`" for each in part["enum"])


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives to a page's headings."""
    text = FENCED.sub("", page.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_configuration_table_is_current():
    expected = configuration_table()
    assert expected in README, f"put this in README.md:\n{expected}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_something(page: Path):
    text = FENCED.sub("", page.read_text(encoding="utf-8"))
    missing = []
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if link.startswith("https://"):
            continue
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            missing.append(link)
    assert missing == []


def test_every_path_in_the_layout_exists():
    rows = re.findall(r"^\| `.*$", section("How it is laid out"), re.MULTILINE)
    assert len(rows) > 10
    missing = []
    for row in rows:
        first, *paths = re.findall(r"`([\w./-]+(?:/|\.\w+))`", row)
        missing += [path for path in [first, *paths] if not in_tree(path, folder=first)]
    assert missing == []


def in_tree(path: str, folder: str) -> bool:
    """Whether a path is there: of the project, of the folder that its row is about, or of one in that."""
    return (ROOT / path).exists() or (ROOT / folder / path).exists() or any((ROOT / folder).glob(f"*/{path}"))


def test_a_command_in_a_sentence_is_also_one_that_is_run():
    spans = re.findall(r"`((?:aws|eval|make|npx|python) [^`]+)`", FENCED.sub("", README))
    assert spans
    assert [span for span in spans if span not in COMMANDS and span != INTERACTIVE] == []


def test_both_ways_of_continuous_integration_run_make_test():
    assert "\nmake test </dev/null\n" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    workflow = (ROOT / ".github" / "workflows" / "test.yml").read_text(encoding="utf-8")
    assert "      - run: make test\n" in workflow


@pytest.mark.parametrize(
    "figure",
    [
        f"{limits.fan_out_largest_list(waits=True):,} with a wait",
        f"and {limits.fan_out_largest_list(waits=False):,} without",
        f"| items at once | {INLINE_MAP_CONCURRENCY_LIMIT} | {MAX_CHILDREN_AT_ONCE:,} batches",
        f"{limits.PAYLOAD_BYTES_LIMIT // 1024} KiB of typed JSON",
        f"{limits.DDB_ITEM_BYTES_LIMIT // 1024} KB as a table item",
        f"| {limits.LIST_FILE_BYTES_LIMIT // 1000**3} GB |",
        f"{limits.HISTORY_EVENTS_LIMIT:,} events",
        f"| a little under {MAX_BATCH_BYTES // 1024} KiB |",
        f"| a little under {(limits.PAYLOAD_BYTES_LIMIT - limits.BYTES_BESIDE_ITEM) // 1024} KiB |",
        f"{number_in(OUTCOMES, 'OUTCOMES_BYTES')} KiB for those of a batch",
        f"{number_in(OUTCOMES, 'OUTCOMES_BYTES')} KiB for one |",
        f"and {MAX_WORKERS_AT_ONCE:,} of those that are marked",
        f"with EXPRESS {number_in(EXPRESSIONS, 'EXPRESS_BATCH_SECONDS')} seconds",
        f"{number_in(FUNCTIONS, 'TIMEOUT_SECONDS')} seconds, {number_in(FUNCTIONS, 'MEMORY_MB')} MB",
        f"at most {number_in(CONSUMERS, 'MAX_WORKER_SECONDS')} seconds, ",
        f" seconds, {number_in(CONSUMERS, 'WORKER_MEMORY_MB')} MB |",
        f"has at most {number_in(ORDERS, 'MAX_ITEMS')} items, of which up to {INLINE_MAP_CONCURRENCY_LIMIT}",
        f" at once, in {number_in(ORDERS, 'MAX_ORDER_BYTES')} KiB",
        f"| {MAX_WORKERS_AT_ONCE:,} workers, each with one at a time",
        f"| a little under {number_in(MESSAGES, 'MESSAGE_BYTES_LIMIT')} KiB |",
        f"items and {number_in(MESSAGES, 'SHARED_BYTES')} KiB | Step",
        f"| {number_in(JOB_RESULTS, 'MAX_RECORD_BYTES')} KiB for one, compressed",
        f"`workerTimeoutSeconds`, at most {MAX_FUNCTION_SECONDS} seconds",
    ],
)
def test_limits_are_those_of_the_code(figure: str):
    assert figure in section("Limits")


def test_changelog_has_the_version():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert f"\n## [{project['version']}] - " in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
