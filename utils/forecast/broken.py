"""A limit that work breaks in a mode."""

from collections.abc import Mapping
from dataclasses import dataclass

from utils.forecast.mode import Setting


@dataclass(frozen=True)
class Break:
    """A limit that is broken.

    Attributes
    ----------
    says
        What is broken, in one sentence.
    cure
        Keys of the workflow's section of config.json that mend it; None where none does.
    ends
        Whether the run fails; otherwise it is only not what was asked for.
    """

    says: str
    cure: Mapping[str, Setting] | None = None
    ends: bool = True
