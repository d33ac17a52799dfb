"""Start an execution, follow it, and show what became of every item.

Run it from the project's root, or from this folder: ``python utils/run.py``.
Ends with 0 only when the execution succeeded.
"""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, get_args

PROJECT_ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT_ROOT))

from utils.packages import begin_command  # noqa: E402

begin_command(__name__)

from rich.console import Console  # noqa: E402
from rich.text import Text  # noqa: E402

from stacks.config import ConfigError, WorkflowName, load_config  # noqa: E402
from utils.aws import (  # noqa: E402
    add_session_arguments,
    aws_errors,
    open_session,
    stack_name,
    stack_output,
)
from utils.command import INTERRUPTED, CommandError, run_command  # noqa: E402
from utils.execution_input import json_input  # noqa: E402
from utils.forecast.run_cost import cost_line  # noqa: E402
from utils.jobs.job import DROP_LIST, WATCH_JOB, WORKFLOW  # noqa: E402
from utils.next_commands import (  # noqa: E402
    approval_lines,
    batch_lines,
    commands_to_go_on,
    next_commands,
)
from utils.watch.executions import execution_name, start_execution  # noqa: E402
from utils.watch.history import History  # noqa: E402
from utils.watch.picture import check_svg_target, write_svg  # noqa: E402
from utils.watch.progress import open_view, utc_now  # noqa: E402
from utils.watch.render import open_console, print_outcome  # noqa: E402
from utils.watch.watcher import Watcher  # noqa: E402

if TYPE_CHECKING:
    import boto3
    from types_boto3_stepfunctions import SFNClient

ORDERS = "orderProcessing"


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line; a usage error ends the process with 2."""
    parser = argparse.ArgumentParser(description="Start an execution, follow it, show every item.")
    target = parser.add_mutually_exclusive_group()
    target.add_argument(
        "--workflow", choices=get_args(WorkflowName), help="default: the first workflow of config.json"
    )
    target.add_argument("--state-machine-arn", metavar="ARN", help="start this state machine instead")
    target.add_argument("--execution-arn", metavar="ARN", help="start nothing; show this one, or follow it")
    parser.add_argument(
        "--batch", action="store_true", help="with --workflow orderProcessing: start a batch of orders"
    )
    parser.add_argument(
        "--input", type=json_input, metavar="JSON", help="input of the execution, or file://PATH; default: {}"
    )
    parser.add_argument("--name", help="name of the execution; default: the time and a few random characters")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="write the outcome as a picture, too")
    add_session_arguments(parser)
    options = parser.parse_args(arguments)
    if options.execution_arn is not None and (options.input or options.name):
        parser.error("--execution-arn starts nothing: --input and --name do not go with it")
    if options.batch and options.workflow != ORDERS:
        parser.error(f"--batch goes with --workflow {ORDERS}")
    if options.workflow == ORDERS and not (options.batch or options.input):
        parser.error(f"--workflow {ORDERS} needs an order: --input file://utils/orders/order.json")
    return options


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    options = parse_arguments(arguments)
    if options.svg:
        check_svg_target(options.svg)
    session = open_session(options.profile, options.region)
    with aws_errors("opening the AWS session"):
        client = session.client("stepfunctions")
    execution_arn = options.execution_arn
    if execution_arn is None:
        execution_arn = start(options, session, client)
    return show(options, client, execution_arn, open_console(), session)


def show(
    options: argparse.Namespace,
    client: "SFNClient",
    execution_arn: str,
    console: Console,
    session: "boto3.Session | None" = None,
) -> int:
    """Follow an execution to its end and print what became of it; returns the command's exit code.

    Parameters
    ----------
    session
        For what the execution would have cost; None leaves that out.
    """
    console.print(Text(f"Execution {execution_arn}"), soft_wrap=True)
    if options.batch:
        print_lines(console, batch_lines(options))
    history, approval = History(), None
    try:
        with open_view(console) as view:
            just_started = options.execution_arn is None
            for _ in Watcher(client).watch(execution_arn, history, just_started=just_started):
                if history.order.waiting and history.order.waiting != approval:
                    approval = history.order.waiting
                    print_lines(console, approval_lines(options, approval))
                view.update(history)
    except KeyboardInterrupt:
        go_on = commands_to_go_on(options, execution_arn, history.status)
        console.print(Text(f"Stopped watching: {go_on}"), soft_wrap=True)
        return INTERRUPTED
    except CommandError as error:
        if options.execution_arn is not None and not history.started:
            raise
        go_on = commands_to_go_on(options, execution_arn, history.status)
        raise CommandError(*error.lines, *go_on.split("\n")) from error
    console.print()
    print_outcome(console, history, utc_now())
    if session and (cost := cost_line(session, history, execution_arn)):
        print_lines(console, [cost])
    print_lines(console, next_commands(options, execution_arn, history))
    if options.svg:
        write_svg(options.svg, history, execution_arn.rpartition(":")[2], utc_now())
        console.print(Text(f"wrote {options.svg}"), soft_wrap=True)
    return 0 if history.status == "SUCCEEDED" else 1


def print_lines(console: Console, lines: list[str]) -> None:
    """Print lines that are not broken, so that they can be copied."""
    if lines:
        console.print(Text("\n".join(lines)), soft_wrap=True)


def start(options: argparse.Namespace, session: "boto3.Session", client: "SFNClient") -> str:
    """Start what the options say; returns the execution's ARN."""
    arn = options.state_machine_arn
    if arn is None:
        output = "BatchStateMachineArn" if options.batch else "StateMachineArn"
        arn = stack_output(session, stack_name(chosen_workflow(options.workflow)), output)
    return start_execution(client, arn, options.input or "{}", options.name or execution_name())


def chosen_workflow(named: str | None) -> str:
    """Name the workflow to start: the named one, else the first of config.json."""
    try:
        workflow = named or load_config(PROJECT_ROOT / "config.json").workflows[0]
    except ConfigError as error:
        raise CommandError(*error.lines) from error
    if workflow == WORKFLOW:
        raise CommandError(
            f"{WORKFLOW} has no executions: drop a list with `{DROP_LIST}`, which names its job, "
            f"and watch that with `{WATCH_JOB} JOB`"
        )
    return workflow


if __name__ == "__main__":
    run_command(main)
