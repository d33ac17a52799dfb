"""What a processor can do wrong: the item that asks for it, the error's name and a pattern of its message."""

import re
from pathlib import Path

FAULTY_PROCESS = Path(__file__).with_name("faulty_process.py")
"""The processor that does as its items ask."""

REQUEST = r"RequestId: [0-9a-f-]{36} Error: "
FOREIGN_MESSAGE = 'für Zoë: 支払い拒否 🚫 "so" \\ {% $x %}\n\u2028'

ITEM_FAULTS = {
    "raises": ({"raise": "card declined"}, "PaymentDeclinedError", "card declined"),
    "raises not in ASCII": ({"raise": FOREIGN_MESSAGE}, "PaymentDeclinedError", re.escape(FOREIGN_MESSAGE)),
    "raises without a message": ({"raise": ""}, "PaymentDeclinedError", ""),
    "raises 40,000 characters": ({"raise characters": 40_000}, "PaymentDeclinedError", "x{1000}"),
    "takes too long": ({"sleep": 9}, "Sandbox.Timedout", rf"{REQUEST}Task timed out after 2\.00 seconds"),
    "returns a set": (
        "return a set",
        "Runtime.MarshalError",
        ".*Object of type set is not JSON serializable",
    ),
    "returns an object": ("return an object", "Runtime.MarshalError", ".*Object of type object is not .*"),
    "returns NaN": ("return NaN", "Lambda.Unknown", "The cause could not be determined because .*"),
    "returns 300 KB": (
        {"return characters": 300_000},
        "States.DataLimitExceeded",
        "The state/task 'lambda' returned a result with a size exceeding the maximum number of bytes .*",
    ),
    "exits": ("exit", "Runtime.ExitError", f"{REQUEST}Runtime exited with error: exit status 3"),
    "is killed": ("be killed", "Runtime.ExitError", f"{REQUEST}Runtime exited with error: signal.*"),
}
