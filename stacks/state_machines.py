"""State machines: the one place for their defaults."""

from aws_cdk import Duration, Stack
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from stacks.logs import create_log_group


def create_state_machine(  # noqa: PLR0913 - all but the first are named
    scope: Construct,
    *,
    comment: str,
    start: sfn.IChainable,
    timeout_seconds: int,
    log_data: bool,
    production: bool,
    log_name: str | None = None,
) -> sfn.StateMachine:
    """Create a Standard workflow in JSONata, traced, with every event in a log group of its own.

    Parameters
    ----------
    start
        The first state; those that it leads to come with it.
    timeout_seconds
        After which an execution ends TIMED_OUT.
    log_data
        Log the input and the output of each state, too.
    production
        Keep the log when the stack is deleted.
    log_name
        Last part of the log group's name, which only one machine of a stack can leave out: the stack's name.
    """
    # Step Functions adds every other log group to the account's log delivery policy, which soon is full.
    log_group_name = f"/aws/vendedlogs/states/{log_name or Stack.of(scope).stack_name}"
    log_group = create_log_group(scope, "Logs", production=production, name=log_group_name)
    return sfn.StateMachine(
        scope,
        "Resource",
        comment=comment,
        definition_body=sfn.DefinitionBody.from_chainable(start),
        query_language=sfn.QueryLanguage.JSONATA,
        timeout=Duration.seconds(timeout_seconds),
        tracing_enabled=True,
        logs=sfn.LogOptions(destination=log_group, level=sfn.LogLevel.ALL, include_execution_data=log_data),
    )
