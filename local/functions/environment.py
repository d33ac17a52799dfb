"""Execution environments for Python functions, as the Lambda service runs them.

MiniStack keeps the pool of environments; here is what one of them does with an
invocation. The function runs in a process of its own under AWS's runtime
(bootstrap.py), so that its error names, its JSON log lines and what it cannot
marshal are AWS's.
"""

import contextlib
import json
import os
import queue
import select
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

from local.functions import bootstrap
from local.functions.bootstrap import INVOCATION_END
from local.functions.leases import lease

BOOTSTRAP = Path(bootstrap.__file__).read_text(encoding="utf-8")
_stock_class_for = lambda_runtime._worker_class_for
_stock_execute_function = lambda_svc._execute_function_warm

INIT_SECONDS = 10.0
"""How long a function may initialise, before AWS begins anew with the function's timeout (Lambda guide)."""

EXIT_SECONDS = 1.0
"""How long a process may take to end after it has closed its end of the pipe."""

CHUNK_BYTES = 65_536

LOG_END_SECONDS = 1.0
"""How long the last log lines of an invocation may take through the pipe."""


class LineReader:
    """Reads lines from a pipe, each within a time."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._buffer = b""

    def read(self, seconds: float) -> bytes:
        """Read the next line.

        Raises
        ------
        TimeoutError
            It is not complete in time.
        EOFError
            The other end was closed before.
        """
        deadline = time.monotonic() + seconds
        while b"\n" not in self._buffer:
            left = max(0.0, deadline - time.monotonic())
            if not select.select([self._descriptor], [], [], left)[0]:
                raise TimeoutError
            chunk = os.read(self._descriptor, CHUNK_BYTES)
            if not chunk:
                raise EOFError
            self._buffer += chunk
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line


class PythonEnvironment(lambda_runtime.Worker):  # type: ignore[misc]
    """One process that serves one invocation at a time."""

    _proc: Any
    _answers: LineReader

    def __init__(self, func_name: str, config: dict[str, Any], code_zip: bytes) -> None:
        super().__init__(func_name, _with_runtime_variables(config), code_zip)
        self.on_started: Callable[[], None] | None = None

    def started(self) -> None:
        """Tell once whoever wants to know that the process has started, or will not."""
        on_started, self.on_started = self.on_started, None
        if on_started is not None:
            on_started()

    def invoke(
        self,
        event: Any,
        request_id: str,
        *,
        trace_id: str | None = None,
        invoked_function_arn: str | None = None,
    ) -> dict[str, Any]:
        """Run one invocation.

        Returns
        -------
        dict
            ``body``: what the handler returned, or AWS's error document;
            ``error``: True for the latter; ``raw_payload``: True for a body
            of bytes, which is not read as JSON; ``log``: what it logged.
        """
        with self._lock:
            try:
                if self._proc is None or self._proc.poll() is not None:
                    self._start()
                context = {
                    "request_id": request_id,
                    "trace_id": trace_id,
                    "invoked_function_arn": invoked_function_arn,
                }
                self._send(json.dumps(context), json.dumps(event))
                return self._answer(request_id)
            except TimeoutError:
                self._end_process()
                message = f"Error: Task timed out after {self._timeout_seconds:.2f} seconds"
                return self._failure("Sandbox.Timedout", f"RequestId: {request_id} {message}")
            except (EOFError, BrokenPipeError):
                return self._exited(request_id)

    @property
    def _timeout_seconds(self) -> float:
        return float(self.config.get("Timeout", 3))

    def _start(self) -> None:
        """Start the process and let it import the handler's module."""
        self._spawn()
        self._answers = LineReader(self._proc.stdout.fileno())
        self._send("")
        # To begin anew would only take longer here.
        self._answers.read(INIT_SECONDS + self._timeout_seconds)
        self.started()

    def _send(self, *lines: str) -> None:
        self._proc.stdin.write("".join(f"{line}\n" for line in lines))
        self._proc.stdin.flush()

    def _answer(self, request_id: str) -> dict[str, Any]:
        status, document = (
            self._answers.read(self._timeout_seconds),
            self._answers.read(self._timeout_seconds),
        )
        try:
            answer, body = json.loads(status), json.loads(document)
        except ValueError:
            answer = {}
        if answer.get("request_id") != request_id:
            raise EOFError  # the handler has written into the pipe: nothing more of it can be trusted
        return {
            "body": body,
            "error": answer["status"] == "error",
            "raw_payload": answer["status"] == "raw",
            "log": self._read_log(),
        }

    def _exited(self, request_id: str) -> dict[str, Any]:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._proc.wait(EXIT_SECONDS)
        status = self._end_process()
        reason = f"exit status {status}" if status >= 0 else f"signal: {signal.strsignal(-status)}".lower()
        return self._failure(
            "Runtime.ExitError", f"RequestId: {request_id} Error: Runtime exited with error: {reason}"
        )

    def _failure(self, error_type: str, message: str) -> dict[str, Any]:
        log = "\n".join([*filter(None, [self._read_log()]), message])
        return {"body": {"errorMessage": message, "errorType": error_type}, "error": True, "log": log}

    def _end_process(self) -> int:
        process, self._proc = self._proc, None
        process.kill()
        status: int = process.wait()
        self._stderr_thread.join(LOG_END_SECONDS)
        self._stderr_queue.put(INVOCATION_END)
        return status

    def _read_log(self) -> str:
        lines = []
        deadline = time.monotonic() + LOG_END_SECONDS
        while True:
            try:
                line = self._stderr_queue.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                break
            if line.endswith(INVOCATION_END):
                lines.append(line.removesuffix(INVOCATION_END))
                break
            lines.append(line)
        return "\n".join(filter(None, lines))


def _with_runtime_variables(config: dict[str, Any]) -> dict[str, Any]:
    variables = {
        **config.get("Environment", {}).get("Variables", {}),
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{config['Runtime']}",
        "AWS_LAMBDA_LOG_FORMAT": config.get("LoggingConfig", {}).get("LogFormat", "Text"),
        "PYTHONUTF8": "1",
    }
    return {**config, "Environment": {"Variables": variables}}


def class_for(config: dict[str, Any]) -> Any:
    """The class that runs a function of this configuration."""
    return PythonEnvironment if _is_python(config) else _stock_class_for(config)


def execute_function(func: dict[str, Any], event: Any, request_id: str) -> Any:
    """Run one invocation in a free environment of the function's pool."""
    if not func.get("code_zip") or not _is_python(func["config"]):
        return _stock_execute_function(func, event, request_id)
    config = func["config"]
    lambda_svc._ensure_reaper_thread()
    with lease(config, func["code_zip"]) as environment:
        try:
            return environment.invoke(
                event,
                request_id,
                trace_id=lambda_svc._xray_trace_id_for_invocation(config),
                invoked_function_arn=config["FunctionArn"],
            )
        except (OSError, RuntimeError) as error:
            message = f"The function's environment did not start: {error}"
            return {"body": {"errorMessage": message, "errorType": "Lambda.ServiceException"}, "error": True}


def _is_python(config: dict[str, Any]) -> bool:
    return str(config.get("Runtime", "")).startswith("python")
