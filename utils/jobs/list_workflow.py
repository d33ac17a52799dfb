"""What is different about a list that is dropped for the workflow `queueFanIn`."""

import shlex
from dataclasses import dataclass
from pathlib import PurePosixPath

from stacks.config_queue import QueueFanInConfig
from utils.aws import stack_name
from utils.jobs.job import LONGEST_JOB_CHARACTERS, WATCH_JOB, WORKFLOW, job_id
from utils.list_batches import BatchLimits
from utils.list_report import GivenList, ListReport

LISTS = "lists/"
"""Start of the keys whose objects begin jobs."""

MESSAGE_BYTES = 64 * 1024
"""Of a message with more than one item: SQS counts each started 64 KiB as a request (SQS pricing)."""

LARGEST_MESSAGE_BYTES = 256 * 1024
"""Of a message with one item (`lambdas/queue_fan_in/fan_in/messages.py`)."""

FRAME_BYTES = len('{"job":"","expiresAt":1234567890,"attempts":0,"items":[]}') + LONGEST_JOB_CHARACTERS
"""Of a message without its items."""

ESCAPED = "\ufffe\uffff"
"""What SQS refuses, so that a message has escapes of it (`lambdas/queue_fan_in/fan_in/messages.py`)."""

ENTRY_BYTES = len("[,]")
"""What a message adds to an item and its position."""


@dataclass(frozen=True)
class JobListWorkflow:
    """The workflow, and its section of config.json."""

    settings: QueueFanInConfig
    name: str = WORKFLOW
    reads_s3: bool = True
    largest_file_bytes: int | None = None

    @property
    def stack(self) -> str:
        """Name of its stack."""
        return stack_name(self.name)

    @property
    def batch_limits(self) -> BatchLimits:
        """How much of a list one of its messages takes."""
        return BatchLimits(
            items=self.settings.maxItemsPerMessage,
            input_bytes=MESSAGE_BYTES,
            bytes_source="the queue's maximum message size",
            frame_bytes=FRAME_BYTES,
            entry_bytes=ENTRY_BYTES,
            alone_bytes=LARGEST_MESSAGE_BYTES,
            taker="message",
            escaped=ESCAPED,
            may_be_empty=True,
        )

    def key_of(self, given: GivenList) -> str:
        """Name the object after the file; its suffix tells the workflow the format."""
        return given.key or f"{LISTS}{given.path.stem}.{given.list_format}"

    def find_mismatch(self, given: GivenList) -> str | None:
        """Say why the object would begin no job over this list; None if it does."""
        key, suffix = self.key_of(given), f".{given.list_format}"
        if key.startswith(LISTS) and PurePosixPath(key).suffix == suffix:
            return None
        return (
            f"--key {key}: for {self.name} the key of this list must begin with {LISTS} and end in {suffix}"
        )

    def warnings(self, given: GivenList, report: ListReport) -> list[str]:
        """Say what may surprise."""
        said = f"{given.path}: the list is empty: its job ends at once, without rows"
        return [] if report.items else [said]

    def report_lines(self, report: ListReport) -> list[str]:
        """Show what was checked: sizes, the largest item, the messages."""
        limits = self.batch_limits
        message = f"{limits.items:,} items and {limits.input_bytes:,} bytes, or one larger item"
        return [
            *report.lines(),
            f"  messages at least {report.batches:,}, each of at most {message}",
        ][: 3 if report.items else 1]

    def next_lines(self, given: GivenList, version_id: str | None) -> list[str]:
        """Name the job over the object that was written, and the command that watches it."""
        if version_id is None:
            return []
        job = job_id(self.key_of(given), version_id)
        return [f"job {job}", f"watch it: {WATCH_JOB} {shlex.join([job, *given.session_arguments])}"]
