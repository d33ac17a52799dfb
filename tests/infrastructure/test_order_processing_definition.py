"""The definition of an order's state machine: its ways, its retries, both failure policies."""

import json
from pathlib import Path

import pytest
from cfnlint.api import lint
from templates import FULL_JITTER, as_cfn_lint_knows_it, retry_of

from stacks.order_processing.stack import OrderProcessingStack
from stacks.templates import read_definition

ROOT = Path(__file__).parents[2]
TASKS = {
    "Check Order": "CheckOrder",
    "Validate Payment": "ValidatePayment",
    "Wait For Approval": "RequestApproval",
    "Record Decision": "RecordDecision",
    "Charge Payment": "ChargePayment",
    "Check Availability": "CheckAvailability",
    "Prepare For Delivery": "PrepareForDelivery",
    "Start Delivery": "StartDelivery",
    "Release Stock": "ReleaseStock",
    "Refund Payment": "RefundPayment",
    "Close Order": "CloseOrder",
    "Record Compensation Failure": "RecordCompensationFailure",
}
"""The state that runs each function."""
ITEM_STEPS = ("Check Availability", "Prepare For Delivery", "Start Delivery")
COMPENSATION = ("Release Stock", "Refund Payment", "Record Compensation Failure")
FINAL_FOR_ORDER = ["OrderInvalid", "OrderAlreadyStarted", "OrderConflict"]
UNREADABLE = ["Runtime.UnmarshalError"]
FINAL_FOR_ITEM = [
    "OutOfStock",
    "ProductUnknown",
    "PreparationRefused",
    "DeliveryRefused",
    "OrderBeingCancelled",
]
EVERY_ERROR = [["States.DataLimitExceeded"], ["States.ALL"]]


@pytest.fixture
def definition(synthesize):
    """Return a function that gives the definition for an ``orderProcessing`` section."""
    return lambda **section: read_definition(
        synthesize(OrderProcessingStack, {"workflows": ["orderProcessing"], "orderProcessing": section})
    )


@pytest.fixture
def states(definition):
    """Return a function that gives the states for a section, those of an item among them."""

    def both(**section):
        states = definition(**section)["States"]
        return {**states, **states["Fulfil Items"]["ItemProcessor"]["States"]}

    return both


def ways(choice):
    """Return where a choice leads: the next state by the words beside the way."""
    return {rule["Comment"]: rule["Next"] for rule in choice["Choices"]} | {"otherwise": choice["Default"]}


def caught(state):
    """Return which errors a state catches, and where they lead."""
    return [(catcher["ErrorEquals"], catcher["Next"]) for catcher in state.get("Catch", [])]


def test_definition_is_jsonata_with_the_configured_timeout(definition):
    machine = definition(timeoutDurationSeconds=7)
    assert (machine["QueryLanguage"], machine["TimeoutSeconds"]) == ("JSONata", 7)
    assert machine["StartAt"] == "Check Order"


def test_each_step_is_one_function(states):
    tasks = {name: it for name, it in states().items() if it["Type"] == "Task"}
    assert set(tasks) == {*TASKS, "Notify Customer"}
    for name, function in TASKS.items():
        assert tasks[name]["Arguments"]["FunctionName"] == f"${{{function}}}"
        waits = ".waitForTaskToken" if name == "Wait For Approval" else ""
        assert tasks[name]["Resource"] == f"arn:aws:states:::lambda:invoke{waits}"


def test_order_goes_from_its_check_to_the_customer(states):
    # When the ways are followed
    all_states = states()
    # Then what comes after what is this
    assert {name: it["Next"] for name, it in all_states.items() if "Next" in it} == {
        "Check Order": "Known Order?",
        "Validate Payment": "Payment Accepted?",
        "Wait For Approval": "Record Decision",
        "Record Decision": "Approved?",
        "Charge Payment": "Charged?",
        "Check Availability": "Prepare For Delivery",
        "Prepare For Delivery": "Start Delivery",
        "Fulfil Items": "All Fulfilled?",
        "Release Stock": "Refund Payment",
        "Refund Payment": "Close Order",
        "Record Compensation Failure": "Compensation Failed",
        "Close Order": "Notify Customer",
        "Notify Customer": "Order Undone?",
    }
    assert {name: ways(it) for name, it in all_states.items() if it["Type"] == "Choice"} == {
        "Known Order?": {
            "closed before": "Already Processed",
            "compensation to finish": "Release Stock",
            "otherwise": "Validate Payment",
        },
        "Payment Accepted?": {
            "refused": "Close Order",
            "above the threshold": "Wait For Approval",
            "otherwise": "Charge Payment",
        },
        "Approved?": {"approved": "Charge Payment", "otherwise": "Close Order"},
        "Charged?": {"refused": "Close Order", "otherwise": "Fulfil Items"},
        "All Fulfilled?": {"all": "Close Order", "otherwise": "Release Stock"},
        "Order Undone?": {"as a whole": "Order Failed", "otherwise": "Done"},
    }


