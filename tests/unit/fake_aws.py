"""A quick AWS in memory, of what the functions of the queue fan-in call, whose every call can go wrong.

What the functions do with a real AWS the tests with moto and the local AWS show; this one is for histories of
many calls. Whatever it does not know it refuses.
"""

# ruff: noqa: N803 - the arguments have boto3's names

import io
import json
import re
from types import SimpleNamespace

from botocore.exceptions import ClientError


class ConditionRefusedError(Exception):
    """What a conditional write raises."""


def refusal(code, operation="Call"):
    return ClientError({"Error": {"Code": code, "Message": "because"}}, operation)


class Table:
    """A table as boto3's resource has it, with one key.

    Parameters
    ----------
    make_call
        Makes a call, or does not, or raises afterwards.
    """

    def __init__(self, key, make_call):
        self.items = {}
        self.on_write = lambda _: None
        self._key = key
        self._call = make_call
        exceptions = SimpleNamespace(ConditionalCheckFailedException=ConditionRefusedError)
        self.meta = SimpleNamespace(client=SimpleNamespace(exceptions=exceptions))

    def put_item(self, *, Item, ConditionExpression):
        return self._call(lambda: self._write(Item[self._key], lambda _: copy(Item), ConditionExpression))

    def get_item(self, *, Key, ConsistentRead):
        assert ConsistentRead
        item = self._call(lambda: self.items.get(Key[self._key]))
        return {"Item": copy(item)} if item else {}

    def query(self, *, IndexName, KeyConditionExpression):
        assert IndexName == "OpenJobs"
        found = self._call(lambda: [i for i in self.items.values() if is_true(KeyConditionExpression, i)])
        return {"Items": [{"job": item["job"]} for item in sorted(found, key=lambda item: item["deadline"])]}

    def update_item(
        self,
        *,
        Key,
        UpdateExpression,
        ExpressionAttributeValues,
        ReturnValues,
        ConditionExpression=None,
        ExpressionAttributeNames=None,
    ):
        assert ReturnValues == "ALL_NEW"
        names = ExpressionAttributeNames or {}

        def change(item):
            return update({**Key, **item}, UpdateExpression, names, ExpressionAttributeValues)

        return {"Attributes": self._call(lambda: self._write(Key[self._key], change, ConditionExpression))}

    def _write(self, key, change, condition):
        item = self.items.get(key, {})
        if condition is not None and not is_true(condition, item):
            raise ConditionRefusedError
        self.items[key] = change(item)
        self.on_write(self.items[key])
        return copy(self.items[key])


def copy(value):
    """Copy what travels over the network."""
    if isinstance(value, dict):
        return {name: copy(part) for name, part in value.items()}
    if isinstance(value, list):
        return [copy(part) for part in value]
    return set(value) if isinstance(value, set) else value


def is_true(condition, item):
    """Evaluate a condition of boto3's own objects."""
    parts = condition.get_expression()
    values = parts["values"]
    match parts["operator"]:
        case "AND":
            return all(is_true(value, item) for value in values)
        case "attribute_not_exists":
            return values[0].name not in item
        case "=":
            return values[0].name in item and item[values[0].name] == values[1]
        case "<=":
            return values[0].name in item and item[values[0].name] <= values[1]
    raise NotImplementedError(parts)


def update(item, expression, names, values):
    """Return an item changed as an update expression says."""
    item = dict(item)
    clauses = re.split(r"\s*\b(SET|REMOVE|ADD)\b\s*", expression)[1:]
    for verb, clause in zip(clauses[::2], clauses[1::2], strict=True):
        for part in clause.split(", "):
            words = part.replace("=", " ").split()
            name = names.get(words[0], words[0])
            if verb == "SET":
                item[name] = copy(values[words[1]])
            elif verb == "ADD":
                item[name] = item.get(name, set()) | values[words[1]]
            else:
                item.pop(name, None)
    return item


