"""The forecast as a table for people and as JSON for machines."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.text import Text

from utils.forecast.cost import services_text
from utils.forecast.forecast import Row
from utils.forecast.mode import Setting
from utils.forecast.recommend import Recommendation
from utils.forecast.words import dollars_text, duration_text

LINE = "{:<32}{:>11}{:>14}   {:<12}{:>6}"
"""A mode in the table, in 78 cells."""


def forecast_lines(rows: Sequence[Row], recommendation: Recommendation | None) -> list[Text]:
    """Lay out two lines for each mode, the second of what its services cost; then each broken limit."""
    lines = [Text(LINE.format("Workflow, mode", "Cost", "Time", "Bound by", "Breaks"), style="bold")]
    chosen = recommendation and recommendation.row.mode.title
    for row in rows:
        mode = row.mode
        figures = (dollars_text(row.dollars.total), duration_text(row.makespan.seconds), row.makespan.bound)
        line = LINE.format(mode.title, *figures, len(row.breaks) or "")
        style = "bold green" if chosen == mode.title else "dim" if row.fails else ""
        lines += [Text(line.rstrip(), style=style), Text(f"  {services_text(row.dollars)}", style="dim")]
    return [*lines, Text(), *(Text(line) for line in _break_lines(rows))]


def _break_lines(rows: Sequence[Row]) -> list[str]:
    """Say each limit that is broken once, with the modes that break it and the keys that would mend it."""
    modes: dict[str, list[str]] = {}
    for row in rows:
        for broken in row.breaks:
            says = f"{broken.says} → {_settings_text(broken.cure)}" if broken.cure else broken.says
            modes.setdefault(says, []).append(row.mode.title)
    if not modes:
        return []
    lines = [f"{'; '.join(names)}: {says}" for says, names in modes.items()]
    return ["Limits that this work breaks (→ what config.json would say not to break them):", *lines, ""]


def recommendation_lines(recommendation: Recommendation | None) -> list[str]:
    """Say what to choose, why, and what config.json is to say."""
    if recommendation is None:
        return [
            "Recommended: none, as no mode can take this work. Split the list, or make its items smaller."
        ]
    mode = recommendation.row.mode
    lines = [f"Recommended: {mode.title}: {recommendation.reason}"]
    for section, keys in recommendation.settings.items():
        settings = _settings_text(keys)
        lines.append(f"  config.json: workflows with {mode.workflow}; {section}: {settings}")
    return lines


def _settings_text(settings: Mapping[str, Setting]) -> str:
    return ", ".join(f"{key} {value}" for key, value in settings.items())


def forecast_json(rows: Sequence[Row], recommendation: Recommendation | None) -> dict[str, Any]:
    """Give the table for machines: dollars by service, seconds, what bounds them, sentences of limits."""
    return {
        "modes": [_row_json(row) for row in rows],
        "recommended": recommendation
        and {
            "workflow": recommendation.row.mode.workflow,
            "mode": recommendation.row.mode.name,
            "reason": recommendation.reason,
            "config": {"workflows": [recommendation.row.mode.workflow], **recommendation.settings},
        },
    }


def _row_json(row: Row) -> dict[str, Any]:
    return {
        "workflow": row.mode.workflow,
        "mode": row.mode.name,
        "dollars": {"total": row.dollars.total, **row.dollars.by_service()},
        "makespanSeconds": row.makespan.seconds,
        "bound": row.makespan.bound,
        "breaks": [broken.says for broken in row.breaks],
    }
