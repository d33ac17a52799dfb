"""The input of an execution, as the command line gives it."""

import argparse
import json
import math
from pathlib import Path
from typing import NoReturn


def json_input(argument: str) -> str:
    """Read ``--input``: JSON text, or ``file://PATH`` as with the AWS CLI.

    Raises
    ------
    argparse.ArgumentTypeError
        The file cannot be read, the text is not JSON, or a number is none that Step Functions could read.
    """
    text, where = argument, ""
    if argument.startswith("file://"):
        path = Path(argument.removeprefix("file://"))
        where = f"{path}: "
        try:
            # Notepad puts a byte order mark before the text, which utf-8-sig takes away.
            text = path.read_text(encoding="utf-8-sig")
        except OSError as error:
            raise argparse.ArgumentTypeError(f"{path}: cannot be read: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise argparse.ArgumentTypeError(f"{path}: is not UTF-8 text, at byte {error.start}") from error
    try:
        # Numbers stay text: Python refuses to convert very long ones.
        json.loads(text, parse_int=str, parse_float=_check_float, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        at = f"line {error.lineno}, column {error.colno}"
        raise argparse.ArgumentTypeError(f"{where}not JSON at {at}: {error.msg}") from error
    except ValueError as error:  # from the two that read numbers
        raise argparse.ArgumentTypeError(f"{where}{error}") from error
    except RecursionError as error:
        raise argparse.ArgumentTypeError(f"{where}nested too deeply") from error
    if not text.isascii() and text != text.encode(errors="replace").decode():
        raise argparse.ArgumentTypeError(f"{where}is not UTF-8 text")
    return text


def _check_float(text: str) -> float:
    if math.isinf(number := float(text)):
        raise ValueError(f"holds {text:.40}, a number beyond 1.8E+308: make it a string")
    return number


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(f"holds {text}, which is not JSON: use null or a string")
