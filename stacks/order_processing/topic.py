"""The topic on which orders are announced: to who approves them, and to the customer."""

from aws_cdk import aws_sns as sns
from constructs import Construct


class OrderTopic(sns.Topic):
    """A topic that is reached over TLS only; subscribe to it and filter by the attribute ``event``."""

    def __init__(self, scope: Construct, id_: str) -> None:
        super().__init__(scope, id_, enforce_ssl=True)
