"""How long a run takes: simulated, and beside that bounds in closed form, of which the largest bounds it."""

import math
from dataclasses import dataclass

from utils.forecast.engine import Engine
from utils.forecast.mode import Mode
from utils.forecast.simulation import simulate
from utils.forecast.units import (
    Units,
    count_calls,
    count_executions,
    count_further_calls,
    count_repeats,
    marked_items,
    pause_seconds,
    split_units,
    work_seconds,
)
from utils.forecast.usage import count_usage
from utils.forecast.work import Work

NEARLY = 0.95
"""Of bounds that are nearly the largest the first is named: the last second of a ramp-up bounds no run."""


@dataclass(frozen=True)
class Makespan:
    """Time of a run, and the name of what bounds it.

    Attributes
    ----------
    bound
        ``work`` (of one unit), ``concurrency`` (places of the Map, workers, or functions of the account),
        ``ramp-up`` (of functions), ``dispatch`` (starting the children), ``transitions`` (the quota of
        Standard workflows), ``answers`` (SendTaskSuccess), ``pace`` (maxPerSecond), ``writes`` (to a new
        table), or ``list`` (reading and writing it).
    """

    seconds: float
    bound: str


def estimate(mode: Mode, work: Work, engine: Engine) -> Makespan:
    """Estimate the time of a run from its start to its end, by simulation."""
    found = bounds(mode, work, engine)
    least = max(found.values())
    # Where chance plays a part, an average of few runs may be less than that of all.
    seconds = max(least, simulate(mode, work, engine))
    return Makespan(seconds, next(name for name in found if found[name] >= NEARLY * least))


def bounds(mode: Mode, work: Work, engine: Engine) -> dict[str, float]:
    """Work out each bound in seconds, without what surrounds the fan-out.

    Where a mode has several executions, they run one after the other.
    """
    groups = list(split_units(mode, work))
    longest = max(unit_seconds(units, work, engine) for units in groups)
    found = {
        "work": longest,
        "concurrency": _concurrency(mode, groups, work, engine),
        "ramp-up": _ramp_up(mode, groups, work, engine),
    }
    started = sum(units.count for units in groups)
    if mode.kind in {"EXPRESS", "STANDARD"}:
        express = mode.kind == "EXPRESS"
        rate = engine.express_starts_per_second if express else engine.standard_starts_per_second
        found["dispatch"] = (started - 1) / rate + min(unit_seconds(units, work, engine) for units in groups)
    if mode.kind != "MESSAGES":
        found["transitions"] = count_usage(mode, work).transitions / engine.transitions_per_second
    if mode.messages:
        found["writes"] = work.items / engine.table_writes_per_second
        found["list"] = 2 * work.items / engine.list_items_per_second
    marked = marked_items(mode, work)
    if mode.queue and marked:
        found["answers"] = marked / engine.answers_per_second
        if mode.queue.starts_per_second:
            found["pace"] = (marked - 1) / mode.queue.starts_per_second + work.seconds
    around = count_executions(mode, work) * (engine.start_seconds + mode.states * engine.state_seconds)
    return {name: seconds + around for name, seconds in found.items()}


def unit_seconds(units: Units, work: Work, engine: Engine) -> float:
    """Average time of a unit, from its start to its end, that waits for nothing but its own pauses."""
    route = units.route
    repeats = count_repeats(units, work) + count_further_calls(units, work)
    states = route.states + repeats * (route.repeat_states or 1)
    return (
        route.wait_seconds
        + busy_seconds(units, work, engine)
        + pause_seconds(units, work)
        + states * engine.state_seconds
    )


def busy_seconds(units: Units, work: Work, engine: Engine) -> float:
    """Average time that a function is busy with a unit."""
    return work_seconds(units, work) + count_calls(units, work) * engine.call_seconds


def _concurrency(mode: Mode, groups: list[Units], work: Work, engine: Engine) -> float:
    """Bound by places, by functions, and by the workers of a queue, whichever is longest."""
    if len(groups) == 1:
        # Equal units run in rounds. A worker does not wait with what failed.
        (units,) = groups
        workers = units.route.workers
        seconds = busy_seconds(units, work, engine) if workers else unit_seconds(units, work, engine)
        rounds = math.ceil(units.count / min(mode.at_once, workers or mode.at_once)) * seconds
    else:
        rounds = sum(units.count * unit_seconds(units, work, engine) for units in groups) / mode.at_once
    busy = sum(units.count * busy_seconds(units, work, engine) for units in groups) / engine.functions_at_once
    queued = [
        units.count * busy_seconds(units, work, engine) / units.route.workers
        for units in groups
        if units.route.workers
    ]
    return max(rounds, busy, *queued)


def _ramp_up(mode: Mode, groups: list[Units], work: Work, engine: Engine) -> float:
    """Bound by functions that are not all there at once: the time in which a growing number does the work."""
    busy = sum(units.count * busy_seconds(units, work, engine) for units in groups)
    most = min(mode.at_once, engine.functions_at_once)
    if mode.kind == "MESSAGES":
        return ramp_seconds(
            busy, engine.queue_first_workers, engine.queue_workers_per_minute / 60, most=mode.at_once
        )
    first = engine.environments_per_ten_seconds
    return ramp_seconds(busy, first, first / 10, most=most)


def ramp_seconds(busy: float, first: float, per_second: float, *, most: float) -> float:
    """Return the time in which functions are busy for so long all together.

    Parameters
    ----------
    busy
        Seconds of all functions together.
    first, per_second, most
        Functions at the beginning, how many more there are each second, and how many there are at the end.
    """
    first = min(first, most)
    growing = (most - first) / per_second
    while_growing = growing * (first + most) / 2
    if busy >= while_growing:
        return growing + (busy - while_growing) / most
    return (math.sqrt(first**2 + 2 * per_second * busy) - first) / per_second
