"""The batch handler as Lambda loads it, and calls of it as the state machine makes them."""

import importlib
import json
import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "lambdas" / "process_item"
EVENTS = ROOT / "tests" / "events"
MODULES = ("batch_handler", "batch", "outcomes", "time_limit", "process", "invocation", "item_encoding")


@contextmanager
def load_batch_handler(monkeypatch):
    """Import the handler with only its folder added to the path."""
    monkeypatch.syspath_prepend(FOLDER)
    for name in MODULES:
        monkeypatch.delitem(sys.modules, name, raising=False)
    yield importlib.import_module("batch_handler")
    for name in MODULES:
        sys.modules.pop(name, None)


def read_event(file):
    return json.loads((EVENTS / file).read_text(encoding="utf-8"))


def context(seconds=60.0):
    """Lambda's context, with so much time left."""
    return SimpleNamespace(get_remaining_time_in_millis=lambda: seconds * 1000)


def batch_event(items, *, max_attempts=3, max_seconds=None, started_at=None):
    """The event of the first call for items with the indexes 0, 1, 2 …"""
    rows = [{"index": index, "item": item} for index, item in enumerate(items)]
    return {
        "batch": {"BatchInput": {"execution": "run"}, "Items": rows},
        "pending": None,
        "bytesLeft": None,
        "maxAttempts": max_attempts,
        "startedAt": started_at or datetime.now(UTC).isoformat(),
        "maxSeconds": max_seconds,
    }


def finish_batch(handler, event, seconds=60.0):
    """Call the handler until nothing is pending; return all outcomes and the answers of all calls."""
    outcomes, answers = [], []
    while not answers or answers[-1]["pending"]:
        if answers:
            event = event | {key: answers[-1][key] for key in ("pending", "bytesLeft")}
        answers.append(handler.handle_batch(event, context(seconds)))
        outcomes += answers[-1]["outcomes"]
        assert len(answers) < 100, "the batch does not end"
    return outcomes, answers
