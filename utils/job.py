"""Watch a job of the `queueFanIn` workflow, and show what became of its items.

python utils/job.py JOB | --latest

A job begins when a list is dropped into the lists bucket, as `load-s3.py --workflow queueFanIn` does it.
Ends with 0 only when the job is DONE.
"""

import argparse
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

PROJECT_ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT_ROOT))

from utils.packages import begin_command  # noqa: E402

begin_command(__name__)

from rich.console import Console  # noqa: E402
from rich.text import Text  # noqa: E402

from utils.aws import add_session_arguments, aws_errors, open_session, session_arguments  # noqa: E402
from utils.command import INTERRUPTED, CommandError, run_command  # noqa: E402
from utils.forecast.job_cost import job_cost_line  # noqa: E402
from utils.jobs.job import DROP_LIST, Job, check_job_id  # noqa: E402
from utils.jobs.progress import JobReading  # noqa: E402
from utils.jobs.render import head_line, print_outcome  # noqa: E402
from utils.jobs.table import JobsTable, open_jobs  # noqa: E402
from utils.jobs.watcher import JobWatcher  # noqa: E402
from utils.watch.progress import open_view, utc_now  # noqa: E402
from utils.watch.render import open_console  # noqa: E402

if TYPE_CHECKING:
    import boto3

START_SECONDS = 15.0
"""A job may be unknown so long: its list was dropped, and the event of that has not arrived yet."""


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line; a usage error ends the process with 2."""
    parser = argparse.ArgumentParser(
        prog="job.py", description="Watch a job of the workflow queueFanIn to its end, and show its summary."
    )
    target = parser.add_mutually_exclusive_group(required=True)
    target.add_argument("job", metavar="JOB", nargs="?", help="a job as load-s3.py names it")
    target.add_argument("--latest", action="store_true", help="the job that started last")
    add_session_arguments(parser)
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns its exit code.

    Raises
    ------
    CommandError
        There is no such job, or it cannot be read.
    """
    options = parse_arguments(arguments)
    if options.job is not None:
        check_job_id(options.job)
    session = open_session(options.profile, options.region)
    table = open_jobs(session)
    name = options.job or latest_job(table)
    return show(options, JobWatcher(table, name), name, open_console(), session)


def latest_job(table: JobsTable) -> str:
    """Name the job that started last."""
    with aws_errors("reading the latest job"):
        name = table.latest()
    if name is None:
        raise CommandError(
            f"there is no job yet: drop a list with `{DROP_LIST}`; its job starts within seconds"
        )
    return name


def show(
    options: argparse.Namespace,
    watcher: JobWatcher,
    name: str,
    console: Console,
    session: "boto3.Session | None" = None,
) -> int:
    """Follow a job to its end and print what became of it; returns the command's exit code.

    Parameters
    ----------
    session
        For what the job would have cost; None leaves that out.
    """
    try:
        job = follow(watcher, name, console)
    except KeyboardInterrupt:
        console.print(Text(f"Stopped watching: {go_on_line(options, watcher, name)}"), soft_wrap=True)
        return INTERRUPTED
    except CommandError as error:
        if watcher.job is None:
            raise
        raise CommandError(*error.lines, go_on_line(options, watcher, name)) from error
    console.print()
    print_outcome(console, job, watcher.samples)
    if session and (cost := job_cost_line(session, job)):
        console.print(Text(cost), soft_wrap=True)
    if job.summary:
        console.print(Text(f"  the rows: {command_line('results.py', name, options)}"), soft_wrap=True)
    return 0 if job.status == "DONE" else 1


def follow(watcher: JobWatcher, name: str, console: Console) -> Job:
    """Show the progress of a job until it has ended.

    Raises
    ------
    CommandError
        The job does not start, or cannot be read.
    """
    begun, named = utc_now(), False
    with open_view(console) as view:
        for read, _ in enumerate(watcher.watch(START_SECONDS)):
            if watcher.job is None and not read:
                console.print(Text(f"Job {name} has not started yet"), soft_wrap=True)
            if watcher.job and not named:
                console.print(head_line(watcher.job), soft_wrap=True)
                named = True
            if not (watcher.job and watcher.job.has_ended):
                view.show(JobReading.of(watcher, begun))
    if watcher.job is None:
        raise CommandError(
            f"job {name} has not started within {START_SECONDS:.0f} s: check its name, --profile and "
            "--region; if its list was dropped just now, run the command again"
        )
    return watcher.job


def go_on_line(options: argparse.Namespace, watcher: JobWatcher, name: str) -> str:
    """Say how a job goes on that is not watched any more, and how to watch it again."""
    what = "goes on" if watcher.job else "has not started yet"
    return f"job {name} {what}: {command_line('job.py', name, options)}"


def command_line(script: str, job: str, options: argparse.Namespace) -> str:
    """Write the command that runs a script on a job, in the same account and region."""
    path = Path(sys.argv[0]).with_name(script)
    return shlex.join(["python", str(path), job, *session_arguments(options)])


if __name__ == "__main__":
    run_command(main)
