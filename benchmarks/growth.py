"""Benchmark ``growth``: how the cost of an item grows with the number of items, with warm workers."""

import boto3
from moto import mock_aws

from benchmarks.emulators import REGION, both
from benchmarks.figures import Case, Report, Result, measure_rounds, ratio
from benchmarks.workloads import PASS, SILENT, InlineMap, create_map, create_warm_map

CONCURRENCY = 40
FEW, MANY = 300, 3000
LIMIT = 1.3
PAST_HISTORY = 5000
"""Items whose events are more than the 25,000 that AWS's history holds."""
PASS_CONCURRENCY = 10
PASS_ITEMS = (300, 900)
"""moto hangs from about 990 items a worker on."""
HANDLER_TEXT = f"silent handler, {{:,}} items, concurrency {CONCURRENCY}"
PASS_TEXT = f"Pass only, {{:,}} items, concurrency {PASS_CONCURRENCY}"
UNIT = "ms/item"


def measure(rounds: int, report: Report) -> Result:
    """Measure both emulators over a handler, and all three engines over a Pass: moto runs no handler."""
    with both() as (ours, stock):
        report("warming up")
        ours_map = create_warm_map(ours, SILENT, CONCURRENCY)
        stock_map = create_warm_map(stock, SILENT, CONCURRENCY)
        cases = [
            *(_case(HANDLER_TEXT, ours_map, count) for count in (FEW, MANY)),
            *(_case(HANDLER_TEXT, stock_map, count) for count in (FEW, MANY, PAST_HISTORY)),
        ]
        for emulator in (ours, stock):
            pass_map = create_map(emulator.name, emulator.states_client, PASS_CONCURRENCY, PASS)
            cases += [_case(PASS_TEXT, pass_map, count) for count in PASS_ITEMS]
        cases += [_moto_case(count) for count in PASS_ITEMS]
        figures = measure_rounds(cases, rounds, report)
        report(f"{ours.name}, {PAST_HISTORY:,} items")
        note = _describe_past_history(ours_map)
    few, many, stock_few, stock_many, stock_past, *passes = figures
    growth = [
        few,
        many,
        ratio(many, few, f"{MANY:,} over {FEW:,} items", LIMIT),
        stock_few,
        stock_many,
        stock_past,
        ratio(stock_many, stock_few, f"{MANY:,} over {FEW:,} items"),
        ratio(stock_past, stock_few, f"{PAST_HISTORY:,} over {FEW:,} items"),
    ]
    return Result([*growth, *passes], (note,))


def _case(text: str, run: InlineMap, count: int) -> Case:
    return Case(text.format(count), run.engine, UNIT, lambda: run.ms_per_item(count))


def _moto_case(count: int) -> Case:
    def measure() -> float:
        with mock_aws(config={"stepfunctions": {"execute_state_machine": True}}):
            client = boto3.client("stepfunctions", region_name=REGION)
            return create_map("moto", client, PASS_CONCURRENCY, PASS).ms_per_item(count)

    return Case(PASS_TEXT.format(count), "moto", UNIT, measure)


def _describe_past_history(ours: InlineMap) -> str:
    ending = ours.execute(list(range(PAST_HISTORY)))
    return (
        f"{PAST_HISTORY:,} items are for stock MiniStack alone: their events do not fit into AWS's "
        f"history. On the {ours.engine} the execution ended {ending.status}, {ending.error}: {ending.cause}"
    )
