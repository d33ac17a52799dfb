"""The synthesized templates of all list workflows, kept in .estimate, so that an estimate needs no CDK.

They are current as long as the stacks, cdk.json, the configuration and the packages' versions are what they
were made from; otherwise they are made anew, in a process of its own.
"""

import hashlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from utils.command import CommandError
from utils.forecast.whole_file import replace_file

PROJECT_ROOT = Path(__file__).parents[2]
FOLDER = PROJECT_ROOT / ".estimate"
INPUTS = ("stacks/**/*.py", "cdk.json", "requirements.txt")
"""What a template depends on beside the configuration; of the functions' code it has only a name."""

Templates = Mapping[str, Mapping[str, Any]]


def load_templates(config: Path, tell: Callable[[str], None], folder: Path = FOLDER) -> Templates:
    """Return the templates by name, as `stacks.templates` names them.

    Parameters
    ----------
    config
        config.json, or another file like it.
    tell
        Gets a line before something takes seconds.
    folder
        Where the templates are kept.

    Raises
    ------
    CommandError
        They cannot be made.
    """
    kept = folder / f"{_key(config)}.json"
    with suppress(OSError, ValueError):
        return _unpack(kept.read_text(encoding="utf-8"))
    tell("reading the definitions: synthesizing them once, which takes some seconds …")
    templates = _synthesize(config)
    try:
        folder.mkdir(exist_ok=True)
        replace_file(kept, _pack(templates))
    except OSError as error:
        # The next estimate takes the seconds again; this one has what it needs.
        tell(f"{folder}: cannot be written, so that nothing is kept: {error.strerror}")
    return templates


def _key(config: Path) -> str:
    digest = hashlib.sha256(config.read_bytes())
    for path in sorted(path for pattern in INPUTS for path in PROJECT_ROOT.glob(pattern)):
        digest.update(str(path.relative_to(PROJECT_ROOT)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def _pack(templates: Templates) -> str:
    """Write templates with a digest in the first line, by which a half-written file is told."""
    text = json.dumps(templates)
    return f"{hashlib.sha256(text.encode()).hexdigest()}\n{text}"


def _unpack(packed: str) -> Templates:
    """Read what `_pack` wrote; ValueError for anything else."""
    digest, _, text = packed.partition("\n")
    if hashlib.sha256(text.encode()).hexdigest() != digest:
        raise ValueError("it is not what was written")
    templates: Templates = json.loads(text)
    return templates


def _synthesize(config: Path) -> Templates:
    """Make the templates in a process of its own."""
    try:
        with tempfile.TemporaryDirectory(prefix="estimate-") as made:
            command = [sys.executable, "-m", "stacks.templates", made, str(config.resolve())]
            subprocess.run(command, cwd=PROJECT_ROOT, check=True, capture_output=True, text=True)  # noqa: S603
            paths = sorted(Path(made).glob("*.json"))
            return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in paths}
    except subprocess.CalledProcessError as error:
        last = (error.stderr.strip().splitlines() or ["it ended without a word"])[-1]
        raise CommandError(f"the definitions cannot be synthesized: {last}") from error
    except OSError as error:
        raise CommandError(f"the definitions cannot be synthesized: {error.strerror}") from error
