"""List the orders that wait for approval, or approve or reject one of them.

python utils/approve.py
python utils/approve.py ORDER_ID --approve [--reason TEXT]
python utils/approve.py ORDER_ID --reject --reason TEXT
"""

import argparse
import shlex
import sys
from collections.abc import Sequence
from dataclasses import astuple
from pathlib import Path

PROJECT_ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT_ROOT))

from utils.packages import begin_command  # noqa: E402

begin_command(__name__)

from rich.cells import cell_len, set_cell_size  # noqa: E402

from utils.approvals import Answer, Approvals, WaitingOrder, caller_arn  # noqa: E402
from utils.aws import add_session_arguments, open_session, session_arguments  # noqa: E402
from utils.command import run_command, visible  # noqa: E402
from utils.rows.execution import WATCH  # noqa: E402

MAX_REASON_CHARACTERS = 1000
"""The reason stands in the order's record and in the message to the customer."""

HEADS = ("Order", "Customer", "Total", "Waits since", "Answer by")


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line; a usage error ends the process with 2."""
    parser = argparse.ArgumentParser(
        prog="approve.py", description="List the orders that wait for approval, or approve or reject one."
    )
    parser.add_argument("order_id", metavar="ORDER_ID", nargs="?", help="default: list those that wait")
    answer = parser.add_mutually_exclusive_group()
    answer.add_argument("--approve", action="store_true", help="let the order go on")
    answer.add_argument("--reject", action="store_true", help="end the order; needs a --reason")
    parser.add_argument("--reason", metavar="TEXT", help="why; the customer reads it")
    add_session_arguments(parser)
    options = parser.parse_args(arguments)
    if problem := find_usage_error(options):
        parser.error(problem)
    return options


def find_usage_error(options: argparse.Namespace) -> str | None:
    """Say which options do not go together; None if they do."""
    order_id, reason = options.order_id, options.reason
    answered = options.approve or options.reject
    alone = "`python utils/approve.py` lists the orders that wait"
    applies = {
        f"ORDER_ID is empty: {alone}": order_id == "",
        f"an answer needs the ORDER_ID: {alone}": order_id is None and (answered or reason is not None),
        f"say what becomes of order {visible(order_id or '')}: --approve, or --reject --reason TEXT": (
            order_id is not None and not answered
        ),
        "--reject needs a --reason: the customer reads it": options.reject and reason is None,
        "--reason is empty: say why": reason is not None and not reason.strip(),
        f"--reason is longer than {MAX_REASON_CHARACTERS:,} characters: say it in fewer": (
            len(reason or "") > MAX_REASON_CHARACTERS
        ),
        "ORDER_ID and --reason must be text in UTF-8": not _is_unicode(f"{order_id}{reason}"),
    }
    return next((problem for problem, does in applies.items() if does), None)


def _is_unicode(text: str) -> bool:
    return text == text.encode(errors="replace").decode()


def main(arguments: list[str] | None = None) -> None:
    """Run the command.

    Raises
    ------
    CommandError
        Something the user can put right.
    """
    options = parse_arguments(arguments)
    session = open_session(options.profile, options.region)
    approvals = Approvals(session)
    with_session = "".join(f" {shlex.quote(part)}" for part in session_arguments(options))
    if options.order_id is None:
        lines = waiting_lines(approvals.waiting(), with_session)
    else:
        answer = Answer(options.approve, options.reason, caller_arn(session))
        execution_arn = approvals.answer(options.order_id, answer)
        done = "approved" if options.approve else "rejected"
        lines = [f"{done} order {options.order_id}", f"watch it: {WATCH} {execution_arn}{with_session}"]
    print("\n".join(map(visible, lines)))


def waiting_lines(orders: Sequence[WaitingOrder], with_session: str) -> list[str]:
    """Lay out the orders that wait, and how to answer; ``with_session`` goes with each command."""
    if not orders:
        return ["no order waits for approval"]
    table = [tuple(map(visible, row)) for row in (HEADS, *map(astuple, orders))]
    widths = [max(map(cell_len, column)) for column in zip(*table, strict=True)]
    lines = ["  ".join(map(set_cell_size, row, widths)).rstrip() for row in table]
    command = "python utils/approve.py ORDER_ID"
    return [
        *lines,
        f"approve one: {command} --approve{with_session}",
        f"reject one:  {command} --reject --reason TEXT{with_session}",
    ]


if __name__ == "__main__":
    run_command(main)
