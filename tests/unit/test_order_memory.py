"""The tables in memory, with which the histories are fast: they answer as those of moto."""

import copy

import boto3
import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from hypothesis import given, settings
from order_shop import FIXED_HISTORIES, Shop, histories, load_shop_steps
from order_steps import KEYS, start_steps


@pytest.fixture(scope="module")
def modules():
    with load_shop_steps() as loaded:
        yield loaded


class RecordedShop(Shop):
    """Keeps each call that reaches a table, with its answer, or the codes of its error."""

    def __init__(self, modules, history):
        super().__init__(modules, history)
        self.calls = []

    def answer(self, operation, request):
        if operation == "Publish":
            return {}
        given = copy.deepcopy(request)
        try:
            answer = super().answer(operation, request)
        except ClientError as error:
            self.calls.append((operation, given, codes(error)))
            raise
        self.calls.append((operation, given, answer))
        return answer


def codes(error):
    reasons = error.response.get("CancellationReasons", [])
    return [error.response["Error"]["Code"], *(reason["Code"] for reason in reasons)]


def ask_moto(client, operation, request):
    """Make the same call, and return of the answer what the steps look at."""
    try:
        answer = BaseClient._make_api_call(client, operation, request)
    except ClientError as error:
        return codes(error)
    return {name: answer[name] for name in ("Item", "Items") if name in answer}


@settings(FIXED_HISTORIES, max_examples=3)
@given(history=histories())
def test_tables_in_memory_answer_as_those_of_moto(modules, history):
    # Given the calls of a history
    shop = RecordedShop(modules, history)
    shop.run()
    # When moto gets the same calls
    with start_steps() as steps:
        steps.stock(**history.stock)
        client = boto3.resource("dynamodb").meta.client
        answers = [ask_moto(client, operation, request) for operation, request, _ in shop.calls]
        # Then it answers the same, and its tables have the same in the end
        assert answers == [answer for _, _, answer in shop.calls]
        for table in KEYS:
            records = boto3.resource("dynamodb").Table(table).scan()["Items"]
            assert sorted(records, key=str) == sorted(shop.memory.read(table), key=str)
