"""Everything of MiniStack that this project replaces, by name.

MiniStack 1.5.33 runs AWS's services; where its Step Functions control flow,
its Python functions and what invokes them differ from what AWS has been recorded
or is documented to do, the names below are given this project's functions instead.
For each of them a test shows on the stock MiniStack that it is needed, and fails
when it no longer is.
"""

import importlib
from typing import Any

from local import objects, requests, state_machine_resources, tables
from local.functions import environment, leases, triggers
from local.states import api, callbacks, loop
from local.states.distributed import api as map_run_api

REPLACEMENTS: dict[str, Any] = {
    "app._dispatch_service_request": requests.dispatch,
    "services.stepfunctions.handle_request": api.handle_request,
    "services.stepfunctions._create_state_machine": api.create_state_machine,
    "services.stepfunctions._update_state_machine": api.update_state_machine,
    "services.stepfunctions._run_execution": api.run_execution,
    "services.stepfunctions._start_execution": api.start_execution,
    "services.stepfunctions._stop_execution": api.stop_execution,
    "services.stepfunctions._describe_execution": api.describe_execution,
    "services.stepfunctions._describe_state_machine_for_execution": (
        api.describe_state_machine_for_execution
    ),
    "services.stepfunctions._list_executions": map_run_api.list_executions,
    "services.stepfunctions._update_map_run": map_run_api.update_map_run,
    "services.stepfunctions._send_task_success": callbacks.send_task_success,
    "services.stepfunctions._send_task_failure": callbacks.send_task_failure,
    "services.stepfunctions._send_task_heartbeat": callbacks.send_task_heartbeat,
    "services.stepfunctions._get_activity_task": callbacks.get_activity_task,
    "services.stepfunctions.reset": api.reset,
    "services.cloudformation.provisioners._RESOURCE_HANDLERS": state_machine_resources.HANDLERS,
    "services.dynamodb._partiql_insert": tables.insert,
    "services.s3._get_object": objects.get_object,
    "services.s3._fire_s3_event": triggers.fire_s3_event,
    "services.eventbridge._dispatch_event": triggers.dispatch_event,
    "services.eventbridge._dispatch_to_lambda": triggers.invoke_for_event,
    "services.lambda_svc._poll_dynamodb_streams": triggers.poll_streams,
    "services.lambda_svc._execute_function_warm": environment.execute_function,
    "services.lambda_svc.invalidate_worker": leases.invalidate,
    "core.lambda_runtime._worker_class_for": environment.class_for,
    "core.lambda_runtime._PYTHON_WORKER_SCRIPT": environment.BOOTSTRAP,
}


def install() -> None:
    """Put the replacements in place; called once, before MiniStack serves."""
    for name, replacement in REPLACEMENTS.items():
        module, _, attribute = name.rpartition(".")
        setattr(importlib.import_module(f"ministack.{module}"), attribute, replacement)
    loop.start()
