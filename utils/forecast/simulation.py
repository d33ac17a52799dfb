"""How long a run takes: a discrete-event simulation of its units, under the quotas of AWS.

Each place of a Map, or each worker of `queueFanIn`, is a process of SimPy that takes the next unit as soon as
it has ended one. Of a long list a process stands for several places, which all do as one of them does, and
takes several units at a time (`utils.forecast.chunks`): a billion items are some thousands of events.
"""

import math
from collections.abc import Generator
from dataclasses import replace
from functools import lru_cache
from itertools import count
from random import Random
from statistics import fmean

import simpy

from utils.forecast.chunks import Chunk, Chunks
from utils.forecast.engine import Engine
from utils.forecast.mode import Mode
from utils.forecast.sample import Sample, draw
from utils.forecast.stations import Rate, Slots
from utils.forecast.units import items_of_unit, split_executions, split_units
from utils.forecast.usage import count_usage
from utils.forecast.work import Work

PROCESSES = 50
"""That stand for all places when units are taken in chunks."""
SIMULATED_UNITS, MOST_RUNS = 3_000, 300
"""Where chance plays a part, a run is simulated again until so many units were; the average is taken."""

Steps = Generator[simpy.Event]


def simulate(mode: Mode, work: Work, engine: Engine) -> float:
    """Simulate a run from its start to its end.

    Returns
    -------
    float
        Seconds, on average; the same for the same arguments. Where a list takes several executions, they run
        one after the other.
    """
    # What ends a run does not change how fast it is, nor do the names of the settings.
    mode = replace(
        mode, timeout_seconds=math.inf, heartbeat_seconds=0.0, item_timeout_seconds=0.0, settings={}
    )
    return sum(
        executions * _average_seconds(mode, replace(work, items=items), engine)
        for executions, items in split_executions(mode, work)
    )


