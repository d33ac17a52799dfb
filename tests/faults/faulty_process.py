"""A processor that fails as its item says; the tests put it in the place of the shipped process.py."""

import os
import signal
import time
from typing import Any


class PaymentDeclinedError(Exception):
    """An error of the user's own."""


def process(item: Any) -> Any:
    match item:
        case {"raise": message}:
            raise PaymentDeclinedError(message)
        case {"raise characters": count}:
            raise PaymentDeclinedError("x" * count)
        case {"sleep": seconds}:
            time.sleep(seconds)
        case "return a set":
            return {1}
        case "return an object":
            return object()
        case "return NaN":
            return float("nan")
        case {"return characters": count}:
            return "x" * count
        case "exit":
            os._exit(3)
        case "be killed":
            os.kill(os.getpid(), signal.SIGKILL)
    return {"processed": item}
