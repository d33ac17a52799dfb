# ruff: noqa: N999 - named like the other loaders, so the code is in modules that can be imported
"""Set the stock that the `orderProcessing` workflow sells from.

python utils/load-inventory.py --json utils/orders/stock.json [--dry-run]
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from utils.packages import begin_command

begin_command(__name__)

from utils.command import run_command  # noqa: E402
from utils.load_inventory import main  # noqa: E402

if __name__ == "__main__":
    run_command(main)
