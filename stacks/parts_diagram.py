"""A diagram of a stack's parts, drawn from its template: for a workflow that has no definition to draw."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

_SHAPES = {
    "AWS::Lambda::Function": '["%s"]',
    "AWS::SQS::Queue": '(["%s"])',
    "AWS::DynamoDB::GlobalTable": '[("%s")]',
    "AWS::S3::Bucket": '[("%s")]',
}
_BUS = "EventBus"

# What an action does with the resource that it names; the other actions only accompany these.
_READS = re.compile(r"(dynamodb:(BatchGetItem|GetItem|Query)|s3:GetObject)$")
_WRITES = re.compile(
    r"(dynamodb:(DeleteItem|PartiQLInsert|PutItem|UpdateItem)|s3:PutObject|sqs:SendMessage)$"
)

Template = Mapping[str, Any]


def draw_parts(template: Template) -> str:
    """Return a stack as a Mermaid flowchart: functions, queues, tables, buckets, and what goes between them.

    An arrow is what a rule, an event source or a right allows; a dotted one is taken when something failed.
    """
    return "\n".join(["flowchart TD", *dict.fromkeys(_draw(template))])


def _draw(template: Template) -> Iterator[str]:
    for name, resource in template["Resources"].items():
        if resource["Type"] in _SHAPES:
            yield f"    {_node(name)}{_SHAPES[resource['Type']] % _words(name)}"
    yield f'    {_BUS}{{{{"{_words(_BUS)}"}}}}'
    yield from _draw_events(template)
    yield from _draw_sources(template)
    yield from _draw_rights(template)
    yield from _draw_failures(template)


def _draw_events(template: Template) -> Iterator[str]:
    for name, bucket in _of_type(template, "AWS::S3::Bucket"):
        if "EventBridgeConfiguration" in bucket.get("NotificationConfiguration", {}):
            yield f"    {_node(name)} --> {_BUS}"
    for name, rule in _of_type(template, "AWS::Events::Rule"):
        for target in rule["Targets"]:
            function = _node(_named(target["Arn"]))
            if "ScheduleExpression" in rule:
                yield f'    {_node(name)}(("{_words(name)}")) --> {function}'
            else:
                yield f'    {_BUS} -->|"{_words(name)}"| {function}'


def _draw_sources(template: Template) -> Iterator[str]:
    for _, mapping in _of_type(template, "AWS::Lambda::EventSourceMapping"):
        source = mapping["EventSourceArn"]
        label = '|"stream"|' if source["Fn::GetAtt"][1] == "StreamArn" else ""
        yield f"    {_node(_named(source))} -->{label} {_node(_named(mapping['FunctionName']))}"


def _draw_rights(template: Template) -> Iterator[str]:
    kept = {queue for _, queue in _destinations(template)}
    for name, function in _of_type(template, "AWS::Lambda::Function"):
        rights = [
            (action, _named(resource))
            for statement in _statements(template, function["Role"])
            for action in _listed(statement["Action"])
            for resource in _listed(statement["Resource"])
        ]
        if any(action == "events:PutEvents" for action, _ in rights):
            yield f"    {_node(name)} --> {_BUS}"
        read = {resource for action, resource in rights if _READS.match(action)}
        written = {resource for action, resource in rights if _WRITES.match(action)} - kept
        for resource in dict.fromkeys(resource for _, resource in rights if resource in read | written):
            if resource not in written:
                yield f"    {_node(resource)} --> {_node(name)}"
            else:
                yield f"    {_node(name)} {'<-->' if resource in read else '-->'} {_node(resource)}"


def _draw_failures(template: Template) -> Iterator[str]:
    for name, queue in _of_type(template, "AWS::SQS::Queue"):
        if "RedrivePolicy" in queue:
            target = _node(_named(queue["RedrivePolicy"]["deadLetterTargetArn"]))
            yield f'    {_node(name)} -.->|"received too often"| {target}'
    for function, kept in _destinations(template):
        yield f'    {_node(function)} -.->|"failed"| {_node(kept)}'


def _destinations(template: Template) -> Iterator[tuple[str, str]]:
    """Give each function with the queue for what it failed at for good."""
    for type_ in ("AWS::Lambda::EventInvokeConfig", "AWS::Lambda::EventSourceMapping"):
        for _, config in _of_type(template, type_):
            if "DestinationConfig" in config:
                destination = config["DestinationConfig"]["OnFailure"]["Destination"]
                yield _named(config["FunctionName"]), _named(destination)


def _of_type(template: Template, type_: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, resource in template["Resources"].items():
        if resource["Type"] == type_:
            yield name, resource["Properties"]


def _statements(template: Template, role: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Give each statement of the policies of a role."""
    for _, policy in _of_type(template, "AWS::IAM::Policy"):
        if {"Ref": _named(role)} in policy["Roles"]:
            yield from policy["PolicyDocument"]["Statement"]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _named(reference: Any) -> str:
    """Return the resource that a reference, or a text with one in it, names."""
    found = re.search(r'"(?:Ref": |Fn::GetAtt": \[)"([^":]+)"', json.dumps(reference))
    return found[1] if found else ""


def _node(logical_id: str) -> str:
    """Return a name in a template without the hash that CDK adds."""
    return re.sub(r"[0-9A-F]{8}$", "", logical_id)


def _words(logical_id: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", _node(logical_id))
