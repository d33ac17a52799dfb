"""What every section of the configuration is based on."""

from pydantic import BaseModel, ConfigDict

MAX_SECONDS = 99_999_999
"""Longest wait and longest timeout (Amazon States Language)."""


class Section(BaseModel):
    """A frozen model that takes no other key and no other type than it names."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
