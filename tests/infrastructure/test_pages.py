"""The pages of the workflows: their diagrams and their definitions are those that are deployed."""

from typing import get_args

import pytest

from stacks.config import WorkflowName
from stacks.pages import PAGES, current_pages, draw, read_definitions, render, render_parts
from stacks.parts_diagram import draw_parts

PARTS = ("diagram", "definition")

MACHINE = {
    "StartAt": "Any?",
    "States": {
        "Any?": {
            "Type": "Choice",
            "Choices": [{"Comment": "yes", "Next": "Each One"}],
            "Default": "None There",
        },
        "None There": {"Type": "Fail"},
        "Each One": {
            "Type": "Map",
            "ItemProcessor": {
                "StartAt": "Work",
                "States": {
                    "Work": {"Type": "Task", "Catch": [{"Next": "Note"}, {"Next": "Note"}], "Next": "Rest"},
                    "Rest": {"Type": "Wait", "End": True},
                    "Note": {"Type": "Succeed"},
                },
            },
            "End": True,
        },
    },
}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_page_is_current(path):
    assert path.read_text(encoding="utf-8") == current_pages()[path], "run: python -m stacks.pages"


def test_diagram_has_every_state_and_every_way_between_them():
    assert [line.strip() for line in draw(MACHINE).splitlines()] == [
        "flowchart TD",
        "start((start)) --> Any",
        'Any{"Any?"}',
        'Any -->|"yes"| EachOne',
        'Any -->|"otherwise"| NoneThere',
        'NoneThere[["None There"]]',
        'subgraph EachOne["Each One: for each item"]',
        'Work["Work"]',
        "Work --> Rest",
        'Work -.->|"error"| Note',
        'Rest(["Rest"])',
        'Note[["Note"]]',
        "end",
    ]


def test_map_in_a_map_is_a_box_in_a_box():
    # Given a map over batches whose child maps over items
    inner = {"Type": "Map", "ItemProcessor": MACHINE, "Next": "Last"}
    child = {"StartAt": "Inner", "States": {"Inner": inner, "Last": {"Type": "Succeed"}}}
    outer = {"Type": "Map", "ItemProcessor": child, "ItemBatcher": {"MaxItemsPerBatch": 2}, "End": True}
    # When it is drawn
    lines = [line.strip() for line in draw({"StartAt": "Outer", "States": {"Outer": outer}}).splitlines()]
    # Then each box closes before the way out of it, and says what it is for
    assert lines[2:4] == ['subgraph Outer["Outer: for each batch"]', 'subgraph Inner["Inner: for each item"]']
    assert lines[-4:] == ["end", "Inner --> Last", 'Last[["Last"]]', "end"]


def test_map_in_batches_of_one_is_for_each_item():
    outer = {"Type": "Map", "ItemProcessor": MACHINE, "ItemBatcher": {"MaxItemsPerBatch": 1}, "End": True}
    lines = draw({"StartAt": "Outer", "States": {"Outer": outer}}).splitlines()
    assert lines[2].strip() == 'subgraph Outer["Outer: for each item"]'


STACK_PARTS = {
    "Lists1A2B3C4D": ("S3::Bucket", {"NotificationConfiguration": {"EventBridgeConfiguration": {}}}),
    "WorkQueue1A2B3C4D": (
        "SQS::Queue",
        {"RedrivePolicy": {"deadLetterTargetArn": {"Fn::GetAtt": ["Kept1A2B3C4D", "Arn"]}}},
    ),
    "Kept1A2B3C4D": ("SQS::Queue", {}),
    "Table1A2B3C4D": ("DynamoDB::GlobalTable", {}),
    "Take1A2B3C4D": ("Lambda::Function", {"Role": {"Fn::GetAtt": ["Role1A2B3C4D", "Arn"]}}),
    "TakesMessages": (
        "Lambda::EventSourceMapping",
        {
            "FunctionName": {"Ref": "Take1A2B3C4D"},
            "EventSourceArn": {"Fn::GetAtt": ["WorkQueue1A2B3C4D", "Arn"]},
        },
    ),
    "TakesChanges": (
        "Lambda::EventSourceMapping",
        {
            "FunctionName": {"Ref": "Take1A2B3C4D"},
            "EventSourceArn": {"Fn::GetAtt": ["Table1A2B3C4D", "StreamArn"]},
            "DestinationConfig": {"OnFailure": {"Destination": {"Fn::GetAtt": ["Kept1A2B3C4D", "Arn"]}}},
        },
    ),
    "Policy": (
        "IAM::Policy",
        {
            "Roles": [{"Ref": "Role1A2B3C4D"}],
            "PolicyDocument": {
                "Statement": [
                    {
                        "Action": ["s3:GetObject", "s3:ListBucket"],
                        "Resource": {"Fn::Join": ["", [{"Fn::GetAtt": ["Lists1A2B3C4D", "Arn"]}, "/*"]]},
                    },
                    {"Action": "dynamodb:Query", "Resource": {"Fn::GetAtt": ["Table1A2B3C4D", "Arn"]}},
                    {"Action": "dynamodb:PutItem", "Resource": {"Fn::GetAtt": ["Table1A2B3C4D", "Arn"]}},
                    {"Action": "sqs:SendMessage", "Resource": {"Fn::GetAtt": ["Kept1A2B3C4D", "Arn"]}},
                    {
                        "Action": ["sqs:DeleteMessage", "sqs:ReceiveMessage"],
                        "Resource": {"Fn::GetAtt": ["WorkQueue1A2B3C4D", "Arn"]},
                    },
                    {"Action": "events:PutEvents", "Resource": "arn:aws:events:::event-bus/default"},
                ]
            },
        },
    ),
    "Dropped1A2B3C4D": (
        "Events::Rule",
        {"EventPattern": {}, "Targets": [{"Arn": {"Fn::GetAtt": ["Take1A2B3C4D", "Arn"]}}]},
    ),
    "EveryHour1A2B3C4D": (
        "Events::Rule",
        {"ScheduleExpression": "rate", "Targets": [{"Arn": {"Fn::GetAtt": ["Take1A2B3C4D", "Arn"]}}]},
    ),
}


