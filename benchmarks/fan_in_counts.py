"""Counts what a job of the queueFanIn workflow asks of AWS, on the local AWS.

The job's items take 100 ms each, and their results are 1 KB of JSON. Requests are those that the local AWS
served; invocations are in the functions' logs. What DynamoDB charges for a write comes from
the sizes of the items before and after it: of the results table from its items, which are written once, of
the jobs table from a stream that is switched on for this.

A function of little memory has a share of a processor, which a local one does not: so the time that its
processes were on a processor is counted as well.
"""

import json
import math
import time
import urllib.request
import zlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import mean
from typing import Any

from benchmarks.deployment import deploy
from benchmarks.emulators import Emulator, local_aws
from benchmarks.fan_in import FUNCTIONS, WATCHING_ACTION, WORKFLOW, run_job
from benchmarks.process_memory import list_group, read_processor_seconds, read_variable
from local.tool_environment import ACCOUNT
from stacks.config_queue import QueueFanInConfig
from utils.attribute_values import item_bytes

COUNTS = Path(__file__).with_name("fan_in_counts.json")
ITEMS = 20_000
WORK_SECONDS = 0.1
"""What `process` takes for an item."""
WORKERS = QueueFanInConfig().workerMaxConcurrency
"""What is counted is the workflow as it is deployed with an empty section of config.json."""
WARMING_ITEMS = WORKERS * 200
"""Two full batches for each worker, so that all of them have started."""
WRITE_BYTES = 1024
"""Of an item, for which a write unit is charged."""
REPORT = "REPORT RequestId"
"""How the last line of an invocation begins in the log of its function."""

PROCESS = f"""\
import random
import time

WORDS = (
    "about after again along among another answer around became before begin behind better between box "
    "bring build call carry change city clear close cold come complete could country course cover "
    "customer day deliver different door down early earth enough every example family far father figure "
    "final first follow food form found four friend garden give good great green ground group grow half "
    "hand happen hard head heard help high home horse hour house hundred idea important inch island "
    "just keep kind knew land large last late learn leave left letter life light line list listen "
    "little live long look machine make many mark measure might mile minute money morning mother "
    "mountain move much music name near never next night north nothing notice number object often only "
    "open order other paper part pass people picture piece place plain plan plant point power press "
    "problem produce question quick rain reach ready red remember rest river road rock room round rule "
    "same school science second sentence serve several shape ship short show side simple since sleep "
    "slow small song sound south space special stand star start state stay step still stood stop story "
    "street strong study sure surface system table take talk teach tell thing think thought thousand "
    "through time together town travel tree true turn under unit until usual voice vowel walk want warm "
    "watch water week weigh west wheel white whole wind winter wonder wood word work world write year "
    "young"
).split()


def process(item):
    time.sleep({WORK_SECONDS})
    chance = random.Random(item["id"])

    def text(words):
        return " ".join(chance.choices(WORDS, k=words))

    lines = [
        {{
            "sku": f"{{chance.randrange(16**8):08x}}",
            "quantity": chance.randint(1, 40),
            "price": round(chance.uniform(1, 500), 2),
            "description": text(10),
        }}
        for _ in range(6)
    ]
    order = f"{{chance.randrange(16**16):016x}}"
    return {{"order": order, "customer": text(2), "status": "processed", "lines": lines, "note": text(32)}}
"""
"""Returns what an order may look like, 1 KB of JSON."""


Image = Mapping[str, Any]
"""An item with its attributes' types."""


def count_job() -> dict[str, Any]:
    """Run a job and count; fan_in_counts.json has what this returns."""
    with local_aws() as ours, deploy(ours, {}, PROCESS, WORKFLOW) as deployment:
        run_job(ours, deployment, _items(WARMING_ITEMS), "warming")
        dynamodb, jobs_table = ours.client("dynamodb"), deployment.outputs["JobsTableName"]
        stream = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
        dynamodb.update_table(TableName=jobs_table, StreamSpecification=stream)
        began, requests, processors = int(time.time() * 1000), _read_requests(ours), _read_processors(ours)
        job = run_job(ours, deployment, _items(ITEMS), "list")
        asked, worked = _read_requests(ours), _read_processors(ours)
        results = [
            item
            for page in dynamodb.get_paginator("scan").paginate(
                TableName=deployment.outputs["ResultsTableName"]
            )
            for item in page["Items"]
            if item["part"]["S"].startswith(f"{job.name}/")
        ]
        table = dynamodb.describe_table(TableName=jobs_table)["Table"]
        return {
            "items": ITEMS,
            "workers": WORKERS,
            "workSeconds": WORK_SECONDS,
            "seconds": round(job.seconds, 1),
            "requests": _difference(asked, requests),
            "functions": {
                name: {**use, "processorSeconds": round(worked.get(name, 0) - processors.get(name, 0), 2)}
                for name, use in _read_functions(ours, began).items()
            },
            "results": count_results(results),
            "jobWrites": sum(
                write_units(record["dynamodb"], table["GlobalSecondaryIndexes"])
                for record in _read_stream(ours, table["LatestStreamArn"])
            ),
        }


