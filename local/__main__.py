"""The command line of the local AWS: ``python -m local start|stop|status|reset|env|logs``."""

import argparse
import os
import shutil
import sys
import time
from collections.abc import Callable
from datetime import timedelta

from local import instances, lifecycle, ports, processes
from local.errors import LocalAwsError
from local.instances import Instance
from local.tool_environment import export_lines

EPILOG = """\
Point your shell at it with:  eval "$(python -m local env)"

Environment variables, read when it starts:
  LOCAL_AWS_DIR               folder for its records, logs and temporary files (.local-aws)
  AUTH                        true: enforce IAM policies (false)
  LAMBDA_ACCOUNT_CONCURRENCY  Lambda invocations at once in an account (1000)

Exit code: 0 done, 1 failed (of status: not running), 2 wrong usage.
"""
FOLLOW_SECONDS = 0.2


def start(arguments: argparse.Namespace) -> int:
    """Start the emulator, or say that it runs."""
    with instances.exclusive():
        port = _port_to_start(arguments.port)
        running = instances.find(port)
        if arguments.port == "auto" and running is None and port != ports.DEFAULT_PORT:
            owner = ports.describe_owner(ports.DEFAULT_PORT)
            _say(f"Port {ports.DEFAULT_PORT} is in use by {owner}: using {port} instead.")
        instance = lifecycle.start(port, _say)
    how = "runs" if running is None else "already runs"
    _say(f"The local AWS {how} on {instance.endpoint} (port {instance.port}, pid {instance.pid}).")
    return 0


def _port_to_start(asked: int | str | None) -> int:
    """The port asked for; else that of the emulator that runs, or the usual one."""
    if asked == "auto":
        return lifecycle.choose_port()
    if isinstance(asked, int):
        return asked
    running = instances.find_all()
    return running[0].port if running else ports.DEFAULT_PORT


def stop(arguments: argparse.Namespace) -> int:
    """End the emulator and its Lambda workers."""
    with instances.exclusive():
        instance = _choose(arguments.port)
        if instance is None:
            _say(_not_running(arguments.port))
            return 0
        lifecycle.stop(instance)
    _say(f"Stopped the local AWS on port {instance.port} (pid {instance.pid}).")
    return 0


def status(arguments: argparse.Namespace) -> int:
    """Describe every emulator that runs."""
    running = [found for found in instances.find_all() if arguments.port in (None, found.port)]
    for instance in running:
        uptime = timedelta(seconds=int(time.time() - instance.started))
        group = processes.list_group(instance.pid)
        megabytes = sum(group.values()) / 1e6
        _say(
            f"The local AWS runs on {instance.endpoint} (port {instance.port}, pid {instance.pid}): "
            f"up {uptime}, processes {len(group)}, memory {megabytes:.0f} MB."
        )
    if not running:
        _say(_not_running(arguments.port))
    return 0 if running else 1


def reset(arguments: argparse.Namespace) -> int:
    """Empty the emulator."""
    with instances.exclusive():
        instance = _require(arguments.port)
        lifecycle.reset(instance, _say)
    _say(f"The local AWS on port {instance.port} is empty.")
    return 0


def env(arguments: argparse.Namespace) -> int:
    """Print the shell's lines that point AWS tools at the emulator."""
    try:
        instance = _require(arguments.port)
    except LocalAwsError:
        # eval fails on this, so that no `&& npx cdk deploy` after it goes to the user's own account.
        _say("false")
        raise
    _say("\n".join(export_lines(instance.endpoint, os.environ)))
    return 0


def logs(arguments: argparse.Namespace) -> int:
    """Print what the emulator has written, and what it writes from now on if asked to."""
    instance = _choose(arguments.port)
    port = arguments.port or (instance.port if instance else instances.last_logged()) or _require(None).port
    with instances.log_file(port).open("rb") as log:
        while True:
            shutil.copyfileobj(log, sys.stdout.buffer)
            sys.stdout.flush()
            if not arguments.follow or instances.find(port) is None:
                return 0
            time.sleep(FOLLOW_SECONDS)


def main() -> int:
    """Run one command; what goes wrong is one line on standard error."""
    arguments = _parser().parse_args()
    command: Callable[[argparse.Namespace], int] = arguments.run
    try:
        return command(arguments)
    except LocalAwsError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:
        # The reader of the output has enough; what is still to be flushed goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        print(f"{error.strerror}: {error.filename or instances.records_folder()}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m local",
        description="The local AWS: an emulator on 127.0.0.1 that the stock AWS tools deploy to.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(metavar="command", required=True)
    for run, help_text in (
        (start, "start it in the background, bootstrapped for CDK"),
        (stop, "end it, with its Lambda workers"),
        (status, "say whether it runs: exit code 0 if it does, 1 if not"),
        (reset, "empty it, and bootstrap it again"),
        (env, "print the lines for eval that point AWS tools at it"),
        (logs, "print its log"),
    ):
        command = commands.add_parser(run.__name__, help=help_text, description=help_text.capitalize() + ".")
        command.set_defaults(run=run)
        if run is start:
            port_help = (
                f"TCP port: the running one's, else {ports.DEFAULT_PORT}; auto: else the next free one"
            )
            command.add_argument("--port", type=_port_or_auto, help=port_help)
        else:
            command.add_argument("--port", type=_port, help="which one, if several run")
        if run is logs:
            command.add_argument("-f", "--follow", action="store_true", help="go on until it ends")
    return parser


def _port(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= 65535):
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: 1 to 65535")
    return int(text)


def _port_or_auto(text: str) -> int | str:
    return text if text == "auto" else _port(text)


def _choose(port: int | None) -> Instance | None:
    """Find the emulator that a command is about: the one on the port, or the only one that runs."""
    if port is not None:
        return instances.find(port)
    running = instances.find_all()
    if len(running) > 1:
        listed = ", ".join(str(instance.port) for instance in running)
        raise LocalAwsError(f"Several run, on ports {listed}: choose one with --port.", exit_code=2)
    return running[0] if running else None


def _require(port: int | None) -> Instance:
    instance = _choose(port)
    if instance is None:
        raise LocalAwsError(f"{_not_running(port)} Start it with: python -m local start")
    return instance


def _not_running(port: int | None) -> str:
    return (
        "The local AWS is not running." if port is None else f"The local AWS is not running on port {port}."
    )


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
