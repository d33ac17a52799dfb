"""Everything of MiniStack that this project replaces, by name.

MiniStack 1.5.33 runs AWS's services; where its Step Functions control flow and
its Python functions differ from what AWS has been recorded to do, the names
below are given this project's functions instead. Each replacement has a test
that fails once MiniStack no longer needs it.
"""

from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc, stepfunctions

from local.functions import environment
from local.states import callbacks, executions, loop


def install() -> None:
    """Put the replacements in place; called once, before MiniStack serves."""
    stepfunctions._run_execution = executions.run_execution
    stepfunctions._start_execution = executions.start_execution
    stepfunctions._stop_execution = executions.stop_execution
    stepfunctions._send_task_success = callbacks.send_task_success
    stepfunctions._send_task_failure = callbacks.send_task_failure
    stepfunctions._send_task_heartbeat = callbacks.send_task_heartbeat
    stepfunctions._get_activity_task = callbacks.get_activity_task
    stepfunctions.reset = executions.reset
    _replace_python_functions()
    loop.start()


def _replace_python_functions() -> None:
    stock_class, stock_invoke = lambda_runtime._worker_class_for, lambda_svc._execute_function_warm

    def class_for(config: dict[str, Any]) -> Any:
        return environment.PythonEnvironment if environment.is_python(config) else stock_class(config)

    def invoke(func: dict[str, Any], event: Any, request_id: str) -> Any:
        python = func.get("code_zip") and environment.is_python(func["config"])
        return (environment.invoke_in_pool if python else stock_invoke)(func, event, request_id)

    lambda_runtime._PYTHON_WORKER_SCRIPT = environment.BOOTSTRAP
    lambda_runtime._worker_class_for = class_for
    lambda_svc._execute_function_warm = invoke
