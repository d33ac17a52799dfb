"""The limits that work breaks: they are found, they say what the loaders say, and what mends them."""

from dataclasses import replace

import pytest
from forecast_templates import templates

from stacks.config import Config
from stacks.config_maps import MAX_BATCH_BYTES
from stacks.config_queue import MAX_DEADLINE_MINUTES
from utils import limits
from utils.forecast.forecast import Terms, forecast_mode
from utils.forecast.modes import Overrides, read_modes
from utils.forecast.work import Work
from utils.load_plan import Plan, find_refusals, find_warnings

INLINE, BATCHES = ("fanOut", "inline"), ("distributedMap", "EXPRESS batches")
TOKENS, MESSAGES = ("throttledMap", "tokens"), ("queueFanIn", "messages")


def row(key, work, **overrides):
    modes = read_modes(templates(), Config(), Overrides(**overrides))
    mode = next(each for each in modes if (each.workflow, each.name) == key)
    if key == BATCHES:
        mode = replace(mode, direct=replace(mode.direct, unit_bytes=MAX_BATCH_BYTES))
    return forecast_mode(mode, work, Terms())


def says(key, work, **overrides):
    return [broken.says for broken in row(key, work, **overrides).breaks]


def test_work_that_fits_breaks_nothing():
    for key in (INLINE, BATCHES, TOKENS, MESSAGES):
        assert says(key, Work(40)) == []


def test_history_is_broken_as_the_loader_says_it():
    # Given one item more than the history of the shipped definition holds
    largest = limits.fan_out_largest_list(waits=True)
    assert limits.history_sentence(largest, limits.fan_out_events(largest, waits=True)) == ""
    # When the loader and the estimate say so
    (warning, *_) = find_warnings(largest + 1, Config())
    sentence = limits.history_sentence(largest + 1, limits.fan_out_events(largest + 1, waits=True))
    # Then they use the same sentence
    assert warning.startswith(f"{sentence}: load at most 2,776 items; ")
    assert any(
        "history events, and an execution fails after 25,000" in text for text in says(INLINE, Work(2_777))
    )


def test_sizes_of_the_list_are_broken_as_the_loader_says_it():
    plan = Plan("T", "k", {"k": {"S": "v"}, "values": {"L": []}}, item_bytes=410_000, payload_bytes=300_000)
    refusals = [line.partition(": the workflow")[0] for line in find_refusals(plan)]
    assert refusals == [limits.table_item_sentence(410_000), limits.payload_sentence(300_000)]
    # Given 1,000 items of 500 bytes
    broken = says(INLINE, Work(1_000, item_bytes=500))
    # Then both are broken
    assert "the list makes a table item of 501,001 bytes, and DynamoDB holds at most 409,600" in broken
    assert (
        "the list makes 510,001 bytes of typed JSON, and Step Functions passes at most 262,144 between states"
        in (broken)
    )


def test_summary_that_its_function_has_no_time_for_takes_several_executions():
    # Given a function that ends after a quarter of an hour, and a list that fits into a file
    work = Work(200_000_000, item_bytes=8, seconds=0.001)
    (broken,) = [text for text in says(BATCHES, work) if "summary" in text]
    assert broken == (
        "the summary of 200,000,000 items takes more time than its function has, which is enough for about "
        "117,000,000: it takes 2 executions"
    )
    assert not any("summary" in text for text in says(BATCHES, replace(work, items=117_000_000)))


def test_results_of_an_inline_map_have_one_payload():
    assert says(INLINE, Work(300, result_bytes=1_000)) == [
        "the results make 300,300 bytes, and Step Functions passes at most 262,144 between states"
    ]


def test_more_than_forty_inline_is_said_and_ends_nothing():
    found = row(INLINE, Work(100), max_concurrency=100)
    (broken,) = found.breaks
    assert broken.says == "maxConcurrency is 100, and an inline Map runs at most 40 at once"
    assert not found.fails


def test_timeout_is_mended_by_twice_the_time():
    # Given children that start a hundred a second, and an hour
    modes = {mode.name: mode for mode in read_modes(templates(), Config())}
    mode = replace(modes["STANDARD items"], timeout_seconds=3_600)
    # When there are a million
    (broken,) = forecast_mode(mode, Work(1_000_000), Terms()).breaks
    # Then
    assert broken.says == (
        "1,000,000 items take about 10,000 s, and the execution ends TIMED_OUT after 3,600 s"
    )
    assert broken.cure == {"timeoutDurationSeconds": 20_040}


def test_a_timeout_that_no_configuration_may_have_mends_nothing():
    modes = {mode.name: mode for mode in read_modes(templates(), Config())}
    found = forecast_mode(modes["STANDARD items"], Work(10**11), Terms())
    assert "TIMED_OUT" in found.breaks[-1].says
    assert found.breaks[-1].cure is None


