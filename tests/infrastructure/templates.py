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
