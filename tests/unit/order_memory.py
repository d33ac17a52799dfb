"""DynamoDB in memory, for the calls and the expressions that the order's steps use, and no others.

A thousand histories of orders take moto minutes. `test_order_histories.py` compares both.
"""

import copy
import re

from botocore.exceptions import ClientError

TERM = re.compile(r"(#?\w+) (=|<>|<=|>=) (:\w+)|(attribute_not_exists|attribute_exists)\((#?\w+)\)")
COMPARE = {
    "=": lambda left, right: left == right,
    "<>": lambda left, right: left != right,
    "<=": lambda left, right: left <= right,
    ">=": lambda left, right: left >= right,
}


class Memory:
    """Tables as dictionaries, by the values of their keys."""

    def __init__(self, keys, exceptions):
        self._keys = keys
        self._exceptions = exceptions
        self._tables = {name: {} for name in keys}

    def put(self, table, item):
        self._tables[table][self._key(table, item)] = item

    def read(self, table):
        return list(self._tables[table].values())

    def call(self, operation, request):
        """Answer a call that a boto3 resource makes; Python's values are in its request."""
        answer = getattr(self, f"_{operation}")(copy.deepcopy(request))
        return copy.deepcopy(answer)

    def _GetItem(self, request):  # noqa: N802 - as DynamoDB calls it
        item = self._find(request["TableName"], request["Key"])
        return {"Item": item} if item is not None else {}

    def _Query(self, request):  # noqa: N802
        name, value = request["KeyConditionExpression"].get_expression()["values"]
        items = [it for it in self.read(request["TableName"]) if it[name.name] == value]
        return {"Items": items}

    def _PutItem(self, request):  # noqa: N802
        self._refuse_unless(self._holds(request, request["Item"]))
        self._put(request)
        return {}

    def _UpdateItem(self, request):  # noqa: N802
        self._refuse_unless(self._holds(request, request["Key"]))
        self._update(request)
        return {}

    def _TransactWriteItems(self, request):  # noqa: N802
        writes = [next(iter(write.items())) for write in request["TransactItems"]]
        held = [self._holds(write, write.get("Item") or write["Key"]) for _, write in writes]
        if not all(held):
            reasons = [{"Code": "None" if each else "ConditionalCheckFailed"} for each in held]
            error = {"Error": {"Code": "TransactionCanceledException"}, "CancellationReasons": reasons}
            raise self._exceptions.TransactionCanceledException(error, "TransactWriteItems")
        for kind, write in writes:
            self._put(write) if kind == "Put" else self._update(write)
        return {}

    def _key(self, table, fields):
        return tuple(fields[name] for name in self._keys[table])

    def _find(self, table, fields):
        return self._tables[table].get(self._key(table, fields))

    def _put(self, request):
        self.put(request["TableName"], request["Item"])

    def _update(self, request):
        table, key = request["TableName"], request["Key"]
        item = self._tables[table].setdefault(self._key(table, key), dict(key))
        values, names = request["ExpressionAttributeValues"], request.get("ExpressionAttributeNames", {})
        assignments, _, removed = request["UpdateExpression"].partition(" REMOVE ")
        action, _, assignments = assignments.partition(" ")
        for assignment in assignments.split(", "):
            match re.findall(r"[#:\w]+|[-=]", assignment):
                case [name, value] if action == "ADD":
                    item[name] = item.get(name, 0) + values[value]
                case [name, "=", value]:
                    item[names.get(name, name)] = values[value]
                case [name, "=", same, "-", value] if name == same:
                    item[name] -= values[value]
                case other:
                    raise NotImplementedError(other)
        for name in filter(None, removed.split(", ")):
            item.pop(name, None)

    def _holds(self, request, fields):
        """Tell whether a write's condition holds."""
        item = self._find(request["TableName"], fields) or {}
        names, values = (request.get(f"ExpressionAttribute{kind}", {}) for kind in ("Names", "Values"))

        def evaluate(term):
            name, operator, value, function, argument = term.groups()
            if function:
                return str((names.get(argument, argument) in item) == (function == "attribute_exists"))
            name = names.get(name, name)
            return str(name in item and COMPARE[operator](item[name], values[value]))

        python = TERM.sub(evaluate, request.get("ConditionExpression", "True"))
        python = python.replace(" AND ", " and ").replace(" OR ", " or ")
        assert re.fullmatch(r"(True|False|and|or|[() ])+", python), python
        return eval(python)

    @staticmethod
    def _refuse_unless(held):
        if not held:
            raise ClientError({"Error": {"Code": "ConditionalCheckFailedException"}}, "PutItem")
