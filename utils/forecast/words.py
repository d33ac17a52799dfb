"""How dollars and times are written."""

MINUTE, HOUR, DAY = 60, 3600, 86_400
LEAST_DOLLARS = 0.00005
"""What four decimals can show."""
UNITS = ((DAY, HOUR, "d", "h"), (HOUR, MINUTE, "h", "min"), (MINUTE, 1, "min", "s"))


def dollars_text(dollars: float) -> str:
    """Write dollars: cents from ten cents on, four decimals below, and a bound for what rounds to nothing."""
    if dollars == 0:
        return "$0"
    if dollars < LEAST_DOLLARS:
        return "<$0.0001"
    return f"${dollars:,.2f}" if dollars >= 0.1 else f"${dollars:.4f}"


def duration_text(seconds: float) -> str:
    """Write a time in its two largest units: ``0.4 s``, ``95 s``, ``2 h 46 min``, ``24 d 7 h``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 2 * MINUTE:
        return f"{seconds:.0f} s"
    large, small, first, second = next(units for units in UNITS if seconds >= units[0])
    whole, rest = divmod(round(seconds / small) * small, large)
    return f"{whole:,.0f} {first} {rest // small:.0f} {second}"
