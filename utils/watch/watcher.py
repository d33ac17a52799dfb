"""Watching an execution with its Map Runs: the history, and what DescribeMapRun says of each."""

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from utils.aws import aws_errors
from utils.watch.executions import follow
from utils.watch.history import History
from utils.watch.map_runs import MapRuns
from utils.watch.patience import READ_ERRORS, Patience

if TYPE_CHECKING:
    from types_boto3_stepfunctions import SFNClient

PAUSE_SECONDS_PER_MAP_RUN = 1.0
"""Least time between two descriptions of a Map Run, times the Map Runs: many use up no more of the quota."""

MAX_LAST_READS = 10
"""Descriptions after the execution's end; a Map Run may say that it runs until its children have stopped."""


class Watcher:
    """Fills a `History`, Map Runs included; those are not read too often, and failures that pass waited out.

    Parameters
    ----------
    sleep, clock
        In seconds.
    """

    def __init__(
        self,
        client: "SFNClient",
        *,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._sleep = sleep
        self._clock = clock
        self._patience = Patience()
        self._due = clock()

    def watch(self, execution_arn: str, history: History, *, just_started: bool) -> Iterator[None]:
        """Follow an execution to its end, and then its Map Runs to theirs; yields after each read.

        Parameters
        ----------
        history
            Filled with what is read.
        just_started
            Whether AWS may not show the execution yet.

        Raises
        ------
        CommandError
            The history or a Map Run cannot be read.
        """
        for events in follow(self._client, execution_arn, just_started=just_started, sleep=self._sleep):
            history.add(events)
            self._describe_if_due(history.map_runs)
            yield
        for _ in range(MAX_LAST_READS):
            if not history.map_runs.unsettled:
                break
            self._sleep(self._seconds_to_wait())
            self._describe_if_due(history.map_runs)
            yield

    def _seconds_to_wait(self) -> float:
        return max(self._due - self._clock(), 0.0)

    def _describe_if_due(self, map_runs: MapRuns) -> None:
        runs = map_runs.unsettled
        if not runs or self._seconds_to_wait():
            return
        for run in runs:
            with aws_errors(f"reading Map Run {run.arn}"):
                try:
                    run.take(self._client.describe_map_run(mapRunArn=run.arn))
                except READ_ERRORS as error:
                    if not self._patience.lasts(error, known=True):
                        raise
                    self._due = self._clock() + self._patience.pause_seconds
                    return
        self._patience.after_read(anything_new=True)
        now = self._clock()
        self._due = now + PAUSE_SECONDS_PER_MAP_RUN * len(runs)
        map_runs.sample(now)
