"""The Map Runs of an execution as its history and DescribeMapRun tell them: no AWS call."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from utils.watch import samples
from utils.watch.items import Counts
from utils.watch.samples import Sample


@dataclass
class MapRun:
    """One run of a Distributed Map.

    Attributes
    ----------
    state_name
        The Map state that started it.
    status
        As DescribeMapRun names it.
    counts
        Of items. A batch is counted as a whole: its items succeeded or failed with
        their child workflow execution. Ones that timed out count as failed.
    """

    arn: str
    state_name: str
    started: datetime
    counts: Counts
    ended: datetime | None = None
    status: str = "RUNNING"

    @property
    def settled(self) -> bool:
        """Whether its counts are the last ones: it has ended, and its description says so."""
        return self.ended is not None and self.status != "RUNNING"

    def take(self, description: Mapping[str, Any]) -> None:
        """Take in an answer of DescribeMapRun."""
        items = description["itemCounts"]
        failed = items["failed"] + items["timedOut"]
        done = items["succeeded"] + failed + items["aborted"]
        # The total grows while the list is read, and may be behind the other counters.
        total = max(items["total"], done + items["running"] + items["pending"])
        self.counts = Counts(total, done, items["running"], items["succeeded"], failed, items["aborted"])
        self.status = description["status"]


class MapRuns:
    """All Map Runs of an execution, in the order of their start.

    Attributes
    ----------
    samples
        How far all of them together were, at each time they were described
        since the last start or redrive that put the counts back.
    """

    def __init__(self) -> None:
        self._runs: dict[str, MapRun] = {}
        self.samples: list[Sample] = []

    def __iter__(self) -> Iterator[MapRun]:
        return iter(self._runs.values())

    def __len__(self) -> int:
        return len(self._runs)

    def counts(self) -> Counts:
        """Count the items of all runs."""
        return sum((run.counts for run in self), Counts())

    @property
    def unsettled(self) -> list[MapRun]:
        """The runs that are to be described again."""
        return [run for run in self if not run.settled]

    def open(self, arn: str, state_name: str, length: int, moment: datetime) -> None:
        """Note a run that starts, or that goes on after a redrive.

        Parameters
        ----------
        length
            Items in the state's input; 0 where Step Functions reads the list itself.
        """
        run = self._runs.setdefault(arn, MapRun(arn, state_name, moment, Counts(length)))
        run.ended, run.status = None, "RUNNING"

    def close(self, arn: str, moment: datetime) -> None:
        """Note that a run has ended, by the history."""
        self._runs[arn].ended = moment

    def close_all(self, moment: datetime) -> None:
        """Note that the execution has ended, and with it what still ran."""
        for run in self:
            run.ended = run.ended or moment

    def sample(self, seconds: float) -> None:
        """Keep how far the runs are by now, on a clock in seconds."""
        counts = self.counts()
        if self.samples and counts.done < self.samples[-1].done:
            self.samples.clear()
        self.samples.append(Sample(seconds, counts.done, counts.total))

    def rate(self) -> float | None:
        """Tell how many items are done a second, over the last while; None before the second sample."""
        return samples.rate(self.samples)

    def seconds_left(self) -> float | None:
        """Estimate how long the rest takes at the present rate; None while that cannot be told."""
        return samples.seconds_left(self.samples)
