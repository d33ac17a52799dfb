"""The outcome of an execution as an SVG picture that refers to nothing outside itself."""

import html
import io
import os
import re
from datetime import datetime
from pathlib import Path

from rich.cells import cell_len
from rich.console import Console

from utils.command import CommandError
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


def check_svg_target(path: Path) -> None:
    """Refuse a file that could not be written after the execution.

    Raises
    ------
    CommandError
        The target is a folder, its folder does not exist, or one of them
        is not writable.
    """
    if path.is_dir():
        raise CommandError(f"{path}: cannot be written: it is a folder; give the name of a file")
    if not path.parent.is_dir():
        raise CommandError(f"{path}: cannot be written: there is no folder {path.parent}; make it first")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise CommandError(f"{path}: cannot be written: no permission; choose another place")


def write_svg(path: Path, history: History, title: str, now: datetime) -> None:
    """Write the picture of an ended execution.

    Raises
    ------
    CommandError
        The file cannot be written.
    """
    try:
        path.write_text(export_svg(history, title, now), encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{path}: cannot be written: {error.strerror}") from error


def _fit_wide_characters(match: re.Match[str]) -> str:
    # rich sets a text's length by its characters, which squeezes those that are two cells wide.
    text = html.unescape(match["text"])
    length = float(match["length"]) * cell_len(text) / len(text)
    return f'textLength="{length:g}"{match["rest"]}>{match["text"]}<'
