"""What invokes functions: versions in S3's events, events that fail, the batching window of a stream."""

from collections.abc import Callable

import pytest
from state_machines import StepFunctions
from triggers import event_of_a_drop, failures_of_an_event, wait_for_records


@pytest.fixture(scope="module")
def aws(new_account: Callable[[], dict[str, str]]) -> StepFunctions:
    return StepFunctions(new_account())


def test_event_of_a_drop_tells_the_version(aws: StepFunctions):
    # When an object is put into a bucket with versions
    version, event = event_of_a_drop(aws)
    # Then EventBridge's event has the one that was put
    assert event["detail-type"] == "Object Created"
    assert event["detail"]["object"]["version-id"] == version


def test_event_that_fails_for_good_is_kept(aws: StepFunctions):
    # When a function fails at an event of EventBridge and no attempt is left
    (kept,) = failures_of_an_event(aws, wait_seconds=20)
    # Then the event is kept, with what happened
    assert kept["requestPayload"]["detail-type"] == "Any"
    assert kept["responsePayload"]["errorType"] == "ValueError"


def test_records_of_a_stream_wait_for_each_other(aws: StepFunctions):
    # When some are written in less than the batching window
    seconds, records = wait_for_records(aws, records=5, window_seconds=2)
    # Then the function gets them together when it has ended
    assert records == 5
    assert seconds >= 2


def test_full_batch_does_not_wait(aws: StepFunctions):
    # When as many are written as the function takes at once
    seconds, records = wait_for_records(aws, records=5, window_seconds=300, batch_size=5)
    # Then it has them long before the window ends
    assert records == 5
    assert seconds < 300
