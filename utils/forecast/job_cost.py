"""What a job of `queueFanIn` that has ended would have cost on AWS, from its summary and the deployed stack.

It is the estimate for as many items, as large as they and their results were, by the template that is
deployed. How long `process` took is nowhere recorded, and is left out.
"""

from typing import TYPE_CHECKING, Any

from utils.aws import aws_errors, stack_name
from utils.command import CommandError
from utils.forecast.message_mode import read_message_mode
from utils.forecast.message_usage import ROW_BYTES
from utils.forecast.mode import Mode
from utils.forecast.run_cost import write_line
from utils.forecast.usage import count_usage
from utils.forecast.work import Work
from utils.jobs.job import WORKFLOW, Job

if TYPE_CHECKING:
    import boto3

LEFT_OUT = "the time of process"


def job_cost_line(session: "boto3.Session", job: Job) -> str | None:
    """Say in one line what the job would have cost; None where that cannot be known."""
    summary = job.summary
    if summary is None or not summary.items:
        return None
    try:
        with aws_errors("reading what the job used"):
            s3 = session.client("s3")
            list_bytes = s3.head_object(Bucket=job.bucket, Key=job.key)["ContentLength"]
            pages = s3.get_paginator("list_objects_v2").paginate(
                Bucket=summary.bucket, Prefix=summary.summary.rpartition("/")[0]
            )
            files = {file["Key"]: file["Size"] for page in pages for file in page.get("Contents", [])}
            mode = _read_mode(session)
    except (CommandError, StopIteration):
        return None
    if not files.keys() >= set(summary.rows):
        return None
    row_bytes = sum(files[key] for key in summary.rows)
    items, attempts = summary.items, max(summary.attempts, summary.items)
    work = Work(
        items,
        item_bytes=list_bytes / items,
        result_bytes=max((row_bytes - list_bytes) / items - ROW_BYTES, 1.0),
        seconds=0.0,
        failure_rate=1 - items / attempts,
    )
    return write_line(session.region_name, count_usage(mode, work), [LEFT_OUT])


def _read_mode(session: "boto3.Session") -> Mode:
    """Read the mode from the template that is deployed."""
    answer = session.client("cloudformation").get_template(StackName=stack_name(WORKFLOW))
    template: Any = answer["TemplateBody"]
    return read_message_mode(template, None, None)
