"""The commands that `run.py` names: how to go on with an execution, see its results, or answer for it."""

import argparse
import shlex
import sys
from datetime import UTC
from pathlib import Path

from utils.aws import session_arguments
from utils.rows.redrive_rules import TOO_LARGE
from utils.watch.history import History
from utils.watch.orders import Approval
from utils.watch.plain_json import one_line

MAX_FAILED_ORDERS = 5
"""Orders of a batch whose executions are named."""


def commands_to_go_on(options: argparse.Namespace, execution_arn: str, status: str = "RUNNING") -> str:
    """Say how an execution goes on, how to follow or see it again, and how to stop it."""
    again = ["python", sys.argv[0], "--execution-arn", execution_arn, *session_arguments(options)]
    if status != "RUNNING":
        return f"the execution has ended {status}\n  see it: {shlex.join(again)}"
    stop = ["aws", "stepfunctions", "stop-execution", "--execution-arn", execution_arn]
    stop += session_arguments(options)
    return f"the execution goes on\n  follow it: {shlex.join(again)}\n  stop it:   {shlex.join(stop)}"


def next_commands(options: argparse.Namespace, execution_arn: str, history: History) -> list[str]:
    """Name the commands for what an execution leaves behind: rows, and what did not succeed."""
    if history.map_runs:
        return _after_map_run(options, execution_arn, history)
    order = history.order
    if order.batch:
        failed = [row for row in history.rows if row.status == "failed" and row.child_arn]
        return [
            f"  see {row.item_text}: {_command(options, 'run.py', '--execution-arn', row.child_arn or '')}"
            for row in failed[:MAX_FAILED_ORDERS]
        ]
    if order.given and history.status != "SUCCEEDED" and not order.gave_up:
        return [f"  go on with it: {_command(options, 'redrive.py', execution_arn)}"]
    return []


def _after_map_run(options: argparse.Namespace, execution_arn: str, history: History) -> list[str]:
    if history.summary is None and history.status == "SUCCEEDED":
        return []
    redrive = _command(options, "redrive.py", execution_arn)
    failed_items = _command(options, "redrive.py", execution_arn, "--failed-items")
    lines = []
    if history.final_counts().total:
        lines.append(f"  the rows:         {_command(options, 'results.py', execution_arn)}")
    if history.error == TOO_LARGE:
        lines.append(f"  what is left:     {failed_items}")
    elif history.summary is None:
        lines.append(f"  go on with it:    {redrive}")
    elif history.summary.failed:
        lines.append(f"  the failed again: {failed_items}")
    return lines


def approval_lines(options: argparse.Namespace, approval: Approval) -> list[str]:
    """Say that an order waits, until when, and how to answer."""
    order = one_line(approval.order_id)
    until = f" until {approval.until.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if approval.until else ""
    return [
        f"order {order} waits for approval{until}",
        f"  approve it: {_command(options, 'approve.py', order, '--approve')}",
        f"  reject it:  {_command(options, 'approve.py', order, '--reject', '--reason', 'TEXT')}",
    ]


def batch_lines(options: argparse.Namespace) -> list[str]:
    """Say how to find the orders of a batch for which it waits."""
    return [f"  orders that wait for approval: {_command(options, 'approve.py')}"]


def _command(options: argparse.Namespace, script: str, *arguments: str) -> str:
    """Write the line that runs a command of this folder, on the AWS that the options name."""
    path = Path(sys.argv[0]).with_name(script)
    return shlex.join(["python", str(path), *arguments, *session_arguments(options)])
