"""Figures: rounds of measurements, and their medians beside a target. Nothing here knows what is measured."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Report = Callable[[str], None]
"""Gets one line for every measurement that begins."""


@dataclass(frozen=True)
class Case:
    """Something to measure, once a round."""

    workload: str
    engine: str
    unit: str
    measure: Callable[[], float]
    limit: float | None = None


@dataclass(frozen=True)
class Figure:
    """What was measured of one engine under one workload."""

    workload: str
    engine: str
    unit: str
    values: tuple[float, ...]
    """One a round, at least one."""
    limit: float | None = None
    """The target: the median is at most this. None where there is no target."""
    more_is_better: bool = False
    """The target is met by a median of at least ``limit``, not at most."""

    @property
    def median(self) -> float:
        """Median of the rounds."""
        return statistics.median(self.values)

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None where there is none."""
        if self.limit is None:
            return None
        return self.median >= self.limit if self.more_is_better else self.median <= self.limit


@dataclass(frozen=True)
class Result:
    """What a benchmark found."""

    figures: list[Figure]
    notes: tuple[str, ...] = ()
    """Sentences for beneath the table."""


def measure_rounds(cases: Sequence[Case], rounds: int, report: Report) -> list[Figure]:
    """Measure every case once a round, so that a change of the machine's load reaches all of them.

    Returns
    -------
    list of Figure
        One a case, in their order.
    """
    values: list[list[float]] = [[] for _ in cases]
    for number in range(1, rounds + 1):
        for case, measured in zip(cases, values, strict=True):
            report(f"round {number} of {rounds}: {case.engine}, {case.workload}")
            measured.append(case.measure())
    return [
        Figure(case.workload, case.engine, case.unit, tuple(measured), case.limit)
        for case, measured in zip(cases, values, strict=True)
    ]


def ratio(above: Figure, below: Figure, workload: str, limit: float | None = None) -> Figure:
    """Divide round by round, because the two values of a round saw the same load."""
    values = tuple(a / b for a, b in zip(above.values, below.values, strict=True))
    return Figure(workload, above.engine, "ratio", values, limit)


def marginal_growth(few: tuple[int, float], middle: tuple[int, float], many: tuple[int, float]) -> float:
    """Divide what a further item costs above the middle size by what it costs below it.

    Parameters
    ----------
    few, middle, many
        Items, and the seconds that they took.
    """
    first = (middle[1] - few[1]) / (middle[0] - few[0])
    last = (many[1] - middle[1]) / (many[0] - middle[0])
    return last / first
