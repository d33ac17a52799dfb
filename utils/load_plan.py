"""What the loader would write, what is wrong with it and what deserves a warning; calls nothing."""

import json
from dataclasses import dataclass

from stacks.config import LIST_ATTRIBUTE, Config
from utils import limits
from utils.attribute_values import (
    AttributeValue,
    abbreviate,
    canonical,
    item_bytes,
    json_bytes,
    list_attribute,
)

LONGER_LISTS = (
    "the workflow `distributedMap` takes longer lists, from S3: `python utils/load-s3.py --file FILE`"
)

PREVIEW_ITEMS = 5
PREVIEW_CHARACTERS = 90


@dataclass(frozen=True)
class Plan:
    """The table item that a run would write, and its sizes in bytes."""

    table_name: str
    key_name: str
    item: dict[str, AttributeValue]
    item_bytes: int
    """As DynamoDB counts."""
    payload_bytes: int
    """As Step Functions counts what getItem returns; the Map's input is the same list with less around it."""

    @property
    def items(self) -> list[AttributeValue]:
        """The list, typed."""
        items: list[AttributeValue] = self.item[LIST_ATTRIBUTE]["L"]
        return items


def plan_load(items: list[object], config: Config) -> Plan:
    """Work out the table item for a list.

    Parameters
    ----------
    items
        As `utils.list_file.read_list` returns them.
    config
        Says the table and the key.

    Raises
    ------
    ListError
        An item that DynamoDB cannot hold exactly.
    """
    ddb = config.ddb
    item = {ddb.partitionKeyName: {"S": ddb.partitionKeyValueField}, LIST_ATTRIBUTE: list_attribute(items)}
    return Plan(
        table_name=ddb.tableName,
        key_name=ddb.partitionKeyName,
        item=item,
        item_bytes=item_bytes(item),
        payload_bytes=json_bytes({"Item": item}) + limits.TASK_METADATA_BYTES,
    )


def find_refusals(plan: Plan) -> list[str]:
    """Say why the list must not be written; empty if it may."""
    sentences = (limits.table_item_sentence(plan.item_bytes), limits.payload_sentence(plan.payload_bytes))
    return [f"{sentence}: {LONGER_LISTS}" for sentence in sentences if sentence]


def find_warnings(count: int, config: Config) -> list[str]:
    """Say why an execution over a list of this length cannot succeed; empty if nothing is known.

    Parameters
    ----------
    count
        Length of the list.
    config
        Says how the list is fanned out.
    """
    wait = config.stepfunc.waitDurationSeconds
    timeout = config.stepfunc.timeoutDurationSeconds
    at_once = limits.inline_concurrency(config.stepfunc.maxConcurrency)
    warnings = []
    too_long = limits.history_sentence(count, limits.fan_out_events(count, waits=wait > 0))
    if too_long:
        largest = limits.fan_out_largest_list(waits=wait > 0)
        warnings.append(f"{too_long}: load at most {largest:,} items; {LONGER_LISTS}")
    seconds = limits.fan_out_shortest_seconds(count, max_concurrency=at_once, wait_seconds=wait)
    what = f"{items_text(count)} with a wait of {wait:,} s, {at_once} at once,"
    # At equality the waits alone use up the time, and the items need some too.
    if seconds and (too_slow := limits.timeout_sentence(what, seconds, timeout, at_least=True)):
        remedy = "raise timeoutDurationSeconds or maxConcurrency, or lower waitDurationSeconds, and deploy"
        warnings.append(f"{too_slow}: {remedy}")
    return warnings


def is_loaded(plan: Plan, stored: dict[str, AttributeValue] | None) -> bool:
    """Say whether the table holds exactly this item; numbers are equal if DynamoDB stores them alike."""
    if stored is None:
        return False
    return {name: canonical(attribute) for name, attribute in stored.items()} == plan.item


def describe_stored(stored: dict[str, AttributeValue]) -> str:
    """Say what a table item holds that is to be replaced."""
    match stored.get(LIST_ATTRIBUTE):
        case {"L": items}:
            return items_text(len(items))
        case None:
            return f"an item without {LIST_ATTRIBUTE!r}"
    return f"{LIST_ATTRIBUTE!r} that were no list"


def items_text(count: int) -> str:
    """Count items in words: ``1 item``, ``3 items``."""
    return f"{count:,} item{'' if count == 1 else 's'}"


def preview_lines(plan: Plan) -> list[str]:
    """Show what would be written: table, key, sizes, the first items."""
    lines = [
        f"would write {items_text(len(plan.items))} to table {plan.table_name}",
        f"  key      {plan.key_name} = {plan.item[plan.key_name]['S']}",
        f"  size     {plan.item_bytes:,} bytes in DynamoDB, of {limits.DDB_ITEM_BYTES_LIMIT:,}",
        f"  payload  {plan.payload_bytes:,} bytes in Step Functions, of {limits.PAYLOAD_BYTES_LIMIT:,}",
    ]
    for index, attribute in enumerate(plan.items[:PREVIEW_ITEMS]):
        lines.append(
            f"  [{index}] {abbreviate(json.dumps(attribute, ensure_ascii=False), PREVIEW_CHARACTERS)}"
        )
    if len(plan.items) > PREVIEW_ITEMS:
        lines.append(f"  and {len(plan.items) - PREVIEW_ITEMS:,} more")
    return lines
