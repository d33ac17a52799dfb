"""The Distributed Map state: a child workflow execution for each batch, results in the bucket."""

from collections.abc import Mapping

from aws_cdk import aws_s3 as s3
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from stacks.config_maps import MapConfig
from stacks.expressions import jsonata

LABEL = "ProcessItems"
RESULTS_PREFIX = "runs"


def process_items(  # noqa: PLR0913 - all but the first are named
    scope: Construct,
    *,
    config: MapConfig,
    results: s3.IBucket,
    processor: sfn.IChainable,
    max_items_per_batch: int,
    max_input_bytes_per_batch: int | None = None,
    batch_input: Mapping[str, str] | None = None,
    item_reader: sfn.IItemReader | None = None,
    items: sfn.ProvideItems | None = None,
) -> sfn.DistributedMap:
    """Return the state that starts ``processor`` for each batch of a list.

    A child's input is ``{"BatchInput": {"execution": "name"}, "Items": [{"index": 0, "item": …}, …]}``.

    Parameters
    ----------
    results
        Bucket for the ResultWriter's files.
    processor
        The first state of a child.
    batch_input
        What else a child gets in ``BatchInput``.
    item_reader, items
        Where the list is: one of the two.
    """
    return sfn.DistributedMap.jsonata(
        scope,
        "Process Items",
        label=LABEL,
        map_execution_type=sfn.StateMachineType[config.childType],
        max_concurrency=config.maxConcurrency,
        tolerated_failure_percentage=config.toleratedFailurePercentage,
        tolerated_failure_count=config.toleratedFailureCount,
        item_reader=item_reader,
        items=items,
        item_selector={
            "index": jsonata("$states.context.Map.Item.Index"),
            "item": jsonata("$states.context.Map.Item.Value"),
        },
        item_batcher=sfn.ItemBatcher(
            max_items_per_batch=max_items_per_batch,
            max_input_bytes_per_batch=max_input_bytes_per_batch,
            batch_input={"execution": jsonata("$states.context.Execution.Name"), **(batch_input or {})},
        ),
        result_writer_v2=sfn.ResultWriterV2(
            bucket=results,
            prefix=RESULTS_PREFIX,
            writer_config=sfn.WriterConfig(
                output_type=sfn.OutputType.JSONL, transformation=sfn.Transformation.NONE
            ),
        ),
    ).item_processor(processor)
