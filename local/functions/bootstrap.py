"""The program inside a Python execution environment: AWS's own Lambda runtime, fed over pipes.

It stands alone: MiniStack copies its text into the environment's folder and
starts it there. What the function logs or prints goes to standard error,
closed after every invocation by a line that holds INVOCATION_END.

The pipes carry lines of JSON: first a description of the function, answered
when it has been read; an empty line to begin, answered when the handler's
module has been imported; then, for each invocation, one line of context and one
with the event, answered by one line with the status and one with the result
or the error document.
"""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any, TextIO

from awslambdaric import bootstrap
from awslambdaric.lambda_runtime_client import InvocationRequest, LambdaRuntimeClient

INVOCATION_END = "\x1einvocation-end"
AWS_TASK_ROOT = "/var/task"
"""Where a function's code lies on AWS; stack traces say so here too."""


class PipeClient(LambdaRuntimeClient):  # type: ignore[misc]
    """Takes the place of the Lambda runtime API."""

    def __init__(self, requests: TextIO, responses: TextIO, timeout_seconds: float) -> None:
        super().__init__("pipe")
        self._requests = requests
        self._responses = responses
        self._timeout_seconds = timeout_seconds
        self._initialized = False
        self._pid = os.getpid()

    def wait_next_invocation(self) -> Any:
        """Take the next invocation, or end the process when there will be none."""
        if not self._initialized:
            self._initialized = True
            self._respond('{"status": "initialized"}')
        context_line = self._requests.readline()
        event_line = self._requests.readline()
        if not event_line:
            sys.exit(0)
        context = json.loads(context_line)
        return InvocationRequest(
            invoke_id=context["request_id"],
            x_amzn_trace_id=context["trace_id"],
            invoked_function_arn=context["invoked_function_arn"],
            deadline_time_in_ms=int((time.time() + self._timeout_seconds) * 1000),
            client_context=None,
            cognito_identity=None,
            tenant_id=None,
            content_type="application/json",
            event_body=event_line,
            invocation_id=None,
        )

    def post_invocation_result(
        self, invoke_id: str, result_data: Any, content_type: str = "", invocation_id: Any = None
    ) -> None:
        """Answer with what the handler returned; bytes are no JSON, so they travel as a text of their own."""
        del content_type, invocation_id
        if isinstance(result_data, bytes):
            text = json.dumps(result_data.decode("utf-8", "replace"))
            self._end_invocation(invoke_id, "raw", text)
        else:
            self._end_invocation(invoke_id, "ok", result_data)

    def post_invocation_error(
        self, invoke_id: str, error_response_data: str, xray_fault: str, invocation_id: Any = None
    ) -> None:
        """Answer with the handler's error."""
        del xray_fault, invocation_id
        document = error_response_data.replace(os.environ["LAMBDA_TASK_ROOT"], AWS_TASK_ROOT)
        self._end_invocation(invoke_id, "error", document)

    def post_init_error(self, error_response_data: Any, error_type_override: str | None = None) -> None:
        """Answer the first invocation with the error of the initialisation, as AWS does."""
        del error_type_override
        request = self.wait_next_invocation()
        self.post_invocation_error(request.invoke_id, json.dumps(error_response_data), "")

    def _end_invocation(self, request_id: str, status: str, document: str) -> None:
        os.write(2, f"{INVOCATION_END}\n".encode())
        self._respond(json.dumps({"request_id": request_id, "status": status}), document)

    def _respond(self, *lines: str) -> None:
        if os.getpid() != self._pid:
            os._exit(0)  # a copy that the handler forked; only the original answers
        self._responses.write("".join(f"{line}\n" for line in lines))
        self._responses.flush()


def main() -> None:
    """Serve one function until the requests end."""
    requests = os.fdopen(os.dup(0), encoding="utf-8", newline="\n")
    responses = os.fdopen(os.dup(1), "w", encoding="utf-8", newline="\n")
    os.dup2(2, 1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    function = json.loads(requests.readline())
    sys.path.insert(0, function["code_dir"])
    for layer in filter(None, os.environ.get("_LAMBDA_LAYERS_DIRS", "").split(os.pathsep)):
        sys.path.insert(1, str(Path(layer, "python")))
    responses.write('{"status": "ready"}\n')
    responses.flush()
    requests.readline()
    client = PipeClient(requests, responses, float(os.environ["_LAMBDA_TIMEOUT"]))
    bootstrap.run(f"{function['module']}.{function['handler']}", client)


if __name__ == "__main__":
    main()
