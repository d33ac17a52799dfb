"""What the fields of a Distributed Map ask for, evaluated over its input."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from local.states.branch import Branch
from local.states.dataflow import Flow, show
from local.states.errors import PathError
from local.states.paths import compact

MAX_CHILD_INPUT_BYTES = 256 * 1024
"""Input of a child execution, in UTF-8 bytes of JSON (Step Functions quotas)."""


class ChildWorkflow(NamedTuple):
    """What a child execution of a Map Run runs."""

    definition: Mapping[str, Any]
    query_language: str
    express: bool


class Tolerance(NamedTuple):
    """How many items may fail: a number, a percentage from 0 to 100; 0 beside another value is not set."""

    failures: int
    percentage: float

    def is_exceeded(self, failed: int, total: int) -> bool:
        """Whether more items have failed than are tolerated."""
        over_count = failed > self.failures
        over_percentage = failed * 100 > self.percentage * total
        if self.failures and self.percentage:
            return over_count or over_percentage
        return over_percentage if self.percentage else over_count


class Batcher(NamedTuple):
    """How items are put into batches: the most items and bytes of one, and what each is given besides."""

    max_items: int | None
    max_bytes: int
    batch_input: str | None

    def fields(self) -> tuple[str, str]:
        """What stands before the items and after them in the input of a child."""
        head = "" if self.batch_input is None else f'"BatchInput":{self.batch_input},'
        return f'{{{head}"Items":[', "]}"


class Reader(NamedTuple):
    """Where the items are read from; ``max_items`` 0 reads them all."""

    resource: str
    arguments: Mapping[str, Any]
    config: Mapping[str, Any]
    max_items: int


class Writer(NamedTuple):
    """Where and how results are written; without a bucket they are only transformed."""

    bucket: str | None
    prefix: str
    output_type: str
    transformation: str | None


def tolerance_of(flow: Flow) -> Tolerance:
    """The tolerated failures of a Map.

    Raises
    ------
    PathError
        A value is out of its range.
    """
    count = _whole_number(flow, "ToleratedFailureCount")
    percentage = flow.field("ToleratedFailurePercentage", "number", 0, noun="float")
    check_tolerance(count, percentage)
    return Tolerance(count or 0, percentage)


def check_tolerance(count: int | None, percentage: float | None) -> None:
    """Refuse tolerated failures out of their range with a `PathError`."""
    if count is not None and count < 0:
        raise PathError("ToleratedFailureCount cannot be negative.")
    if percentage is not None and not 0 <= percentage <= 100:
        raise PathError("ToleratedFailurePercentage must be between 0 and 100.")


def reader_of(branch: Branch, state: Mapping[str, Any], flow: Flow) -> Reader | None:
    """The ItemReader of a Map, if it has one."""
    reader = state.get("ItemReader")
    if reader is None:
        return None
    config = reader.get("ReaderConfig", {})
    max_items = _whole_number(_nested(branch, config, flow), "MaxItems") or 0
    return Reader(reader["Resource"], _arguments(branch, reader, flow), config, max_items)


def batcher_of(branch: Branch, state: Mapping[str, Any], flow: Flow) -> Batcher | None:
    """The ItemBatcher of a Map, if it has one.

    Raises
    ------
    PathError
        A limit is no positive number, or more bytes than an input may have.
    """
    batcher = state.get("ItemBatcher")
    if batcher is None:
        return None
    fields = _nested(branch, batcher, flow)
    max_items = _positive(fields, "MaxItemsPerBatch")
    max_bytes = _positive(fields, "MaxInputBytesPerBatch") or MAX_CHILD_INPUT_BYTES
    if max_bytes > MAX_CHILD_INPUT_BYTES:
        raise PathError(f"MaxInputBytesPerBatch must be at most {MAX_CHILD_INPUT_BYTES} but was: {max_bytes}")
    template = batcher.get("BatchInput")
    batch_input = None if template is None else compact(flow.item(template, branch.context))
    return Batcher(max_items, max_bytes, batch_input)


def writer_of(branch: Branch, state: Mapping[str, Any], flow: Flow) -> Writer | None:
    """The ResultWriter of a Map, if it has one.

    Raises
    ------
    PathError
        Bucket or Prefix is no string.
    """
    writer = state.get("ResultWriter")
    if not writer:
        return None
    arguments = _arguments(branch, writer, flow)
    config = writer.get("WriterConfig", {})
    bucket, prefix = arguments.get("Bucket"), arguments.get("Prefix", "")
    if "Resource" in writer and not (bucket and isinstance(bucket, str) and isinstance(prefix, str)):
        raise PathError("The ResultWriter needs a Bucket, and may have a Prefix: both are strings.")
    return Writer(
        bucket,
        prefix.strip("/"),
        config.get("OutputType", "JSON"),
        config.get("Transformation"),
    )


def _arguments(branch: Branch, holder: Mapping[str, Any], flow: Flow) -> Mapping[str, Any]:
    template = holder.get("Arguments", holder.get("Parameters", {}))
    arguments: Mapping[str, Any] = flow.item(template, branch.context)
    return arguments


def _nested(branch: Branch, holder: Mapping[str, Any], flow: Flow) -> Flow:
    """The data flow of an object inside the state, in the state's query language."""
    return type(flow)(branch, holder, flow.read())


def _positive(flow: Flow, name: str) -> int | None:
    value = _whole_number(flow, name)
    if value is not None and value < 1:
        raise PathError(f"{name} must be a positive integer but was: {value}")
    return value


def _whole_number(flow: Flow, name: str) -> int | None:
    value = flow.field(name, "number")
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, float):
        raise PathError(flow.not_a(name, "integer", show(value)))
    return value  # type: ignore[no-any-return]