def test_an_item_too_large_for_a_batch_and_results_too_large_for_one():
    (broken,) = row(BATCHES, Work(10, item_bytes=204_700)).breaks
    assert broken.says.startswith("the largest item makes 204,")
    assert broken.says.endswith(
        "bytes by itself, and a child takes at most 204,800 (distributedMap.maxInputBytesPerBatch)"
    )
    assert broken.cure is None
    (broken,) = row(BATCHES, Work(1_000, result_bytes=5_000)).breaks
    assert broken.says.startswith("the outcomes of a batch of 100 make 505,")
    assert broken.cure == {"maxItemsPerBatch": 50}


def test_a_batch_too_long_for_an_express_child_is_made_smaller():
    (broken,) = row(BATCHES, Work(1_000, seconds=5)).breaks
    assert broken.says == "a batch of 100 takes 500 s, and an EXPRESS child has 270"
    assert broken.cure == {"maxItemsPerBatch": 43}


def test_an_item_longer_than_its_function_is_not_mended_by_a_setting():
    (broken,) = row(("distributedMap", "STANDARD items"), Work(1, seconds=60)).breaks
    assert (broken.says, broken.cure) == (
        "an item takes 60 s, and a call of the function ends after 60 s",
        None,
    )


def test_failures_beyond_the_tolerance():
    found = row(BATCHES, Work(1_000, failure_rate=0.02))
    (broken,) = found.breaks
    assert broken.says == "about 20 of 1,000 items fail, and an execution tolerates 0"
    assert broken.cure == {"toleratedFailurePercentage": 4, "toleratedFailureCount": 0}
    assert (
        forecast_mode(
            replace(found.mode, tolerated=(20, 0.0)), Work(1_000, failure_rate=0.02), Terms()
        ).breaks
        == ()
    )


def test_one_failure_ends_an_inline_map_unless_it_continues():
    (broken,) = row(INLINE, Work(100, failure_rate=0.02)).breaks
    assert (
        broken.says
        == "about 2 of 100 items fail, and the first of them ends the execution (onItemFailure is fail)"
    )
    assert broken.cure == {"onItemFailure": "continue"}


def test_a_list_of_more_than_ten_gigabytes_takes_several_executions():
    assert says(BATCHES, Work(100_000_000, item_bytes=200))[0] == (
        "the list has 20,100,000,001 bytes, and Step Functions reads at most 10,000,000,000: "
        "it takes 3 executions"
    )


def test_tokens_and_marked_items_need_the_queue():
    work = Work(1_000, throttled_share=0.5)
    assert says(BATCHES, work) == [
        "500 of 1,000 items are for a queue, and only throttledMap has one for them"
    ]
    assert says(BATCHES, replace(work, needs_token=True)) == [
        "an item cannot wait for a task token: only STANDARD children of throttledMap do"
    ]


@pytest.mark.parametrize(
    ("share", "broken"),
    [
        # 20 a second arrive and two workers process 20
        (0.2, []),
        # 100 arrive, and a thousand wait for 50 s, in which the heartbeat is not late
        (1.0, []),
    ],
)
def test_a_queue_that_is_emptied_fast_enough_breaks_nothing(share, broken):
    assert says(TOKENS, Work(1_000, throttled_share=share)) == broken


def test_a_queue_that_grows_breaks_the_heartbeat_and_then_the_timeout():
    # Given two workers for items of a second, of which a hundred a second arrive
    minute, half_an_hour = (row(TOKENS, Work(items, seconds=1, throttled_share=1)) for items in (200, 10_000))
    # When 196 wait, it is about 98 s; and when as many as there may be children, 500 s
    assert [broken.says for broken in minute.breaks] == [
        "up to 196 items are in the queue, where one waits about 98 s, and heartbeatSeconds is 60"
    ]
    assert [broken.says.rpartition(", and ")[2] for broken in half_an_hour.breaks] == [
        "heartbeatSeconds is 60",
        "itemTimeoutSeconds is 300",
    ]
    # Then the two are raised together, as one must be less than the other
    assert half_an_hour.breaks[0].cure == {"heartbeatSeconds": 1_000, "itemTimeoutSeconds": 2_000}


def test_messages_have_limits_of_their_own():
    assert says(MESSAGES, Work(10, item_bytes=261_889)) == [
        "the largest item has 261,889 bytes, and a message takes one of at most 261,888"
    ]
    (broken,) = row(MESSAGES, Work(10_000_000, seconds=1)).breaks
    assert broken.says.endswith("and a job ends INCOMPLETE after 3,600 s")
    assert 300 < broken.cure["deadlineMinutes"] <= MAX_DEADLINE_MINUTES
    # And no deadline is long enough for a thousand times the time
    endless = row(MESSAGES, Work(10_000_000, seconds=1_000)).breaks
    assert [broken.cure for broken in endless if "INCOMPLETE" in broken.says] == [None]