class Results:
    """The results table as boto3's client has it; what is inserted goes into the stream."""

    def __init__(self, make_call):
        self.items = {}
        self.stream = []
        self._call = make_call

    def batch_execute_statement(self, *, Statements):
        assert 0 < len(Statements) <= 25
        half = len(Statements) // 2
        return self._call(
            lambda: {"Responses": [self._insert(**each) for each in Statements]},
            lambda: {
                "Responses": [self._insert(**each) for each in Statements[:half]]
                + [{"Error": {"Code": "ThrottlingError", "Message": "because"}}] * (len(Statements) - half)
            },
        )

    def _insert(self, *, Statement, Parameters):
        names = re.fullmatch(r'INSERT INTO "results" VALUE \{(.+)\}', Statement)[1]
        item = dict(zip(re.findall(r"'([^']+)': \?", names), Parameters, strict=True))
        key = item["part"]["S"], int(item["position"]["N"])
        if key in self.items:
            return {"Error": {"Code": "DuplicateItem", "Message": "because"}}
        self.items[key] = item
        self.stream.append(key)
        return {"TableName": "results"}

    def batch_get_item(self, *, RequestItems):
        request = RequestItems["results"]
        assert request["ConsistentRead"]
        assert 0 < len(request["Keys"]) <= 100
        return self._call(lambda: self._get(request["Keys"], 100), lambda: self._get(request["Keys"], 1))

    def _get(self, keys, count):
        found = [self.items.get((key["part"]["S"], int(key["position"]["N"]))) for key in keys[:count]]
        unprocessed = {"results": {"Keys": keys[count:]}} if keys[count:] else {}
        return {"Responses": {"results": [item for item in found if item]}, "UnprocessedKeys": unprocessed}

    def query(self, *, KeyConditionExpression, ExpressionAttributeValues, Limit, **_):
        assert KeyConditionExpression == "part = :part AND #position >= :first"
        part, first = ExpressionAttributeValues[":part"]["S"], int(ExpressionAttributeValues[":first"]["N"])

        def read(newest_missed):
            lagging = self.stream[-newest_missed:] if newest_missed else []
            keys = sorted(key for key in self.items if key[0] == part and key[1] >= first)
            return {"Items": [self.items[key] for key in keys if key not in lagging][:Limit]}

        return self._call(lambda: read(0), lambda: read(3))


class Lists:
    """The two buckets."""

    def __init__(self, make_call):
        self.versions = {}
        self.puts = []
        self._call = make_call

    def get_object(self, *, Bucket, Key, VersionId, Range):
        body = self.versions[Bucket, Key, VersionId]
        first, last = map(int, Range.removeprefix("bytes=").split("-"))

        def read():
            if first >= len(body):
                raise refusal("InvalidRange", "GetObject")
            return {"Body": io.BytesIO(body[first : last + 1])}

        return self._call(read)

    def put_object(self, *, Bucket, Key, Body, ContentType):
        content = Body if isinstance(Body, bytes) else Body.read()
        assert ContentType
        return self._call(lambda: self.puts.append((Bucket, Key, content)))


class Queue:
    """SQS, whose sends end up in a list."""

    def __init__(self, put, make_call):
        self._put = put
        self._call = make_call

    def send_message_batch(self, *, QueueUrl, Entries):
        assert QueueUrl
        assert 0 < len(Entries) <= 10
        half = len(Entries) // 2
        failed = [{"Id": each["Id"], "SenderFault": False, "Code": "Busy"} for each in Entries[half:]]

        def send(entries, answer):
            for entry in entries:
                self._put(entry["MessageBody"], 0)
            return answer

        return self._call(lambda: send(Entries, {}), lambda: send(Entries[:half], {"Failed": failed}))

    def send_message(self, body, delay_seconds):
        return self._call(lambda: self._put(body, delay_seconds))


class Events:
    """EventBridge, whose events end up in a list."""

    def __init__(self, put, make_call):
        self._put = put
        self._call = make_call

    def put_events(self, *, Entries):
        (entry,) = Entries
        refused = {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "Busy", "ErrorMessage": "because"}]}

        def put():
            self._put(entry["DetailType"], json.loads(entry["Detail"]))
            return {"FailedEntryCount": 0}

        return self._call(put, lambda: refused)
