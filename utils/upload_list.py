"""The loader: checks a list and uploads it to the bucket that a workflow reads.

Run it as ``python utils/load-s3.py``.
"""

import argparse
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from stacks.config import ConfigError, load_config
from stacks.config_maps import MAX_OBJECT_KEY_BYTES
from utils.aws import add_session_arguments, open_session, session_arguments, stack_output
from utils.command import CommandError, visible
from utils.jobs.list_workflow import JobListWorkflow
from utils.list_batches import BatchLimits
from utils.list_bucket import CheckedFile, Target, UploadedList, upload_list
from utils.list_check import check_list
from utils.list_file import IS_GZIP, ListError
from utils.list_report import GivenList, ListReport
from utils.list_stream import FORMATS
from utils.list_text import ListText
from utils.list_workflow import S3_WORKFLOWS, choose_workflow
from utils.load_plan import items_text

DEFAULT_CONFIG = Path(__file__).resolve().parent.parent / "config.json"

BUCKET_OUTPUT = "ListsBucketName"

BYTE_ORDER_MARK_BYTES = 3


def main(arguments: list[str] | None = None) -> None:
    """Read, check and upload; print what was done.

    Raises
    ------
    CommandError
        Something the user can put right.
    """
    options = _parse(arguments)
    workflow = options.workflow
    with _open(options.file, workflow.largest_file_bytes) as file:
        report = _check(file, options.file, options.format, workflow.batch_limits)
        for warning in _warnings(report, options):
            print(f"warning: {visible(warning)}", file=sys.stderr)
        uploaded = _plan(options, report) if options.dry_run else _upload(options, file, report)
    print("\n".join([visible(uploaded.said), *workflow.report_lines(report)]))
    for line in workflow.next_lines(options.given, uploaded.version_id):
        print(line)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="load-s3.py",
        description="Check a list and upload it to the bucket that a workflow reads.",
    )
    parser.add_argument(
        "--config",
        dest="config_path",
        metavar="CONFIG",
        type=Path,
        default=DEFAULT_CONFIG,
        help="the configuration; default: the project's config.json",
    )
    parser.add_argument("--file", type=Path, required=True, help="the list: .json, .jsonl, .ndjson or .csv")
    parser.add_argument(
        "--format", choices=sorted(set(FORMATS.values())), help="format of the list; default: by the suffix"
    )
    parser.add_argument(
        "--workflow",
        choices=S3_WORKFLOWS,
        help="the workflow that is to read it; default: the first of the configuration's workflows "
        "that reads its list from S3, else distributedMap",
    )
    parser.add_argument(
        "--key",
        help="key of the object; default: the key of the workflow's configuration, "
        "or for queueFanIn lists/ and the file's name",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="check, print what would be written, write nothing"
    )
    add_session_arguments(parser)
    return parser


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    """Read the command line and the configuration; a usage error ends the process with 2."""
    parser = _parser()
    options = parser.parse_args(arguments)
    options.format = options.format or FORMATS.get(options.file.suffix.lower())
    if options.format is None and options.file.suffix.lower() == ".gz":
        parser.error(f"{options.file}: {IS_GZIP}")
    if options.format is None:
        parser.error(f"{options.file}: its suffix names no format: give --format json, jsonl or csv")
    if options.key is not None and not _is_key(options.key):
        parser.error(f"--key is text of 1 to {MAX_OBJECT_KEY_BYTES:,} bytes in UTF-8")
    try:
        config = load_config(options.config_path)
    except ConfigError as error:
        raise CommandError(*error.lines) from error
    options.workflow = choose_workflow(config, options.workflow)
    workflow, path = options.workflow, options.file
    options.given = GivenList(
        path, options.format, options.key, options.config_path, tuple(session_arguments(options))
    )
    options.key = workflow.key_of(options.given)
    if not _is_key(options.key):
        parser.error("the file's name is not UTF-8 text, and makes no key of an object: give --key")
    if mismatch := workflow.find_mismatch(options.given):
        parser.error(mismatch)
    options.is_configured = workflow.name in config.workflows
    return options


def _is_key(text: str) -> bool:
    try:
        return 1 <= len(text.encode()) <= MAX_OBJECT_KEY_BYTES
    except UnicodeEncodeError:
        return False


def _plan(options: argparse.Namespace, report: ListReport) -> UploadedList:
    target = Target(f"<{BUCKET_OUTPUT} of {options.workflow.stack}>", options.key)
    return UploadedList(f"would write {items_text(report.items)} to {target}", None)


def _upload(options: argparse.Namespace, file: BinaryIO, report: ListReport) -> UploadedList:
    session = open_session(options.profile, options.region)
    stack = options.workflow.stack
    target = Target(stack_output(session, stack, BUCKET_OUTPUT), options.key)
    file.seek(BYTE_ORDER_MARK_BYTES if report.has_byte_order_mark else 0)
    source = CheckedFile(file, str(options.file), report)
    with _progress("uploading", report.file_bytes) as advance:
        always = isinstance(options.workflow, JobListWorkflow)
        return upload_list(session, target, source, stack, advance, always=always)


@contextmanager
def _open(path: Path, largest_bytes: int | None) -> Iterator[BinaryIO]:
    """Open a file that can be read twice, and is not too large."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise CommandError(f"{path}: is not a file: give the path of one")
        file = path.open("rb")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise CommandError(f"{path}: cannot be read: {reason}") from error
    with file:
        if largest_bytes and status.st_size > largest_bytes:
            raise CommandError(
                f"{path}: has {status.st_size:,} bytes, and Step Functions reads at most "
                f"{largest_bytes:,}: split the list"
            )
        yield file


def _check(file: BinaryIO, path: Path, list_format: str, batch_limits: BatchLimits) -> ListReport:
    try:
        with _progress("checking", path.stat().st_size) as advance:
            return check_list(ListText(str(path), file, advance), list_format, batch_limits)
    except ListError as error:
        raise CommandError(str(error)) from error
    except OSError as error:
        raise CommandError(f"{path}: cannot be read: {error.strerror}") from error


def _warnings(report: ListReport, options: argparse.Namespace) -> list[str]:
    path, workflow = options.file, options.workflow
    warnings = list(report.warnings)
    if report.has_byte_order_mark:
        warnings.append(f"{path}: starts with a byte order mark, which is not uploaded")
    warnings += workflow.warnings(options.given, report)
    if not options.is_configured:
        warnings.append(f"{options.config_path}: workflows does not name {workflow.name}: add it, and deploy")
    return warnings


@contextmanager
def _progress(doing: str, total_bytes: int) -> Iterator[Callable[[int], object]]:
    """Draw a bar on a terminal while a file is read; gone when that has ended."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(doing, total=total_bytes)
        yield lambda size: progress.advance(task, size)
