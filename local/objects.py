"""What is read from S3, where MiniStack leaves out what AWS does.

A range of a version is that range, and not the whole version ("GetObject" in the API reference).
"""

from typing import Any

from ministack.services import s3

_get_in_ministack = s3._get_object


def get_object(
    bucket: str, key: str, headers: dict[str, str], query_params: dict[str, Any] | None = None
) -> Any:
    """Read an object, or a range of it, of whichever version."""
    wanted = headers.get("range")
    if not wanted or not s3._qp(query_params or {}, "versionId", ""):
        return _get_in_ministack(bucket, key, headers, query_params)
    # The checksum of the whole does not go with a part.
    whole = {name: value for name, value in headers.items() if name not in {"range", "x-amz-checksum-mode"}}
    status, answered, body = _get_in_ministack(bucket, key, whole, query_params)
    if status != 200:
        return status, answered, body
    span = s3._parse_range(wanted, len(body))
    if span is None:
        refusal = {"Content-Type": "application/xml", "Content-Range": f"bytes */{len(body)}"}
        return 416, refusal, s3._xml_body(s3._range_error_xml(bucket, key))
    start, end = span
    part = body[start : end + 1]
    described = {"Content-Length": str(len(part)), "Content-Range": f"bytes {start}-{end}/{len(body)}"}
    return 206, {**answered, **described}, part
