"""The DynamoDB table from whose one item all workers take their turns."""

from constructs import Construct

from stacks.findings import acknowledge
from stacks.tables import OnDemandTable


class PaceTable(OnDemandTable):
    """Table with the key that lambdas/process_item/pace.py uses."""

    def __init__(self, scope: Construct, id_: str, *, production: bool) -> None:
        super().__init__(scope, id_, key="name", production=production)
        if not production:
            acknowledge(self, {"AwsSolutions-DDB3": "It holds the time of the next turn, nothing else."})
