"""The workflows that read their list from S3, and what is different about a list for a Distributed Map."""

import json
import shlex
from dataclasses import dataclass
from pathlib import Path

from stacks.config import Config
from stacks.config_maps import DistributedMapConfig, MapConfig, ThrottledMapConfig
from stacks.config_queue import QueueFanInConfig
from utils.aws import stack_name
from utils.jobs.list_workflow import JobListWorkflow
from utils.limits import BYTES_BESIDE_ITEM, LIST_FILE_BYTES_LIMIT, PAYLOAD_BYTES_LIMIT
from utils.list_batches import BatchLimits, children_at_once
from utils.list_report import GivenList, ListReport
from utils.list_stream import FORMATS

S3_WORKFLOWS = tuple(
    name
    for name, field in Config.model_fields.items()
    if isinstance(field.annotation, type) and issubclass(field.annotation, MapConfig | QueueFanInConfig)
)
"""By name, which is also that of their section of config.json."""


@dataclass(frozen=True)
class ListWorkflow:
    """A workflow with a Distributed Map by name, and its section of config.json."""

    name: str
    settings: DistributedMapConfig | ThrottledMapConfig
    largest_file_bytes: int | None = LIST_FILE_BYTES_LIMIT

    @property
    def stack(self) -> str:
        """Name of its stack."""
        return stack_name(self.name)

    @property
    def reads_s3(self) -> bool:
        """Whether its list is in S3, and not in the table that the `fanOut` workflow reads."""
        return not isinstance(self.settings, ThrottledMapConfig) or self.settings.source == "s3"

    @property
    def batch_limits(self) -> BatchLimits:
        """How much of a list one of its children takes."""
        match self.settings:
            case DistributedMapConfig(maxItemsPerBatch=items, maxInputBytesPerBatch=input_bytes):
                return BatchLimits(items, input_bytes, f"{self.name}.maxInputBytesPerBatch")
        source = f"{PAYLOAD_BYTES_LIMIT:,} of Step Functions, less {BYTES_BESIDE_ITEM:,} for its message"
        return BatchLimits(1, PAYLOAD_BYTES_LIMIT - BYTES_BESIDE_ITEM, source)

    def key_of(self, given: GivenList) -> str:
        """Name the object that a list becomes."""
        return given.key or self.settings.key

    def find_mismatch(self, given: GivenList) -> str | None:
        """Say why the workflow, as it is configured, does not read a list of this format; None if it does."""
        deploy = f"deploy with `npx cdk deploy {self.stack}`"
        if not self.reads_s3:
            return (
                f"{self.name}.source of {given.config_path} is dynamodb: load the list with "
                f"`python utils/load-ddb.py --json FILE`, or set that to s3 and {deploy}"
            )
        wanted = self.settings.format
        if given.list_format != wanted:
            return (
                f"{given.path} is {given.list_format}, and {self.name}.format of {given.config_path} is "
                f"{wanted}: set that to {given.list_format} and {deploy}, "
                f"or convert the list to {wanted} (--format says what a file is whatever its suffix)"
            )
        return None

    def warnings(self, given: GivenList, report: ListReport) -> list[str]:
        """Say what may surprise."""
        key = self.key_of(given)
        warnings, suffix = [], Path(key).suffix
        if FORMATS.get(suffix.lower(), report.list_format) != report.list_format:
            warnings.append(
                f"{given.path} is {report.list_format}, and its key {key} ends in {suffix}: "
                f"give another --key, or set {self.name}.key"
            )
        if not report.items:
            warnings.append(
                f"{given.path}: the list is empty: an execution succeeds with a summary of 0 items"
            )
        return warnings

    def report_lines(self, report: ListReport) -> list[str]:
        """Show what was checked: sizes, the largest item, what an execution makes of the list."""
        children, made = "children", f"  children {report.batches:,}, each for one item"
        if isinstance(self.settings, DistributedMapConfig):
            limits = self.batch_limits
            batch = f"{limits.items:,} items and {limits.input_bytes:,} bytes"
            children, made = "batches", f"  batches  {report.batches:,}, each of at most {batch}"
        max_concurrency = self.settings.maxConcurrency
        at_once = children_at_once(report.batches, max_concurrency)
        return [
            *report.lines(),
            made,
            f"  at once  {at_once:,} of the {children} (maxConcurrency {max_concurrency:,})",
        ][: 4 if report.items else 1]

    def next_lines(
        self,
        given: GivenList,
        version_id: str | None,  # noqa: ARG002 - it makes the name of a job
    ) -> list[str]:
        """Name the command that runs the workflow over another object than the configured one."""
        key = self.key_of(given)
        if key == self.settings.key:
            return []
        command = ["--workflow", self.name, "--input", json.dumps({"key": key}), *given.session_arguments]
        return [f"run it with: python utils/run.py {shlex.join(command)}"]


def choose_workflow(config: Config, name: str | None) -> ListWorkflow | JobListWorkflow:
    """Return the named workflow, else the first configured one that reads S3, else `distributedMap`."""
    if name == JobListWorkflow.name:
        return JobListWorkflow(config.queueFanIn)
    if name is not None:
        return ListWorkflow(name, getattr(config, name))
    configured = (choose_workflow(config, given) for given in config.workflows if given in S3_WORKFLOWS)
    fallback = ListWorkflow("distributedMap", config.distributedMap)
    return next((workflow for workflow in configured if workflow.reads_s3), fallback)