def test_diagram_of_parts_has_each_and_what_goes_between_them():
    # Given a stack in which a function has an event source, rights and rules of each kind
    resources = {
        name: {"Type": f"AWS::{type_}", "Properties": properties}
        for name, (type_, properties) in STACK_PARTS.items()
    }
    # When it is drawn
    lines = [line.strip() for line in draw_parts({"Resources": resources}).splitlines()]
    # Then each part and each way stands there once; what only keeps failures is not written to
    assert lines == [
        "flowchart TD",
        'Lists[("Lists")]',
        'WorkQueue(["Work Queue"])',
        'Kept(["Kept"])',
        'Table[("Table")]',
        'Take["Take"]',
        'EventBus{{"Event Bus"}}',
        "Lists --> EventBus",
        'EventBus -->|"Dropped"| Take',
        'EveryHour(("Every Hour")) --> Take',
        "WorkQueue --> Take",
        'Table -->|"stream"| Take',
        "Take --> EventBus",
        "Lists --> Take",
        "Take <--> Table",
        'WorkQueue -.->|"received too often"| Kept',
        'Take -.->|"failed"| Kept',
    ]


def test_page_of_parts_has_only_a_diagram():
    page = render_parts("Before\n<!-- diagram -->\nold\n<!-- end -->\nAfter\n", {"Resources": {}})
    assert page.startswith("Before\n<!-- diagram -->\n```mermaid\nflowchart TD\n")
    assert page.endswith("\n```\n<!-- end -->\nAfter\n")
    assert "old" not in page


def test_every_workflow_has_its_page():
    names = {"".join(f"_{c.lower()}" if c.isupper() else c for c in name) for name in get_args(WorkflowName)}
    assert {path.stem for path in PAGES} == names


def test_only_the_marked_parts_of_a_page_change():
    # Given a page with text around both parts, and something old in one
    page = "Before\n<!-- diagram -->\nold\n<!-- end -->\nBetween\n<!-- definition -->\n<!-- end -->\nAfter\n"
    # When it is written twice
    once = render(page, {"StateMachine": MACHINE})
    # Then the text is as it was, and the second time changes nothing
    assert once.startswith("Before\n<!-- diagram -->\n```mermaid\nflowchart TD\n")
    assert "\n```\n<!-- end -->\nBetween\n<!-- definition -->\n```json\n{\n" in once
    assert once.endswith("\n```\n<!-- end -->\nAfter\n")
    assert "old" not in once
    assert render(once, {"StateMachine": MACHINE}) == once


def test_page_has_the_parts_of_each_state_machine():
    # Given a page with the parts of two, and a text between them
    marks = [f"<!-- {part}{of} -->\n<!-- end -->\n" for of in ("", " of Other") for part in PARTS]
    other = {"StartAt": "Only", "States": {"Only": {"Type": "Succeed"}}}
    # When it is written
    page = render("\n".join(marks), {"StateMachine": MACHINE, "Other": other})
    # Then each has its own
    first, _, second = page.partition("<!-- diagram of Other -->\n")
    assert "start((start)) --> Any\n" in first
    assert "Only" not in first
    assert second.startswith("```mermaid\nflowchart TD\n    start((start)) --> Only\n")
    assert '<!-- definition of Other -->\n```json\n{\n  "StartAt": "Only",' in second


def test_page_of_a_stack_without_a_state_machine_is_as_it_is():
    template = {"Resources": {"Queue12345678": {"Type": "AWS::SQS::Queue"}}}
    assert render("Text\n", read_definitions(template)) == "Text\n"
