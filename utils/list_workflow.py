"""The workflows that read their list from S3, and what is different about a list for each."""

from dataclasses import dataclass
from pathlib import Path

from stacks.config import Config
from stacks.config_maps import DistributedMapConfig, MapConfig, ThrottledMapConfig
from utils.aws import stack_name
from utils.limits import BYTES_BESIDE_ITEM, PAYLOAD_BYTES_LIMIT
from utils.list_check import BatchLimits, ListReport, children_at_once

S3_WORKFLOWS = tuple(
    name
    for name, field in Config.model_fields.items()
    if isinstance(field.annotation, type) and issubclass(field.annotation, MapConfig)
)
"""By name, which is also that of their section of config.json."""


@dataclass(frozen=True)
class ListWorkflow:
    """A workflow by name, and its section of config.json."""

    name: str
    settings: DistributedMapConfig | ThrottledMapConfig

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

    def find_mismatch(self, path: Path, list_format: str, config_path: Path) -> str | None:
        """Say why the workflow, as it is configured, does not read a list of this format; None if it does."""
        deploy = f"deploy with `npx cdk deploy {self.stack}`"
        if not self.reads_s3:
            return (
                f"{self.name}.source of {config_path} is dynamodb: load the list with "
                f"`python utils/load-ddb.py --json FILE`, or set that to s3 and {deploy}"
            )
        wanted = self.settings.format
        if list_format != wanted:
            return (
                f"{path} is {list_format}, and {self.name}.format of {config_path} is {wanted}: "
                f"set that to {list_format} and {deploy}, "
                f"or convert the list to {wanted} (--format says what a file is whatever its suffix)"
            )
        return None

    def report_lines(self, report: ListReport) -> list[str]:
        """Show what was checked: sizes, the largest item, what an execution makes of the list."""
        children, made = "children", f"  children {report.batches:,}, each for one item"
        if isinstance(self.settings, DistributedMapConfig):
            limits = self.batch_limits
            batch = f"{limits.items:,} items and {limits.input_bytes:,} bytes"
            children, made = "batches", f"  batches  {report.batches:,}, each of at most {batch}"
        max_concurrency = self.settings.maxConcurrency
        at_once = children_at_once(report.batches, max_concurrency)
        largest = f"{report.largest_bytes:,} byte{'' if report.largest_bytes == 1 else 's'}"
        return [
            f"  file     {report.list_format}, {report.file_bytes:,} bytes",
            f"  largest  item [{report.largest_index}], {largest}",
            made,
            f"  at once  {at_once:,} of the {children} (maxConcurrency {max_concurrency:,})",
        ][: 4 if report.items else 1]


def choose_workflow(config: Config, name: str | None) -> ListWorkflow:
    """Return the named workflow, else the first configured one that reads S3, else `distributedMap`."""
    if name is not None:
        return ListWorkflow(name, getattr(config, name))
    configured = (choose_workflow(config, given) for given in config.workflows if given in S3_WORKFLOWS)
    fallback = ListWorkflow("distributedMap", config.distributedMap)
    return next((workflow for workflow in configured if workflow.reads_s3), fallback)
