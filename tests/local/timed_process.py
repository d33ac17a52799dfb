"""A processor that says when it ran, and waits if its item says so; it takes the place of process.py."""

import os
import time
from pathlib import Path
from typing import Any


def process(item: dict[str, Any]) -> dict[str, Any]:
    started = time.time()
    with Path(item["diary"]).open("a") as diary:
        diary.write(f"{item['name']}\n")
    while item["gate"] and not Path(item["gate"]).exists():
        time.sleep(0.005)
    time.sleep(0.005)
    return {"started": started, "ended": time.time(), "worker": os.getpid()}
