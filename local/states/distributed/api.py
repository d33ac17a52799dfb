"""The API of Map Runs: what replaces MiniStack's answers about them and their children."""

from typing import Any

from ministack.core.responses import error_response_json, json_response
from ministack.services import stepfunctions

from local.states import loop
from local.states.dataflow import show
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

LIMITS: dict[str, type | tuple[type, ...]] = {
    "maxConcurrency": int,
    "toleratedFailurePercentage": (int, float),
    "toleratedFailureCount": int,
}
"""Fields of a Map Run that can be changed, and their types."""


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
    limits = {name: data[name] for name in LIMITS if name in data}
    try:
        for name, value in limits.items():
            if isinstance(value, bool) or not isinstance(value, LIMITS[name]):
                raise PathError(f"{name} is no number of its kind: {show(value)}")
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
    problem = None
    if ("mapRunArn" in data) == ("stateMachineArn" in data):
        problem = "Exactly one of stateMachineArn and mapRunArn must be given"
    elif "mapRunArn" not in data and (
        "redriveFilter" in data or data.get("statusFilter") == "PENDING_REDRIVE"
    ):
        problem = "The filters redriveFilter and PENDING_REDRIVE are for the children of a Map Run"
    if problem is not None:
        return error_response_json("ValidationException", problem, 400)
    if "mapRunArn" not in data:
        return _list_in_ministack(data)
    map_run = _find(data)
    if map_run is None:
        return _not_found(data["mapRunArn"])
    records = [record for record in reversed(map_run.family.records) if _is_wanted(record, data)]
    return _page(records, data)


def _is_wanted(record: dict[str, Any], data: dict[str, Any]) -> bool:
    redriven = "REDRIVEN" if record["redriveCount"] else "NOT_REDRIVEN"
    return (
        record["status"] != "PENDING"
        and data.get("statusFilter") in {None, record["status"]}
        and data.get("redriveFilter") in {None, redriven}
    )


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
