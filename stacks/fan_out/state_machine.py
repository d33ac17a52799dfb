"""The fan-out state machine: read the list, then process each item in an inline Map."""

from aws_cdk import Duration
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from stacks.config import LIST_ATTRIBUTE, Config
from stacks.expressions import jsonata, literal
from stacks.fan_out.expressions import (
    CAUGHT_ERROR,
    FAILED_ITEM,
    FAILURE_CAUSE,
    FAILURE_NAME,
    GIVEN_LIST,
    LIST_IS_ARRAY,
    LIST_IS_GIVEN,
    LIST_NOT_FOUND,
    READ_LIST,
)
from stacks.functions import TASK_TIMEOUT_SECONDS
from stacks.retries import LAMBDA_TRANSIENT_ERRORS, add_retry
from stacks.state_machines import create_state_machine

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


class FanOutStateMachine(Construct):
    """Standard workflow that runs ``function`` over the list in ``table``, or over the list given as input.

    Attributes
    ----------
    state_machine
        The workflow, allowed to read the table and to invoke the function.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        config: Config,
        table: dynamodb.ITableV2,
        function: lambda_.IFunction,
    ) -> None:
        super().__init__(scope, id_)
        self._config = config
        check = self._check_list(self._process_items(function))
        self.state_machine = create_state_machine(
            self,
            comment="Process each item of a list",
            start=self._get_list(table, check),
            timeout_seconds=config.stepfunc.timeoutDurationSeconds,
            log_data=True,
            production=config.production,
        )

    def _get_list(self, table: dynamodb.ITableV2, check: sfn.Choice) -> sfn.Choice:
        """Take the list from the execution's input, or else read it from the table."""
        ddb = self._config.ddb
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

    def _check_list(self, process_items: sfn.Map) -> sfn.Choice:
        """End in a named failure if there is no list; otherwise go on."""
        ddb = self._config.ddb
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

    def _process_items(self, function: lambda_.IFunction) -> sfn.Map:
        """Invoke the function once for each item; the results keep the order of the list."""
        stepfunc = self._config.stepfunc
        processor: sfn.IChainable = self._process_item(function)
        if stepfunc.waitDurationSeconds:
            wait_time = sfn.WaitTime.duration(Duration.seconds(stepfunc.waitDurationSeconds))
            processor = sfn.Wait.jsonata(self, "Wait Before Item", time=wait_time).next(processor)
        return sfn.Map.jsonata(
            self,
            "Process Items",
            items=sfn.ProvideItems.jsonata(jsonata("$states.input.items")),
            max_concurrency=stepfunc.maxConcurrency,
            item_selector={
                "item": jsonata("$states.context.Map.Item.Value"),
                "index": jsonata("$states.context.Map.Item.Index"),
                "execution": jsonata("$states.context.Execution.Name"),
                "encoding": jsonata("$states.input.encoding"),
            },
        ).item_processor(processor)

    def _process_item(self, function: lambda_.IFunction) -> tasks.LambdaInvoke:
        """Invoke the function for one item, with the failure policy of the configuration."""
        task = tasks.LambdaInvoke.jsonata(
            self,
            "Process Item",
            lambda_function=function,
            outputs=jsonata("$states.result.Payload"),
            task_timeout=sfn.Timeout.duration(Duration.seconds(TASK_TIMEOUT_SECONDS)),
            retry_on_service_exceptions=False,
        )
        add_retry(task, LAMBDA_TRANSIENT_ERRORS)
        on_failure: sfn.Fail | sfn.Pass
        if self._config.stepfunc.onItemFailure == "continue":
            on_failure = sfn.Pass.jsonata(self, "Record Failure", outputs=jsonata(FAILED_ITEM))
        else:
            on_failure = sfn.Fail.jsonata(
                self, "Item Failed", error=jsonata(FAILURE_NAME), cause=jsonata(FAILURE_CAUSE)
            )
        # The first is that of a result over 256 KiB, which States.ALL leaves out by AWS's guide.
        for error in ("States.DataLimitExceeded", "States.ALL"):
            task.add_catch(on_failure, errors=[error], outputs=jsonata(CAUGHT_ERROR))
        return task
