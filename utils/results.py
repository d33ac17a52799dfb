"""Show the results of an execution or a job, or write them: a row an item, in the list's order.

python utils/results.py EXECUTION_ARN | JOB [--out rows.jsonl | rows.csv | -]

Reads the files of the results of a `distributedMap` or `throttledMap` execution, the history of a `fanOut` or
`orderProcessing` execution (the items of a batch are its orders), or the rows of a `queueFanIn` job. Ends
with 0 when the rows were written, whatever became of the items.
"""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

PROJECT_ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT_ROOT))

from utils.packages import begin_command  # noqa: E402

begin_command(__name__)

from utils.attribute_values import abbreviate  # noqa: E402
from utils.aws import add_session_arguments, aws_errors, open_session  # noqa: E402
from utils.command import CommandError, run_command, visible  # noqa: E402
from utils.jobs.job import ARN_START, JOB_FORM, LONGEST_SHOWN_CHARACTERS  # noqa: E402
from utils.load_plan import items_text  # noqa: E402
from utils.rows.execution import check_ended, find_execution  # noqa: E402
from utils.rows.job import open_job_rows  # noqa: E402
from utils.rows.progress import with_progress  # noqa: E402
from utils.rows.source import RowCounts, RowSource, open_rows  # noqa: E402
from utils.rows.writers import SUFFIXES, open_writer  # noqa: E402

if TYPE_CHECKING:
    import boto3

FILES_CHANGED = "the files of its results do not hold them, so these were changed after it: restore them"


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line; a usage error ends the process with 2."""
    parser = argparse.ArgumentParser(
        prog="results.py",
        description="Show the results of an execution or a job, a row an item, in the list's order.",
    )
    parser.add_argument(
        "run", metavar="EXECUTION_ARN|JOB", help="an execution, by its ARN, or a job, that has ended"
    )
    parser.add_argument(
        "--out",
        metavar="FILE",
        help="write all rows to FILE.jsonl or FILE.csv, or as JSON Lines to standard output (-); "
        "default: a table of the first and the last",
    )
    add_session_arguments(parser)
    options = parser.parse_args(arguments)
    if (options.out or "").endswith("/"):
        parser.error(f"--out {options.out}: names a folder: give the name of a file")
    if options.out not in {None, "-"} and Path(options.out).suffix.lower() not in SUFFIXES:
        parser.error(f"--out {options.out}: its suffix names no format: give a .jsonl or .csv file, or -")
    return options


def main(arguments: list[str] | None = None) -> None:
    """Run the command.

    Raises
    ------
    CommandError
        Something the user can put right.
    """
    options = parse_arguments(arguments)
    counts = RowCounts()
    with open_writer(options.out) as writer:
        session = open_session(options.profile, options.region)
        with open_source(session, options.run) as (source, reason):
            for row in with_progress(source.rows, "writing the rows", source.total):
                counts.add(row)
                writer.write(row)
    lost = counts.without_row(source.total)
    summary = f"{items_text(counts.rows)}: {counts}"
    if not counts.rows:
        summary = "no rows" if lost else "the list was empty: no items"
    if options.out not in {None, "-"}:
        summary = f"wrote {options.out} ({summary})"
    print(visible(summary), file=sys.stderr if options.out == "-" else sys.stdout)
    if lost:
        print(f"note: {items_text(lost)} of {counts.rows + lost:,} left no result: {reason}", file=sys.stderr)


@contextmanager
def open_source(session: "boto3.Session", run: str) -> Iterator[tuple[RowSource, str]]:
    """Open the rows of an execution or a job, and say why items can have none.

    Raises
    ------
    CommandError
        There is no such execution or job, or its rows cannot be read.
    """
    if JOB_FORM.fullmatch(run):
        yield open_job_rows(session, run), FILES_CHANGED
        return
    if not run.startswith(ARN_START):
        raise CommandError(
            f"{abbreviate(run, LONGEST_SHOWN_CHARACTERS) or 'an empty text'} is neither the ARN of an "
            "execution, which looks like arn:aws:states:eu-west-1:123456789012:execution:NAME:RUN, nor a "
            "job, which looks like orders-0123456789ab"
        )
    with aws_errors("opening the AWS session"):
        client = session.client("stepfunctions")
    execution = find_execution(client, run)
    check_ended(execution)
    reason = f"the execution ended {execution.status} before they were written"
    with open_rows(session, client, execution) as source:
        yield source, FILES_CHANGED if execution.status == "SUCCEEDED" else reason


if __name__ == "__main__":
    run_command(main)
