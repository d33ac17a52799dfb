"""Leases of execution environments: a free one before a new one, and new ones a few at a time.

Each environment is a process. A burst of short invocations would otherwise start as many as there are
invocations, which takes longer than to serve them with a few; and a machine has only so much memory.
"""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

MAX_ENVIRONMENTS = 100
"""Environments of one function; further invocations wait for one of them. AWS's limit is 1,000 for all."""

MAX_STARTING = 4
"""Environments of one function that start at the same time."""

_changed = threading.Condition()
_starting: Counter[str] = Counter()
_retired: set[Any] = set()
_invalidate_in_ministack = lambda_svc.invalidate_worker


@contextmanager
def lease(config: dict[str, Any], code_zip: bytes) -> Iterator[Any]:
    """Lease an environment of a function, as soon as one is free or may be started."""
    name, qualifier = config["FunctionName"], config.get("Version", "$LATEST")
    key = lambda_runtime._worker_key(name, config, qualifier)
    with _changed:
        while (leased := _acquire(key, config, code_zip, qualifier)) is None:
            _changed.wait()
    environment, is_new = leased
    if is_new:
        environment.on_started = partial(_end_start, key)
    try:
        yield environment
    finally:
        environment.started()
        lambda_runtime.release_worker(environment)
        if environment in _retired:
            _retired.remove(environment)
            lambda_runtime.kill_workers([environment])
        with _changed:
            _changed.notify_all()


def _acquire(key: str, config: dict[str, Any], code_zip: bytes, qualifier: str) -> tuple[Any, bool] | None:
    there_are = len(lambda_runtime._workers.get(key, []))
    limit = MAX_ENVIRONMENTS if _starting[key] < MAX_STARTING else there_are
    environment, how = lambda_runtime.acquire_worker(
        config["FunctionName"], config, code_zip, qualifier=qualifier, max_concurrency=limit
    )
    if environment is None:
        return None
    _starting[key] += how == "spawn"
    return environment, how == "spawn"


def _end_start(key: str) -> None:
    with _changed:
        _starting[key] -= 1
        _changed.notify_all()


def invalidate(
    name: str, qualifier: str | None = None, account: str | None = None, region: str | None = None
) -> None:
    """End the environments of a function whose code or configuration changes; busy ones first finish."""
    wanted = (account, region, name, qualifier)
    with lambda_runtime._lock:
        for key, environments in lambda_runtime._workers.items():
            parts = key.split(":")
            if all(want in {None, part} for want, part in zip(wanted, parts, strict=True)):
                _retired.update(each for each in environments if each.in_use)
                environments[:] = [each for each in environments if not each.in_use]
    _invalidate_in_ministack(name, qualifier=qualifier, account=account, region=region)
