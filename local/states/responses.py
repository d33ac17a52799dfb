"""What Step Functions adds to the result of an optimised integration: the response's metadata."""

import json
import time
from typing import Any

from ministack.core.responses import new_uuid, now_rfc7231

from local.states.paths import utf8_bytes

LAMBDA_HEADERS = {
    "Content-Type": "application/json",
    "X-Amz-Executed-Version": "$LATEST",
    "x-amzn-Remapped-Content-Length": "0",
}
DYNAMODB_HEADERS = {
    "Content-Type": "application/x-amz-json-1.0",
    "Server": "Server",
    "x-amz-crc32": "0000000000",
}
JSON_HEADERS = {"Content-Type": "application/x-amz-json-1.0"}


def described(result: dict[str, Any], headers: dict[str, str], content: Any) -> dict[str, Any]:
    """A result with its metadata.

    Parameters
    ----------
    headers
        The headers that are particular to the service.
    content
        The body of the response, for its length.
    """
    request_id = new_uuid()
    headers = {
        **headers,
        "Connection": "keep-alive",
        "Content-Length": str(utf8_bytes(json.dumps(content, ensure_ascii=False))),
        "Date": now_rfc7231(),
        "x-amzn-RequestId": request_id,
        "X-Amzn-Trace-Id": f"root=1-{int(time.time()):08x}-{request_id.replace('-', '')[:24]};sampled=0",
    }
    return {
        **result,
        "SdkHttpMetadata": {
            "AllHttpHeaders": {name: [value] for name, value in headers.items()},
            "HttpHeaders": headers,
            "HttpStatusCode": 200,
        },
        "SdkResponseMetadata": {"RequestId": request_id},
    }
