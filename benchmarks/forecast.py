"""Benchmark ``forecast``: the time of runs on the local AWS beside what utils/estimate.py simulates for them.

The local AWS has parameters of its own: what the start of an execution and a call of a function take. They
are measured for each workflow in the same run, with a list of one item and with one of several rounds: a call
takes what lets the simulation of that list end when its run did. Then three other lists are run and compared.
"""

import json
import math
import random
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.deployment import Deployment, deploy
from benchmarks.emulators import LOCAL_AWS, Emulator, local_aws
from benchmarks.errors import BenchmarkError
from benchmarks.executions import execute
from benchmarks.figures import Figure, Report, Result
from stacks.config import load_config
from utils.forecast.assembly import load_templates
from utils.forecast.engine import Engine
from utils.forecast.mode import Mode
from utils.forecast.modes import read_modes
from utils.forecast.simulation import simulate
from utils.forecast.work import Work

LIMIT_APART = 0.1
SPREAD = 0.3
"""Of the durations in the longer lists."""
BISECTIONS = 12
PROCESS = """\
import time


def process(item):
    time.sleep(float(item["seconds"]))
    return item["id"]
"""


@dataclass(frozen=True)
class Case:
    """A workflow, and the lists that are run.

    Attributes
    ----------
    section
        Of config.json, with its settings.
    mode
        As the estimate names it.
    seconds
        What an item takes, on average.
    round_items
        Items that are processed at once.
    measured_items
        Length of the list with which the engine is measured.
    marked_share
        Of the items that go through the queue.
    """

    workflow: str
    section: str
    settings: Mapping[str, Any]
    mode: str
    seconds: float
    round_items: int
    measured_items: int
    sizes: tuple[int, int, int]
    marked_share: float = 0.0


CASES = (
    Case(
        "fanOut",
        "stepfunc",
        {"maxConcurrency": 10, "waitDurationSeconds": 0, "timeoutDurationSeconds": 600},
        "inline",
        seconds=0.1,
        round_items=10,
        measured_items=200,
        sizes=(100, 400, 1_500),
    ),
    Case(
        "distributedMap",
        "distributedMap",
        {"maxConcurrency": 10, "maxItemsPerBatch": 10, "format": "json"},
        "EXPRESS batches",
        seconds=0.05,
        round_items=100,
        measured_items=1_000,
        sizes=(500, 2_000, 6_000),
    ),
    Case(
        "throttledMap",
        "throttledMap",
        {
            "maxConcurrency": 20,
            "workerMaxConcurrency": 4,
            "heartbeatSeconds": 300,
            "itemTimeoutSeconds": 600,
            "format": "json",
        },
        "tokens",
        seconds=0.2,
        round_items=4,
        measured_items=120,
        sizes=(60, 200, 600),
        marked_share=0.5,
    ),
)


def measure(rounds: int, report: Report) -> Result:
    """Measure the local AWS, once a round with an emulator of its own for each workflow."""
    figures = []
    for case in CASES:
        runs = []
        for number in range(1, rounds + 1):
            report(f"round {number} of {rounds}: {LOCAL_AWS}, {case.workflow}")
            runs.append(_measure_once(case))
        figures += make_figures(case, runs)
    return Result(figures)


def make_figures(case: Case, runs: Sequence[Sequence[tuple[float, float]]]) -> list[Figure]:
    """Make figures of rounds, each with the measured and the simulated seconds of each size."""
    figures = []
    for place, items in enumerate(case.sizes):
        found = [run[place] for run in runs]
        text = f"{case.workflow}, {items:,} items of {case.seconds:g} s, spread {SPREAD:g}: {{}}"
        figures += [
            Figure(text.format("run"), LOCAL_AWS, "s", tuple(measured for measured, _ in found)),
            Figure(text.format("simulated"), LOCAL_AWS, "s", tuple(simulated for _, simulated in found)),
            Figure(
                text.format("apart"),
                LOCAL_AWS,
                "of the run",
                tuple(abs(simulated / measured - 1) for measured, simulated in found),
                LIMIT_APART,
            ),
        ]
    return figures


