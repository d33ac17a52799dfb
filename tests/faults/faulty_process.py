"""A processor that fails as its item says; the tests put it in the place of the shipped process.py."""

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


class PaymentDeclinedError(Exception):
    """An error of the user's own."""


def process(item: Any) -> Any:
    if isinstance(item, str):
        return MISDEEDS.get(item, lambda: {"processed": item})()
    match item:
        case {"diary": file, "name": name, "attempts": attempts}:
            number = note_attempt(Path(file), name)
            return process(attempts[min(number, len(attempts)) - 1])
        case {"wait for": file, "and note in": diary, "name": name}:
            note_attempt(Path(diary), name)
            wait_for(Path(file))
        case {"do": misdeed}:
            return process(misdeed)
        case {"freeze and note in": file}:
            Path(file).write_text(str(os.getpid()))
            os.kill(os.getpid(), signal.SIGSTOP)
        case _:
            return act(item)
    return {"processed": item}


def act(item: Any) -> Any:
    match item:
        case {"raise": message}:
            raise PaymentDeclinedError(message)
        case {"raise characters": count}:
            raise PaymentDeclinedError("x" * count)
        case {"sleep": seconds}:
            time.sleep(seconds)
        case {"take": seconds}:
            started = time.time()
            time.sleep(seconds)
            return {"started": started, "ended": time.time()}
        case {"return characters": count}:
            return "x" * count
    return {"processed": item}


def sleep_through_interruptions() -> None:
    while True:
        try:
            time.sleep(1_000)
        except BaseException:
            continue


MISDEEDS: dict[str, Callable[[], Any]] = {
    "return a set": lambda: {1},
    "return bytes": lambda: b"bytes",
    "return an object": object,
    "return NaN": lambda: float("nan"),
    "raise SystemExit": lambda: sys.exit("bye"),
    "exit": lambda: os._exit(3),
    "be killed": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "sleep through interruptions": sleep_through_interruptions,
}


def wait_for(file: Path) -> None:
    while not file.exists():
        time.sleep(0.01)


def note_attempt(diary: Path, name: str) -> int:
    """Note an attempt of an item in a file that the test reads; returns which attempt it is, from 1."""
    with diary.open("a") as file:
        file.write(json.dumps(name) + "\n")
    return [json.loads(line) for line in diary.read_text().splitlines()].count(name)
