"""Which mode to choose: the cheapest that breaks no limit, unless another is as good and simpler."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from utils.forecast.forecast import Row, Terms, forecast_mode
from utils.forecast.mode import Mode, Setting
from utils.forecast.words import dollars_text, duration_text
from utils.forecast.work import Work

SAME_DOLLARS_FACTOR, SAME_DOLLARS = 1.1, 0.01
SAME_SECONDS_FACTOR, SAME_SECONDS = 1.1, 10.0
"""By how much two modes may differ and still count as equally cheap and equally fast, whichever is more."""

CURES = 6
"""How often settings are changed before a mode is given up; no work that was tried needs more than three."""

Settings = dict[str, dict[str, Setting]]
"""Of config.json: sections with some of their keys."""


@dataclass(frozen=True)
class Recommendation:
    """A mode, why it is the one, and what config.json must say for it.

    Attributes
    ----------
    row
        With the settings that are recommended.
    """

    row: Row
    reason: str
    settings: Settings


def recommend(rows: Sequence[Row], work: Work, terms: Terms) -> Recommendation | None:
    """Choose among the modes of a table.

    Modes that only a setting keeps from taking the work count with that setting changed. Of those, the ones
    that cost about as little as the cheapest are left, of these the ones that are about as fast as the
    fastest, and of these the first: the rows begin with the fewest moving parts.

    Returns
    -------
    Recommendation or None
        None where no mode can take the work.
    """
    cured = [cure(row, work, terms) for row in rows]
    usable = [choice for choice in cured if choice is not None]
    if not usable:
        return None
    least = min(row.dollars.total for row, _ in usable)
    limit = max(least * SAME_DOLLARS_FACTOR, least + SAME_DOLLARS)
    cheap = [choice for choice in usable if choice[0].dollars.total <= limit]
    fastest = min(row.makespan.seconds for row, _ in cheap)
    slowest = max(fastest * SAME_SECONDS_FACTOR, fastest + SAME_SECONDS)
    row, settings = next(choice for choice in cheap if choice[0].makespan.seconds <= slowest)
    return Recommendation(row, _reason(row, least, fastest, len(usable)), settings)


def cure(row: Row, work: Work, terms: Terms) -> tuple[Row, Settings] | None:
    """Change the settings that keep a mode from taking the work; None where settings cannot.

    Returns
    -------
    tuple or None
        The mode's row with these settings, and the settings.
    """
    ((section, keys),) = row.mode.settings.items()
    settings = dict(keys)
    # A cure can show what else is in the way, as smaller batches a longer time.
    for _ in range(CURES):
        if not row.breaks:
            return row, {section: settings}
        for broken in row.breaks:
            if broken.cure is None:
                return None
            settings |= broken.cure
        row = forecast_mode(change_mode(row.mode, settings), work, terms)
    return None


def change_mode(mode: Mode, settings: Mapping[str, Setting]) -> Mode:
    """Give a mode as it is with other settings of its section of config.json."""

    def number(key: str, unchanged: float) -> float:
        return float(settings.get(key, unchanged))

    messages, (count, percentage) = mode.messages, mode.tolerated
    if messages:
        minutes = number("deadlineMinutes", messages.deadline_seconds / 60)
        messages = replace(messages, deadline_seconds=minutes * 60)
    direct = replace(mode.direct, unit_items=int(number("maxItemsPerBatch", mode.direct.unit_items)))
    asked = int(number("maxConcurrency", mode.asked_at_once))
    at_once = min(asked, mode.at_once) if asked else mode.at_once
    if messages:
        asked = at_once = int(number("workerMaxConcurrency", mode.at_once))
        direct = replace(direct, workers=at_once)
    return replace(
        mode,
        direct=direct,
        asked_at_once=asked,
        at_once=at_once,
        timeout_seconds=number("timeoutDurationSeconds", mode.timeout_seconds),
        heartbeat_seconds=number("heartbeatSeconds", mode.heartbeat_seconds),
        item_timeout_seconds=number("itemTimeoutSeconds", mode.item_timeout_seconds),
        tolerated=(
            int(number("toleratedFailureCount", count)),
            number("toleratedFailurePercentage", percentage),
        ),
        fails_on_failure=mode.fails_on_failure and settings.get("onItemFailure") != "continue",
        messages=messages,
        settings={next(iter(mode.settings)): dict(settings)},
    )


def _reason(row: Row, least: float, fastest: float, usable: int) -> str:
    figures = f"{dollars_text(row.dollars.total)}, {duration_text(row.makespan.seconds)}"
    if usable == 1:
        return f"{figures}; the only one that can take the work"
    if row.dollars.total == least:
        return f"{figures}; the cheapest of {usable} that can take the work"
    return (
        f"{figures}; the one with the fewest moving parts of those about as cheap as the cheapest "
        f"({dollars_text(least)}) and about as fast as the fastest of these ({duration_text(fastest)})"
    )
