"""Starts a new execution over the items of another one that failed."""

import hashlib
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

from utils.aws import aws_errors
from utils.command import CommandError
from utils.limits import PAYLOAD_BYTES_LIMIT
from utils.list_bucket import CONTENT_TYPES, PART_BYTES, Target
from utils.load_plan import items_text
from utils.rows.execution import WATCH, Execution, ListReader, find_distributed_map
from utils.rows.failed_list import list_file
from utils.rows.progress import with_progress
from utils.rows.row import Row
from utils.rows.source import RowCounts, RowSource, open_rows
from utils.watch.executions import NameTakenError, start_execution

if TYPE_CHECKING:
    from types_boto3_stepfunctions import SFNClient

MAX_NAME_CHARACTERS = 80
"""Of an execution (StartExecution in the Step Functions API reference)."""

SUFFIX = "-failed-items"


def again_name(name: str) -> str:
    """Name the execution over the failed items of another one: always the same name for it."""
    if len(name) + len(SUFFIX) <= MAX_NAME_CHARACTERS:
        return name + SUFFIX
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{name[: MAX_NAME_CHARACTERS - len(SUFFIX) - 9]}-{digest}{SUFFIX}"


class FailedItems:
    """The failed items of an execution, and the new execution that processes them.

    Parameters
    ----------
    session, client
        Of the AWS account, and of its Step Functions.
    execution
        One that has ended.
    with_pending
        Whether the items that were not processed are processed with them.
    """

    def __init__(
        self, session: boto3.Session, client: "SFNClient", execution: Execution, *, with_pending: bool
    ) -> None:
        self._session = session
        self._client = client
        self._execution = execution
        self._statuses = {"failed", "pending"} if with_pending else {"failed"}
        self._name = again_name(execution.name)
        self._arn = f"{execution.arn.rpartition(':')[0]}:{self._name}"
        self._counts = RowCounts()

    def process(self, *, dry_run: bool) -> list[str]:
        """Start the new execution, or say what would be done.

        Returns
        -------
        list of str
            What was done, a line each.

        Raises
        ------
        CommandError
            It was done before, the items cannot be read or are too large, or AWS refuses.
        """
        self._check_not_started()
        with open_rows(self._session, self._client, self._execution) as source:
            if source.distributed_map is None:
                given, where = self._inline_input(source)
            else:
                given, where = self._upload(source, dry_run=dry_run)
        chosen, note = self._chosen_text(source.total)
        if not chosen:
            return [f"no item of execution {self._execution.name} failed: nothing started", *note]
        if dry_run:
            return [f"would start execution {self._name} over {chosen}{where}", *note]
        try:
            arn = start_execution(self._client, self._execution.state_machine_arn, given, self._name)
        except NameTakenError as error:
            # Another command was faster.
            raise self._started_before() from error
        return [f"started {arn} over {chosen}{where}", *note, f"watch it: {WATCH} {arn}"]

    def _check_not_started(self) -> None:
        with aws_errors(f"reading execution {self._arn}"):
            try:
                self._client.describe_execution(executionArn=self._arn)
            except ClientError as error:
                if error.response["Error"].get("Code") == "ExecutionDoesNotExist":
                    return
                raise
        raise self._started_before()

    def _started_before(self) -> CommandError:
        return CommandError(
            f"the failed items of {self._execution.name} were started before, as {self._arn}: "
            "see that execution; what failed in it can be processed again in the same way"
        )

    def _choose(self, source: RowSource) -> Iterator[Row]:
        for row in with_progress(source.rows, "collecting the items", source.total):
            self._counts.add(row)
            if row.status in self._statuses:
                yield row

    def _inline_input(self, source: RowSource) -> tuple[str, str]:
        given = f'{{"items": [{", ".join(row.item for row in self._choose(source))}]}}'
        size_bytes = len(given.encode(errors="backslashreplace"))
        if size_bytes > PAYLOAD_BYTES_LIMIT:
            raise CommandError(
                f"the items to process again make an input of {size_bytes:,} bytes, and Step Functions takes "
                f"at most {PAYLOAD_BYTES_LIMIT:,}: load them as a list of their own with utils/load-ddb.py "
                f"(`python utils/results.py {self._execution.arn} --out rows.jsonl` has them)"
            )
        return given, ""

    def _upload(self, source: RowSource, *, dry_run: bool) -> tuple[str, str]:
        reader = self._current_reader()
        items = (row.item for row in self._choose(source))
        with list_file(items, reader.list_format, reader.csv_delimiter) as file:
            key = f"redrives/{self._execution.name}.{reader.list_format}"
            target = Target(reader.bucket, key)
            if not dry_run and self._counts.any_of(self._statuses):
                self._put(file, target, CONTENT_TYPES[reader.list_format])
        return json.dumps({"key": key}, ensure_ascii=False), f", listed in {target}"

    def _current_reader(self) -> ListReader:
        """Read what the state machine reads now, which a deployment can have changed since the execution."""
        arn = self._execution.state_machine_arn
        with aws_errors(f"reading state machine {arn}"):
            answer = self._client.describe_state_machine(stateMachineArn=arn)
            found = find_distributed_map(answer["definition"])
        if found is None:
            raise CommandError(f"state machine {arn} has no Distributed Map any more: deploy it again")
        if found.reader is None:
            raise CommandError(
                f"state machine {arn} reads its list from a table: load the failed items with "
                f"utils/load-ddb.py (`python utils/results.py {self._execution.arn} --out rows.jsonl` "
                "has them)"
            )
        return found.reader

    def _put(self, file: BinaryIO, target: Target, content_type: str) -> None:
        with aws_errors(f"writing the list of failed items to {target}"):
            self._session.client("s3").upload_fileobj(
                file,
                target.bucket,
                target.key,
                ExtraArgs={"ContentType": content_type},
                Config=TransferConfig(
                    multipart_threshold=PART_BYTES,
                    multipart_chunksize=PART_BYTES,
                    preferred_transfer_client="classic",
                ),
            )

    def _chosen_text(self, total: int) -> tuple[str, list[str]]:
        """Say which items are chosen, empty if none, and, in lines, which are not."""
        counts, notes = self._counts, []
        chosen = counts.any_of(self._statuses)
        text = f"{items_text(chosen)}" if chosen else ""
        if chosen and "pending" in self._statuses and counts.pending:
            text += f" ({counts.failed:,} failed, {counts.pending:,} not processed)"
        elif "pending" not in self._statuses and counts.pending:
            notes.append(
                f"note: {items_text(counts.pending)} left out that the execution did not process: "
                f"`python utils/redrive.py {self._execution.arn}` goes on with them"
            )
        if lost := counts.without_row(total):
            notes.append(f"note: {items_text(lost)} left no result and cannot be chosen")
        return text, notes
