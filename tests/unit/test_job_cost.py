"""What job.py says that a job of queueFanIn would have cost on AWS."""

import re

import pytest
from botocore.exceptions import ClientError
from forecast_templates import queue_fan_in
from job_builder import JOB, ended, record, summary

from utils.forecast.job_cost import job_cost_line
from utils.forecast.message_usage import ROW_BYTES
from utils.jobs.job import read_job

ITEM, RESULT = 100, 1_000


class Aws:
    """A session's clients, for a stack and the objects of a job over so many items."""

    def __init__(self, items, template=None, region="us-east-1"):
        self.region_name = region
        self._items = items
        self._template = template

    def client(self, _service):
        return self

    def get_template(self, StackName):  # noqa: N803 - boto3's names
        assert StackName == "QueueFanInStack"
        return {"TemplateBody": self._template or queue_fan_in(10)}

    def head_object(self, Bucket, Key):  # noqa: N803
        assert (Bucket, Key) == ("the-lists", "lists/orders.jsonl")
        if not self._items:
            raise ClientError({"Error": {"Code": "404", "Message": "Not Found"}}, "HeadObject")
        return {"ContentLength": self._items * ITEM}

    def get_paginator(self, operation):
        assert operation == "list_objects_v2"
        return self

    def paginate(self, Bucket, Prefix):  # noqa: N803
        assert (Bucket, Prefix) == ("the-results", f"jobs/{JOB}")
        half = self._items * (ITEM + RESULT + ROW_BYTES) // 2
        for number in range(2):
            yield {"Contents": [{"Key": f"jobs/{JOB}/rows-{number:05}.jsonl", "Size": half}]}
        yield {"Contents": [{"Key": f"jobs/{JOB}/summary.json", "Size": 10**9}]}


def job(items, **more):
    return read_job(ended(of=summary(items, rows=2, **more)))


def dollars(line):
    return float(re.search(r"about \$([\d.]+)", line)[1])


def test_a_job_costs_what_is_estimated_for_its_items_but_for_their_time():
    # Given a million items whose results are a kilobyte, of which the half is left when compressed
    line = job_cost_line(Aws(1_000_000), job(1_000_000))
    # Then each is a write, and each ten a message
    assert re.fullmatch(
        r"on AWS: about \$0\.\d\d \(Lambda \$0\.\d+, DynamoDB \$0\.\d\d, SQS \$0\.01\d\d, S3 \$0\.\d+, "
        r"Logs \$0\.\d+\) without the time of process, us-east-1 prices of 2026",
        line,
    )
    assert 0.65 < dollars(line) < 1.2


def test_items_that_were_tried_again_cost_more():
    once, again = (job_cost_line(Aws(100_000), job(100_000, failed=failed)) for failed in (0, 20_000))
    assert dollars(again) > 1.05 * dollars(once)


@pytest.mark.parametrize("page", [{}, {"Contents": [{"Key": f"jobs/{JOB}/rows-00000.jsonl", "Size": 9}]}])
def test_rows_that_were_deleted_make_it_unknown(monkeypatch, page):
    aws = Aws(1_000)
    monkeypatch.setattr(aws, "paginate", lambda **_: iter([page]))
    assert job_cost_line(aws, job(1_000)) is None


def test_prices_are_those_of_the_session_where_they_are_known():
    assert "eu-central-1 prices" in job_cost_line(Aws(10, region="eu-central-1"), job(10))
    assert "us-east-1 prices" in job_cost_line(Aws(10, region="sa-east-1"), job(10))


@pytest.mark.parametrize(
    ("aws", "ended_job"),
    [
        (Aws(10), read_job(record())),
        (Aws(10), job(0)),
        (Aws(0), job(10)),
        (Aws(10, template={"Resources": {}}), job(10)),
    ],
    ids=["a job that failed", "an empty list", "a list that was deleted", "another stack"],
)
def test_nothing_is_said_of_what_is_not_known(aws, ended_job):
    assert job_cost_line(aws, ended_job) is None
