"""Reading a growing history: what it asks the service, and what it does when the service refuses."""

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError
from history_builder import HistoryBuilder

from utils.command import CommandError
from utils.watch.executions import follow
from utils.watch.patience import LONGEST_BACKOFF_SECONDS

ARN = "arn:aws:states:eu-west-1:111122223333:execution:FanOut:run-1"
NO_NETWORK = EndpointConnectionError(endpoint_url="https://states.example")


def refusal(code, message="…"):
    return ClientError({"Error": {"Code": code, "Message": message}}, "GetExecutionHistory")


class GrowingHistory:
    """Answers GetExecutionHistory as AWS does: newest first, in pages, of a history that grows.

    ``reads`` says, for one read after the other, how many events there are
    by then, or what is raised; the last one stays.
    """

    def __init__(self, events, reads):
        self.events = events
        self.reads = list(reads)
        self.calls = []
        self._there = 0

    def get_execution_history(self, *, executionArn, reverseOrder, maxResults, nextToken=None):  # noqa: N803
        assert executionArn == ARN
        assert reverseOrder
        self.calls.append(maxResults)
        if nextToken is None:
            step = self.reads.pop(0) if len(self.reads) > 1 else self.reads[0]
            if isinstance(step, Exception):
                raise step
            self._there = step
        newest = self._there if nextToken is None else int(nextToken)
        oldest = max(newest - maxResults, 0)
        page = {"events": self.events[oldest:newest][::-1]}
        return page | ({"nextToken": str(oldest)} if oldest else {})


def long_history(items):
    builder = HistoryBuilder()
    builder.map(items)
    for index in range(items):
        builder.whole_item(index, index)
    return builder.finish()


def follow_all(client, *, just_started=True):
    pauses = []
    reads = list(follow(client, ARN, just_started=just_started, sleep=pauses.append))
    return [event["id"] for read in reads for event in read], pauses


def test_a_history_of_many_pages_comes_complete_in_order_and_once():
    # Given the longest history there is
    events = long_history(2_700)
    client = GrowingHistory(events, [len(events)])

    ids, pauses = follow_all(client)

    # Then it takes one call for a thousand events, and no waiting
    assert ids == list(range(1, len(events) + 1))
    assert client.calls == [1000] * 25
    assert pauses == []


def test_a_read_costs_as_much_as_there_is_new():
    # Given a history of 2,000 events that grows by ten events at a time
    events = long_history(300)
    sizes = [2_000, *range(2_010, 2_101, 10), len(events)]
    client = GrowingHistory(events, sizes)

    ids, _ = follow_all(client)

    assert ids == list(range(1, len(events) + 1))
    first_read, small_reads = client.calls[:2], client.calls[2:12]
    assert first_read == [1000, 1000]
    # The first of them cannot know yet how little is new.
    assert small_reads == [1000, *[100] * 9]


def test_a_burst_between_two_reads_is_paged():
    events = long_history(300)
    client = GrowingHistory(events, [10, 12, 14, 1_500, len(events)])

    ids, _ = follow_all(client)

    assert ids == list(range(1, len(events) + 1))


def test_a_service_that_ignores_order_and_page_size_is_read_correctly():
    # Given one that always answers with everything, oldest first
    events = long_history(3)

    class Plain(GrowingHistory):
        def get_execution_history(self, **_):
            return {"events": self.events[: self.reads.pop(0)]}

    ids, _ = follow_all(Plain(events, [5, 9, len(events)]))

    assert ids == list(range(1, len(events) + 1))


def test_reads_get_rarer_while_nothing_happens_and_frequent_again_when_something_does():
    events = long_history(1)
    client = GrowingHistory(events, [3, 3, 3, 3, 3, 3, 3, 3, 5, len(events)])

    _, pauses = follow_all(client)

    assert pauses[0] == 0.5
    assert pauses == [*sorted(pauses[:-1]), 0.5]
    assert pauses[-2] == 3.0


def test_throttled_reads_back_off_and_go_on():
    # Given more throttled reads in a row than any other fault is forgiven
    events = long_history(1)
    client = GrowingHistory(events, [4, *[refusal("ThrottlingException", "Rate exceeded")] * 12, len(events)])

    ids, pauses = follow_all(client)

    assert ids == list(range(1, len(events) + 1))
    assert pauses[1:7] == [1.0, 2.0, 4.0, 8.0, 16.0, 20.0]
    assert max(pauses) == LONGEST_BACKOFF_SECONDS


@pytest.mark.parametrize(
    "error",
    [NO_NETWORK, ReadTimeoutError(endpoint_url="https://states.example"), refusal("ServiceUnavailable")],
)
def test_a_fault_that_passes_is_waited_out(error):
    events = long_history(1)
    client = GrowingHistory(events, [4, error, error, error, 6, error, error, error, len(events)])

    ids, _ = follow_all(client)

    assert ids == list(range(1, len(events) + 1))


def test_a_fault_that_stays_ends_in_one_line():
    client = GrowingHistory(long_history(1), [4, NO_NETWORK])

    with pytest.raises(CommandError, match=r"reading the history of .*run-1: AWS does not answer") as caught:
        follow_all(client)

    assert len(client.calls) == 7
    assert "\n" not in str(caught.value)


def test_an_execution_just_started_may_not_be_visible_yet():
    missing = refusal("ExecutionDoesNotExist")
    events = long_history(1)

    ids, _ = follow_all(GrowingHistory(events, [missing, missing, len(events)]))

    assert ids == list(range(1, len(events) + 1))


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (refusal("ExecutionDoesNotExist"), "there is no execution .*run-1: check the ARN, --profile"),
        (refusal("InvalidArn"), "run-1 is not the ARN of an execution in this region that keeps a history"),
        (refusal("AccessDeniedException", "not authorized"), "reading the history of .*: no permission"),
        (NO_NETWORK, "AWS does not answer"),
    ],
)
def test_what_cannot_be_read_at_all_is_said_at_once(error, line):
    client = GrowingHistory([], [error])

    with pytest.raises(CommandError, match=line):
        follow_all(client, just_started=False)

    assert len(client.calls) == 1
