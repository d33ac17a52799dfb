"""The stack of the `orderProcessing` workflow, as the commands that read or write its tables see it."""

from collections.abc import Iterator
from contextlib import contextmanager

import boto3
from botocore.exceptions import ClientError

from utils.aws import aws_errors, stack_name
from utils.command import CommandError

ORDERS_STACK = stack_name("orderProcessing")


@contextmanager
def table_errors(session: boto3.Session, table: str, doing: str) -> Iterator[None]:
    """Explain that a table of the stack is gone, and leave the rest to `aws_errors`.

    Raises
    ------
    CommandError
        One line: what was attempted, what is wrong, what to do.
    """
    with aws_errors(doing):
        try:
            yield
        except ClientError as error:
            if error.response["Error"].get("Code") == "ResourceNotFoundException":
                raise CommandError(
                    f"{doing}: table {table} does not exist in {session.region_name}: "
                    f"deploy it again with `npx cdk deploy {ORDERS_STACK}`"
                ) from error
            raise
