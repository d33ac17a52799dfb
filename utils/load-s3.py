# ruff: noqa: N999 - the name is like load-ddb.py's, so the code is in modules that can be imported
"""Check a list and upload it to the bucket of the `distributedMap`, `throttledMap` or `queueFanIn` workflow.

python utils/load-s3.py --config config.json --file utils/simplelist.jsonl [--workflow NAME] [--dry-run]
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from utils.packages import begin_command

begin_command(__name__)

from utils.command import run_command  # noqa: E402
from utils.upload_list import main  # noqa: E402

if __name__ == "__main__":
    run_command(main)
