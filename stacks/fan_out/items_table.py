"""The DynamoDB table whose one item holds the list."""

from constructs import Construct

from stacks.config import DdbConfig
from stacks.tables import OnDemandTable


class ItemsTable(OnDemandTable):
    """Table with the configured name and key."""

    def __init__(self, scope: Construct, id_: str, *, config: DdbConfig, production: bool) -> None:
        super().__init__(
            scope, id_, key=config.partitionKeyName, production=production, name=config.tableName
        )
