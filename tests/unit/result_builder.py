"""Builds what an execution of the `distributedMap` workflow leaves: records, files, the API's answers."""

import json
from contextlib import contextmanager
from datetime import UTC, datetime

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

REGION = "eu-west-1"
STATE_MACHINE = f"arn:aws:states:{REGION}:123456789012:stateMachine:Batches"
EXECUTION = f"arn:aws:states:{REGION}:123456789012:execution:Batches:run-1"
MAP_RUN = f"arn:aws:states:{REGION}:123456789012:mapRun:Batches/ProcessItems:0f9a"
LISTS, RESULTS = "the-lists", "the-results"
STARTED = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def definition(input_type="JSONL", **reader):
    """Write a definition like that of the stack, as far as the commands read it."""
    process_items = {
        "Type": "Map",
        "ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"}},
        "ItemReader": {
            "ReaderConfig": {"InputType": input_type, **reader},
            "Arguments": {"Bucket": LISTS, "Key": "{% $states.input.key %}"},
        },
        "ResultWriter": {"Arguments": {"Bucket": RESULTS, "Prefix": "runs"}},
    }
    states = {"Check Input": {"Type": "Choice", "Choices": []}, "Process Items": process_items}
    return json.dumps({"StartAt": "Check Input", "States": states})


def succeeded(index, result="done", attempts=1):
    """Build the outcome of an item that succeeded."""
    return {"index": index, "status": "succeeded", "result": result, "attempts": attempts}


def failed(index, name="ValueError", message="bad", attempts=3):
    """Build the outcome of an item that failed."""
    error = {"name": name, "message": message}
    return {"index": index, "status": "failed", "error": error, "attempts": attempts}


def child(items, outcomes=None, *, status="SUCCEEDED", ended="09:00:01.000", **more):
    """Build a child's record; ``items`` maps an index to an item or, as text, to its JSON."""
    entries = ",".join(f'{{"index":{index},"item":{item}}}' for index, item in items.items())
    record = {"Input": f'{{"BatchInput":{{"execution":"run-1"}},"Items":[{entries}]}}', "Status": status}
    if outcomes is not None:
        record["Output"] = json.dumps({"outcomes": outcomes}, ensure_ascii=False)
    if ended:
        record["StopDate"] = f"2026-03-02T{ended}Z"
    return record | more


@contextmanager
def simulate_s3():
    """Simulate S3 with the buckets of the stack."""
    with pytest.MonkeyPatch.context() as environment, mock_aws():
        environment.delenv("AWS_ENDPOINT_URL", raising=False)
        environment.setenv("AWS_DEFAULT_REGION", REGION)
        client = boto3.client("s3")
        for bucket in (LISTS, RESULTS):
            client.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        yield client


def empty_buckets(s3):
    """Delete what a test left."""
    for bucket in (LISTS, RESULTS):
        for stored in s3.list_objects_v2(Bucket=bucket).get("Contents", []):
            s3.delete_object(Bucket=bucket, Key=stored["Key"])


def put_results(s3, uuid="0f9a", **children):
    """Write the files of a Map Run and their manifest; ``children`` are lists by state."""
    files = {"SUCCEEDED": [], "FAILED": [], "PENDING": []}
    for state, records in children.items():
        key = f"runs/{uuid}/{state}_0.jsonl"
        body = "".join(f"{json.dumps(record, ensure_ascii=False)}\n" for record in records).encode()
        s3.put_object(Bucket=RESULTS, Key=key, Body=body)
        files[state].append({"Key": key, "Size": len(body)})
    manifest = {"DestinationBucket": RESULTS, "MapRunArn": MAP_RUN, "ResultFiles": files}
    s3.put_object(Bucket=RESULTS, Key=f"runs/{uuid}/manifest.json", Body=json.dumps(manifest))


class States:
    """Step Functions with one execution; what is started or redriven is kept."""

    def __init__(self, status="SUCCEEDED", *, total=0, definition_text=None, **described):
        self.described = {
            "executionArn": EXECUTION,
            "name": "run-1",
            "stateMachineArn": STATE_MACHINE,
            "status": status,
            **described,
        }
        self.map_runs = [{"mapRunArn": MAP_RUN, "startDate": STARTED}]
        self.map_run_status = "SUCCEEDED" if status == "SUCCEEDED" else "FAILED"
        self.total = total
        self.definition = definition_text or definition()
        self.current_definition = self.definition
        self.events = []
        self.started = {}
        self.redriven = []
        self.refusal = None

    def describe_execution(self, *, executionArn):  # noqa: N803 - boto3's name
        known = {EXECUTION: self.described} | self.started
        if executionArn not in known:
            raise client_error("ExecutionDoesNotExist")
        return known[executionArn]

    def describe_state_machine_for_execution(self, *, executionArn):  # noqa: N803
        assert executionArn == EXECUTION
        return {"definition": self.definition}

    def describe_state_machine(self, *, stateMachineArn):  # noqa: N803
        assert stateMachineArn == STATE_MACHINE
        return {"definition": self.current_definition}

    def get_paginator(self, name):
        assert name == "list_map_runs"
        return self

    def paginate(self, *, executionArn):  # noqa: N803
        assert executionArn == EXECUTION
        return [{"mapRuns": [run]} for run in self.map_runs]

    def describe_map_run(self, *, mapRunArn):  # noqa: N803
        return {"mapRunArn": mapRunArn, "status": self.map_run_status, "itemCounts": {"total": self.total}}

    def get_execution_history(self, **_):
        return {"events": self.events[::-1]}

    def start_execution(self, *, stateMachineArn, name, input):  # noqa: N803, A002
        assert stateMachineArn == STATE_MACHINE
        arn = f"{EXECUTION.rpartition(':')[0]}:{name}"
        self.started[arn] = {"executionArn": arn, "name": name, "status": "RUNNING", "input": input}
        return {"executionArn": arn}

    def redrive_execution(self, *, executionArn):  # noqa: N803
        if self.refusal:
            raise client_error("ExecutionNotRedrivable", self.refusal)
        self.redriven.append(executionArn)
        return {}


class Session:
    """A session with this Step Functions and a simulated S3."""

    region_name = REGION

    def __init__(self, states, s3):
        self._clients = {"stepfunctions": states, "s3": s3}

    def client(self, service):
        return self._clients[service]


def client_error(code, message="…"):
    """Build an error as botocore raises it."""
    return ClientError({"Error": {"Code": code, "Message": message}}, "Operation")
