"""Start an execution, follow it, and show what became of every item.

Run it from the project's root, or from this folder: ``python utils/run.py``.
Ends with 0 only when the execution succeeded.
"""

import argparse
import json
import shlex
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
    session_arguments,
    stack_name,
    stack_output,
)
from utils.command import INTERRUPTED, CommandError, run_command  # noqa: E402
from utils.jobs.job import DROP_LIST, WATCH_JOB, WORKFLOW  # noqa: E402
from utils.rows.redrive_rules import TOO_LARGE  # noqa: E402
from utils.watch.executions import execution_name, start_execution  # noqa: E402
from utils.watch.history import History  # noqa: E402
from utils.watch.picture import check_svg_target, write_svg  # noqa: E402
from utils.watch.progress import open_view, utc_now  # noqa: E402
from utils.watch.render import open_console, print_outcome  # noqa: E402
from utils.watch.watcher import Watcher  # noqa: E402

if TYPE_CHECKING:
    import boto3
    from types_boto3_stepfunctions import SFNClient


def json_input(argument: str) -> str:
    """Read ``--input``: JSON text, or ``file://PATH`` as with the AWS CLI.

    Raises
    ------
    argparse.ArgumentTypeError
        The file cannot be read, or the text is not JSON.
    """
    text, where = argument, ""
    if argument.startswith("file://"):
        path = Path(argument.removeprefix("file://"))
        where = f"{path}: "
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            raise argparse.ArgumentTypeError(f"{path}: cannot be read: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise argparse.ArgumentTypeError(f"{path}: is not UTF-8 text, at byte {error.start}") from error
    try:
        # Numbers stay text: Python refuses to convert very long ones.
        json.loads(text, parse_int=str)
    except json.JSONDecodeError as error:
        at = f"line {error.lineno}, column {error.colno}"
        raise argparse.ArgumentTypeError(f"{where}not JSON at {at}: {error.msg}") from error
    except RecursionError as error:
        raise argparse.ArgumentTypeError(f"{where}nested too deeply") from error
    if not text.isascii() and text != text.encode(errors="replace").decode():
        raise argparse.ArgumentTypeError(f"{where}is not UTF-8 text")
    return text


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
        "--input", type=json_input, metavar="JSON", help="input of the execution, or file://PATH; default: {}"
    )
    parser.add_argument("--name", help="name of the execution; default: the time and a few random characters")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="write the outcome as a picture, too")
    add_session_arguments(parser)
    options = parser.parse_args(arguments)
    if options.execution_arn is not None and (options.input or options.name):
        parser.error("--execution-arn starts nothing: --input and --name do not go with it")
    return options


def commands_to_go_on(options: argparse.Namespace, execution_arn: str, status: str = "RUNNING") -> str:
    """Say how an execution goes on, how to follow or see it again, and how to stop it."""
    again = ["python", sys.argv[0], "--execution-arn", execution_arn, *session_arguments(options)]
    if status != "RUNNING":
        return f"the execution has ended {status}\n  see it: {shlex.join(again)}"
    stop = ["aws", "stepfunctions", "stop-execution", "--execution-arn", execution_arn]
    stop += session_arguments(options)
    return f"the execution goes on\n  follow it: {shlex.join(again)}\n  stop it:   {shlex.join(stop)}"


def next_commands(options: argparse.Namespace, execution_arn: str, history: History) -> list[str]:
    """Name the commands for what a Map Run leaves behind: its rows, and the items that did not succeed."""
    if not (history.map_runs and (history.summary or history.status != "SUCCEEDED")):
        return []

    def line(what: str, script: str, *flags: str) -> str:
        path = Path(sys.argv[0]).with_name(script)
        command = ["python", str(path), execution_arn, *flags, *session_arguments(options)]
        return f"  {what} {shlex.join(command)}"

    lines = [line("the rows:        ", "results.py")] if history.final_counts().total else []
    if history.error == TOO_LARGE:
        lines.append(line("what is left:    ", "redrive.py", "--failed-items"))
    elif history.summary is None:
        lines.append(line("go on with it:   ", "redrive.py"))
    elif history.summary.failed:
        lines.append(line("the failed again:", "redrive.py", "--failed-items"))
    return lines


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
    return show(options, client, execution_arn, open_console())


def show(options: argparse.Namespace, client: "SFNClient", execution_arn: str, console: Console) -> int:
    """Follow an execution to its end and print what became of it; returns the command's exit code."""
    console.print(Text(f"Execution {execution_arn}"), soft_wrap=True)
    history = History()
    try:
        with open_view(console) as view:
            just_started = options.execution_arn is None
            for _ in Watcher(client).watch(execution_arn, history, just_started=just_started):
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
    for line in next_commands(options, execution_arn, history):
        console.print(Text(line), soft_wrap=True)
    if options.svg:
        write_svg(options.svg, history, execution_arn.rpartition(":")[2], utc_now())
        console.print(Text(f"wrote {options.svg}"), soft_wrap=True)
    return 0 if history.status == "SUCCEEDED" else 1


def start(options: argparse.Namespace, session: "boto3.Session", client: "SFNClient") -> str:
    """Start what the options say; returns the execution's ARN."""
    arn = options.state_machine_arn
    if arn is None:
        arn = stack_output(session, stack_name(chosen_workflow(options.workflow)), "StateMachineArn")
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
