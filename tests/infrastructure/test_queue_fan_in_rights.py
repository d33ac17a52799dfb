"""The queue fan-in stack's rights: every statement of every role, and no other."""

import pytest
from fan_in_template import HANDLERS, arn, failure_queue, function_name, published
from templates import of_type, own_log, statements

from stacks.queue_fan_in.stack import QueueFanInStack

CONTINUES, ENDED = "Job Continues", "Job Ended"


@pytest.fixture
def template(synthesize):
    """Return the template with the defaults."""
    return synthesize(QueueFanInStack)


@pytest.fixture
def allowed(template):
    """Return a function that gives the statements of a function's role, without that for its own log."""

    def read(role):
        name = function_name(template, role)
        log, *others = statements(template, name)
        assert log == own_log(template, name)
        return others

    return read


def allow(actions, resource):
    """Return a statement; of several actions, in the order of the alphabet, or of one."""
    return {"Action": actions, "Effect": "Allow", "Resource": resource}


def objects(template, output, prefix):
    return {"Fn::Join": ["", [arn(published(template, output)), f"/{prefix}/*"]]}


def send_events(*detail_types):
    parts = ["arn:", {"Ref": "AWS::Partition"}, ":events:", {"Ref": "AWS::Region"}, ":"]
    bus = {"Fn::Join": ["", [*parts, {"Ref": "AWS::AccountId"}, ":event-bus/default"]]}
    conditions = {"events:source": "queue-fan-in", "events:detail-type": list(detail_types)}
    return {**allow("events:PutEvents", bus), "Condition": {"StringEquals": conditions}}


def keep_failures(template, role):
    actions = ["sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:SendMessage"]
    return allow(actions, arn(failure_queue(template, role)))


def read_lists(template):
    return [
        allow(["s3:GetObject", "s3:GetObjectVersion"], objects(template, "ListsBucketName", "lists")),
        allow("s3:ListBucket", arn(published(template, "ListsBucketName"))),
    ]


def consume(*more):
    """Return the actions that CDK allows for an event source on a queue, and more on the same queue."""
    names = [
        "ChangeMessageVisibility",
        "DeleteMessage",
        "GetQueueAttributes",
        "GetQueueUrl",
        "ReceiveMessage",
    ]
    return [f"sqs:{name}" for name in [*names, *more]]


def test_split_may_keep_jobs_read_lists_and_send_messages(template, allowed):
    assert allowed("split") == [
        allow(
            ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"],
            arn(published(template, "JobsTableName")),
        ),
        *read_lists(template),
        allow("sqs:SendMessage", arn(published(template, "QueueUrl"))),
        send_events(CONTINUES),
        keep_failures(template, "split"),
    ]


def test_worker_may_write_results_and_never_replace_one(template, allowed):
    # Given the worker's role, whose only right to write inserts what is not there
    results = arn(published(template, "ResultsTableName"))
    # Then it has that, a look at what is there, and the queue
    assert allowed("worker") == [
        allow(["dynamodb:BatchGetItem", "dynamodb:PartiQLInsert"], results),
        allow(consume("SendMessage"), arn(published(template, "QueueUrl"))),
    ]


def test_count_may_keep_jobs_and_read_the_stream(template, allowed):
    results = published(template, "ResultsTableName")
    stream = ["DescribeStream", "GetRecords", "GetShardIterator", "ListStreams"]
    assert allowed("count") == [
        allow(
            ["dynamodb:GetItem", "dynamodb:UpdateItem"],
            arn(published(template, "JobsTableName")),
        ),
        send_events(CONTINUES),
        keep_failures(template, "count"),
        allow([f"dynamodb:{it}" for it in stream], {"Fn::GetAtt": [results, "StreamArn"]}),
    ]


def test_finish_may_read_lists_and_results_and_write_the_output(template, allowed):
    assert allowed("finish") == [
        allow(["dynamodb:GetItem", "dynamodb:UpdateItem"], arn(published(template, "JobsTableName"))),
        allow(
            ["dynamodb:BatchGetItem", "dynamodb:PartiQLInsert", "dynamodb:Query"],
            arn(published(template, "ResultsTableName")),
        ),
        *read_lists(template),
        allow("s3:PutObject", objects(template, "ResultsBucketName", "jobs")),
        send_events(CONTINUES, ENDED),
        keep_failures(template, "finish"),
    ]


def test_dead_letters_may_only_insert_results(template, allowed):
    assert allowed("dead letters") == [
        allow("dynamodb:PartiQLInsert", arn(published(template, "ResultsTableName"))),
        allow(consume(), arn(published(template, "DeadLetterQueueUrl"))),
    ]


def test_overdue_may_find_open_jobs_and_let_them_continue(template, allowed):
    jobs = arn(published(template, "JobsTableName"))
    assert allowed("overdue") == [
        allow(["dynamodb:GetItem", "dynamodb:UpdateItem"], jobs),
        allow("dynamodb:Query", {"Fn::Join": ["", [jobs, "/index/OpenJobs"]]}),
        send_events(CONTINUES),
        keep_failures(template, "overdue"),
    ]


def test_functions_are_invoked_only_by_rules_of_the_stack(template):
    # Given every permission to invoke a function
    permissions = [it["Properties"] for it in of_type(template, "AWS::Lambda::Permission")]
    # Then each is for one rule, and there is one for each
    rules = [name for name, it in template["Resources"].items() if it["Type"] == "AWS::Events::Rule"]
    assert sorted(it["SourceArn"]["Fn::GetAtt"][0] for it in permissions) == sorted(rules)
    assert {it["Principal"] for it in permissions} == {"events.amazonaws.com"}


def test_every_role_is_one_functions_own(template):
    functions = [it["Properties"] for it in of_type(template, "AWS::Lambda::Function")]
    roles = {function["Role"]["Fn::GetAtt"][0] for function in functions}
    assert len(roles) == len(of_type(template, "AWS::IAM::Role")) == len(HANDLERS)
