"""Go on with an execution that did not succeed, or process the items again that failed.

python utils/redrive.py EXECUTION_ARN [--failed-items] [--dry-run]

Without --failed-items AWS redrives the execution from where it failed. With it a new execution of the same
state machine processes the failed items only; those that were never processed are left to a redrive, and are
among them if the execution cannot be redriven. No item that succeeded is processed again. An order is only
redriven as a whole.
"""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

PROJECT_ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT_ROOT))

from utils.packages import begin_command  # noqa: E402

begin_command(__name__)

from botocore.exceptions import ClientError  # noqa: E402

from utils.aws import add_session_arguments, aws_errors, open_session  # noqa: E402
from utils.command import CommandError, run_command, visible  # noqa: E402
from utils.jobs.job import DROP_LIST, JOB_FORM  # noqa: E402
from utils.rows.execution import WATCH, Execution, check_ended, find_execution  # noqa: E402
from utils.rows.failed_items import FailedItems  # noqa: E402
from utils.rows.order_rules import find_order_refusal  # noqa: E402
from utils.rows.redrive_rules import find_refusal  # noqa: E402

if TYPE_CHECKING:
    from types_boto3_stepfunctions import SFNClient


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line; a usage error ends the process with 2."""
    parser = argparse.ArgumentParser(
        prog="redrive.py",
        description="Go on with an execution that failed, or process its failed items again.",
    )
    parser.add_argument("execution_arn", metavar="EXECUTION_ARN", help="ARN of an execution that has ended")
    parser.add_argument(
        "--failed-items",
        action="store_true",
        help="start a new execution over the items that failed, instead of redriving this one",
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, do nothing")
    add_session_arguments(parser)
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> None:
    """Run the command.

    Raises
    ------
    CommandError
        Something the user can put right.
    """
    options = parse_arguments(arguments)
    if JOB_FORM.fullmatch(options.execution_arn):
        raise CommandError(
            f"{options.execution_arn} is a job, and only executions are redriven: write its rows with "
            f"`python utils/results.py {options.execution_arn} --out rows.jsonl`, "
            f"and drop a list of the items to process again with `{DROP_LIST}`"
        )
    session = open_session(options.profile, options.region)
    with aws_errors("opening the AWS session"):
        client = session.client("stepfunctions")
    execution = find_execution(client, options.execution_arn)
    refusal = find_refusal(execution, failed_items_command(execution))
    if execution.status != "RUNNING":
        order_refusal = find_order_refusal(client, execution, failed_items=options.failed_items)
        if order_refusal is not None:
            raise CommandError(order_refusal)
    if options.failed_items:
        check_ended(execution)
        failed = FailedItems(session, client, execution, with_pending=refusal is not None)
        lines = failed.process(dry_run=options.dry_run)
    elif refusal is not None:
        raise CommandError(refusal)
    else:
        lines = redrive(client, execution, dry_run=options.dry_run)
    print("\n".join(map(visible, lines)))


def failed_items_command(execution: Execution) -> str:
    """Name the command that processes an execution's failed items again."""
    return f"python utils/redrive.py {execution.arn} --failed-items"


def redrive(client: "SFNClient", execution: Execution, *, dry_run: bool) -> list[str]:
    """Redrive an execution; returns what was done, a line each.

    Raises
    ------
    CommandError
        AWS refuses.
    """
    if dry_run:
        return [f"would redrive {execution.arn}, which ended {execution.end_text}"]
    with aws_errors(f"redriving {execution.arn}"):
        try:
            client.redrive_execution(executionArn=execution.arn)
        except ClientError as error:
            if error.response["Error"].get("Code") == "ExecutionNotRedrivable":
                raise not_redrivable(client, execution, error) from error
            raise
    return [f"redrove {execution.arn}", f"watch it: {WATCH} {execution.arn}"]


def not_redrivable(client: "SFNClient", execution: Execution, error: ClientError) -> CommandError:
    """Say why AWS refuses; another command may have redriven the execution just before."""
    command = failed_items_command(execution)
    if refusal := find_refusal(find_execution(client, execution.arn), command):
        return CommandError(refusal)
    said = error.response["Error"].get("Message", "")
    return CommandError(
        f"execution {execution.name} cannot be redriven ({said}): "
        f"its failed items are processed again by `{command}`"
    )


if __name__ == "__main__":
    run_command(main)
