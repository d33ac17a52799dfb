"""Steps of an order, and services outside, that fail as a plan says; the services note what they did.

`faulty_orders` puts this beside the steps. The plan is that of `faulty_calls`, with more keys: a state and
an order or its item, ``"Charge Payment order-1"``, ``"Start Delivery order-1/0"``; or a call of a service
outside, ``"carrier.start_delivery order-1/0"``. They may be throttled, die or lose their answer after the
work, work twice, or raise one of the steps' errors, which is planned by its name.
"""

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import errors
import faulty_calls
from botocore.exceptions import ClientError

HANDLERS = ("check_handler", "step_handlers")
"""Their functions are known by the states that run them."""


def replace(module: dict[str, Any]) -> None:
    """Let each public function that a module defines fail as planned."""
    module_name = module["__name__"]
    for name, value in [*module.items()]:
        if callable(value) and value.__module__ == module_name and not name.startswith("_"):
            if module_name in HANDLERS:
                module[name] = faulty(value, name.replace("_", " ").title())
            else:
                module[name] = faulty(noted(value), f"{module_name}.{name}")


def faulty(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    """Make of a function one that fails before its work or after it, or works twice."""

    def run(subject: Any, *rest: Any) -> Any:
        fault = faulty_calls.next_fault(f"{name} {key_of(subject)}")
        if fault == "throttle":
            raise ClientError({"Error": {"Code": "ThrottlingException", "Message": "Slow down"}}, name)
        if hasattr(errors, fault):
            raise getattr(errors, fault)("refused by plan")
        result = function(subject, *rest)
        match fault:
            case "die after":
                os.kill(os.getpid(), signal.SIGKILL)
            case "lose answer":
                raise ConnectionResetError("Connection reset by peer")
            case "twice":
                result = function(subject, *rest)
        return result

    return run


def noted(function: Callable[..., Any]) -> Callable[..., Any]:
    """Note in the diary each call of a service that was made."""

    def call(key: str, *rest: Any) -> Any:
        result = function(key, *rest)
        diary = Path(faulty_calls.POINTER.read_text(encoding="utf-8")).with_name("diary.jsonl")
        with diary.open("a", encoding="utf-8") as file:
            file.write(json.dumps([function.__name__, key, *map(str, rest)]) + "\n")
        return result

    return call


def key_of(subject: Any) -> str:
    """Name the order, or the item, that an event or an idempotency key is about."""
    if isinstance(subject, str):
        return subject
    order_id: str = subject["order"]["orderId"] if "order" in subject else subject["orderId"]
    return f"{order_id}/{subject['item']['index']}" if "item" in subject else order_id
