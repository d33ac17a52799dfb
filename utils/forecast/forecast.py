"""The rows of the table: each mode with its dollars, its makespan and the limits that the work breaks."""

from collections.abc import Iterable
from dataclasses import dataclass

from utils.aws_figures import DEFAULT_REGION
from utils.forecast.breaks import find_breaks
from utils.forecast.broken import Break
from utils.forecast.cost import Dollars, price_usage
from utils.forecast.engine import engine_of
from utils.forecast.makespan import Makespan, estimate
from utils.forecast.mode import Mode
from utils.forecast.usage import Charge, count_usage
from utils.forecast.work import Work


@dataclass(frozen=True)
class Terms:
    """By what is priced: the region, and the reading of the Distributed Map's charge."""

    region: str = DEFAULT_REGION
    charge: Charge = "start_plus_states"


@dataclass(frozen=True)
class Row:
    """A mode and what is forecast of it."""

    mode: Mode
    dollars: Dollars
    makespan: Makespan
    breaks: tuple[Break, ...]

    @property
    def fails(self) -> bool:
        """Whether the work, as it is configured, breaks a limit that ends the run."""
        return any(broken.ends for broken in self.breaks)


def forecast_mode(mode: Mode, work: Work, terms: Terms) -> Row:
    """Forecast one mode."""
    makespan = estimate(mode, work, engine_of(terms.region))
    dollars = price_usage(count_usage(mode, work, terms.charge), terms.region)
    return Row(mode, dollars, makespan, tuple(find_breaks(mode, work, makespan)))


def forecast(modes: Iterable[Mode], work: Work, terms: Terms) -> list[Row]:
    """Forecast all modes, in their order."""
    return [forecast_mode(mode, work, terms) for mode in modes]
