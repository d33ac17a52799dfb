"""Where a Distributed Map takes its items from: a list in the lists bucket."""

from aws_cdk import aws_s3 as s3
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from stacks.config_maps import MapConfig
from stacks.expressions import jsonata
from stacks.map_run.expressions import KEY_IS_USABLE, list_key


def check_key(scope: Construct, lists: s3.IBucket, process_items: sfn.DistributedMap) -> sfn.Choice:
    """Return the state that goes on if the input names a list or is empty, and else to a named failure."""
    invalid = sfn.Fail.jsonata(
        scope,
        "Item List Invalid",
        error="ItemListInvalid",
        cause='The input is not like {"key": "lists/other.jsonl"}. Give the key of a list in bucket '
        f"{lists.bucket_name} in that form, or {{}} for the list that config.json names",
    )
    return (
        sfn.Choice.jsonata(scope, "Check Input")
        .when(sfn.Condition.jsonata(jsonata(KEY_IS_USABLE)), process_items, comment="a key, or none")
        .otherwise(invalid)
    )


def bucket_reader(config: MapConfig, lists: s3.IBucket) -> sfn.IItemReader:
    """Return the ItemReader for the configured format."""
    key = jsonata(list_key(config))
    match config.format:
        case "json":
            return sfn.S3JsonItemReader(bucket=lists, key=key)
        case "jsonl":
            return sfn.S3JsonLItemReader(bucket=lists, key=key)
        case "csv":
            return sfn.S3CsvItemReader(bucket=lists, key=key, csv_headers=sfn.CsvHeaders.use_first_row())