@lru_cache(maxsize=4096)
def _average_seconds(mode: Mode, work: Work, engine: Engine) -> float:
    units = sum(group.count for group in split_units(mode, work))
    transitions = count_usage(mode, work).transitions / units
    runs = min(max(1, SIMULATED_UNITS // units), MOST_RUNS) if work.varies else 1
    return fmean(_Run(mode, work, engine, transitions, seed).seconds() for seed in range(runs))


class _Run:
    """One execution, or one job of the workflow without a state machine.

    Parameters
    ----------
    transitions
        Of a unit.
    seed
        Of what chance decides.
    """

    def __init__(self, mode: Mode, work: Work, engine: Engine, transitions: float, seed: int) -> None:
        groups = list(split_units(mode, work))
        units = sum(group.count for group in groups)
        self._mode, self._work, self._engine = mode, work, engine
        self._random = Random(seed)  # noqa: S311 - chance, no secret
        self._environment = simpy.Environment()
        self._places = min(mode.at_once, units)
        self._chunks = Chunks(groups, self._places)
        self._starts = Rate(_starts_per_second(mode, work, engine))
        self._transitions = Rate(engine.transitions_per_second)
        self._transitions_of_unit = transitions
        self._writes, self._answers = Rate(engine.table_writes_per_second), Rate(engine.answers_per_second)
        self._ended = 0.0
        at_first = engine.environments_per_ten_seconds
        self._functions = self._slots(at_first, at_first / 10, engine.functions_at_once)
        if mode.queue:
            workers = mode.queue.workers or mode.at_once
            self._workers = self._slots(engine.queue_first_workers, self._workers_per_second, workers)
            self._pace = Rate(mode.queue.starts_per_second or math.inf)

    @property
    def _workers_per_second(self) -> float:
        return self._engine.queue_workers_per_minute / 60

    def _slots(self, first: int, per_second: float, most: int) -> Slots | None:
        """Make slots, unless there is always one for each place."""
        if self._mode.messages or self._places <= min(first, most):
            return None
        return Slots(self._environment, first, per_second, most)

    def seconds(self) -> float:
        """Run it; returns its seconds, with what comes before and after the fan-out."""
        width = 1 if self._chunks.single else -(-self._places // PROCESSES)
        for first in range(0, self._places, width):
            self._environment.process(self._place(first, min(width, self._places - first)))
        self._environment.run()
        engine, mode = self._engine, self._mode
        around = engine.start_seconds + mode.states * engine.state_seconds
        if mode.messages:
            around += mode.messages.window_seconds + self._work.items / engine.list_items_per_second
        return self._ended + around

    def _place(self, first: int, width: int) -> Steps:
        """Take units until none is left, as so many places of which the first is that one."""
        if self._mode.messages:
            # Each comes when as many are there as there were before it; of several it is the average.
            before = first + (width + 1) / 2 - self._engine.queue_first_workers
            yield from self._wait(before / self._workers_per_second)
        for turn in count():
            chunk = self._chunks.take(width, turn)
            if chunk is None:
                return
            started, last_started = self._starts.take(self._environment.now, chunk.count, chunk.places)
            yield from self._wait_until(started)
            sample, later = self._draw(chunk)
            yield from self._process(chunk, sample)
            kept = sample.busy if self._mode.messages else sample.busy + sample.idle
            yield from self._wait_until(last_started + kept / chunk.rounds)
            self._ended = max(self._ended, self._environment.now + later)

    def _draw(self, chunk: Chunk) -> tuple[Sample, float]:
        """Draw what a place takes for its units, and by how much the slowest of the places ends later."""
        draws = chunk.places if self._work.varies and chunk.rounds == 1 else 1
        samples = [
            draw(chunk.units, chunk.rounds, self._work, self._engine, self._random) for _ in range(draws)
        ]
        if draws == 1:
            return samples[0], 0.0
        average = Sample(
            fmean(sample.busy for sample in samples),
            fmean(sample.idle for sample in samples),
            round(fmean(sample.attempts for sample in samples)),
        )
        slowest = max(sample.busy + sample.idle for sample in samples)
        return average, slowest - average.busy - average.idle

    def _process(self, chunk: Chunk, sample: Sample) -> Steps:
        """Have the units processed; their places are kept as long."""
        each = self._transitions_of_unit
        now, places = self._environment.now, chunk.places
        _, passed = self._transitions.take(now, chunk.count * each, places * each)
        if self._mode.messages:
            # The place is a worker. What failed is received again when its pause is over, by any of them.
            yield from self._wait(sample.busy)
            items = chunk.units.items
            _, passed = self._writes.take(self._environment.now, chunk.count * items, places * items)
            self._ended = max(self._ended, self._environment.now + sample.idle)
        elif chunk.units.route.name == "queue":
            yield from self._occupy(self._workers, chunk, sample, self._pace)
            _, answered = self._answers.take(self._environment.now, chunk.count, places)
            yield from self._wait_until(answered)
            yield from self._wait(sample.idle)
        else:
            yield from self._occupy(self._functions, chunk, sample)
            yield from self._wait(sample.idle)
        yield from self._wait_until(passed)

    def _occupy(self, slots: Slots | None, chunk: Chunk, sample: Sample, pace: Rate | None = None) -> Steps:
        """Have functions work for all places of the chunk, each as long as for the sampled one.

        With a pace they wait for the turns of their items, and nobody else has them meanwhile.
        """
        width = min(chunk.places, slots.most) if slots else chunk.places
        if slots:
            yield slots.get(width)
        last = 0.0
        if pace:
            first, last = pace.take(self._environment.now, sample.attempts * chunk.places, width)
            yield from self._wait_until(first)
        yield from self._wait(sample.busy * chunk.places / width)
        yield from self._wait_until(last + sample.busy / chunk.rounds)
        if slots:
            slots.put(width)

    def _wait_until(self, seconds: float) -> Steps:
        yield from self._wait(seconds - self._environment.now)

    def _wait(self, seconds: float) -> Steps:
        if seconds > 0:
            yield self._environment.timeout(seconds)


def _starts_per_second(mode: Mode, work: Work, engine: Engine) -> float:
    """Units that are started in a second, at most: children, or what the Split function sends."""
    if mode.messages:
        return engine.list_items_per_second / items_of_unit(mode.direct, work)
    rates = {"EXPRESS": engine.express_starts_per_second, "STANDARD": engine.standard_starts_per_second}
    return rates.get(mode.kind, math.inf)
