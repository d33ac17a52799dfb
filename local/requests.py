"""Counts the requests that the emulator serves, for whoever wants to know what a run asks of AWS.

``GET /_local/requests`` gives them for each account, service and operation, as IAM names those:
``{"000000000000": {"dynamodb:PutItem": {"requests": 3, "bytes": 412}}}``. The bytes are those of the bodies
that came in, and the counts begin with the emulator. What the emulator does on its own, such as receiving
messages for a function, is no request.
"""

import json
from collections import defaultdict
from typing import Any

import ministack.app
from ministack.core.iam_actions import extract_iam_action
from ministack.core.responses import get_account_id
from ministack.core.router import detect_service

PATH = "/_local/requests"

_serve = ministack.app._dispatch_service_request
_counts: dict[str, dict[str, dict[str, int]]] = defaultdict(dict)


async def dispatch(*request: Any) -> Any:
    """Count a request and serve it as MiniStack does, or tell the counts."""
    method, path, headers, body, query_params, _ = request
    if path == PATH:
        return 200, {"Content-Type": "application/json"}, json.dumps(_counts).encode()
    service = detect_service(method, path, headers, query_params)
    action = extract_iam_action(service, method, path, headers, body, query_params) or service
    count = _counts[get_account_id()].setdefault(action, {"requests": 0, "bytes": 0})
    count["requests"] += 1
    count["bytes"] += len(body)
    return await _serve(*request)
