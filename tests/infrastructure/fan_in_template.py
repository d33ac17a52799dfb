"""Finds the parts of the queue fan-in stack's template by what they are."""

from templates import logical_id

HANDLERS = {
    "split": "split_handler.split",
    "worker": "job_handler.handle_messages",
    "count": "count_handler.count",
    "finish": "finish_handler.finish",
    "dead letters": "dead_letter_handler.handle_dead_letters",
    "overdue": "overdue_handler.end_overdue",
}


def arn(name):
    return {"Fn::GetAtt": [name, "Arn"]}


def published(template, output):
    """Return the name of the resource that an output publishes."""
    return template["Outputs"][output]["Value"]["Ref"]


def function_name(template, role):
    return logical_id(template, "AWS::Lambda::Function", Handler=HANDLERS[role])


def function_of(template, role):
    return template["Resources"][function_name(template, role)]["Properties"]


def event_source_of(template, role):
    function = {"Ref": function_name(template, role)}
    name = logical_id(template, "AWS::Lambda::EventSourceMapping", FunctionName=function)
    return template["Resources"][name]["Properties"]


def table_of(template, output):
    return template["Resources"][published(template, output)]


def failure_queue(template, role):
    """Return the name of the queue that keeps what a function failed at for good."""
    function = {"Ref": function_name(template, role)}
    if role == "count":
        destination = event_source_of(template, role)["DestinationConfig"]
    else:
        name = logical_id(template, "AWS::Lambda::EventInvokeConfig", FunctionName=function)
        destination = template["Resources"][name]["Properties"]["DestinationConfig"]
    return destination["OnFailure"]["Destination"]["Fn::GetAtt"][0]