def test_errors_lead_to_where_they_are_undone_or_recorded(states):
    undone = [(errors, "Release Stock") for errors in EVERY_ERROR]
    failed_item = [(errors, "Record Failure") for errors in EVERY_ERROR]
    not_undone = [(errors, "Record Compensation Failure") for errors in EVERY_ERROR]
    assert {name: caught(it) for name, it in states().items() if "Catch" in it} == {
        "Check Order": [(errors, "Order Not Taken") for errors in (FINAL_FOR_ORDER, UNREADABLE)],
        "Wait For Approval": [(["States.Timeout"], "Record Decision")],
        "Charge Payment": undone,
        "Fulfil Items": undone,
        **dict.fromkeys(ITEM_STEPS, failed_item),
        "Release Stock": not_undone,
        "Refund Payment": not_undone,
    }


@pytest.mark.parametrize("name", TASKS)
def test_step_is_tried_again_unless_its_error_is_final(states, name):
    # Given its retriers, of which the first that matches counts
    retriers = states()[name]["Retry"]
    final = {"Check Order": FINAL_FOR_ORDER + UNREADABLE, "Wait For Approval": ["States.Timeout"]}
    final |= dict.fromkeys(ITEM_STEPS, FINAL_FOR_ITEM)
    # Then what another attempt cannot mend has none
    if name in final:
        assert (retriers[0]["ErrorEquals"], retriers[0]["MaxAttempts"]) == (final[name], 0)
    assert len(retriers) == 1 + (name in final)
    # And all else has six, or ten where something is undone
    attempts = 10 if name in COMPENSATION else 6
    assert retriers[-1] == {"ErrorEquals": ["States.ALL"], **FULL_JITTER, "MaxAttempts": attempts}


def test_names_of_final_errors_are_those_of_the_steps():
    # Given the modules of the functions
    folder = ROOT / "lambdas" / "order_processing" / "order_steps"
    text = "\n".join(file.read_text(encoding="utf-8") for file in folder.glob("*.py"))
    # Then each name is that of an exception there
    for name in (*FINAL_FOR_ORDER, *FINAL_FOR_ITEM):
        assert f"class {name}(" in text


def test_only_the_wait_for_approval_lasts(states):
    # Given half an hour to approve
    tasks = {
        name: it["TimeoutSeconds"] for name, it in states(approvalTimeoutHours=0.5).items() if name in TASKS
    }
    # Then every other state waits for its function, and a cold start
    assert tasks.pop("Wait For Approval") == 1800
    assert set(tasks.values()) == {75}


@pytest.mark.parametrize(("hours", "seconds"), [(0.001, 4), (24, 86_400), (1.5, 5400)])
def test_approval_has_its_time_in_whole_seconds(states, hours, seconds):
    wait = states(approvalTimeoutHours=hours)["Wait For Approval"]
    assert wait["TimeoutSeconds"] == seconds
    assert wait["Arguments"]["Payload"]["timeoutSeconds"] == f"{{% {seconds} %}}"


def test_only_the_wait_for_approval_has_the_token(definition):
    states = definition()["States"]
    with_token = [name for name, it in states.items() if "$states.context.Task.Token" in json.dumps(it)]
    assert with_token == ["Wait For Approval"]


@pytest.mark.parametrize("concurrency", [0, 3, 40])
def test_items_are_fulfilled_so_many_at_once(definition, concurrency):
    state = definition(maxConcurrency=concurrency)["States"]["Fulfil Items"]
    assert state.get("MaxConcurrency", 0) == concurrency
    assert state["Items"] == "{% $order.items %}"
    assert state["ItemSelector"] == {"item": "{% $states.context.Map.Item.Value %}"}
    assert state["ItemProcessor"]["ProcessorConfig"] == {"Mode": "INLINE"}
    assert state["ItemProcessor"]["StartAt"] == "Check Availability"


