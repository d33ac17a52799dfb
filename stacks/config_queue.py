"""The section of the workflow that fans out through a queue and counts its results in a table."""

from pydantic import Field

from stacks.config_maps import MAX_WORKERS_AT_ONCE
from stacks.config_section import Section

MAX_DEADLINE_MINUTES = 8640
"""Six days: the queue keeps a message for seven."""

MAX_FUNCTION_SECONDS = 900
"""Longest timeout of a function (Lambda quotas)."""


class QueueFanInConfig(Section):
    """How a list that is dropped into the lists bucket is fanned out, and when its job ends."""

    workerMaxConcurrency: int = Field(
        10,
        ge=2,
        le=MAX_WORKERS_AT_ONCE,
        description="Workers that run at once, at most, each of which has up to ten messages.",
    )
    maxReceiveCount: int = Field(
        3,
        ge=1,
        le=1000,
        description="How often an item is tried before it has failed, and a message received before it goes "
        "to the dead-letter queue.",
    )
    deadlineMinutes: float = Field(
        240,
        ge=0.1,
        le=MAX_DEADLINE_MINUTES,
        allow_inf_nan=False,
        description="Minutes after the drop when a job ends; what is not there by then is missing.",
    )
    workerTimeoutSeconds: int = Field(
        60,
        ge=2,
        le=MAX_FUNCTION_SECONDS,
        description="Seconds that a worker runs at most; items that it has no time for go back to the queue.",
    )
    maxItemsPerMessage: int = Field(
        10, ge=1, le=100, description="Items in a message, at most; 64 KiB of them at most, too."
    )
