"""Measures the local AWS beside stock MiniStack and moto: ``python -m benchmarks --help`` says how."""

import argparse
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from benchmarks import (
    commands,
    distributed,
    fan_in,
    fan_in_costs,
    forecast,
    growth,
    makespan,
    memory,
    paper,
    rate,
    scale,
    throttled,
)
from benchmarks.errors import BenchmarkError
from benchmarks.figures import Report, Result
from benchmarks.report import machine_line, markdown, replace_figures, terminal_table

README = Path(__file__).with_name("README.md")
BENCHMARKS: dict[str, Callable[[int, Report], Result]] = {
    "map": rate.measure,
    "growth": growth.measure,
    "makespan": makespan.measure,
    "memory": memory.measure,
    "commands": commands.measure,
    "distributed": distributed.measure,
    "scale": scale.measure,
    "throttled": throttled.measure,
    "queue": fan_in.measure,
    "paper": paper.measure,
    "costs": fan_in_costs.measure,
    "forecast": forecast.measure,
}
ROUNDS = 5
FEWER_ROUNDS = {"scale": 1, "queue": 1}
"""Of what takes minutes."""
EPILOG = """\
map          what an item of an inline Map takes
growth       how that grows with the number of items
makespan     the time of a whole Map over the least that it can take
memory       of the local AWS with forty Lambda workers (Linux only)
commands     cdk synth, an estimate, and a second make demo
distributed  a Distributed Map of 100,000 items, from list to summary (Linux only)
scale        time and memory of load, run and results, to 1,000,000 items (Linux only)
throttled    the queue of a throttled Map beside what its limits allow
queue        time and memory of jobs of queueFanIn, to 100,000 items (Linux only)
paper        what 1,000,000 items cost on AWS, and the least time they take; runs nothing
costs        what they cost in queueFanIn, from the requests of a job that is run (Linux only)
forecast     the time of runs beside the time that the estimate simulates for them

Exit code: 0 measured, whether or not a target is met; 1 failed, 2 wrong usage.
"""


def main() -> int:
    """Measure, print the table, and write it if asked to; what goes wrong is one line on standard error."""
    arguments = _parse()
    # A terminated run, like an interrupted one, ends the emulators that it has started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    # A profile of the user's that is not there would keep boto3 from making any client.
    os.environ.pop("AWS_PROFILE", None)
    try:
        results = _measure(arguments.names, arguments.rounds)
        machine = machine_line(arguments.rounds or ROUNDS)
        # Where nobody sees the table at once, it need not fit a screen.
        console = Console(width=None if sys.stdout.isatty() else 150)
        console.print(terminal_table(results))
        for line in (machine, *(note for result in results.values() for note in result.notes)):
            console.print(line, highlight=False)
        if arguments.write:
            text = replace_figures(README.read_text(encoding="utf-8"), markdown(results, machine))
            README.write_text(text, encoding="utf-8")
    except BenchmarkError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _measure(names: list[str], rounds: int | None) -> dict[str, Result]:
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("")
        results = {}
        for name in names:

            def report(line: str, name: str = name) -> None:
                progress.update(task, description=f"{name}: {line}")
                if not console.is_terminal:
                    console.print(f"{name}: {line}", highlight=False)

            report("starting")
            results[name] = BENCHMARKS[name](rounds or FEWER_ROUNDS.get(name, ROUNDS), report)
    return results


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure the local AWS beside stock MiniStack and moto.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", type=_name, metavar="NAME", help="which; default: all")
    parser.add_argument("--rounds", type=_count, help="measurements of each figure (5; of scale and queue 1)")
    parser.add_argument("--write", action="store_true", help="put the table into benchmarks/README.md")
    arguments = parser.parse_args()
    if arguments.write and arguments.names:
        parser.error("--write takes the figures of all benchmarks: leave out the names")
    arguments.names = list(dict.fromkeys(arguments.names)) or list(BENCHMARKS)
    return arguments


def _name(text: str) -> str:
    if text not in BENCHMARKS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a benchmark: {', '.join(BENCHMARKS)}")
    return text


def _count(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text)):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of rounds: 1 or more")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
