"""The generated parts of docs/choosing.md, a table and a plot: ``python -m utils.forecast.page`` writes them.

They are of the default configuration. The page keeps its own text; what stands between
``<!-- recommendations -->`` and the next ``<!-- end -->`` is replaced.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from stacks.config import Config
from utils.forecast.assembly import load_templates
from utils.forecast.forecast import Row, Terms, forecast
from utils.forecast.mode import Mode
from utils.forecast.modes import read_modes
from utils.forecast.plot import write_plot
from utils.forecast.recommend import Recommendation, recommend
from utils.forecast.words import dollars_text, duration_text
from utils.forecast.work import Work

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "choosing.md"
PLOT = ROOT / "docs" / "images" / "choosing.svg"
BEGIN, END = "<!-- recommendations -->\n", "<!-- end -->"
TERMS = Terms()
PLOTTED = Work(1)
"""What the plot is of, but for the number of items."""


@dataclass(frozen=True)
class Example:
    """Work in words, and in numbers."""

    words: str
    work: Work


EXAMPLES = (
    Example("3 items", Work(3)),
    Example("100 items", Work(100)),
    Example("2,000 items", Work(2_000)),
    Example("2,000 items, one in a hundred attempts fails", Work(2_000, failure_rate=0.01)),
    Example("100,000 items of 10 ms", Work(100_000, seconds=0.01)),
    Example("1,000,000 items", Work(1_000_000)),
    Example("1,000,000 items of 10 s", Work(1_000_000, seconds=10)),
    Example("1,000,000 items, results of 5 KB", Work(1_000_000, result_bytes=5_000)),
    Example("10,000 items of 150 KB", Work(10_000, item_bytes=150_000)),
    Example("10,000 items, one in ten needs a slow dependency", Work(10_000, throttled_share=0.1)),
    Example("1,000 items that wait for a task token", Work(1_000, throttled_share=1, needs_token=True)),
    Example("100,000,000 items of 20 ms, 8 bytes each", Work(10**8, item_bytes=8, seconds=0.02)),
)
"""Items take 100 ms and have 100 bytes, as their results have, where nothing else is said."""


def default_modes() -> list[Mode]:
    """Read the modes of the default configuration."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "config.json"
        config.write_text("{}", encoding="utf-8")
        return read_modes(load_templates(config, print), Config())


def recommendation_table(modes: list[Mode]) -> str:
    """Lay out a row for each example: what to choose, its figures, and what the others would cost."""
    rows = ["| work | choose | cost | time | settings | without |", "|---|---|---|---|---|---|"]
    for example in EXAMPLES:
        forecasts = forecast(modes, example.work, TERMS)
        rows.append(_table_row(example, forecasts, recommend(forecasts, example.work, TERMS)))
    return "\n".join(rows)


def _table_row(example: Example, rows: list[Row], chosen: Recommendation | None) -> str:
    if chosen is None:
        return f"| {example.words} | none in one run | | | | |"
    row, mode = chosen.row, chosen.row.mode
    ((section, keys),) = chosen.settings.items()
    configured = next(each.mode.settings[section] for each in rows if each.mode.name == mode.name)
    changed = {key: value for key, value in keys.items() if configured.get(key) != value}
    settings = ", ".join(f"`{key}` {value}" for key, value in changed.items())
    broken = [each for each in rows if any(limit.ends and limit.cure is None for limit in each.breaks)]
    without = ", ".join(dict.fromkeys(each.mode.workflow for each in broken))
    figures = f"{dollars_text(row.dollars.total)} | {duration_text(row.makespan.seconds)}"
    return f"| {example.words} | `{mode.workflow}`, {mode.name} | {figures} | {settings} | {without} |"


def render(page: str, table: str) -> str:
    """Return the text of the page with its table up to date."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    return f"{before}{begin}{table}\n{end}{after}"


if __name__ == "__main__":
    modes = default_modes()
    PAGE.write_text(render(PAGE.read_text(encoding="utf-8"), recommendation_table(modes)), encoding="utf-8")
    write_plot(PLOT, modes, PLOTTED, TERMS)
    print(f"{PAGE} and {PLOT} are current")
