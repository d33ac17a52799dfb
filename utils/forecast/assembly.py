"""The synthesized templates of all list workflows, kept in .estimate, so that an estimate needs no CDK.

They are current as long as the stacks, cdk.json, the configuration and the packages' versions are what they
were made from; otherwise they are made anew, in a process of its own.
"""

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from utils.command import CommandError

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
    current = folder / _key(config)
    if not current.is_dir():
        tell("reading the definitions: synthesizing them once, which takes some seconds …")
        _synthesize(config, current)
    return {
        path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(current.glob("*.json"))
    }


def _key(config: Path) -> str:
    digest = hashlib.sha256(config.read_bytes())
    for path in sorted(path for pattern in INPUTS for path in PROJECT_ROOT.glob(pattern)):
        digest.update(str(path.relative_to(PROJECT_ROOT)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def _synthesize(config: Path, target: Path) -> None:
    """Make the templates, and put them in place all at once."""
    made = None
    try:
        target.parent.mkdir(exist_ok=True)
        made = tempfile.mkdtemp(dir=target.parent, prefix="new-")
        command = [sys.executable, "-m", "stacks.templates", made, str(config.resolve())]
        subprocess.run(command, cwd=PROJECT_ROOT, check=True, capture_output=True, text=True)  # noqa: S603
        # Another command may have been faster; its templates are the same.
        if not target.is_dir():
            Path(made).rename(target)
    except subprocess.CalledProcessError as error:
        last = (error.stderr.strip().splitlines() or ["it ended without a word"])[-1]
        raise CommandError(f"the definitions cannot be synthesized: {last}") from error
    except OSError as error:
        raise CommandError(f"{target.parent}: cannot be written: {error.strerror}") from error
    finally:
        if made:
            shutil.rmtree(made, ignore_errors=True)
