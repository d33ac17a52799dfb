"""The configuration: config.json as frozen, validated models.

The only reader of that file. Run as a program it prints the JSON schema that config.schema.json holds:
``python -m stacks.config > config.schema.json``.
"""

import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic.json_schema import GenerateJsonSchema

from stacks.config_errors import describe
from stacks.json_file import JsonFileError, read_json

INLINE_MAP_CONCURRENCY_LIMIT = 40
"""Iterations that AWS runs at once in an inline Map (Step Functions quotas)."""

MAX_SECONDS = 99_999_999
"""Longest wait and longest timeout (Amazon States Language)."""

LIST_ATTRIBUTE = "values"
"""The attribute of the table's item that holds the list."""

MAX_KEY_NAME_BYTES = 255
MAX_KEY_VALUE_BYTES = 2048
"""Limits of a partition key in UTF-8 (DynamoDB quotas)."""

MAX_OBJECT_KEY_BYTES = 1024
"""Longest key of an object in UTF-8 (S3 guide, "Naming Amazon S3 objects")."""

MAX_CHILDREN_AT_ONCE = 10_000
"""Child workflow executions that AWS runs at once for a Distributed Map (Step Functions quotas)."""

MAX_BATCH_BYTES = 200 * 1024
"""Of the 256 KiB that a state's data may have; the rest is for how far the items of a batch have come."""

WorkflowName = Literal["fanOut", "distributedMap"]


class ConfigError(Exception):
    """config.json cannot be used; each argument is a line: the file, the key, the value, what is allowed."""

    def __init__(self, *lines: str) -> None:
        super().__init__(*lines)
        self.lines = lines

    def __str__(self) -> str:
        return "\n".join(self.lines)


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def _check_key_name(name: str) -> str:
    if not 1 <= len(name.encode()) <= MAX_KEY_NAME_BYTES or name == LIST_ATTRIBUTE or "${" in name:
        raise ValueError
    return name


def _check_key_value(value: str) -> str:
    if not 1 <= len(value.encode()) <= MAX_KEY_VALUE_BYTES or value.startswith("{%") or "${" in value:
        raise ValueError
    return value


def _check_object_key(key: str) -> str:
    if not 1 <= len(key.encode()) <= MAX_OBJECT_KEY_BYTES or "${" in key:
        raise ValueError
    return key


def _check_workflows(names: tuple[str, ...]) -> tuple[str, ...]:
    if not names or len(set(names)) < len(names):
        raise ValueError
    return names


class DdbConfig(_Section):
    """The DynamoDB item that holds the list."""

    tableName: str = Field(
        "StepFunctionsProjectDDBTable",
        description="Name of the table.",
        pattern=r"^[A-Za-z0-9_.-]{3,255}$",
        json_schema_extra={"errorMessage": "3 to 255 letters, digits, '_', '-' or '.'"},
    )
    partitionKeyName: Annotated[str, AfterValidator(_check_key_name)] = Field(
        "mapstatelist",
        description="Name of the table's partition key, a string.",
        json_schema_extra={
            "minLength": 1,
            "maxLength": MAX_KEY_NAME_BYTES,
            "not": {"anyOf": [{"const": LIST_ATTRIBUTE}, {"pattern": r"\$\{"}]},
            "errorMessage": f"text of 1 to {MAX_KEY_NAME_BYTES} bytes in UTF-8 without '${{', "
            f"other than '{LIST_ATTRIBUTE}', which holds the list",
        },
    )
    partitionKeyValueField: Annotated[str, AfterValidator(_check_key_value)] = Field(
        "mapitems",
        description=f"Key of the one item that holds the list, in its attribute '{LIST_ATTRIBUTE}'.",
        json_schema_extra={
            "minLength": 1,
            "maxLength": MAX_KEY_VALUE_BYTES,
            "not": {"pattern": r"^\{%|\$\{"},
            "errorMessage": f"text of 1 to {MAX_KEY_VALUE_BYTES} bytes in UTF-8 without '${{', "
            "that does not start with '{%', which Step Functions takes for an expression",
        },
    )


class StepfuncConfig(_Section):
    """How the list is fanned out."""

    maxConcurrency: int = Field(
        1,
        ge=0,
        description="Items processed at once; 0 means as many as AWS allows, "
        f"which is {INLINE_MAP_CONCURRENCY_LIMIT} in an inline Map.",
    )
    waitDurationSeconds: int = Field(
        2,
        ge=0,
        le=MAX_SECONDS,
        description="Seconds that each item waits before it is processed; 0 means no wait.",
    )
    timeoutDurationSeconds: int = Field(
        20, ge=1, le=MAX_SECONDS, description="Seconds after which an execution ends TIMED_OUT."
    )
    onItemFailure: Literal["fail", "continue"] = Field(
        "fail",
        description="What a failed item does: 'fail' ends the execution and names the item, "
        "'continue' records the error in the item's place in the results.",
    )


class MapConfig(_Section):
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


class Config(_Section):
    """The whole of config.json. A section that is missing has its defaults."""

    workflows: Annotated[tuple[WorkflowName, ...], AfterValidator(_check_workflows)] = Field(
        ("fanOut",),
        strict=False,
        description="The workflows to deploy, one stack each.",
        json_schema_extra={"minItems": 1, "uniqueItems": True},
    )
    production: bool = Field(
        False,
        description="true keeps the data when the stack goes: RETAIN, point-in-time recovery, "
        "deletion protection, versions of objects.",
    )
    ddb: DdbConfig = DdbConfig()
    stepfunc: StepfuncConfig = StepfuncConfig()
    distributedMap: DistributedMapConfig = DistributedMapConfig()


def load_config(path: Path) -> Config:
    """Read and validate a configuration file.

    Raises
    ------
    ConfigError
        The file cannot be read, is not JSON, or holds a key or a value that is not allowed: a line for each.
    """
    try:
        content = read_json(path)
        if isinstance(content, dict):
            content.pop("$schema", None)
        return _validate(path, content)
    except JsonFileError as error:
        raise ConfigError(str(error)) from error
    except RecursionError as error:
        raise ConfigError(f"{path}: is nested too deeply to be read") from error


def _validate(path: Path, content: object) -> Config:
    try:
        return Config.model_validate(content)
    except ValidationError as error:
        schema = _schema()
        problems = error.errors(include_url=False, include_context=False)
        lines = [describe(path, problem["loc"], problem["input"], schema) for problem in problems]
        raise ConfigError(*lines) from error


class _SchemaWithoutTitles(GenerateJsonSchema):
    def field_title_should_be_set(self, schema: object) -> bool:  # noqa: ARG002  named by the base class
        return False


def _schema() -> dict[str, Any]:
    return Config.model_json_schema(schema_generator=_SchemaWithoutTitles)


def schema_text() -> str:
    """Return the text of config.schema.json: a JSON schema for editors."""
    schema = _schema()
    schema["properties"] = {"$schema": {"type": "string"}, **schema["properties"]}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    print(schema_text(), end="")
