"""An execution as the commands on its results need it: how it ended, and what its definition says."""

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from utils.aws import aws_errors
from utils.command import CommandError
from utils.watch.plain_json import error_text

if TYPE_CHECKING:
    from types_boto3_stepfunctions import SFNClient

ARN_FORM = re.compile(r"arn:[\w-]+:states:[\w-]+:\d{12}:(execution|express):[^:]+:[^:]+(:[^:]+)?")

WATCH = "python utils/run.py --execution-arn"


@dataclass(frozen=True)
class Execution:
    """What DescribeExecution says, as far as it is used."""

    arn: str
    name: str
    state_machine_arn: str
    status: str
    error: str | None
    cause: str | None
    redrive_status: str | None
    redrive_reason: str | None

    @property
    def end_text(self) -> str:
        """Say how the execution ended: ``FAILED: ListMissing: there is no list``."""
        reason = error_text(self.error, self.cause)
        return f"{self.status}: {reason}" if reason else self.status


@dataclass(frozen=True)
class ListReader:
    """Where a Distributed Map reads its items in S3."""

    bucket: str
    list_format: str
    csv_delimiter: str


@dataclass(frozen=True)
class DistributedMap:
    """Where a Distributed Map's items come from, a table if there is no reader, and where its results go."""

    reader: ListReader | None
    results_bucket: str
    results_prefix: str


def find_execution(client: "SFNClient", arn: str) -> Execution:
    """Look an execution up.

    Raises
    ------
    CommandError
        There is no such execution, it is a child of a Map Run or keeps no history, or AWS refuses.
    """
    form = ARN_FORM.fullmatch(arn)
    if form is None:
        raise CommandError(
            f"{arn or 'an empty text'} is not the ARN of an execution: "
            "it looks like arn:aws:states:eu-west-1:123456789012:execution:NAME:RUN"
        )
    if form[1] == "express":
        raise CommandError(f"{arn} is an EXPRESS execution, of which AWS keeps nothing: start a new one")
    with aws_errors(f"reading execution {arn}"):
        try:
            answer: Any = client.describe_execution(executionArn=arn)
        except ClientError as error:
            raise _as_reason(error, arn) from error
        if parent := answer.get("mapRunArn"):
            raise CommandError(f"{arn} is a child of {parent}: give the ARN of the execution that started it")
        return Execution(
            arn=answer["executionArn"],
            name=answer["name"],
            state_machine_arn=answer["stateMachineArn"],
            status=answer["status"],
            error=answer.get("error"),
            cause=answer.get("cause"),
            redrive_status=answer.get("redriveStatus"),
            redrive_reason=answer.get("redriveStatusReason"),
        )


def check_ended(execution: Execution) -> None:
    """Refuse an execution that still runs."""
    if execution.status == "RUNNING":
        raise CommandError(
            f"execution {execution.arn} is still running: wait for its end, or watch it with "
            f"`{WATCH} {execution.arn}`"
        )


def _as_reason(error: ClientError, arn: str) -> Exception:
    code = error.response["Error"].get("Code")
    if code == "ExecutionDoesNotExist":
        return CommandError(f"there is no execution {arn}: check the ARN, --profile and --region")
    if code == "InvalidArn":
        return CommandError(f"{arn} is not the ARN of an execution in this region: check it, and --region")
    return error


def find_distributed_map(definition: str) -> DistributedMap | None:
    """Find the Distributed Map of a definition; None if it has none.

    Raises
    ------
    CommandError
        It has one that is not this project's.
    """
    states = json.loads(definition)["States"].values()
    for state in states:
        if state.get("ItemProcessor", {}).get("ProcessorConfig", {}).get("Mode") == "DISTRIBUTED":
            try:
                return _distributed_map(state)
            except KeyError as error:
                raise CommandError(
                    f"the Distributed Map of this execution has no {error.args[0]}: "
                    "it is not this project's workflow `distributedMap` or `throttledMap`: "
                    "only their results can be read"
                ) from error
    return None


def _distributed_map(state: dict[str, Any]) -> DistributedMap:
    writer = _arguments(state["ResultWriter"])
    return DistributedMap(
        reader=_list_reader(state["ItemReader"]) if "Items" not in state else None,
        results_bucket=writer["Bucket"],
        results_prefix=writer["Prefix"].rstrip("/"),
    )


def _list_reader(reader: dict[str, Any]) -> ListReader:
    config = reader["ReaderConfig"]
    return ListReader(
        bucket=_arguments(reader)["Bucket"],
        list_format=config["InputType"].lower(),
        csv_delimiter=config.get("CSVDelimiter", "COMMA"),
    )


def _arguments(part: dict[str, Any]) -> Any:
    return part.get("Arguments") or part["Parameters"]