def _measure_once(case: Case) -> list[tuple[float, float]]:
    with local_aws() as ours, deploy(ours, case.settings, PROCESS, case.workflow, case.section) as deployment:
        mode = _read_mode(deployment, case)
        # The first run starts the workers.
        _run(ours, deployment, make_items(case, 2 * case.round_items))
        single = _run(ours, deployment, make_items(case, 1))
        rows = make_items(case, case.measured_items, spread=SPREAD)
        engine = fit_engine(case, mode, single, describe(rows), _run(ours, deployment, rows))
        found = []
        for items in case.sizes:
            rows = make_items(case, items, spread=SPREAD)
            found.append((_run(ours, deployment, rows), simulate(mode, describe(rows), engine)))
        return found


def fit_engine(case: Case, mode: Mode, single_seconds: float, work: Work, seconds: float) -> Engine:
    """Find the engine on which a run of one item takes so long, and one of some work so long."""
    least, most = 0.0, 10 * case.seconds
    for _ in range(BISECTIONS):
        call = (least + most) / 2
        if simulate(mode, work, _engine(case, single_seconds, call)) < seconds:
            least = call
        else:
            most = call
    return _engine(case, single_seconds, least)


def _engine(case: Case, single_seconds: float, call_seconds: float) -> Engine:
    return Engine(
        transitions_per_second=math.inf,
        express_starts_per_second=math.inf,
        standard_starts_per_second=math.inf,
        answers_per_second=math.inf,
        queue_first_workers=case.round_items,
        call_seconds=call_seconds,
        start_seconds=max(0.0, single_seconds - case.seconds - call_seconds),
    )


def make_items(case: Case, items: int, *, spread: float = 0.0) -> list[dict[str, Any]]:
    """Make a list whose items take their time in no order; the same each time."""
    chance = random.Random(items)
    rows = []
    for index in range(items):
        drawn = chance.gammavariate(1 / spread**2, case.seconds * spread**2) if spread else case.seconds
        marked = math.floor((index + 1) * case.marked_share) > math.floor(index * case.marked_share)
        rows.append({"id": index, "seconds": round(drawn, 4), "throttled": marked})
    return rows


def describe(rows: Sequence[Mapping[str, Any]]) -> Work:
    """Give the work that a list is."""
    seconds = [row["seconds"] for row in rows]
    mean = statistics.fmean(seconds)
    marked = sum(row["throttled"] for row in rows) / len(rows)
    return Work(len(rows), seconds=mean, spread=statistics.pstdev(seconds) / mean, throttled_share=marked)


def _read_mode(deployment: Deployment, case: Case) -> Mode:
    config = deployment.folder / "config.json"
    templates = load_templates(config, lambda _: None, deployment.folder / "templates")
    modes = read_modes(templates, load_config(config))
    (mode,) = (each for each in modes if (each.workflow, each.name) == (case.workflow, case.mode))
    return mode


def _run(emulator: Emulator, deployment: Deployment, rows: list[dict[str, Any]]) -> float:
    """Load a list and run an execution over it; returns its seconds."""
    path = deployment.folder / "list.json"
    path.write_text(json.dumps(rows), encoding="utf-8")
    if deployment.workflow == "fanOut":
        deployment.python("utils/load-ddb.py", "--config", "config.json", "--json", path.name)
    else:
        deployment.python("utils/load-s3.py", "--config", "config.json", "--file", path.name)
    what = f"an execution of {deployment.workflow} over {len(rows)} items"
    machine = deployment.outputs["StateMachineArn"]
    execution = execute(emulator.name, emulator.states_client, machine, "{}", what)
    if execution.status != "SUCCEEDED":
        raise BenchmarkError(f"{emulator.name}: {what} ended {execution.ending}")
    return execution.seconds
