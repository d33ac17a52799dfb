"""Run ``process`` for one item of a job, in this process or in one of its own."""

import importlib
import json
import logging
import sys
import traceback
from functools import partial
from pathlib import Path
from typing import Any

# Lambda puts this folder, and not the project, on the path.
from child_process import ItemCrashed, ItemTimedOut, call_in_child  # type: ignore[import-not-found]
from invocation import set_invocation  # type: ignore[import-not-found]
from job_results import Outcome, encode_result  # type: ignore[import-not-found]
from outcomes import Failure, describe_error, read_text  # type: ignore[import-not-found]
from process import process  # type: ignore[import-not-found]
from time_limit import TimeLimit  # type: ignore[import-not-found]

FOLDER = Path(__file__).parent
FAILURE = "failure"

logger = logging.getLogger(__name__)


def run_in_place(job: str, position: int, item: Any, seconds: float) -> Outcome | Failure:
    """Process an item; what it raises is its failure, and when the time is over it is interrupted."""
    set_invocation(job, position)
    try:
        with TimeLimit(seconds) as limit:
            result = limit.run(process, item)
    except BaseException as error:  # SystemExit too: it would end the function
        return _describe(position, error)
    return encode_result(result)


def run_in_child(job: str, position: int, item: Any, seconds: float) -> Outcome | Failure:
    """Process an item in a child process, which it may kill, or hang without an end."""
    try:
        answer = call_in_child(partial(_process_afresh, job, position, item), seconds)
    except (ItemCrashed, ItemTimedOut) as error:
        logger.warning("Item %d failed: %s", position, error)
        return Failure(type(error).__name__, str(error))
    kind, _, data = answer.partition(b"\n")
    if kind.decode() == FAILURE:
        return Failure(*json.loads(data))
    return Outcome(kind.decode(), data)


def _process_afresh(job: str, position: int, item: Any) -> bytes:
    """Process an item with modules of its own, and return the outcome after its kind.

    The modules of this folder are imported again: two processes that used one connection would read each
    other's answers.
    """
    for name, module in list(sys.modules.items()):
        if Path(getattr(module, "__file__", None) or "/").parent == FOLDER:
            del sys.modules[name]
    try:
        importlib.import_module("invocation").set_invocation(job, position)
        result = importlib.import_module("process").process(item)
    except BaseException as error:  # SystemExit too: it is the item's failure, and no crash
        outcome = _describe(position, error)
    else:
        outcome = encode_result(result)
    if isinstance(outcome, Failure):
        return f"{FAILURE}\n{json.dumps(outcome)}".encode()
    return b"%b\n%b" % (outcome.kind.encode(), outcome.data)


def _describe(position: int, error: BaseException) -> Failure:
    # As a text: Lambda's own handler for logs would raise for an exception that UTF-8 cannot write.
    cause = read_text(_format_traceback, error)
    logger.warning("Item %d failed: %s", position, cause)
    failure: Failure = describe_error(error)
    return failure


def _format_traceback(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))
