"""The sections of the workflows with a Distributed Map."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationInfo

from stacks.config_section import MAX_SECONDS, Section

MAX_OBJECT_KEY_BYTES = 1024
"""Longest key of an object in UTF-8 (S3 guide, "Naming Amazon S3 objects")."""

MAX_CHILDREN_AT_ONCE = 10_000
"""Child workflow executions that AWS runs at once for a Distributed Map (Step Functions quotas)."""

MAX_BATCH_BYTES = 200 * 1024
"""Of the 256 KiB that a state's data may have; the rest is for how far the items of a batch have come."""

MAX_WORKERS_AT_ONCE = 1000
"""Largest maximum concurrency of a queue's event source (Lambda guide, "Using Lambda with Amazon SQS")."""

MAX_STARTS_PER_SECOND = 1000
"""Each start is a write to the same item of a table, and DynamoDB takes 1,000 of those (DynamoDB quotas)."""


MIN_STARTS_PER_SECOND = 0.001
"""One in about as long as a function may run at most: no worker waits for a slower turn."""


def _check_pace(per_second: float) -> float:
    if 0 < per_second < MIN_STARTS_PER_SECOND:
        raise ValueError
    return per_second


def _check_object_key(key: str) -> str:
    if not 1 <= len(key.encode()) <= MAX_OBJECT_KEY_BYTES or "${" in key:
        raise ValueError
    return key


def _check_field_name(name: str) -> str:
    if not name or "${" in name:
        raise ValueError
    return name


def _check_heartbeat(seconds: int, info: ValidationInfo) -> int:
    if seconds >= info.data.get("itemTimeoutSeconds", MAX_SECONDS):
        raise ValueError
    return seconds


class MapConfig(Section):
    """What the workflows with a Distributed Map have in common."""

    key: Annotated[str, AfterValidator(_check_object_key)] = Field(
        "lists/items.jsonl",
        description="Key of the list in the lists bucket; an execution's input may name another.",
        json_schema_extra={
            "minLength": 1,
            "maxLength": MAX_OBJECT_KEY_BYTES,
            "not": {"pattern": r"\$\{"},
            "errorMessage": f"text of 1 to {MAX_OBJECT_KEY_BYTES} bytes in UTF-8 without '${{'",
        },
    )
    format: Literal["json", "jsonl", "csv"] = Field(
        "jsonl",
        description="Format of the list: 'json' is an array, 'jsonl' an item a line, "
        "'csv' an item a row, with the names of the columns in the first.",
    )
    maxConcurrency: int = Field(
        1000,
        ge=0,
        le=MAX_CHILDREN_AT_ONCE,
        description="Child workflow executions at once, each of which processes a batch; "
        f"0 means as many as AWS allows, which is {MAX_CHILDREN_AT_ONCE}.",
    )
    childType: Literal["EXPRESS", "STANDARD"]
    maxAttempts: int = Field(3, ge=1, le=10, description="How often an item is tried before it has failed.")
    toleratedFailurePercentage: float = Field(
        0,
        ge=0,
        le=100,
        allow_inf_nan=False,
        description="Failed items that an execution tolerates, in percent of all; 0 beside a "
        "toleratedFailureCount means that there is no such limit.",
    )
    toleratedFailureCount: int = Field(
        0,
        ge=0,
        description="Failed items that an execution tolerates; 0 beside a toleratedFailurePercentage means "
        "that there is no such limit. With both 0, none is tolerated.",
    )
    timeoutDurationSeconds: int = Field(
        3600, ge=1, le=MAX_SECONDS, description="Seconds after which an execution ends TIMED_OUT."
    )


class DistributedMapConfig(MapConfig):
    """How a list in S3 is fanned out, in batches."""

    childType: Literal["EXPRESS", "STANDARD"] = Field(
        "EXPRESS",
        description="Type of the execution that processes a batch: 'EXPRESS' costs less and ends after "
        "5 minutes, 'STANDARD' has a history of its own.",
    )
    maxItemsPerBatch: int = Field(100, ge=1, le=1000, description="Items in a batch, at most.")
    maxInputBytesPerBatch: int = Field(
        MAX_BATCH_BYTES, ge=1024, le=MAX_BATCH_BYTES, description="Bytes of a batch as JSON, at most."
    )


class ThrottledMapConfig(MapConfig):
    """How a list is fanned out whose marked items go through a queue."""

    source: Literal["s3", "dynamodb"] = Field(
        "s3",
        description="Where the list is: 's3' is the lists bucket, 'dynamodb' the item of 'ddb', whose table "
        "the workflow 'fanOut' has.",
    )
    childType: Literal["STANDARD"] = Field(
        "STANDARD",
        description="Type of the execution that processes an item; an Express one cannot wait for the queue.",
        json_schema_extra={"errorMessage": "only STANDARD, since an EXPRESS child cannot wait for a token"},
    )
    throttledField: Annotated[str, AfterValidator(_check_field_name)] = Field(
        "throttled",
        description="Name of the field that marks an item for the queue by being true.",
        json_schema_extra={
            "minLength": 1,
            "not": {"pattern": r"\$\{"},
            "errorMessage": "text of 1 character or more without '${'",
        },
    )
    workerMaxConcurrency: int = Field(
        2, ge=2, le=MAX_WORKERS_AT_ONCE, description="Items of the queue that are processed at once, at most."
    )
    maxPerSecond: Annotated[float, AfterValidator(_check_pace)] = Field(
        0,
        ge=0,
        le=MAX_STARTS_PER_SECOND,
        allow_inf_nan=False,
        description="Items of the queue that are started in a second, at most; 0 means as they come.",
        json_schema_extra={
            "not": {"exclusiveMinimum": 0, "exclusiveMaximum": MIN_STARTS_PER_SECOND},
            "errorMessage": f"0, or a number from {MIN_STARTS_PER_SECOND} to {MAX_STARTS_PER_SECOND}",
        },
    )
    itemTimeoutSeconds: int = Field(
        300,
        ge=2,
        le=MAX_SECONDS,
        description="Seconds after which an item that was sent to the queue has failed, its wait included.",
    )
    heartbeatSeconds: Annotated[int, AfterValidator(_check_heartbeat)] = Field(
        60,
        ge=1,
        validate_default=True,
        description="Seconds without a sign of life after which an attempt has failed. They begin when the "
        "item is sent, so this must be longer than an item waits in the queue.",
        json_schema_extra={"errorMessage": "a whole number from 1, and less than itemTimeoutSeconds"},
    )
    maxReceiveCount: int = Field(
        3,
        ge=1,
        le=1000,
        description="How often a message is received before it goes to the dead-letter queue and its item "
        "has failed.",
    )
