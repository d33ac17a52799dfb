"""Finds things in a synthesized template by type and properties, never by a hashed id."""

from aws_cdk.assertions import Template

LOG_AND_TRACE = [
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
]
"""Actions that take no resource."""

FULL_JITTER = {
    "IntervalSeconds": 1,
    "BackoffRate": 2,
    "MaxAttempts": 6,
    "MaxDelaySeconds": 30,
    "JitterStrategy": "FULL",
}

LAMBDA_TRANSIENT_ERRORS = {
    "Lambda.TooManyRequestsException",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.ClientExecutionTimeoutException",
}


def of_type(template, type_):
    """Return the resources of one type, with their attributes."""
    return [resource for resource in template["Resources"].values() if resource["Type"] == type_]


def logical_id(template, type_, **properties):
    """Return the name of the one resource that has these properties."""
    (name,) = Template.from_json(template).find_resources(type_, {"Properties": properties})
    return name


def statements(template, resource):
    """Return every statement of the policies of the role that a function or a state machine has."""
    properties = template["Resources"][resource]["Properties"]
    role = (properties.get("Role") or properties["RoleArn"])["Fn::GetAtt"][0]
    assert not {"ManagedPolicyArns", "Policies"} & set(template["Resources"][role]["Properties"])
    return [
        statement
        for policy in of_type(template, "AWS::IAM::Policy")
        if policy["Properties"]["Roles"] == [{"Ref": role}]
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
    ]


def own_log(template, function):
    """Return the statement that lets a function write to its own log group."""
    log_group = template["Resources"][function]["Properties"]["LoggingConfig"]["LogGroup"]["Ref"]
    return {
        "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "Effect": "Allow",
        "Resource": {"Fn::GetAtt": [log_group, "Arn"]},
    }


def objects_of(bucket):
    """Return the ARN of all objects of a bucket, as CDK grants a state machine."""
    return {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, ":s3:::", {"Ref": bucket}, "/*"]]}


def retry_of(task, error):
    """Return the one retrier of a task for an error, without its errors; None if there is none."""
    found = [it for it in task["Retry"] if error in it["ErrorEquals"]]
    assert len(found) <= 1
    return {key: value for key, value in found[0].items() if key != "ErrorEquals"} if found else None


def as_cfn_lint_knows_it(definition):
    """Return a template with a definition as an object, which cfn-lint reads, and not as a joined text."""
    role = "arn:aws:iam::123456789012:role/StateMachine"
    properties = {"RoleArn": role, "Definition": {**definition, "States": _known(definition["States"])}}
    return {"Resources": {"Machine": {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}}}


def _known(states):
    """Replace what its schema of the language lacks: JSONata in TimeoutSeconds, QueryLanguage in Succeed."""
    known = {}
    for name, original in states.items():
        state = dict(original)
        if str(state.get("TimeoutSeconds", "")).startswith("{%"):
            state["TimeoutSeconds"] = 75
        if state["Type"] == "Succeed":
            state.pop("QueryLanguage", None)
        if "ItemProcessor" in state:
            inner = _known(state["ItemProcessor"]["States"])
            state["ItemProcessor"] = {**state["ItemProcessor"], "States": inner}
        known[name] = state
    return known
