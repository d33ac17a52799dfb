"""The command line of utils/estimate.py; a usage error is one line, and ends the process with 2."""

import argparse
import math
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from utils.aws_figures import DEFAULT_REGION, regions

PROJECT_ROOT = Path(__file__).parents[2]
MACHINE = ""
"""What ``--json`` is without a file: output for machines."""
MOST_ITEMS = 10**12
MOST_NUMBER = 10**9
LEAST_MS = 0.001
"""Of an item: a microsecond."""
LEAST_SPREAD = 0.001
"""Beside 0: less is lost in rounding."""
MEMORY_MB = (128, 10_240)
"""Of a function (Lambda quotas)."""

EPILOG = """\
What is not given is as config.json says, or for the work itself as shown above. A wait is one of fanOut,
which alone has one. Prices are without free allowances; storage and what `process` calls are not in them.

Exit code: 0 estimated, whether or not limits are broken; 1 failed, 2 wrong usage.
"""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"error: {message}\n")


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line.

    Returns
    -------
    argparse.Namespace
        ``list`` is the file of a list or None, ``machine`` whether the output is for machines; the others
        are as their options.
    """
    parser = _Parser(
        description="Say what a run would cost on AWS, how long it would take, and which workflow to choose.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    _add_work(parser)
    _add_settings(parser)
    _add_output(parser)
    options = parser.parse_args(arguments)
    files = [Path(name) for name in options.json if name] + ([options.file] if options.file else [])
    options.machine = MACHINE in options.json
    options.list = files[0] if files else None
    if len(files) + (options.items is not None) != 1:
        parser.error("give --items N, or a list with --file FILE or --json FILE: one of them")
    if options.task_token and options.child_type == "EXPRESS":
        parser.error(
            "--task-token does not go with --child-type EXPRESS: only STANDARD children can wait for one"
        )
    if options.task_token and options.throttled_share not in {None, 1}:
        parser.error(
            f"--task-token does not go with --throttled-share {options.throttled_share:g}: "
            "tokens are for the items of the queue, and all of them go there"
        )
    if options.list and options.item_bytes is not None:
        parser.error("--item-bytes does not go with a list, which says how large its items are")
    options.item_bytes = options.item_bytes or 100
    return options


def _add_work(parser: argparse.ArgumentParser) -> None:
    work = parser.add_argument_group("the work")
    work.add_argument("--items", type=_whole(1, MOST_ITEMS), metavar="N", help="length of the list")
    work.add_argument("--file", type=Path, help="a list: .json, .jsonl or .csv, in place of --items")
    work.add_argument(
        "--json",
        nargs="?",
        const=MACHINE,
        default=[],
        action="append",
        metavar="FILE",
        help="without a file: output for machines; with one: a list, as --file",
    )
    bytes_ = _whole(1, MOST_NUMBER)
    work.add_argument("--item-bytes", type=bytes_, metavar="N", help="of an item as JSON (100)")
    work.add_argument("--result-bytes", type=bytes_, default=100, metavar="N", help="of a result (100)")
    work.add_argument(
        "--duration-ms", type=_number(LEAST_MS), default=100.0, metavar="MS", help="of an item (100)"
    )
    work.add_argument(
        "--spread",
        type=_number(LEAST_SPREAD, 10, or_zero=True),
        default=0.0,
        metavar="SHARE",
        help="standard deviation of the duration, as a share of it (0: all items take the same)",
    )
    work.add_argument(
        "--failure-rate",
        type=_number(0, 0.999),
        default=0.0,
        metavar="SHARE",
        help="of attempts that fail (0)",
    )
    work.add_argument(
        "--throttled-share",
        type=_number(0, 1),
        metavar="SHARE",
        help="of items that throttledMap sends through its queue (those that the list marks; 0)",
    )
    work.add_argument(
        "--task-token",
        action="store_true",
        help="items are answered later, with a token: all through the queue",
    )


def _add_settings(parser: argparse.ArgumentParser) -> None:
    settings = parser.add_argument_group("settings, in place of the configured ones")
    settings.add_argument("--config", type=Path, default=PROJECT_ROOT / "config.json", help="the project's")
    settings.add_argument(
        "--wait-s", type=_whole(0, 99_999_999), metavar="S", help="wait before each item of fanOut"
    )
    settings.add_argument(
        "--max-concurrency", type=_whole(1, 10_000), metavar="N", help="items, batches or workers at once"
    )
    settings.add_argument(
        "--memory-mb", type=_whole(*MEMORY_MB), metavar="MB", help="of what processes items"
    )
    settings.add_argument(
        "--child-type", choices=("EXPRESS", "STANDARD"), help="of distributedMap's children"
    )


def _add_output(parser: argparse.ArgumentParser) -> None:
    output = parser.add_argument_group("the estimate")
    output.add_argument(
        "--region",
        choices=regions(),
        default=DEFAULT_REGION,
        help=f"whose prices and quotas ({DEFAULT_REGION})",
    )
    output.add_argument(
        "--charge",
        choices=("start_plus_states", "start_only"),
        default="start_plus_states",
        help="what a STANDARD child costs: start and each state, as AWS's guide reads, or the start alone",
    )
    output.add_argument("--logs", choices=("ALL", "OFF"), help="level of the execution log (as deployed)")
    output.add_argument(
        "--plot", type=_svg, metavar="FILE.svg", help="draw cost and time over 10 to 1,000,000,000 items"
    )
    output.add_argument(
        "--write-config", action="store_true", help="write what is recommended into the configuration"
    )


def _whole(least: int, most: int) -> Callable[[str], int]:
    span = f"from {least:,} to {most:,}"

    def read(text: str) -> int:
        try:
            value = int(text) if len(text) < 100 else most + 1
        except ValueError:
            value = least - 1
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a whole number {span}")
        return value

    return read


def _number(least: float, most: float = MOST_NUMBER, *, or_zero: bool = False) -> Callable[[str], float]:
    span = f"{'0, or ' if or_zero else ''}a number from {least:g} to {most:,.12g}"

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not (least <= value <= most or (or_zero and value == 0)):
            raise argparse.ArgumentTypeError(f"{text[:40]!r} is not {span}")
        return value

    return read


def _svg(text: str) -> Path:
    path = Path(text)
    if path.suffix.lower() != ".svg":
        raise argparse.ArgumentTypeError(f"{text!r} does not end with .svg")
    return path
