"""The outcome of an execution as an SVG picture that refers to nothing outside itself."""

import html
import io
import re
from datetime import datetime

from rich.cells import cell_len
from rich.console import Console

from utils.watch.history import History
from utils.watch.render import TIMELINE_ROWS, print_outcome

SVG_COLUMNS = 110

SVG_TEMPLATE = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{
    font-family: monospace;
    font-size: {char_height}px;
    line-height: {line_height}px;
}}
.{unique_id}-title {{ font-family: sans-serif; font-size: 16px; font-weight: 600; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/>
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""
"""rich's own template without its web font: the picture loads nothing."""

SVG_TEXT = re.compile(r'textLength="(?P<length>[^"]+)"(?P<rest>[^>]*)>(?P<text>[^<]*)<')


def export_svg(history: History, title: str, now: datetime) -> str:
    """Draw the same as an SVG that refers to nothing outside itself."""
    console = Console(record=True, width=SVG_COLUMNS, file=io.StringIO(), legacy_windows=False)
    print_outcome(console, history, now, max_rows=TIMELINE_ROWS)
    return SVG_TEXT.sub(_fit_wide_characters, console.export_svg(title=title, code_format=SVG_TEMPLATE))


def _fit_wide_characters(match: re.Match[str]) -> str:
    # rich sets a text's length by its characters, which squeezes those that are two cells wide.
    text = html.unescape(match["text"])
    length = float(match["length"]) * cell_len(text) / len(text)
    return f'textLength="{length:g}"{match["rest"]}>{match["text"]}<'
