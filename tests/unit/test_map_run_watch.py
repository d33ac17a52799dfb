"""Watching a Map Run: what is asked of the service and when, and what happens when it refuses."""

from itertools import pairwise

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from history_builder import HistoryBuilder, item_counts

from utils.command import CommandError
from utils.watch.history import History
from utils.watch.watcher import MAX_LAST_READS, Watcher

ARN = "arn:aws:states:eu-west-1:111122223333:execution:Machine:run-1"
NO_NETWORK = EndpointConnectionError(endpoint_url="https://states.example")


def refusal(code, message="…"):
    return ClientError({"Error": {"Code": code, "Message": message}}, "DescribeMapRun")


THROTTLED = refusal("ThrottlingException", "Rate exceeded")


def described(status="RUNNING", **counts):
    return {"status": status, "itemCounts": item_counts(**counts)}


class Service:
    """An execution whose history grows with time, and whose Map Runs are described step by step.

    Parameters
    ----------
    events_at
        Seconds after the start, and how many events there are from then on.
    descriptions
        What DescribeMapRun answers or raises, call by call; the last one stays.
    """

    def __init__(self, events, events_at, descriptions):
        self.now = 0.0
        self._events = events
        self._events_at = events_at
        self._descriptions = list(descriptions)
        self.described = []

    def clock(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds

    def get_execution_history(self, **_):
        there = max(count for at, count in self._events_at.items() if at <= self.now)
        return {"events": self._events[:there][::-1]}

    def describe_map_run(self, *, mapRunArn):  # noqa: N803 - boto3's name
        self.described.append((self.now, mapRunArn))
        answer = self._descriptions.pop(0) if len(self._descriptions) > 1 else self._descriptions[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def watch(self, history=None):
        """Watch to the end; returns the history and the counts after each read."""
        history = history or History()
        watcher = Watcher(self, sleep=self.sleep, clock=self.clock)
        counts = [history.counts() for _ in watcher.watch(ARN, history, just_started=True)]
        return history, counts


def one_run(outcome="Succeeded"):
    """Build an execution of one Map Run; the first four events start it, all others end it."""
    builder = HistoryBuilder()
    arn = builder.map_run()
    builder.end_run(arn, outcome)
    return builder.finish(outcome), arn


def test_the_counts_grow_while_the_history_stands_still():
    events, _ = one_run()
    steps = [described(total=100, succeeded=done) for done in range(0, 100, 10)]
    service = Service(
        events, {0: 4, 20: len(events)}, [*steps, described("SUCCEEDED", total=100, succeeded=100)]
    )

    history, counts = service.watch()

    done = [count.done for count in counts]
    assert done == sorted(done)
    assert len(set(done)) > 5
    assert history.counts().succeeded == 100
    assert [sample.done for sample in history.map_runs.samples] == sorted(set(done))


def test_map_runs_are_described_at_most_once_a_second_together():
    # Given three Map Runs at once, beside a history that changes at every read
    builder = HistoryBuilder()
    for _ in range(3):
        builder.map_run()
    started = len(builder.events)
    for _ in range(60):
        builder.event("PassStateEntered", {"name": "Other"})
    events = builder.finish()
    growing = {0: started} | {index / 2: started + index for index in range(1, 60)} | {30: len(events)}
    service = Service(events, growing, [described(total=1)])

    service.watch()

    # Then each has its turn, and ten seconds see about ten calls
    assert len({arn for _, arn in service.described}) == 3
    assert len([at for at, _ in service.described if at < 10]) == 12
    assert service.described[3][0] == 3.0


def test_an_ended_execution_is_described_once():
    events, arn = one_run()
    service = Service(events, {0: len(events)}, [described("SUCCEEDED", total=5, succeeded=5)])

    history, _ = service.watch()

    assert service.described == [(0.0, arn)]
    assert service.now == 0
    assert history.counts().succeeded == 5


def test_an_execution_without_map_runs_describes_nothing():
    builder = HistoryBuilder()
    builder.map(1)
    builder.whole_item(0, "a")
    events = builder.finish()
    service = Service(events, {0: len(events)}, [NO_NETWORK])

    service.watch()

    assert service.described == []


def test_a_run_that_is_still_stopping_its_children_is_waited_for():
    # Given an aborted execution whose Map Run says for three reads that it runs
    events, _ = one_run("Aborted")
    running = [described(total=9, running=4, succeeded=5)] * 3
    service = Service(
        events, {0: len(events)}, [*running, described("ABORTED", total=9, succeeded=5, aborted=4)]
    )

    history, _ = service.watch()

    assert history.counts().aborted == 4
    assert service.now == pytest.approx(3)


def test_a_run_that_never_says_that_it_ended_is_not_waited_for_for_ever():
    events, _ = one_run("Aborted")
    service = Service(events, {0: len(events)}, [described(total=9, running=4, succeeded=5)])

    history, _ = service.watch()

    assert history.counts().running == 4
    assert len(service.described) == 1 + MAX_LAST_READS


def test_throttled_descriptions_back_off_while_the_history_is_read_on():
    events, _ = one_run()
    service = Service(
        events, {0: 4, 60: len(events)}, [*[THROTTLED] * 6, described("SUCCEEDED", total=3, succeeded=3)]
    )

    history, counts = service.watch()

    # Then the calls are ever further apart, and the history is not waited with
    calls = [at for at, _ in service.described]
    gaps = [later - earlier for earlier, later in pairwise(calls[:7])]
    assert gaps == sorted(gaps)
    assert gaps[4] >= 16
    assert len(counts) > 20
    assert history.counts().succeeded == 3


@pytest.mark.parametrize("error", [NO_NETWORK, refusal("ServiceUnavailable"), refusal("ResourceNotFound")])
def test_a_fault_that_passes_is_waited_out(error):
    events, _ = one_run()
    last = described("SUCCEEDED", total=3, succeeded=3)
    service = Service(events, {0: 4, 40: len(events)}, [error, error, described(total=3), error, error, last])

    history, _ = service.watch()

    assert history.counts().succeeded == 3


@pytest.mark.parametrize("ended", [False, True])
@pytest.mark.parametrize(
    ("error", "calls", "line"),
    [
        (NO_NETWORK, 6, "AWS does not answer"),
        (refusal("ResourceNotFound", "Resource not found"), 6, "ResourceNotFound: Resource not found"),
        (refusal("AccessDeniedException", "not authorized"), 1, "no permission: use a profile"),
    ],
)
def test_a_fault_that_stays_is_one_line_with_the_map_run(ended, error, calls, line):
    events, arn = one_run()
    service = Service(events, {0: len(events) if ended else 4}, [error])

    with pytest.raises(CommandError) as caught:
        service.watch()

    assert str(caught.value).startswith(f"reading Map Run {arn}: {line}")
    assert "\n" not in str(caught.value)
    assert len(service.described) == calls


@pytest.mark.parametrize("answer", [{}, {"itemCounts": None}, {"status": "RUNNING", "itemCounts": {}}])
def test_an_answer_of_another_shape_is_one_line(monkeypatch, answer):
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    events, _ = one_run()

    with pytest.raises(CommandError, match=r"reading Map Run .*: what answers is not AWS \("):
        Service(events, {0: 4}, [answer]).watch()


def test_a_redriven_run_is_described_again():
    # Given an execution that failed, and is redriven a while later
    builder = HistoryBuilder()
    arn = builder.map_run()
    builder.end_run(arn, "Failed", error="States.ExceedToleratedFailureThreshold")
    builder.event("ExecutionFailed", {"error": "States.ExceedToleratedFailureThreshold"})
    builder.redrive_run(arn)
    redriven = len(builder.events)
    builder.end_run(arn)
    events = builder.finish()
    service = Service(
        events,
        {0: redriven, 5: len(events)},
        [
            described("FAILED", total=10, succeeded=4, failed=6),
            described(total=10, running=6, succeeded=4),
            described("SUCCEEDED", total=10, succeeded=10),
        ],
    )

    history, counts = service.watch()

    # Then a description that is behind does not end the watching
    assert [count.failed for count in counts][:1] == [6]
    assert (history.status, history.counts().succeeded) == ("SUCCEEDED", 10)
