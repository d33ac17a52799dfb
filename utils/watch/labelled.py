"""A figure a line, each after what it is."""

from collections.abc import Sequence

from rich.cells import cell_len
from rich.text import Text


def labelled_lines(lines: Sequence[tuple[str, str]]) -> Text:
    """Lay out labels, dim and in a column, and what each says."""
    widest = max(cell_len(label) for label, _ in lines)
    return Text("\n").join(
        Text.assemble((label + " " * (widest - cell_len(label)), "dim"), "  ", value)
        for label, value in lines
    )
