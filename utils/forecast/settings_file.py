"""Writes the recommended settings into config.json; everything else in it stays as it is."""

import errno
import json
import os
from pathlib import Path
from typing import Any

from stacks.config import Config, ConfigError, load_config
from stacks.json_file import read_json
from utils.command import CommandError
from utils.forecast.arguments import PROJECT_ROOT
from utils.forecast.recommend import Recommendation
from utils.forecast.whole_file import replace_file


def write_settings(path: Path, config: Config, recommendation: Recommendation) -> list[str]:
    """Write the settings that differ from the configured ones, all at once or not at all.

    Parameters
    ----------
    path
        config.json.
    config
        What it says now, with defaults.

    Returns
    -------
    list of str
        A line for each key that changed; one line if none had to.

    Raises
    ------
    CommandError
        The file cannot be written, or the settings are not allowed there.
    """
    content = read_json(path)
    lines = []
    workflow = recommendation.row.mode.workflow
    if workflow not in config.workflows:
        content["workflows"] = [*config.workflows, workflow]
        lines.append(f"{path}: workflows now names {workflow}, too")
    for section, keys in recommendation.settings.items():
        for key, value in keys.items():
            before = getattr(getattr(config, section), key)
            if value != before:
                content.setdefault(section, {})[key] = value
                lines.append(f"{path}: {section}.{key} {json.dumps(before)} → {json.dumps(value)}")
    if not lines:
        return [f"{path}: says so already"]
    _replace(path.resolve(), content)
    deployed = PROJECT_ROOT / "config.json"
    first = "" if path.resolve() == deployed else f"put it in place of {deployed}, and "
    return [*lines, f"{first}deploy it: npx cdk deploy {workflow[0].upper()}{workflow[1:]}Stack"]


def _replace(path: Path, content: dict[str, Any]) -> None:
    def check(new: Path) -> None:
        try:
            load_config(new)
        except ConfigError as error:
            lines = (line.replace(str(new), str(path)) for line in error.lines)
            raise CommandError(f"{path} is left as it is:", *lines) from error

    try:
        # Another file takes its place, which the mode of this one would not forbid.
        if not os.access(path, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        replace_file(path, _text(content), check)
    except OSError as error:
        raise CommandError(f"{path}: cannot be written: {error.strerror}") from error


def _text(content: dict[str, Any]) -> str:
    """Write as the shipped config.json is written: two blanks, a list in one line."""
    parts = []
    for key, value in content.items():
        text = json.dumps(value, ensure_ascii=False, indent=None if isinstance(value, list) else 2)
        parts.append(f"  {json.dumps(key)}: " + text.replace("\n", "\n  "))
    return "{\n" + ",\n".join(parts) + "\n}\n"
