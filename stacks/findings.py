"""The findings of cdk-nag that stay in a workflow, each acknowledged with its reason."""

from typing import cast

from aws_cdk import Acknowledgment, CfnElement, Stack, Validations
from aws_cdk import aws_lambda as lambda_
from constructs import Construct, IConstruct


def acknowledge(construct: IConstruct, findings: dict[str, str]) -> None:
    """Acknowledge findings on a construct and what is in it: the reason by the finding's id."""
    acknowledgments = (Acknowledgment(id=finding, reason=reason) for finding, reason in findings.items())
    Validations.of(construct).acknowledge(*acknowledgments)


def wildcard(resource: str) -> str:
    """Return the id of the finding that a policy names a resource with a wildcard."""
    return f"AwsSolutions-IAM5[Resource::{resource}]"


def logical_id(construct: Construct) -> str:
    """Return the name in the template of a construct's own resource, as findings have it."""
    return str(Stack.of(construct).get_logical_id(cast(CfnElement, construct.node.default_child)))


def acknowledge_workflow(workflow: Construct, *functions: lambda_.Function) -> None:
    """Acknowledge what CDK grants every state machine that invokes functions, writes logs and traces."""
    versions = "CDK grants a function together with its versions and aliases, which are the same code."
    acknowledge(workflow, {wildcard(f"<{logical_id(function)}.Arn>:*"): versions for function in functions})
    reason = "The actions of X-Ray and of CloudWatch Logs delivery take no resource."
    acknowledge(workflow, {wildcard("*"): reason})
