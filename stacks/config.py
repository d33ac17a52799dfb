"""The configuration: config.json as frozen, validated models.

The only reader of that file. Run as a program it prints the JSON schema that
config.schema.json holds: ``python -m stacks.config > config.schema.json``.
"""

import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

INLINE_MAP_CONCURRENCY_LIMIT = 40
"""Iterations that AWS runs at once in an inline Map (Step Functions quotas)."""

MAX_SECONDS = 99_999_999
"""Longest wait and longest timeout (Amazon States Language)."""

WorkflowName = Literal["fanOut"]
Seconds = Annotated[int, Field(strict=True, le=MAX_SECONDS)]


class ConfigError(Exception):
    """config.json cannot be used; the message names the file, the key, the value and what is allowed."""


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class DdbConfig(_Section):
    """The DynamoDB item that holds the list."""

    tableName: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{3,255}$")] = Field(
        "StepFunctionsProjectDDBTable",
        description="Name of the table: 3 to 255 letters, digits, '_', '-' and '.'.",
    )
    partitionKeyName: Annotated[str, Field(min_length=1, max_length=255)] = Field(
        "mapstatelist", description="Name of the table's partition key, a string."
    )
    partitionKeyValueField: Annotated[str, Field(min_length=1, max_length=2048)] = Field(
        "mapitems", description="Key of the one item that holds the list, in its attribute 'values'."
    )


class StepfuncConfig(_Section):
    """How the list is fanned out."""

    maxConcurrency: Annotated[int, Field(ge=0)] = Field(
        1,
        description="Items processed at once; 0 means as many as AWS allows, "
        f"which is {INLINE_MAP_CONCURRENCY_LIMIT} in an inline Map.",
    )
    waitDurationSeconds: Annotated[Seconds, Field(ge=0)] = Field(
        2, description="Seconds that each item waits before it is processed; 0 means no wait."
    )
    timeoutDurationSeconds: Annotated[Seconds, Field(ge=1)] = Field(
        20, description="Seconds after which an execution ends TIMED_OUT."
    )
    onItemFailure: Literal["fail", "continue"] = Field(
        "fail",
        description="What a failed item does: 'fail' ends the execution and names the item, "
        "'continue' records the error in the item's place in the results.",
    )


class Config(_Section):
    """The whole of config.json. A section that is missing has its defaults."""

    workflows: Annotated[tuple[WorkflowName, ...], Field(min_length=1, strict=False)] = Field(
        ("fanOut",), description="The workflows to deploy, one stack each."
    )
    production: bool = Field(
        False,
        description="true keeps the data when the stack goes: RETAIN, point-in-time recovery, deletion protection.",
    )
    ddb: DdbConfig = DdbConfig()
    stepfunc: StepfuncConfig = StepfuncConfig()


def load_config(path: Path) -> Config:
    """Read and validate a configuration file.

    Raises
    ------
    ConfigError
        The file cannot be read, is not JSON, or holds a key or a value that
        is not allowed; one line for each.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8 text, at byte {error.start}") from error
    except json.JSONDecodeError as error:
        raise ConfigError(f"{path}:{error.lineno}:{error.colno}: is not JSON: {error.msg}") from error
    if isinstance(content, dict):
        content.pop("$schema", None)
    try:
        return Config.model_validate(content)
    except ValidationError as error:
        lines = [_describe(path, problem) for problem in error.errors(include_url=False)]
        raise ConfigError("\n".join(lines)) from error


def _describe(path: Path, problem: Any) -> str:
    """One validation problem as one line: file, key, value, what is allowed."""
    key = ".".join(str(part) for part in problem["loc"]) or "the file"
    if problem["type"] == "extra_forbidden":
        model = _section_at(problem["loc"][:-1])
        return f"{path}: {key} is not a known key; known are {', '.join(model.model_fields)}"
    value = json.dumps(problem["input"], ensure_ascii=False, default=str)
    if len(value) > 80:
        value = value[:77] + "..."
    allowed = problem["msg"].removeprefix("Input should be ").removeprefix("Value should have ")
    return f"{path}: {key} is {value}; allowed is {allowed}"


def _section_at(location: tuple[str | int, ...]) -> type[BaseModel]:
    model: type[BaseModel] = Config
    for part in location:
        annotation = model.model_fields[str(part)].annotation
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            break
        model = annotation
    return model


def schema_text() -> str:
    """The text of config.schema.json: a JSON schema for editors."""
    schema = Config.model_json_schema()
    schema["properties"] = {"$schema": {"type": "string"}, **schema["properties"]}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    print(schema_text(), end="")
