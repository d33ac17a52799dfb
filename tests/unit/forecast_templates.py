"""Templates as small as FACTS.md's table takes them: one state for an item or a batch, x86_64, 128 MB."""

import json

ITEM, BATCH = "item_handler.handle_item", "batch_handler.handle_batch"
RECORD, SUMMARISE = "record_handler.handle_records", "summarise_handler.summarise"
MESSAGES = "job_handler.handle_messages"
QUEUE_URL = "https://sqs.us-east-1.amazonaws.com/111122223333/Queue"


def function(handler, timeout=60, **variables):
    return {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "Handler": handler,
            "MemorySize": 128,
            "Architectures": ["x86_64"],
            "Timeout": timeout,
            "Environment": {"Variables": variables},
        },
    }


def event_source(name, batch_size, workers=None, **properties):
    scaling = {"ScalingConfig": {"MaximumConcurrency": workers}} if workers else {}
    properties = {"FunctionName": {"Ref": name}, "BatchSize": batch_size, **scaling, **properties}
    return {"Type": "AWS::Lambda::EventSourceMapping", "Properties": properties}


def invoke(name, **fields):
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Arguments": {"FunctionName": name},
        "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Failed"}],
        **fields,
    }


def machine(states, timeout=3600, logs="OFF"):
    definition = {"StartAt": next(iter(states)), "States": states, "TimeoutSeconds": timeout}
    return {
        "Type": "AWS::StepFunctions::StateMachine",
        "Properties": {
            "DefinitionString": {"Fn::Join": ["", [json.dumps(definition)]]},
            "LoggingConfiguration": {"Level": logs},
            "TracingConfiguration": {"Enabled": False},
        },
    }


def inline_map(processor, max_concurrency):
    config = {"ProcessorConfig": {"Mode": "INLINE"}, "StartAt": next(iter(processor)), "States": processor}
    return {"Type": "Map", "MaxConcurrency": max_concurrency, "ItemProcessor": config, "End": True}


def fan_out(wait, max_concurrency=1, timeout=99_999_999, *, continues=False):
    task = invoke("Item", End=True)
    failed = {"Failed": {"Type": "Pass", "End": True} if continues else {"Type": "Fail"}}
    waiting = {"Wait": {"Type": "Wait", "Seconds": wait, "Next": "Process"}} if wait else {}
    read = {"Type": "Task", "Resource": "arn:aws:states:::dynamodb:getItem", "Next": "Map"}
    states = {"Read": read, "Map": inline_map({**waiting, "Process": task, **failed}, max_concurrency)}
    return {"Resources": {"StateMachine": machine(states, timeout), "Item": function(ITEM)}}


def child(kind, states):
    config = {"Mode": "DISTRIBUTED", "ExecutionType": kind}
    return {"ProcessorConfig": config, "StartAt": next(iter(states)), "States": states}


def distributed_map(kind, batch=100, *, states=None, at_once=1000, timeout=99_999_999, **resources):
    states = states or {"Process": invoke("Batch", End=True), "Failed": {"Type": "Fail"}}
    process = {
        "Type": "Map",
        "MaxConcurrency": at_once,
        "ItemBatcher": {"MaxItemsPerBatch": batch},
        "ItemProcessor": child(kind, states),
        "End": True,
    }
    functions = {"Batch": function(BATCH), "Summarise": function(SUMMARISE, 900)}
    return {"Resources": {"StateMachine": machine({"Map": process}, timeout), **functions, **resources}}


def throttled_map(
    workers=2, messages_per_call=10, *, limits=(60, 300), at_once=1000, timeout=99_999_999, **variables
):
    token = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
        "Arguments": {"QueueUrl": QUEUE_URL},
        "HeartbeatSeconds": limits[0],
        "TimeoutSeconds": limits[1],
        "End": True,
        "Retry": [{"ErrorEquals": ["States.TaskFailed"], "MaxAttempts": 2}],
        "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Record"}],
    }
    choice = {"Type": "Choice", "Choices": [{"Next": "Queue"}], "Default": "Process"}
    states = {
        "Throttled?": choice,
        "Queue": token,
        "Record": {"Type": "Pass", "End": True},
        "Process": invoke("Batch", End=True),
        "Failed": {"Type": "Fail"},
    }
    worker = {
        "Worker": function(RECORD, 300, **variables),
        "Source": event_source("Worker", messages_per_call, workers),
    }
    return distributed_map("STANDARD", 1, states=states, at_once=at_once, timeout=timeout, **worker)


def queue_fan_in(  # noqa: PLR0917
    items_per_message=1, messages_per_call=10, records_per_count=10, workers=1000, deadline=3600, window=0
):
    return {
        "Resources": {
            "Worker": function(MESSAGES, MAX_RECEIVE_COUNT="3"),
            "Split": function(
                "split_handler.split",
                900,
                MAX_ITEMS_PER_MESSAGE=str(items_per_message),
                DEADLINE_SECONDS=str(deadline),
            ),
            "Count": function("count_handler.count"),
            "Finish": function("finish_handler.finish", 900),
            "WorkerSource": event_source("Worker", messages_per_call, workers),
            "CountSource": event_source("Count", records_per_count, MaximumBatchingWindowInSeconds=window),
        }
    }


def templates(wait=2, max_concurrency=1):
    return {
        "fanOut-wait": fan_out(wait, max_concurrency),
        "fanOut-no-wait": fan_out(0, max_concurrency),
        "distributedMap-EXPRESS": distributed_map("EXPRESS"),
        "distributedMap-STANDARD": distributed_map("STANDARD"),
        "throttledMap": throttled_map(),
        "queueFanIn": queue_fan_in(),
    }


def templates_of(config):
    """Give the templates as a configuration makes them."""
    fan, maps, throttled, queue = (
        config.stepfunc,
        config.distributedMap,
        config.throttledMap,
        config.queueFanIn,
    )
    inline = {"timeout": fan.timeoutDurationSeconds, "continues": fan.onItemFailure == "continue"}
    in_maps = {"at_once": maps.maxConcurrency, "timeout": maps.timeoutDurationSeconds}
    return {
        "fanOut-wait": fan_out(fan.waitDurationSeconds or 1, fan.maxConcurrency, **inline),
        "fanOut-no-wait": fan_out(0, fan.maxConcurrency, **inline),
        **{
            f"distributedMap-{kind}": distributed_map(kind, maps.maxItemsPerBatch, **in_maps)
            for kind in ("EXPRESS", "STANDARD")
        },
        "throttledMap": throttled_map(
            throttled.workerMaxConcurrency,
            limits=(throttled.heartbeatSeconds, throttled.itemTimeoutSeconds),
            at_once=throttled.maxConcurrency,
            timeout=throttled.timeoutDurationSeconds,
            **({"MAX_PER_SECOND": str(throttled.maxPerSecond)} if throttled.maxPerSecond else {}),
        ),
        "queueFanIn": queue_fan_in(
            queue.maxItemsPerMessage,
            records_per_count=1000,
            workers=queue.workerMaxConcurrency,
            deadline=queue.deadlineMinutes * 60,
            window=2,
        ),
    }
