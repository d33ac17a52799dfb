"""The pace: how many starts a second holds, whatever workers, clocks and the table do."""

import importlib
import math
import random
import sys
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber
from moto import mock_aws
from pace_simulation import EPOCH_NS, Simulation, SlowTable, most_in_a_second

FOLDER = Path(__file__).parents[2] / "lambdas" / "process_item"
TABLE = "pace"


@pytest.fixture
def pace(monkeypatch):
    monkeypatch.syspath_prepend(FOLDER)
    monkeypatch.delitem(sys.modules, "pace", raising=False)
    yield importlib.import_module("pace")
    sys.modules.pop("pace", None)


@pytest.fixture(scope="module")
def dynamodb():
    with pytest.MonkeyPatch.context() as environment, mock_aws():
        environment.delenv("AWS_ENDPOINT_URL", raising=False)
        environment.setenv("AWS_DEFAULT_REGION", "eu-west-1")
        client = boto3.client("dynamodb")
        client.create_table(
            TableName=TABLE,
            KeySchema=[{"AttributeName": "name", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "name", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        yield client


@pytest.fixture
def table(dynamodb):
    """A client of the table, which is empty."""
    dynamodb.delete_item(TableName=TABLE, Key={"name": {"S": "queue"}})
    return dynamodb


class Clock:
    """A clock that only ``wait`` moves; ``late_seconds`` is how much longer the first wait takes."""

    def __init__(self, late_seconds=0.0):
        self.now_ns = EPOCH_NS
        self.waits = []
        self._late_seconds = late_seconds

    def __call__(self):
        return self.now_ns

    def wait(self, seconds):
        self.waits.append(seconds)
        self.now_ns += round((seconds + self._late_seconds) * 1e9)
        self._late_seconds = 0.0


def next_slot(table):
    item = table.get_item(TableName=TABLE, Key={"name": {"S": "queue"}})["Item"]
    return (int(item["next"]["N"]) - EPOCH_NS) / 1e9


@pytest.mark.parametrize(
    ("max_per_second", "waits"), [(5, [0.2, 0.2, 0.2]), (0.5, [2, 2, 2]), (1, [1, 1, 1])]
)
def test_the_first_start_is_at_once_and_the_others_an_interval_apart(pace, table, max_per_second, waits):
    # Given a pace that nobody has used yet
    clock = Clock()
    paced = pace.Pace(table, TABLE, max_per_second, clock)
    # When four items start one after the other
    for _ in range(4):
        paced.wait_for_slot(10, clock.wait)
    # Then only the first has not waited
    assert clock.waits == waits


def test_time_in_which_nothing_started_is_not_made_up_for(pace, table):
    # Given a worker that had nothing to do for a minute
    clock = Clock()
    paced = pace.Pace(table, TABLE, 5, clock)
    paced.wait_for_slot(10, clock.wait)
    clock.now_ns += 60 * 10**9
    # When three items start
    for _ in range(3):
        paced.wait_for_slot(10, clock.wait)
    # Then they are as far apart as always
    assert clock.waits == [0.2, 0.2]


def test_a_worker_that_woke_too_late_takes_another_slot(pace, table):
    # Given an environment that stood still for a second while it waited
    clock = Clock(late_seconds=1.0)
    paced = pace.Pace(table, TABLE, 5, clock)
    paced.wait_for_slot(10, clock.wait)
    # When its item is to start
    paced.wait_for_slot(10, clock.wait)
    # Then it starts in a slot of the present, and the next one is an interval later
    assert clock.now_ns - EPOCH_NS == 1_200_000_000
    assert next_slot(table) == pytest.approx(1.4)


def test_no_slot_is_taken_when_none_is_near_enough(pace, table):
    # Given a pace whose next slots, up to two seconds from now, are taken
    clock = Clock()
    paced = pace.Pace(table, TABLE, 0.5, clock)
    paced.wait_for_slot(10, clock.wait)
    # When a worker can wait for 1.9 seconds
    with pytest.raises(pace.NoSlotInTimeError, match="maxPerSecond has no start left"):
        paced.wait_for_slot(1.9, clock.wait)
    # Then it neither waited nor took the slot from those that can
    assert clock.waits == []
    paced.wait_for_slot(2, clock.wait)
    assert clock.waits == [2]


def test_what_ends_the_wait_is_left_to_the_caller(pace, table):
    # Given a task that is closed while its item waits for a slot
    clock = Clock()
    paced = pace.Pace(table, TABLE, 1, clock)
    paced.wait_for_slot(10, clock.wait)

    def closed(_):
        raise LookupError("closed")

    # When the wait ends with that, then so does the call
    with pytest.raises(LookupError, match="closed"):
        paced.wait_for_slot(10, closed)


def test_a_table_that_refuses_is_the_callers_to_handle(pace):
    # Given a table that is throttled for longer than boto3 tries
    client = boto3.client("dynamodb", region_name="eu-west-1")
    with Stubber(client) as stubber:
        stubber.add_client_error("update_item", "ProvisionedThroughputExceededException", "slow down")
        # When an item is to start, then it does not
        with pytest.raises(ClientError, match="slow down"):
            pace.Pace(client, TABLE, 1, Clock()).wait_for_slot(10, lambda _: None)


def simulate(pace, table, *, seed, max_per_second, workers, skew_seconds=0.0, freezes=0.0, latency=0.01):
    """Let workers start items at once for some 20 s; return the starts, the slots used and the writes."""
    dice, simulation, starts = random.Random(seed), Simulation(), []
    client = SlowTable(table, simulation, lambda: dice.uniform(0.1, 1) * latency)

    def worker(skew_ns):
        paced = pace.Pace(client, TABLE, max_per_second, lambda: simulation.now_ns + skew_ns)

        def wait(seconds):
            simulation.sleep(seconds + dice.uniform(0, 0.002) + (dice.random() < freezes) * dice.random())

        def play():
            simulation.sleep(dice.random())
            while simulation.now_ns < EPOCH_NS + 20 * 10**9:
                paced.wait_for_slot(60, wait)
                starts.append(simulation.now_ns)
                simulation.sleep(dice.expovariate(4))

        return play

    simulation.run([worker(round(dice.uniform(0, skew_seconds) * 1e9)) for _ in range(workers)])
    return starts, client.writes


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(
    "settings",
    [
        {"max_per_second": 5, "workers": 4},
        {"max_per_second": 5, "workers": 8, "skew_seconds": 0.1},
        {"max_per_second": 5, "workers": 8, "skew_seconds": 0.1, "freezes": 0.2},
        {"max_per_second": 2, "workers": 3, "skew_seconds": 0.25, "freezes": 0.2},
        {"max_per_second": 0.5, "workers": 4, "skew_seconds": 1, "freezes": 0.2},
        {"max_per_second": 10, "workers": 20, "latency": 0.15},
    ],
    ids=lambda settings: ",".join(f"{name}={value}" for name, value in settings.items()),
)
def test_no_sliding_second_holds_more_than_the_pace_and_one(pace, table, seed, settings):
    # Given workers that come and go as they like, with clocks up to half an interval apart, environments
    # that stand still, or a table that answers after longer than an interval
    # When they start items at once for 20 seconds
    starts, _ = simulate(pace, table, seed=seed, **settings)
    # Then no second has more starts than it may
    assert len(starts) > 5
    assert most_in_a_second(starts) <= math.ceil(settings["max_per_second"]) + 1


def test_workers_at_once_use_the_pace_with_two_writes_a_start(pace, table):
    # Given more workers than the pace needs; when they start items for 20 seconds
    starts, writes = simulate(pace, table, seed=1, max_per_second=5, workers=8)
    # Then almost every slot was used, and none was fought for
    assert len(starts) >= 0.95 * 5 * 19
    assert writes <= 2 * len(starts)
