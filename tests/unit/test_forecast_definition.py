"""What is read of a definition: ways, states that are entered again, failures, attempts, waits, events."""

import pytest

from utils.forecast import definition as asl

WAIT_AND_WORK = {
    "StartAt": "Wait",
    "States": {"Wait": {"Type": "Wait", "Seconds": 3, "Next": "Work"}, "Work": {"Type": "Task", "End": True}},
}
BATCH = {
    "StartAt": "Work",
    "States": {
        "Work": {"Type": "Task", "Next": "Done?", "Catch": [{"ErrorEquals": ["X"], "Next": "Alone"}]},
        "Alone": {"Type": "Map", "Next": "Done?"},
        "Done?": {"Type": "Choice", "Choices": [{"Next": "Collect"}], "Default": "Pause"},
        "Pause": {"Type": "Wait", "Seconds": "{% $random() %}", "Next": "Work"},
        "Collect": {"Type": "Succeed"},
    },
}
ROUTES = {
    "StartAt": "Marked?",
    "States": {
        "Marked?": {"Type": "Choice", "Choices": [{"Next": "Queue"}], "Default": "Work"},
        "Queue": {
            "Type": "Task",
            "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
            "End": True,
        },
        "Work": {"Type": "Task", "Next": "Collect"},
        "Collect": {"Type": "Pass", "End": True},
    },
}


def test_a_way_leads_to_a_success_and_enters_no_state_twice():
    assert asl.success_ways(BATCH) == [("Work", "Done?", "Collect")]


def test_a_way_that_fails_is_none():
    states = {
        "Given?": {"Type": "Choice", "Choices": [{"Next": "Map"}, {"Next": "Wrong"}], "Default": "Read"},
        "Read": {"Type": "Task", "Next": "Map"},
        "Wrong": {"Type": "Fail"},
        "Map": {"Type": "Map", "End": True},
    }
    machine = {"StartAt": "Given?", "States": states}
    assert asl.success_ways(machine) == [("Given?", "Map"), ("Given?", "Read", "Map")]
    assert asl.longest_way(machine) == ("Given?", "Read", "Map")


def test_an_item_that_waits_for_a_token_has_a_way_of_its_own():
    assert asl.split_ways(ROUTES) == (("Marked?", "Work", "Collect"), ("Marked?", "Queue"))
    assert asl.split_ways(BATCH) == (("Work", "Done?", "Collect"), None)


def test_states_that_are_entered_again_are_those_of_the_way_back():
    assert asl.repeat_states(BATCH, ("Work", "Done?", "Collect")) == 3
    assert asl.repeat_states(WAIT_AND_WORK, ("Wait", "Work")) == 0


@pytest.mark.parametrize(
    ("after", "found"),
    [
        ({"Note": {"Type": "Pass", "End": True}}, (1, False)),
        ({"Note": {"Type": "Pass", "Next": "Out"}, "Out": {"Type": "Succeed"}}, (2, False)),
        ({"Note": {"Type": "Fail"}}, (1, True)),
    ],
)
def test_a_failure_enters_the_states_that_catch_it(after, found):
    task = {"Type": "Task", "End": True, "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Note"}]}
    assert asl.failure_way({"StartAt": "Work", "States": {"Work": task, **after}}, ("Work",)) == found


def test_a_failure_that_nothing_catches_fails_the_machine():
    assert asl.failure_way(WAIT_AND_WORK, ("Wait", "Work")) == (0, True)


def test_attempts_are_those_of_the_work_and_not_those_of_the_service():
    retries = [
        {"ErrorEquals": ["SQS.SdkClientException"], "MaxAttempts": 6},
        {"ErrorEquals": ["States.TaskFailed", "States.HeartbeatTimeout"], "MaxAttempts": 2},
    ]
    assert asl.task_attempts({"Retry": retries}) == 3
    assert asl.task_attempts({"Retry": retries[:1]}) == 1


def test_attempts_of_a_batch_are_in_its_payload():
    assert asl.batch_attempts({"Arguments": {"Payload": '{% {"a": 1, "maxAttempts": 4, "b": null} %}'}}) == 4
    assert asl.batch_attempts({"Arguments": {"Payload": "{% $states.input %}"}}) == 1


def test_a_wait_whose_time_is_an_expression_counts_as_none():
    assert asl.wait_seconds(WAIT_AND_WORK, ("Wait", "Work")) == 3
    assert asl.wait_seconds(BATCH, ("Pause", "Work")) == 0


@pytest.mark.parametrize(
    ("state", "events"),
    [
        ({"Type": "Task"}, 5),
        (ROUTES["States"]["Queue"], 6),
        ({"Type": "Choice"}, 2),
        ({"Type": "Wait"}, 2),
        ({"Type": "Map", "ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTED"}}}, 6),
        (
            {"Type": "Map", "ItemProcessor": {"ProcessorConfig": {"Mode": "INLINE"}, **WAIT_AND_WORK}},
            4 + 3 * 9,
        ),
    ],
)
def test_events_of_a_state_over_three_items(state, events):
    assert asl.state_events(state, 3) == events
