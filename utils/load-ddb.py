# ruff: noqa: N999 - the name is the one that users know, so the code is in modules that can be imported
"""Load a list into the table that the `fanOut` workflow reads.

python utils/load-ddb.py --config config.json --json utils/simplelist.json [--dry-run]
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from utils.packages import begin_command

begin_command(__name__)

from utils.command import run_command  # noqa: E402
from utils.load_list import main  # noqa: E402

if __name__ == "__main__":
    run_command(main)
