"""The loader against a table."""

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.core.botocore_stubber import MockRawResponse

from stacks.config import Config
from utils.command import CommandError
from utils.load_list import write_plan
from utils.load_plan import plan_load

CONFIG = Config()
TABLE = CONFIG.ddb.tableName
KEY = {"mapstatelist": {"S": "mapitems"}}


@pytest.fixture
def session(monkeypatch):
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    with mock_aws():
        yield boto3.Session(region_name="eu-west-1")


def _create_table(session: boto3.Session, key_name: str = "mapstatelist", key_type: str = "S"):
    client = session.client("dynamodb")
    client.create_table(
        TableName=TABLE,
        KeySchema=[{"AttributeName": key_name, "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": key_name, "AttributeType": key_type}],
        BillingMode="PAY_PER_REQUEST",
    )
    return client


@pytest.fixture
def client(session):
    return _create_table(session)


def _stored(client) -> dict:
    return client.get_item(TableName=TABLE, Key=KEY)["Item"]


def _record_calls(session: boto3.Session, monkeypatch, before_put=None) -> list[tuple[str, dict]]:
    """Record what the loader's own client calls; run something just before its put."""
    calls: list[tuple[str, dict]] = []
    client = session.client("dynamodb")

    def record(params, model, **_):
        calls.append((model.name, dict(params)))
        if model.name == "PutItem" and before_put:
            before_put()

    client.meta.events.register("provide-client-params.dynamodb.*", record)
    monkeypatch.setattr(session, "client", lambda _: client)
    return calls


def test_first_load_writes_the_list(session, client):
    assert write_plan(session, plan_load(["a", "b"], CONFIG)) == f"wrote 2 items to table {TABLE} (33 bytes)"
    assert _stored(client) == {**KEY, "values": {"L": [{"S": "a"}, {"S": "b"}]}}


@pytest.mark.usefixtures("client")
def test_same_list_again_is_said_and_not_written(session, monkeypatch):
    plan = plan_load(["a", "b"], CONFIG)
    write_plan(session, plan)
    calls = _record_calls(session, monkeypatch)

    said = write_plan(session, plan)

    assert said == f"table {TABLE} already holds this list of 2 items: nothing written"
    assert [name for name, _ in calls] == ["GetItem"]
    assert calls[0][1]["ConsistentRead"] is True


def test_another_list_says_what_it_replaced(session, client):
    write_plan(session, plan_load(["a", "b"], CONFIG))
    said = write_plan(session, plan_load(["c"], CONFIG))
    assert said == f"wrote 1 item to table {TABLE} (31 bytes), replacing 2 items"
    assert _stored(client)["values"] == {"L": [{"S": "c"}]}


@pytest.mark.parametrize(
    ("attributes", "replaced"),
    [
        ({}, "an item without 'values'"),
        ({"values": {"S": "x"}}, "'values' that were no list"),
        ({"values": {"L": [{"M": {"n": {"N": "1.50"}}}, {"NULL": True}]}}, "2 items"),
    ],
)
def test_whatever_was_there_is_replaced_whole(session, client, attributes, replaced):
    client.put_item(TableName=TABLE, Item={**KEY, **attributes})
    said = write_plan(session, plan_load(["c"], CONFIG))
    assert said.endswith(f"replacing {replaced}")
    assert _stored(client) == {**KEY, "values": {"L": [{"S": "c"}]}}


@pytest.mark.parametrize("first", [None, ["old"]])
def test_of_two_loaders_at_once_the_later_one_fails(session, client, monkeypatch, first):
    # Given another loader that writes between this one's read and its write
    if first is not None:
        write_plan(session, plan_load(first, CONFIG))
    theirs = {**KEY, "values": {"L": [{"S": "theirs"}]}}
    _record_calls(session, monkeypatch, before_put=lambda: client.put_item(TableName=TABLE, Item=theirs))
    # When this one writes
    with pytest.raises(CommandError) as caught:
        write_plan(session, plan_load(["ours"], CONFIG))
    # Then it says so, and the other's list stays
    assert str(caught.value) == (
        f"the list in table {TABLE} was changed by someone else just now: nothing written; "
        "run the command again to replace it"
    )
    assert _stored(client) == theirs


