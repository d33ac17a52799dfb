"""The event loop of all executions: one thread that only decides what happens next.

Waiting costs no thread; calls to services and functions block, so they run on
a pool beside it.
"""

import asyncio
import contextvars
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")

MAX_CALLS = 1000
"""Calls to services and functions that may be under way at once."""

_loop = asyncio.new_event_loop()
_pool = ThreadPoolExecutor(max_workers=MAX_CALLS, thread_name_prefix="states-call")


def start() -> None:
    """Start the loop's thread."""
    threading.Thread(target=_loop.run_forever, name="states", daemon=True).start()


def submit(coroutine: Coroutine[Any, Any, T]) -> "Future[T]":
    """Run a coroutine on the loop, in the caller's account and region."""
    return asyncio.run_coroutine_threadsafe(coroutine, _loop)


def call(function: Callable[[], T]) -> T:
    """Call a function on the loop from another thread and wait for what it returns."""

    async def run() -> T:
        return function()

    return submit(run()).result()


async def call_blocking(function: Callable[..., T], *arguments: Any) -> T:
    """Call a function that blocks, on the pool, in the same account and region."""
    context = contextvars.copy_context()
    return await _loop.run_in_executor(_pool, context.run, function, *arguments)


def spawn(function: Callable[..., Any], *arguments: Any) -> None:
    """Call a function that blocks, on the pool, without waiting for it."""
    _pool.submit(contextvars.copy_context().run, function, *arguments)
