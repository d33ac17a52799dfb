"""The configuration: config.json as frozen, validated models.

The only reader of that file. Run as a program it prints the JSON schema that config.schema.json holds:
``python -m stacks.config > config.schema.json``.
"""

import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationError
from pydantic.json_schema import GenerateJsonSchema

from stacks.config_errors import describe
from stacks.config_maps import DistributedMapConfig, ThrottledMapConfig
from stacks.config_orders import OrderProcessingConfig
from stacks.config_queue import QueueFanInConfig
from stacks.config_section import MAX_SECONDS, Section
from stacks.json_file import JsonFileError, read_json

INLINE_MAP_CONCURRENCY_LIMIT = 40
"""Iterations that AWS runs at once in an inline Map (Step Functions quotas)."""

LIST_ATTRIBUTE = "values"
"""The attribute of the table's item that holds the list."""

MAX_KEY_NAME_BYTES = 255
MAX_KEY_VALUE_BYTES = 2048
"""Limits of a partition key in UTF-8 (DynamoDB quotas)."""

MAX_PROBLEMS = 20
"""Lines said of one file."""

WorkflowName = Literal["fanOut", "distributedMap", "throttledMap", "orderProcessing", "queueFanIn"]


class ConfigError(Exception):
    """config.json cannot be used; each argument is a line: the file, the key, the value, what is allowed."""

    def __init__(self, *lines: str) -> None:
        super().__init__(*lines)
        self.lines = lines

    def __str__(self) -> str:
        return "\n".join(self.lines)


def _check_key_name(name: str) -> str:
    if not 1 <= len(name.encode()) <= MAX_KEY_NAME_BYTES or name == LIST_ATTRIBUTE or "${" in name:
        raise ValueError
    return name


def _check_key_value(value: str) -> str:
    if not 1 <= len(value.encode()) <= MAX_KEY_VALUE_BYTES or value.startswith("{%") or "${" in value:
        raise ValueError
    return value


def _check_workflows(names: tuple[str, ...]) -> tuple[str, ...]:
    if not names or len(set(names)) < len(names):
        raise ValueError
    return names


class DdbConfig(Section):
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


class StepfuncConfig(Section):
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


class Config(Section):
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
    throttledMap: ThrottledMapConfig = ThrottledMapConfig()
    orderProcessing: OrderProcessingConfig = OrderProcessingConfig()
    queueFanIn: QueueFanInConfig = QueueFanInConfig()


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
        config = Config.model_validate(content)
    except ValidationError as error:
        schema = _schema()
        problems = error.errors(include_url=False, include_context=False)
        lines = [describe(path, each["loc"], each["input"], schema) for each in problems[:MAX_PROBLEMS]]
        if more := len(problems[MAX_PROBLEMS:]):
            lines.append(f"{path}: and {more:,} more like these")
        raise ConfigError(*lines) from error
    if config.throttledMap.source == "dynamodb" and "fanOut" not in config.workflows:
        raise ConfigError(
            f'{path}: throttledMap.source = "dynamodb": allowed is "s3", unless workflows has fanOut, '
            "which has the table"
        )
    return config


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