def count_results(results: Sequence[Image]) -> dict[str, float]:
    """Count what results take: write units, and mean bytes as JSON and as DynamoDB counts them."""
    texts = [zlib.decompress(item["result"]["B"]) for item in results]
    return {
        "writes": sum(math.ceil(item_bytes(dict(item)) / WRITE_BYTES) for item in results),
        "jsonBytes": round(mean(map(len, texts))),
        "itemBytes": round(mean(item_bytes(dict(item)) for item in results)),
    }


def write_units(change: Mapping[str, Image], indexes: Sequence[Mapping[str, Any]]) -> int:
    """Count the units of a write: the larger of the images, and one for each index whose entry changes.

    Parameters
    ----------
    change
        The part of a stream's record with the images.
    indexes
        Those of the table, whose entries are of keys and less than 1 KB.
    """
    before, after = dict(change.get("OldImage", {})), dict(change.get("NewImage", {}))
    units = math.ceil(max(item_bytes(before), item_bytes(after)) / WRITE_BYTES)
    for index in indexes:
        names = [key["AttributeName"] for key in index["KeySchema"]]
        units += [before.get(name) for name in names] != [after.get(name) for name in names]
    return units


def _items(count: int) -> list[dict[str, Any]]:
    return [{"id": index, "order": f"order {index}"} for index in range(count)]


def _read_requests(emulator: Emulator) -> dict[str, dict[str, int]]:
    with urllib.request.urlopen(f"{emulator.endpoint}/_local/requests") as answer:
        counts: dict[str, dict[str, int]] = json.load(answer)[ACCOUNT]
    return counts


def _difference(
    after: Mapping[str, Mapping[str, int]], before: Mapping[str, Mapping[str, int]]
) -> dict[str, dict[str, int]]:
    """Subtract counts; what watches the job, and what was not asked in between, is left out."""
    return {
        action: {name: number - before.get(action, {}).get(name, 0) for name, number in counts.items()}
        for action, counts in sorted(after.items())
        if counts != before.get(action) and action != WATCHING_ACTION
    }


def _read_functions(emulator: Emulator, since: int) -> dict[str, dict[str, Any]]:
    """Read memory and invocations of each function that was invoked, from its log."""
    logs, found = emulator.client("logs"), {}
    pages = emulator.lambda_client.get_paginator("list_functions").paginate()
    for function in (function for page in pages for function in page["Functions"]):
        name = next((word for id_, word in FUNCTIONS.items() if f"-{id_}" in function["FunctionName"]), None)
        if name is None:
            continue
        log = logs.get_paginator("filter_log_events").paginate(
            logGroupName=function["LoggingConfig"]["LogGroup"], startTime=since
        )
        found[name] = {
            "memoryMb": function["MemorySize"],
            "invocations": sum(
                event["message"].startswith(REPORT) for page in log for event in page["events"]
            ),
        }
    return found


def _read_processors(emulator: Emulator) -> dict[str, float]:
    """Read how long the processes of each function were on a processor, in seconds."""
    seconds: dict[str, float] = defaultdict(float)
    for pid in list_group(emulator.pid):
        function = read_variable(pid, "AWS_LAMBDA_FUNCTION_NAME") or ""
        for id_, name in FUNCTIONS.items():
            if f"-{id_}" in function:
                seconds[name] += read_processor_seconds(pid)
    return seconds


def _read_stream(emulator: Emulator, arn: str) -> Iterator[Mapping[str, Any]]:
    streams = emulator.client("dynamodbstreams")
    for shard in streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]:
        iterator = streams.get_shard_iterator(
            StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        while (page := streams.get_records(ShardIterator=iterator))["Records"]:
            yield from page["Records"]
            iterator = page["NextShardIterator"]