def test_a_write_whose_answer_was_lost_counts_as_done(session, client, monkeypatch):
    # Given a put that arrives, and is sent again because its answer did not come
    ours = plan_load(["ours"], CONFIG)
    _record_calls(session, monkeypatch, before_put=lambda: client.put_item(TableName=TABLE, Item=ours.item))
    # When the repeated put fails on its own result, then the load has succeeded
    assert write_plan(session, ours) == f"wrote 1 item to table {TABLE} (34 bytes)"


@pytest.mark.parametrize("body", [b"", b"<html><body>Welcome</body></html>", b"{}"])
@pytest.mark.usefixtures("client")
def test_a_list_that_is_not_there_after_writing_it_is_an_error(session, monkeypatch, body):
    # Given something that answers every request with 200, and stores nothing
    _record_calls(session, monkeypatch)
    session.client("dynamodb").meta.events.register(
        "before-send.dynamodb.*", lambda request, **_: _answer_200(request.url, body)
    )
    # When the list is written
    with pytest.raises(CommandError) as caught:
        write_plan(session, plan_load(["a"], CONFIG))
    # Then
    assert str(caught.value) == (
        f"the list is not in table {TABLE} after writing it: what answers at "
        "https://dynamodb.eu-west-1.amazonaws.com is not AWS, or someone else changed it; "
        "run the command again"
    )


def _answer_200(url: str, body: bytes) -> AWSResponse:
    return AWSResponse(url, 200, {}, MockRawResponse(body))


@pytest.mark.usefixtures("client")
def test_a_list_that_is_written_is_read_back(session, monkeypatch):
    calls = _record_calls(session, monkeypatch)
    write_plan(session, plan_load(["a"], CONFIG))
    assert [name for name, _ in calls] == ["GetItem", "PutItem", "GetItem"]
    assert calls[2][1]["ConsistentRead"] is True


def test_killed_between_read_and_write_leaves_the_old_list_and_again_converges(session, client, monkeypatch):
    write_plan(session, plan_load(["old"], CONFIG))

    def die():
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        _record_calls(session, patch, before_put=die)
        with pytest.raises(KeyboardInterrupt):
            write_plan(session, plan_load(["new"], CONFIG))
    assert _stored(client)["values"] == {"L": [{"S": "old"}]}

    write_plan(session, plan_load(["new"], CONFIG))
    assert _stored(client)["values"] == {"L": [{"S": "new"}]}


def test_missing_table_says_to_deploy_first(session):
    with pytest.raises(CommandError) as caught:
        write_plan(session, plan_load(["a"], CONFIG))
    assert str(caught.value) == (
        f"table {TABLE} does not exist in eu-west-1: deploy it first with `npx cdk deploy`"
    )


@pytest.mark.parametrize(("key_name", "key_type"), [("otherkey", "S"), ("mapstatelist", "N")])
def test_table_with_another_key_is_explained(session, key_name, key_type):
    _create_table(session, key_name, key_type)
    with pytest.raises(CommandError) as caught:
        write_plan(session, plan_load(["a"], CONFIG))
    assert str(caught.value) == (
        f"table {TABLE} has another key than ddb.partitionKeyName 'mapstatelist', a string: "
        "correct config.json or deploy it with `npx cdk deploy`"
    )


@pytest.mark.usefixtures("client")
@pytest.mark.parametrize("operation", ["GetItem", "PutItem"])
@pytest.mark.parametrize(
    ("code", "advice"),
    [
        ("AccessDeniedException", "no permission: use a profile that may do this"),
        ("ExpiredTokenException", "the AWS credentials have expired: sign in again"),
        ("ThrottlingException", "AWS throttles these calls: wait a minute"),
    ],
)
def test_what_aws_refuses_is_explained(session, monkeypatch, operation, code, advice):
    calls = _record_calls(session, monkeypatch)

    def refuse(**_):
        raise ClientError({"Error": {"Code": code, "Message": "m"}}, operation)

    session.client("dynamodb").meta.events.register(f"before-call.dynamodb.{operation}", refuse)
    with pytest.raises(CommandError) as caught:
        write_plan(session, plan_load(["a"], CONFIG))
    assert str(caught.value).startswith(f"loading the list into table {TABLE}: {advice}")
    assert calls[-1][0] == operation
