"""Executions over the Step Functions API: start one, and read its history while it grows."""

import secrets
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from utils.aws import aws_errors
from utils.command import CommandError
from utils.limits import PAYLOAD_BYTES_LIMIT
from utils.watch.history import EXECUTION_ENDS
from utils.watch.items import Event
from utils.watch.patience import READ_ERRORS, Patience, error_code

if TYPE_CHECKING:
    from types_boto3_stepfunctions import SFNClient

MAX_PAGE = 1000
MIN_PAGE = 100
"""Events a page of GetExecutionHistory: what AWS allows at most, and what is asked for at least."""

NAME_TAKEN = "ExecutionAlreadyExists"

NAME_RULE = '1 to 80 characters, no blanks, none of < > { } [ ] ? * " # % \\ ^ | ~ ` $ & , ; : /'
"""What StartExecution takes as a name (Step Functions API reference)."""


class NameTakenError(CommandError):
    """Another execution has the name."""


def execution_name() -> str:
    """Make a name for an execution, sorted by time.

    StartExecution with a name can be repeated safely; without one, a repeat
    after a lost answer starts a second execution.
    """
    return f"run-{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"


def start_execution(client: "SFNClient", state_machine_arn: str, execution_input: str, name: str) -> str:
    """Start an execution.

    Parameters
    ----------
    execution_input
        JSON text.

    Returns
    -------
    str
        ARN of the execution.

    Raises
    ------
    NameTakenError
        The name is that of another execution.
    CommandError
        The input is too large, the name is not allowed, there is no such state machine, or AWS
        refuses for another reason.
    """
    size_bytes = len(execution_input.encode())
    if size_bytes > PAYLOAD_BYTES_LIMIT:
        raise CommandError(
            f"the input has {size_bytes:,} bytes; Step Functions takes at most {PAYLOAD_BYTES_LIMIT:,}: "
            "give fewer or smaller items"
        )
    with aws_errors(f"starting an execution of {state_machine_arn}"):
        try:
            answer = client.start_execution(
                stateMachineArn=state_machine_arn, name=name, input=execution_input
            )
        except ClientError as error:
            if reason := _start_refusal(error_code(error), name):
                refusal = NameTakenError if error_code(error) == NAME_TAKEN else CommandError
                raise refusal(f"starting an execution of {state_machine_arn}: {reason}") from error
            raise
        return answer["executionArn"]


def _start_refusal(code: str, name: str) -> str | None:
    return {
        NAME_TAKEN: f"the name {name} is already taken: give another --name",
        "StateMachineDoesNotExist": "there is no such state machine: check the ARN, --profile and --region",
        "InvalidName": f"{name!r} is no name of an execution: allowed are {NAME_RULE}",
        "InvalidArn": "this is not the ARN of a state machine in this region: check it, and --region",
    }.get(code)


class HistoryReader:
    """Reads an execution's history from its end, so that a read costs as much as there is new."""

    def __init__(self, client: "SFNClient", execution_arn: str) -> None:
        self._client = client
        self._arn = execution_arn
        self._last_id = 0
        self._page_size = MAX_PAGE
        self.ended = False

    @property
    def has_events(self) -> bool:
        """Whether any event was read so far."""
        return self._last_id > 0

    def read_new(self) -> list[Event]:
        """Read the events since the last read.

        Returns
        -------
        list of Event
            In the order of their ids.
        """
        found: dict[int, Event] = {}
        more: dict[str, Any] = {}
        while True:
            page = self._client.get_execution_history(
                executionArn=self._arn, reverseOrder=True, maxResults=self._page_size, **more
            )
            found |= {event["id"]: event for event in page["events"] if event["id"] > self._last_id}
            reached_known = any(event["id"] <= self._last_id for event in page["events"])
            if reached_known or not page.get("nextToken"):
                break
            more = {"nextToken": page["nextToken"]}
        events = [found[event_id] for event_id in sorted(found)]
        self._page_size = min(MAX_PAGE, max(MIN_PAGE, 2 * len(events)))
        if events:
            self._last_id = events[-1]["id"]
            self.ended = events[-1]["type"] in EXECUTION_ENDS
        return events


def follow(
    client: "SFNClient",
    execution_arn: str,
    *,
    just_started: bool,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[list[Event]]:
    """Read an execution's history until its last event.

    Asks more seldom while nothing happens, backs off when throttled, and
    repeats a read that the network or the service failed.

    Parameters
    ----------
    just_started
        Whether an execution that AWS does not know may be one that it does
        not show yet.
    sleep
        Called with seconds between reads.

    Yields
    ------
    list of Event
        The new events of each read, also when there are none.

    Raises
    ------
    CommandError
        The execution does not exist or its history cannot be read.
    """
    reader, patience = HistoryReader(client, execution_arn), Patience()
    with aws_errors(f"reading the history of {execution_arn}"):
        while not reader.ended:
            events: list[Event] = []
            try:
                events = reader.read_new()
            except READ_ERRORS as error:
                if not patience.lasts(error, known=just_started or reader.has_events):
                    raise _as_reason(error, execution_arn) from error
            else:
                patience.after_read(anything_new=bool(events))
            yield events
            if not reader.ended:
                sleep(patience.pause_seconds)


def _as_reason(error: Exception, execution_arn: str) -> Exception:
    """Say in this command's words what AWS says in the API's."""
    code = error_code(error)
    if code == "ExecutionDoesNotExist":
        return CommandError(f"there is no execution {execution_arn}: check the ARN, --profile and --region")
    if code == "InvalidArn":
        return CommandError(
            f"{execution_arn} is not the ARN of an execution in this region that keeps a history "
            "(EXPRESS executions keep none): check it, and --region"
        )
    return error
