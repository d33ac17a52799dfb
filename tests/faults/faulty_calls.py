"""Makes AWS calls of a function fail as a plan says; the tests put it into the function's folder.

The plan is a JSON file, ``{"PutItem": ["pass", "throttle", "die before", "die after"]}``: what becomes of the
next calls of an operation, each used once. A call that the plan does not name is made.
"""

import fcntl
import json
import os
import shutil
import signal
from pathlib import Path
from typing import Any

from botocore.client import BaseClient
from botocore.exceptions import ClientError

POINTER = Path(__file__).with_name("faulty_calls.txt")
"""Says where the plan is; written by `install` beside the copy of this module."""

_make_call = BaseClient._make_api_call


def make_faulty_call(client: Any, operation: str, arguments: Any) -> Any:
    match next_fault(operation):
        case "die before":
            os.kill(os.getpid(), signal.SIGKILL)
        case "throttle":
            raise ClientError({"Error": {"Code": "ThrottlingException", "Message": "Slow down"}}, operation)
        case "die after":
            _make_call(client, operation, arguments)
            os.kill(os.getpid(), signal.SIGKILL)
    return _make_call(client, operation, arguments)


def next_fault(operation: str) -> str:
    """Take the next entry of an operation from the plan."""
    with Path(POINTER.read_text(encoding="utf-8")).open("r+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        plan = json.load(file)
        faults = plan.get(operation)
        if not faults:
            return "pass"
        fault: str = faults.pop(0)
        file.seek(0)
        file.truncate()
        json.dump(plan, file)
        return fault


def install(folder: Path, plan_file: Path, *modules: str) -> None:
    """Put this module into a function's folder, and let the modules of its handlers use it."""
    plan_file.write_text("{}", encoding="utf-8")
    shutil.copy(__file__, folder)
    (folder / POINTER.name).write_text(str(plan_file), encoding="utf-8")
    for module in modules:
        with (folder / f"{module}.py").open("a", encoding="utf-8") as file:
            file.write("\nimport faulty_calls\n")
            file.write("faulty_calls.BaseClient._make_api_call = faulty_calls.make_faulty_call\n")
