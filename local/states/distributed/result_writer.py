"""ResultWriter: the results of child executions as records, and as files in a bucket."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from ministack.services import s3

from local.states.distributed.s3_answers import refusal
from local.states.distributed.settings import Writer
from local.states.errors import StatesError
from local.states.paths import compact
from local.states.redrive import redrive_fields

FILES = ("FAILED", "PENDING", "SUCCEEDED")


def describe(child: Mapping[str, Any]) -> dict[str, Any]:
    """What a result file says of a child execution, as Transformation NONE does.

    Parameters
    ----------
    child
        Record of a child that has ended, or of one that was not started.
    """
    succeeded = child["status"] == "SUCCEEDED"
    redrive = redrive_fields(child)
    fields = {
        "Cause": child.get("cause"),
        "Error": child.get("error"),
        "ExecutionArn": child["executionArn"],
        "Input": child["input"],
        "InputDetails": {"Included": True},
        "Name": child["name"],
        "Output": child["output"] if succeeded else None,
        "OutputDetails": {"Included": True} if succeeded else None,
        "RedriveCount": child["redriveCount"],
        "RedriveStatus": redrive["redriveStatus"],
        "RedriveStatusReason": redrive.get("redriveStatusReason"),
        "StartDate": child.get("startDate"),
        "StateMachineArn": child["stateMachineArn"],
        "Status": child["status"],
        "StopDate": child.get("stopDate"),
    }
    return {name: value for name, value in fields.items() if value is not None}


class Results:
    """The results of a Map Run, in the order in which its children were made."""

    def __init__(self, writer: Writer | None) -> None:
        self._writer = writer
        default = "NONE" if self.has_bucket else "COMPACT"
        self._transformation = (writer.transformation if writer else None) or default
        self._succeeded: dict[int, str] = {}

    @property
    def has_bucket(self) -> bool:
        """Whether the results are written to a bucket."""
        return self._writer is not None and self._writer.bucket is not None

    def add(self, number: int, child: Mapping[str, Any]) -> None:
        """Take the result of a child that has succeeded."""
        whole = self._transformation == "NONE"
        self._succeeded[number] = compact(describe(child)) if whole else child["output"]

    def forget(self) -> None:
        """Drop the results; they have been handed on."""
        self._succeeded.clear()

    def output(self, failed: Mapping[int, Mapping[str, Any]]) -> list[Any]:
        """The results as the Map's own: a child that failed within the tolerance has its error there."""
        every: dict[int, Any] = {number: json.loads(text) for number, text in self._succeeded.items()}
        for number, child in failed.items():
            known = {"Status": child["status"], "Error": child.get("error"), "Cause": child.get("cause")}
            every[number] = {name: value for name, value in known.items() if value is not None}
        results = [every[number] for number in sorted(every)]
        if self._transformation == "FLATTEN":
            return [part for result in results for part in (result if isinstance(result, list) else [result])]
        return results

    def check_bucket(self, map_run_arn: str) -> None:
        """Write a manifest without files, to see before any child starts that the bucket takes it.

        Raises
        ------
        StatesError
            It does not.
        """
        self._put_manifest(map_run_arn, {})

    def write(
        self, map_run_arn: str, failed: Iterable[Mapping[str, Any]], pending: Iterable[Mapping[str, Any]]
    ) -> dict[str, Any]:
        """Write the files and the manifest.

        Returns
        -------
        dict
            The Map's result: ``{"MapRunArn", "ResultWriterDetails": {"Bucket", "Key"}}``.

        Raises
        ------
        StatesError
            The bucket cannot be written to.
        """
        rows = {
            "FAILED": [compact(describe(child)) for child in failed],
            "PENDING": [compact(describe(child)) for child in pending],
            "SUCCEEDED": self._succeeded_rows(),
        }
        files = {name: self._put_rows(map_run_arn, name, rows[name]) for name in FILES}
        key = self._put_manifest(map_run_arn, files)
        return {
            "MapRunArn": map_run_arn,
            "ResultWriterDetails": {"Bucket": self._target.bucket, "Key": key},
        }

    @property
    def _target(self) -> Writer:
        if self._writer is None:
            raise ValueError("these results have no bucket")
        return self._writer

    def _succeeded_rows(self) -> list[str]:
        rows = [self._succeeded[number] for number in sorted(self._succeeded)]
        if self._transformation != "FLATTEN":
            return rows
        results = [json.loads(row) for row in rows]
        return [compact(part) for each in results for part in (each if isinstance(each, list) else [each])]

    def _put_rows(self, map_run_arn: str, name: str, rows: list[str]) -> list[dict[str, Any]]:
        if not rows:
            return []
        as_lines = self._target.output_type == "JSONL"
        text = "\n".join(rows) + "\n" if as_lines else f"[{','.join(rows)}]"
        body = text.encode("utf-8", "surrogatepass")
        key = self._key(map_run_arn, f"{name}_0.{'jsonl' if as_lines else 'json'}")
        self._put(key, body)
        return [{"Key": key, "Size": len(body)}]

    def _put_manifest(self, map_run_arn: str, files: Mapping[str, list[dict[str, Any]]]) -> str:
        manifest = {
            "DestinationBucket": self._target.bucket,
            "MapRunArn": map_run_arn,
            "ResultFiles": {name: files.get(name, []) for name in FILES},
        }
        key = self._key(map_run_arn, "manifest.json")
        self._put(key, compact(manifest).encode())
        return key

    def _key(self, map_run_arn: str, name: str) -> str:
        run_id = map_run_arn.rpartition(":")[2]
        return "/".join(filter(None, [self._target.prefix, run_id, name]))

    def _put(self, key: str, body: bytes) -> None:
        status, _, answer = s3._put_object(self._target.bucket, key, body, {})
        if status >= 300:
            raise StatesError(
                "States.ResultWriterFailed",
                f"Failed to write '{key}' into the output bucket '{self._target.bucket}'. | Message from S3: "
                f"{refusal(answer)}",
            )
