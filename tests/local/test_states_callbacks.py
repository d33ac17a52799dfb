"""Task tokens, heartbeats and activities."""

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from state_machines import StepFunctions, machine, wait_for

PASS = {"Type": "Pass"}


@pytest.fixture(scope="module")
def states(new_account: Callable[[], dict[str, str]]) -> StepFunctions:
    return StepFunctions(new_account())


class Queue:
    """A queue that receives task tokens."""

    def __init__(self, states: StepFunctions) -> None:
        self._sqs = states.client("sqs")
        self.url = self._sqs.create_queue(QueueName="tokens")["QueueUrl"]

    def task(self, **fields: Any) -> dict[str, Any]:
        body = {"token.$": "$$.Task.Token", "n.$": "$.n"}
        return {
            "Type": "Task",
            "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
            "Parameters": {"QueueUrl": self.url, "MessageBody": body},
            **fields,
        }

    def receive(self) -> dict[str, Any]:
        def take() -> dict[str, Any] | None:
            messages = self._sqs.receive_message(QueueUrl=self.url).get("Messages", [])
            for message in messages:
                self._sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
            return json.loads(messages[0]["Body"]) if messages else None

        return wait_for(take, "a message")


@pytest.fixture(scope="module")
def queue(states: StepFunctions) -> Queue:
    return Queue(states)


def test_success(states: StepFunctions, queue: Queue) -> None:
    arn = states.start(machine(Ask=queue.task()), {"n": 1})
    message = queue.receive()
    assert message["n"] == 1
    states.api.send_task_success(taskToken=message["token"], output='{"answer": 42}')
    outcome = states.wait(arn)
    assert outcome.output == {"answer": 42}
    assert outcome.types[2:6] == ["TaskScheduled", "TaskStarted", "TaskSubmitted", "TaskSucceeded"]
    assert outcome.details("TaskScheduled")[0]["resource"] == "sendMessage.waitForTaskToken"


def test_failure(states: StepFunctions, queue: Queue) -> None:
    arn = states.start(machine(Ask=queue.task()), {"n": 1})
    states.api.send_task_failure(taskToken=queue.receive()["token"], error="No", cause="not today")
    outcome = states.wait(arn)
    assert (outcome.error, outcome.cause) == ("No", "not today")
    assert outcome.types[4:] == ["TaskSubmitted", "TaskFailed", "ExecutionFailed"]


def test_answer_after_the_timeout(states: StepFunctions, queue: Queue) -> None:
    """The task has timed out; the late answer is refused, however often it comes."""
    arn = states.start(machine(Ask=queue.task(TimeoutSeconds=1)), {"n": 1})
    token = queue.receive()["token"]
    outcome = states.wait(arn)
    assert outcome.error == "States.Timeout"
    for answer in (
        lambda: states.api.send_task_success(taskToken=token, output="1"),
        lambda: states.api.send_task_failure(taskToken=token),
        lambda: states.api.send_task_heartbeat(taskToken=token),
    ):
        with pytest.raises(ClientError, match="Provided task does not exist anymore") as refusal:
            answer()
        assert refusal.value.response["Error"]["Code"] == "TaskTimedOut"


def test_second_answer(states: StepFunctions, queue: Queue) -> None:
    arn = states.start(machine(Ask=queue.task()), {"n": 1})
    token = queue.receive()["token"]
    states.api.send_task_success(taskToken=token, output='"first"')
    with pytest.raises(ClientError, match="TaskTimedOut"):
        states.api.send_task_success(taskToken=token, output='"second"')
    assert states.wait(arn).output == "first"


def test_unknown_token(states: StepFunctions) -> None:
    with pytest.raises(ClientError, match="InvalidToken"):
        states.api.send_task_success(taskToken="nobody's", output="1")


def test_output_that_is_not_json(states: StepFunctions, queue: Queue) -> None:
    arn = states.start(machine(Ask=queue.task()), {"n": 1})
    token = queue.receive()["token"]
    with pytest.raises(ClientError, match="InvalidOutput"):
        states.api.send_task_success(taskToken=token, output="not json")
    states.api.stop_execution(executionArn=arn)


def test_heartbeats_keep_a_task_alive(states: StepFunctions, queue: Queue) -> None:
    """Without them the task would end after one second; it lasts until they stop coming."""
    arn = states.start(machine(Ask=queue.task(HeartbeatSeconds=1)), {"n": 1})
    token = queue.receive()["token"]
    enough = threading.Event()
    beats = 0
    while beats < 4:
        states.api.send_task_heartbeat(taskToken=token)
        beats += 1
        enough.wait(0.5)
    outcome = states.wait(arn)
    submitted, timed_out = (
        next(event["timestamp"] for event in outcome.events if event["type"] == event_type)
        for event_type in ("TaskSubmitted", "TaskTimedOut")
    )
    assert (timed_out - submitted).total_seconds() >= 2
    assert outcome.error == "States.Timeout"


@pytest.mark.parametrize("name", ["States.HeartbeatTimeout", "States.Timeout", "States.ALL"])
def test_missed_heartbeat_is_caught(states: StepFunctions, queue: Queue, name: str) -> None:
    catch = [{"ErrorEquals": [name], "Next": "Mend"}]
    arn = states.start(machine(Ask=queue.task(HeartbeatSeconds=1, Catch=catch), Mend=PASS), {"n": 1})
    queue.receive()
    assert states.wait(arn).output == {"Error": "States.Timeout", "Cause": ""}


@pytest.fixture(scope="module")
def activity(states: StepFunctions) -> str:
    return states.api.create_activity(name="by-hand")["activityArn"]


@pytest.mark.parametrize("well", [True, False])
def test_activity(states: StepFunctions, activity: str, *, well: bool) -> None:
    arn = states.start(machine(Work={"Type": "Task", "Resource": activity}), {"n": 1})
    task = states.api.get_activity_task(activityArn=activity, workerName="me")
    assert json.loads(task["input"]) == {"n": 1}
    if well:
        states.api.send_task_success(taskToken=task["taskToken"], output='"done"')
    else:
        states.api.send_task_failure(taskToken=task["taskToken"], error="No", cause="never")
    outcome = states.wait(arn)
    ended = "ActivitySucceeded" if well else "ActivityFailed"
    assert outcome.types[2:5] == ["ActivityScheduled", "ActivityStarted", ended]
    assert outcome.details("ActivityStarted") == [{"workerName": "me"}]
    assert (outcome.output, outcome.error) == (("done", None) if well else (None, "No"))


def test_activity_that_is_not_there(states: StepFunctions, activity: str) -> None:
    outcome = states.run(machine(Work={"Type": "Task", "Resource": f"{activity}-no"}))
    assert outcome.error == "States.Runtime"
    assert str(outcome.cause).endswith(f"The activity {activity}-no does not exist.")
    assert outcome.types == ["ExecutionStarted", "TaskStateEntered", "ExecutionFailed"]
