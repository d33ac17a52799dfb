"""The throttledMap workflow with a faulty processor, times that are short, and items that wait for a gate."""

import json
import os
import signal
from collections import Counter
from pathlib import Path
from typing import Any

from distributed_map_project import json_lines
from item_faults import FAULTY_PROCESS
from throttled_map_project import ThrottledMapProject

WORKERS = 4
HEARTBEAT_SECONDS = 5
BEATS_PER_TIMEOUT = 3
"""As in lambdas/process_item/record_handler.py."""
ITEM_TIMEOUT_SECONDS = 15
MAX_ATTEMPTS = 2
MAX_RECEIVE_COUNT = 2
ANSWER_TRIES = 2


def deploy(folder: Path, environment: dict[str, str]) -> ThrottledMapProject:
    """Deploy the app with the faulty processor; five failed items are tolerated."""
    project = ThrottledMapProject.copy(folder, environment)
    functions = project.folder / "lambdas" / "process_item"
    (functions / "process.py").write_bytes(FAULTY_PROCESS.read_bytes())
    handler = functions / "record_handler.py"
    source = handler.read_text()
    changed = source.replace('"total_max_attempts": 8', f'"total_max_attempts": {ANSWER_TRIES}')
    assert changed != source
    handler.write_text(changed)
    project.name_workflows("throttledMap")
    project.configure(
        "throttledMap",
        workerMaxConcurrency=WORKERS,
        heartbeatSeconds=HEARTBEAT_SECONDS,
        itemTimeoutSeconds=ITEM_TIMEOUT_SECONDS,
        maxAttempts=MAX_ATTEMPTS,
        maxReceiveCount=MAX_RECEIVE_COUNT,
        toleratedFailureCount=5,
        timeoutDurationSeconds=100,
    )
    project.deploy()
    return project


def marked(*items: dict[str, Any]) -> list[dict[str, Any]]:
    return [{**item, "throttled": True} for item in items]


class Gate:
    """Items that wait in `process` until they are let through, and note that they came so far."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._gate = folder / "gate"
        self._diary = folder / "diary"
        self._diary.touch()

    def items(self, count: int) -> list[dict[str, Any]]:
        common = {"wait for": str(self._gate), "and note in": str(self._diary)}
        return marked(*({"name": f"item {number}", **common} for number in range(count)))

    def scripted(self, *attempts: Any) -> list[dict[str, Any]]:
        """One item that does something else in each attempt."""
        return marked({"diary": str(self._diary), "name": "item 0", "attempts": [*attempts]})

    def arrived(self) -> Counter[str]:
        """How often each item was tried."""
        return Counter(json.loads(line) for line in self._diary.read_text().splitlines())

    def open(self) -> None:
        self._gate.touch()


class Lists:
    """Starts executions over lists, each under a key of its own."""

    def __init__(self, project: ThrottledMapProject, prefix: str) -> None:
        self._project = project
        self._prefix = prefix
        self._count = 0

    def start(self, items: list[Any]) -> str:
        self._count += 1
        key = f"{self._prefix} {self._count}.jsonl"
        return self._project.start(self._project.put_list(key, json_lines(items)))


def resume(note: Path) -> None:
    """Let a worker go on that has stopped itself and noted its number."""
    os.kill(int(note.read_text()), signal.SIGCONT)
