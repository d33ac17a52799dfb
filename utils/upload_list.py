"""The loader: checks a list and uploads it to the bucket that a workflow with a Distributed Map reads.

Run it as ``python utils/load-s3.py``.
"""

import argparse
import json
import shlex
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
from utils import limits
from utils.aws import add_session_arguments, open_session, stack_output
from utils.command import CommandError, visible
from utils.list_bucket import CheckedFile, Target, upload_list
from utils.list_check import BatchLimits, ListReport, check_list
from utils.list_file import ListError
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
    with _open(options.file) as file:
        report = _check(file, options.file, options.format, workflow.batch_limits)
        for warning in _warnings(report, options):
            print(f"warning: {visible(warning)}", file=sys.stderr)
        said = _plan(options, report) if options.dry_run else _upload(options, file, report)
    print("\n".join([visible(said), *workflow.report_lines(report)]))
    if options.key != workflow.settings.key:
        given = shlex.quote(json.dumps({"key": options.key}))
        print(f"run it with: python utils/run.py --workflow {workflow.name} --input {given}")


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
    parser.add_argument("--key", help="key of the object; default: the key of the workflow's configuration")
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
    if options.format is None:
        parser.error(f"{options.file}: its suffix names no format: give --format json, jsonl or csv")
    if options.key is not None and not _is_key(options.key):
        parser.error(f"--key is text of 1 to {MAX_OBJECT_KEY_BYTES:,} bytes in UTF-8")
    try:
        config = load_config(options.config_path)
    except ConfigError as error:
        raise CommandError(*error.lines) from error
    options.workflow = choose_workflow(config, options.workflow)
    if mismatch := options.workflow.find_mismatch(options.file, options.format, options.config_path):
        parser.error(mismatch)
    options.key = options.key or options.workflow.settings.key
    options.is_configured = options.workflow.name in config.workflows
    return options


def _is_key(text: str) -> bool:
    try:
        return 1 <= len(text.encode()) <= MAX_OBJECT_KEY_BYTES
    except UnicodeEncodeError:
        return False


def _plan(options: argparse.Namespace, report: ListReport) -> str:
    target = Target(f"<{BUCKET_OUTPUT} of {options.workflow.stack}>", options.key)
    return f"would write {items_text(report.items)} to {target}"


def _upload(options: argparse.Namespace, file: BinaryIO, report: ListReport) -> str:
    session = open_session(options.profile, options.region)
    stack = options.workflow.stack
    target = Target(stack_output(session, stack, BUCKET_OUTPUT), options.key)
    file.seek(BYTE_ORDER_MARK_BYTES if report.has_byte_order_mark else 0)
    source = CheckedFile(file, str(options.file), report)
    with _progress("uploading", report.file_bytes) as advance:
        return upload_list(session, target, source, stack, advance)


@contextmanager
def _open(path: Path) -> Iterator[BinaryIO]:
    """Open a file that can be read twice, and is not too large."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise CommandError(f"{path}: is not a file: give the path of one")
        file = path.open("rb")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise CommandError(f"{path}: cannot be read: {reason}") from error
    if status.st_size > limits.LIST_FILE_BYTES_LIMIT:
        raise CommandError(
            f"{path}: has {status.st_size:,} bytes, and Step Functions reads at most "
            f"{limits.LIST_FILE_BYTES_LIMIT:,}: split the list"
        )
    with file:
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
    path, workflow = options.file, options.workflow.name
    warnings = list(report.warnings)
    if report.has_byte_order_mark:
        warnings.append(f"{path}: starts with a byte order mark, which is not uploaded")
    suffix = Path(options.key).suffix
    if FORMATS.get(suffix.lower(), report.list_format) != report.list_format:
        warnings.append(
            f"{path} is {report.list_format}, and its key {options.key} ends in {suffix}: "
            f"give another --key, or set {workflow}.key"
        )
    if not options.is_configured:
        warnings.append(f"{options.config_path}: workflows does not name {workflow}: add it, and deploy")
    if not report.items:
        warnings.append(f"{path}: the list is empty: an execution succeeds with a summary of 0 items")
    return warnings


@contextmanager
def _progress(doing: str, total_bytes: int) -> Iterator[Callable[[int], object]]:
    """Draw a bar on a terminal while a file is read; gone when that has ended."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(doing, total=total_bytes)
        yield lambda size: progress.advance(task, size)
