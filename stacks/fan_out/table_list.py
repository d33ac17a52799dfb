"""The states that get the list: from the execution's input, or else from the table."""

from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from stacks.config import LIST_ATTRIBUTE, DdbConfig
from stacks.expressions import jsonata, literal
from stacks.fan_out.expressions import GIVEN_LIST, LIST_IS_ARRAY, LIST_IS_GIVEN, LIST_NOT_FOUND, READ_LIST
from stacks.retries import add_retry

# "DynamoDB" is the prefix of the optimised integration ("DynamoDb" that of the SDK integration). The last two
# errors are known with and without "Exception".
DYNAMODB_TRANSIENT_ERRORS = [
    "DynamoDB.ProvisionedThroughputExceededException",
    "DynamoDB.ThrottlingException",
    "DynamoDB.SdkClientException",
    "DynamoDB.RequestLimitExceeded",
    "DynamoDB.RequestLimitExceededException",
    "DynamoDB.InternalServerError",
    "DynamoDB.InternalServerErrorException",
]


class TableList(Construct):
    """Leads to ``process_items`` with ``{"items": […], "encoding": "json" | "dynamodb"}``.

    If there is no list, it leads to a named failure.

    Attributes
    ----------
    start
        The first state.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        config: DdbConfig,
        table: dynamodb.ITableV2,
        process_items: sfn.IChainable,
    ) -> None:
        super().__init__(scope, id_)
        self._config = config
        self.start: sfn.IChainable = self._get_list(table, self._check_list(process_items))

    def _get_list(self, table: dynamodb.ITableV2, check: sfn.Choice) -> sfn.Choice:
        """Take the list from the execution's input, or else read it from the table."""
        ddb = self._config
        read = tasks.DynamoGetItem.jsonata(
            self,
            "Read List",
            table=table,
            key={ddb.partitionKeyName: tasks.DynamoAttributeValue.from_string(ddb.partitionKeyValueField)},
            consistent_read=True,
            outputs=jsonata(READ_LIST),
        )
        add_retry(read, DYNAMODB_TRANSIENT_ERRORS)
        read.next(check)
        return (
            sfn.Choice.jsonata(self, "List Given?")
            .when(
                sfn.Condition.jsonata(jsonata(LIST_IS_GIVEN)),
                check,
                outputs=jsonata(GIVEN_LIST),
                comment="in the input",
            )
            .otherwise(read)
        )

    def _check_list(self, process_items: sfn.IChainable) -> sfn.Choice:
        """End in a named failure if there is no list; otherwise go on."""
        ddb = self._config
        key = f"{ddb.partitionKeyName} = '{ddb.partitionKeyValueField}'"
        load = "Load a list: python utils/load-ddb.py --config config.json --json utils/simplelist.json"
        not_found = sfn.Fail.jsonata(
            self,
            "Item List Not Found",
            error="ItemListNotFound",
            cause=f"Table {ddb.tableName} has no item with {key}. {load}",
        )
        in_table = literal(
            f"In table {ddb.tableName}, '{LIST_ATTRIBUTE}' of the item with {key} is not a list. {load}"
        )
        in_input = literal(
            'The input is not like {"items": [...]}. Give a list in that form, or {} to read the table'
        )
        invalid = sfn.Fail.jsonata(
            self,
            "Item List Invalid",
            error="ItemListInvalid",
            cause=jsonata(f'$states.input.encoding = "dynamodb" ? {in_table} : {in_input}'),
        )
        return (
            sfn.Choice.jsonata(self, "Check List")
            .when(sfn.Condition.jsonata(jsonata(LIST_NOT_FOUND)), not_found, comment="none")
            .when(sfn.Condition.jsonata(jsonata(LIST_IS_ARRAY)), process_items, comment="a list")
            .otherwise(invalid)
        )
