"""The API of Map Runs: what replaces MiniStack's answers about them and their children."""

from typing import Any

from ministack.core.responses import error_response_json, json_response
from ministack.services import stepfunctions

from local.states import loop
from local.states.distributed.map_run import MapRun
from local.states.distributed.settings import check_tolerance
from local.states.errors import PathError

_map_runs: dict[str, MapRun] = {}
_list_in_ministack = stepfunctions._list_executions

DEFAULT_PAGE = 100
MAX_PAGE = 1000
"""Executions in an answer (API reference)."""

SUMMARY = (
    *("executionArn", "stateMachineArn", "mapRunArn", "name", "status", "startDate", "stopDate"),
    *("itemCount", "redriveCount", "redriveDate"),
)
"""Fields of a child in a list."""


def register(map_run: MapRun) -> None:
    """Make a Map Run known to the API."""
    arn = map_run.record["mapRunArn"]
    _map_runs[arn] = map_run
    stepfunctions._map_runs[arn] = map_run.record


def reset() -> None:
    """Forget all Map Runs."""
    _map_runs.clear()


def update_map_run(data: dict[str, Any]) -> Any:
    """Answer UpdateMapRun: change the limits of a Map Run that is running."""
    map_run, arn = _find(data), data.get("mapRunArn")
    if map_run is None:
        return _not_found(arn)
    names = ("maxConcurrency", "toleratedFailurePercentage", "toleratedFailureCount")
    limits = {name: data[name] for name in names if name in data}
    try:
        if limits.get("maxConcurrency", 0) < 0:
            raise PathError("MaxConcurrency cannot be negative.")
        check_tolerance(limits.get("toleratedFailureCount"), limits.get("toleratedFailurePercentage"))
    except PathError as error:
        return error_response_json("ValidationException", str(error), 400)
    if not limits or map_run.record["status"] != "RUNNING":
        problem = "is not running" if limits else "can be changed in its limits only: none is given"
        return error_response_json("ValidationException", f"Map Run {problem}: '{arn}'", 400)
    loop.call(lambda: map_run.update(**limits))
    return json_response({})


def list_executions(data: dict[str, Any]) -> Any:
    """Answer ListExecutions: the children of a Map Run, or MiniStack's answer for a state machine."""
    if ("mapRunArn" in data) == ("stateMachineArn" in data):
        message = "Exactly one of stateMachineArn and mapRunArn must be given"
        return error_response_json("ValidationException", message, 400)
    if "mapRunArn" not in data:
        return _list_in_ministack(data)
    map_run = _find(data)
    if map_run is None:
        return _not_found(data["mapRunArn"])
    wanted = data.get("statusFilter")
    records = [
        record
        for record in reversed(map_run.family.records)
        if record["status"] != "PENDING" and wanted in {None, record["status"]}
    ]
    return _page(records, data)


def _page(records: list[dict[str, Any]], data: dict[str, Any]) -> Any:
    start = 0
    if data.get("nextToken"):
        places = [place for place, each in enumerate(records) if each["executionArn"] == data["nextToken"]]
        if not places:
            return error_response_json("InvalidToken", "Invalid Token: 'Invalid token'", 400)
        start = places[0] + 1
    end = start + min(data.get("maxResults") or DEFAULT_PAGE, MAX_PAGE)
    answer: dict[str, Any] = {"executions": [_summary(record) for record in records[start:end]]}
    if end < len(records):
        answer["nextToken"] = records[end - 1]["executionArn"]
    return json_response(answer)


def _summary(record: dict[str, Any]) -> dict[str, Any]:
    return {name: record[name] for name in SUMMARY if record.get(name) is not None}


def _find(data: dict[str, Any]) -> MapRun | None:
    """The Map Run that a request names, in the account and region of its caller."""
    record = stepfunctions._map_runs.get(data.get("mapRunArn"))
    return None if record is None else _map_runs[record["mapRunArn"]]


def _not_found(arn: Any) -> Any:
    return error_response_json("ResourceNotFound", f"Map Run Does Not Exist: '{arn}'", 400)