def test_no_item_fails_the_map(definition):
    # Given the states of an item
    states = definition()["States"]["Fulfil Items"]["ItemProcessor"]["States"]
    # Then none of them is a failure, and two of them end it
    assert {it["Type"] for it in states.values()} == {"Task", "Pass"}
    assert {name for name, it in states.items() if it.get("End")} == {"Start Delivery", "Record Failure"}


def test_failure_policy_decides_what_is_undone(states):
    # When the same choice is made with each policy
    kept, undone = (states(onItemFailure=it)["All Fulfilled?"]["Assign"] for it in ("continue", "fail"))
    # Then one undoes the lines that failed, and the other the order, for which its execution fails
    assert set(kept) == {"undo"}
    assert "$outcomes" in kept["undo"]
    assert set(undone) == {"undo", "failure"}
    assert undone["undo"] == "{% $order.items %}"
    # And nothing else differs
    other = {name: it for name, it in states(onItemFailure="fail").items() if name != "All Fulfilled?"}
    assert other == {name: it for name, it in states().items() if name not in {"All Fulfilled?"}}


def test_failure_undoes_the_whole_order_where_it_is_not_known_what_was_done(states):
    for name in ("Charge Payment", "Fulfil Items"):
        for catcher in states()[name]["Catch"]:
            assert catcher["Assign"]["undo"] == "{% $order.items %}"
            assert "$states.errorOutput" in catcher["Assign"]["failure"]


def test_each_way_to_the_close_says_how_the_order_ends(states):
    all_states = states()
    endings = [
        (name, holder)
        for name, it in all_states.items()
        for holder in [it, *it.get("Choices", [])]
        if "ending" in holder.get("Assign", {})
    ]
    assert [name for name, _ in endings].count("Payment Accepted?") == 1
    assert {name for name, _ in endings} == {
        "Payment Accepted?",
        "Approved?",
        "Charged?",
        "All Fulfilled?",
        "Refund Payment",
    }


@pytest.mark.parametrize(("threshold", "condition"), [(1000, "1000"), (0, "0"), (99.95, "99.95")])
def test_threshold_is_the_configured_one(states, threshold, condition):
    _, above = states(approvalThreshold=threshold)["Payment Accepted?"]["Choices"]
    assert above["Condition"] == f"{{% $order.total > {condition} %}}"


def test_customer_is_told_last_and_by_the_service_itself(states):
    # Given the message
    notify = states()["Notify Customer"]
    assert notify["Resource"] == "arn:aws:states:::sns:publish"
    arguments = notify["Arguments"]
    assert arguments["TopicArn"] == "${Announcements}"
    assert arguments["Subject"] == "{% $states.input.subject %}"
    assert arguments["Message"] == "{% $states.input.message %}"
    # Then a subscriber can filter by what it is about
    assert arguments["MessageAttributes"] == {
        "event": {"DataType": "String", "StringValue": "orderClosed"},
        "orderId": {"DataType": "String", "StringValue": "{% $states.input.orderId %}"},
        "status": {"DataType": "String", "StringValue": "{% $states.input.status %}"},
    }
    # And what SNS could not do is tried again
    assert retry_of(notify, "SNS.ThrottledException") == FULL_JITTER
    assert retry_of(notify, "SNS.SdkClientException") == FULL_JITTER
    assert retry_of(notify, "States.ALL") is None


def test_execution_ends_by_name(states):
    all_states = states()
    ends = {name: it for name, it in all_states.items() if it["Type"] in {"Fail", "Succeed"}}
    assert {name: (it["Type"], it.get("Error")) for name, it in ends.items()} == {
        "Order Not Taken": ("Fail", "{% $states.input.name %}"),
        "Already Processed": ("Succeed", None),
        "Compensation Failed": ("Fail", "CompensationFailed"),
        "Order Failed": ("Fail", "{% $failure.name %}"),
        "Done": ("Succeed", None),
    }
    assert ends["Order Not Taken"]["Cause"] == "{% $states.input.message %}"
    assert ends["Order Failed"]["Cause"] == "{% $failure.message %}"


@pytest.mark.parametrize(
    "section",
    [{}, {"onItemFailure": "fail"}, {"maxConcurrency": 0, "approvalThreshold": 0.5}],
    ids=lambda section: next(iter(section), "default"),
)
def test_definition_passes_cfn_lint(definition, section):
    assert lint(json.dumps(as_cfn_lint_knows_it(definition(**section)))) == []
