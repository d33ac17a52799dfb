"""What a million items cost: each line of FACTS.md's table, from definitions as that table takes them."""

from dataclasses import replace

import pytest
from forecast_templates import queue_fan_in, templates

from stacks.config import Config
from utils.forecast import message_usage
from utils.forecast.cost import price_usage
from utils.forecast.modes import Overrides, read_modes
from utils.forecast.packing import Overheads
from utils.forecast.units import count_executions
from utils.forecast.usage import Usage, count_usage
from utils.forecast.work import Work

MILLION = Work(1_000_000, seconds=0.1)


def modes(wait=2):
    overrides = Overrides(wait_seconds=wait)
    return {(mode.workflow, mode.name): mode for mode in read_modes(templates(), Config(), overrides)}


def with_messages(mode, *, block_items=None, **changes):
    """Change what queueFanIn is made of."""
    packing = mode.messages.packing
    if block_items:
        packing = replace(packing, block_items=block_items)
    return replace(mode, messages=replace(mode.messages, packing=packing, **changes))


def dollars(mode, work=MILLION, charge="start_plus_states", region="us-east-1"):
    return price_usage(count_usage(mode, work, charge), region)


@pytest.mark.parametrize(
    ("workflow", "name", "wait", "expected"),
    [
        ("fanOut", "inline", 2, 50.43),
        ("fanOut", "inline", 0, 25.42),
        ("distributedMap", "STANDARD items", 2, 50.41),
        ("distributedMap", "EXPRESS items", 2, 26.62),
        ("distributedMap", "EXPRESS batches", 2, 0.58),
        ("distributedMap", "STANDARD batches", 2, 0.71),
    ],
)
def test_step_functions_and_lambda_of_a_million_items(workflow, name, wait, expected):
    cost = dollars(modes(wait)[workflow, name])
    assert cost.stepFunctions + cost.lambda_ == pytest.approx(expected, rel=0.01)


def test_a_million_inline_items_with_a_wait_take_361_executions():
    assert count_executions(modes()["fanOut", "inline"], MILLION) == 361


def test_task_tokens_of_a_million_items():
    # Given children whose only state sends the item to the queue, and calls of ten messages
    mode = modes()["throttledMap", "tokens"]
    mode = replace(mode, queue=replace(mode.queue, states=1))
    # When all items go that way
    cost = dollars(mode, replace(MILLION, throttled_share=1))
    # Then
    assert cost.stepFunctions + cost.lambda_ + cost.sqs == pytest.approx(50.71, rel=0.01)


@pytest.mark.parametrize(("record_bytes", "expected"), [(100, 1.02), (1024 + 60, 1.64)])
def test_queue_fan_in_of_a_million_items(record_bytes, expected):
    # Given messages of one item, ten a request and a call, and a stream that is counted in twenties, in one
    # record; functions that do nothing beside that, and an output that is not read from the results
    mode = read_modes({**templates(), "queueFanIn": queue_fan_in(records_per_count=20)}, Config())[-1]
    mode = with_messages(mode, overheads=Overheads(0, 0, 0, 0, 0), block_items=1_000_000)
    result_bytes = (record_bytes - message_usage.RECORD_BYTES) / message_usage.COMPRESSED_SHARE
    # When they are counted
    usage = count_usage(mode, replace(MILLION, result_bytes=result_bytes))
    usage.read_units = 0
    cost = price_usage(usage)
    # Then
    assert cost.sqs + cost.lambda_ + cost.dynamodb == pytest.approx(expected, rel=0.01)
    assert usage.queue_requests == 300_000


def test_a_log_of_seven_events_an_item_adds_three_and_a_half_dollars():
    # Given an inline Map without a wait, whose items make seven events each
    mode = replace(modes(0)["fanOut", "inline"], logs_all=True)
    assert mode.direct.events == 7
    # Then the log of a million costs that, beside what the calls of the function write
    logs = dollars(mode).logs - dollars(replace(mode, logs_all=False)).logs
    assert logs == pytest.approx(3.50, rel=0.01)


def test_a_standard_child_costs_its_start_alone_by_the_other_reading():
    mode = modes()["distributedMap", "STANDARD items"]
    both = [count_usage(mode, MILLION, charge).transitions for charge in ("start_plus_states", "start_only")]
    assert both == [2_000_001, 1_000_001]


def test_states_of_an_express_child_are_no_transitions():
    usage = count_usage(modes()["distributedMap", "EXPRESS batches"], MILLION)
    assert (usage.transitions, usage.express_requests) == (10_001, 10_000)


def test_express_duration_gets_cheaper_from_tier_to_tier():
    first, second, third = (
        price_usage(Usage(express_gb_seconds=amount)).stepFunctions for amount in (3.6e6, 18e6, 20e6)
    )
    assert first == pytest.approx(3.6e6 * 0.00001667)
    assert second == pytest.approx(first + 14.4e6 * 0.00000833)
    assert third == pytest.approx(second + 2e6 * 0.00000456)


def test_items_that_fail_cost_their_further_attempts():
    # Given the queue's items, of which half of the attempts fail, three attempts each
    mode = modes()["throttledMap", "tokens"]
    work = replace(MILLION, throttled_share=1, failure_rate=0.5)
    # When counted
    usage = count_usage(mode, work)
    # Then each has 1 + 1/2 + 1/4 attempts, and an eighth enters the state that records its failure
    assert usage.transitions == 1 + 1_000_000 * (1 + 2 + 0.75 + 0.125)
    assert usage.invocations == pytest.approx(1_750_000 / 10 + 1)


def test_a_worker_that_waits_for_its_turn_is_paid():
    # Given two workers and one start a second, for items of a tenth of a second
    mode = modes()["throttledMap", "tokens"]
    paced = replace(mode, queue=replace(mode.queue, starts_per_second=1.0))
    work = replace(MILLION, items=100, throttled_share=1)
    usage, free = count_usage(paced, work), count_usage(mode, work)
    # Then each start keeps both workers for a second, and writes its slot up to two times
    waited = usage.gb_seconds["x86_64"] - free.gb_seconds["x86_64"]
    assert waited == pytest.approx(100 * (2 - 0.1) * 128 / 1024)
    assert usage.write_units == 200


def test_prices_differ_by_region():
    mode = modes()["queueFanIn", "messages"]
    virginia, frankfurt = dollars(mode), dollars(mode, region="eu-central-1")
    assert frankfurt.dynamodb == pytest.approx(virginia.dynamodb * 0.7625 / 0.625, rel=0.001)
    assert frankfurt.sqs == virginia.sqs


def test_total_is_the_sum_of_the_services():
    cost = dollars(modes()["distributedMap", "EXPRESS items"])
    assert cost.total == pytest.approx(sum(cost.by_service().values()))
    assert list(cost.by_service()) == ["stepFunctions", "lambda", "dynamodb", "sqs", "s3", "logs", "xray"]
