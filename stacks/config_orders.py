"""The section of the order workflow."""

from typing import Literal

from pydantic import Field

from stacks.config_section import MAX_SECONDS, Section

SECONDS_PER_HOUR = 3600


class OrderProcessingConfig(Section):
    """How orders are approved and fulfilled."""

    maxConcurrency: int = Field(
        3,
        ge=0,
        description="Items of an order that are fulfilled at once, and orders of a batch that run at once; "
        "0 means as many as AWS allows, which is 40 in an inline Map.",
    )
    onItemFailure: Literal["fail", "continue"] = Field(
        "continue",
        description="What an item does that cannot be fulfilled: 'fail' undoes the whole order, and its "
        "execution fails; 'continue' ships the others and refunds that one.",
    )
    approvalThreshold: float = Field(
        1000,
        ge=0,
        allow_inf_nan=False,
        description="Total above which an order waits until somebody approves it.",
    )
    approvalTimeoutHours: float = Field(
        24,
        ge=0.001,
        le=MAX_SECONDS // SECONDS_PER_HOUR,
        allow_inf_nan=False,
        description="Hours after which an order that nobody approved is rejected.",
    )
    timeoutDurationSeconds: int = Field(
        172_800,
        ge=1,
        le=MAX_SECONDS,
        description="Seconds after which the execution of an order ends TIMED_OUT, its wait for approval "
        "included.",
    )

    @property
    def approval_timeout_seconds(self) -> int:
        """The time to approve in whole seconds, as a state has it."""
        return round(self.approvalTimeoutHours * SECONDS_PER_HOUR)
